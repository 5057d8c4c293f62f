//! The hash table from keys to renderings: made once, then only read.
//!
//! A million keys must fit beside everything else, and a look-up must not wander through memory: keys and tokens lie
//! end to end in one arena, entries are small, and the table itself holds four-byte numbers of entries.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::domain::{
    wanted::{RenderingId, WantedId},
    window::Frequency,
};

/// A rendering that waits for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub wanted: WantedId,
    pub rendering: RenderingId,
    pub frequency: Frequency,
}

struct Stored {
    entry: Entry,
    /// Where its key begins in the arena; the token follows the key.
    at: u64,
    key: u32,
    token: u32,
    /// The next entry with the same key.
    next: Option<u32>,
}

/// From keys to renderings.
pub struct Table {
    hasher: RandomState,
    /// Numbers of the first entry of each key.
    heads: HashTable<u32>,
    entries: Vec<Stored>,
    arena: Vec<u8>,
}

impl Table {
    /// All renderings that wait for a key, with the tokens that their matcher gave.
    pub fn find<'a>(&'a self, key: &[u8]) -> impl Iterator<Item = (Entry, &'a [u8])> {
        let head = self.heads.find(self.hasher.hash_one(key), |number| self.key(*number) == key);
        let numbers = std::iter::successors(head.copied(), |number| self.entries[*number as usize].next);
        numbers.map(|number| (self.entries[number as usize].entry, self.token(number)))
    }

    /// Entries, counting one for each key of a rendering.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn key(&self, number: u32) -> &[u8] {
        let stored = &self.entries[number as usize];
        &self.arena[stored.at as usize..][..stored.key as usize]
    }

    fn token(&self, number: u32) -> &[u8] {
        let stored = &self.entries[number as usize];
        &self.arena[stored.at as usize + stored.key as usize..][..stored.token as usize]
    }
}

/// Makes a table.
pub struct TableBuilder(Table);

impl Default for TableBuilder {
    fn default() -> Self {
        let (heads, entries, arena) = (HashTable::new(), Vec::new(), Vec::new());
        Self(Table { hasher: RandomState::default(), heads, entries, arena })
    }
}

impl TableBuilder {
    /// Lets a rendering wait for a key.
    pub fn add(&mut self, key: &[u8], token: &[u8], entry: Entry) {
        let table = &mut self.0;
        let number = u32::try_from(table.entries.len()).expect("four thousand million renderings fit no memory");
        let at = table.arena.len() as u64;
        table.arena.extend_from_slice(key);
        table.arena.extend_from_slice(token);
        // A matcher's returned data is limited to less than 4 GiB.
        let (key_length, token_length) = (key.len() as u32, token.len() as u32);
        table.entries.push(Stored { entry, at, key: key_length, token: token_length, next: None });
        self.link(number);
    }

    /// Enters an entry under its key, behind the first one that is there.
    fn link(&mut self, number: u32) {
        let Table { hasher, heads, entries, arena } = &mut self.0;
        let key = |number: u32| {
            let stored = &entries[number as usize];
            &arena[stored.at as usize..][..stored.key as usize]
        };
        let hash = hasher.hash_one(key(number));
        match heads.find(hash, |head| key(*head) == key(number)).copied() {
            Some(head) => entries[number as usize].next = entries[head as usize].next.replace(number),
            None => drop(heads.insert_unique(hash, number, |number| hasher.hash_one(key(*number)))),
        }
    }

    pub fn build(mut self) -> Table {
        self.0.entries.shrink_to_fit();
        self.0.arena.shrink_to_fit();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64) -> Entry {
        Entry { wanted: WantedId(number), rendering: RenderingId(number), frequency: Frequency::Day }
    }

    #[test]
    fn one_key_may_be_wanted_by_many() {
        let mut builder = TableBuilder::default();
        for number in 0..1_000 {
            builder.add(format!("key {}", number % 10).as_bytes(), &[number as u8], entry(number));
        }
        let table = builder.build();
        let mut found: Vec<_> = table.find(b"key 7").collect();
        found.sort_by_key(|(entry, _)| entry.wanted);
        let expected = (0..100).map(|i| i * 10 + 7);
        assert!(found.iter().map(|(entry, _)| entry.wanted.0).eq(expected.clone()));
        assert!(found.iter().map(|(_, token)| token[0]).eq(expected.map(|number| number as u8)));
        assert_eq!(table.find(b"key 10").count(), 0);
        assert_eq!(table.find(b"").count(), 0);
    }
}
