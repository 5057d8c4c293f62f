//! The hash table from keys to renderings: made once, then only read.
//!
//! A million keys must fit beside everything else, and a look-up in so large a table waits for memory, not for the
//! processor. So little is touched: a slot holds a piece of the hash beside the number of an entry, entries are small,
//! keys and tokens lie end to end in one arena. And keys are looked up many at a time, in steps: first all their slots
//! are read, then all their entries, then all their keys. The reads of a step do not depend on each other, so the
//! processor waits for them at the same time; measured in `tests/benches/join.rs`.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
    hint::black_box,
};

use foldhash::quality::RandomState;

use crate::domain::{
    wanted::{RenderingId, WantedId},
    window::Frequency,
};

/// So many keys go through each step together: enough to wait for at once, few enough for the nearest cache.
const AT_ONCE: usize = 64;

/// A rendering that waits for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub wanted: WantedId,
    pub rendering: RenderingId,
    pub frequency: Frequency,
    /// Whether it waits for more keys than this one, so that a message may bring it twice.
    pub several_keys: bool,
    /// Whether the different values of some fields are counted: the token says of which.
    pub distinct: bool,
}

/// As large as a line of the cache and aligned to it: one read brings all of it.
#[repr(align(64))]
#[derive(Clone)]
struct Stored {
    entry: Entry,
    /// Where its key begins in the arena; the token follows the key.
    at: u64,
    key: u32,
    token: u32,
    /// The next entry with the same key, or [`NONE`].
    next: u32,
}

/// The number of no entry.
const NONE: u32 = u32::MAX;

/// Where the entries of a key are found. A key's slot is the one that its hash names, or one of those that follow
/// without a gap.
#[derive(Clone, Copy)]
struct Slot {
    /// A piece of the hash: other keys are told from this one without looking at it.
    tag: u32,
    /// The number of the key's first entry, or [`NONE`]: the slot is free.
    head: u32,
}

const FREE: Slot = Slot { tag: 0, head: NONE };

/// From keys to renderings.
#[derive(Clone)]
pub struct Table {
    hasher: RandomState,
    /// A power of two, more than half of them free.
    slots: Vec<Slot>,
    entries: Vec<Stored>,
    arena: Vec<u8>,
}

impl Table {
    /// All renderings that wait for one of the keys, with the tokens that their matcher gave. Each key comes with a
    /// number of the caller's, which is handed on; the order is that of the keys.
    pub fn find_all<'a>(&'a self, keys: &[(usize, &[u8])], mut found: impl FnMut(usize, Entry, &'a [u8])) {
        for some in keys.chunks(AT_ONCE) {
            for (key, head) in self.heads(some) {
                let (caller, _) = some[key];
                self.chain(head).for_each(|number| found(caller, self.entry(number), self.token(number)));
            }
        }
    }

    /// The first entries of those keys that somebody waits for, step by step.
    fn heads(&self, keys: &[(usize, &[u8])]) -> impl Iterator<Item = (usize, u32)> {
        let hashes: Vec<_> = keys.iter().map(|(_, key)| self.hash(key)).collect();
        for hash in &hashes {
            black_box(self.slots[self.home(*hash)]);
        }
        let likely = |(key, hash): (usize, &u64)| Some((key, self.probe(*hash, |_| true)?));
        let mut heads: Vec<_> = hashes.iter().enumerate().filter_map(likely).collect();
        for (_, head) in &heads {
            black_box(self.entries[*head as usize].at);
        }
        for (_, head) in &heads {
            let key = self.key(*head);
            black_box((key.first(), key.last()));
        }
        heads.retain_mut(|(key, head)| {
            let key = keys[*key].1;
            // Different keys with the same tag are rare, and only then there is another slot to look at.
            let sure = Some(*head).filter(|head| self.key(*head) == key).or_else(|| self.head(key));
            *head = sure.unwrap_or(NONE);
            sure.is_some()
        });
        heads.into_iter()
    }

    fn head(&self, key: &[u8]) -> Option<u32> {
        self.probe(self.hash(key), |head| self.key(head) == key)
    }

    /// The first entry in the slots for a hash that has its tag and is what is looked for.
    fn probe(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot.head == NONE {
                return None;
            }
            if slot.tag == tag(hash) && is_it(slot.head) {
                return Some(slot.head);
            }
            at = self.after(at);
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The slot that a hash names, by its lower half; the tag is the upper one.
    fn home(&self, hash: u64) -> usize {
        hash as u32 as usize & (self.slots.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    /// A table without what some wanted messages waited for, and with more. Nobody is asked about what stays: the price is
    /// that of a copy.
    pub fn changed(&self, without: &HashSet<WantedId>, more: TableBuilder) -> Self {
        let mut all = TableBuilder {
            entries: Vec::with_capacity(self.entries.len() + more.entries.len()),
            arena: Vec::with_capacity(self.arena.len() + more.arena.len()),
        };
        for number in (0..).take(self.entries.len()) {
            let entry = self.entry(number);
            if !without.contains(&entry.wanted) {
                all.add(self.key(number), self.token(number), entry);
            }
        }
        all.append(more);
        all.build()
    }

    /// The same table, with other renderings for some wanted messages.
    pub fn with_renderings(&self, others: &HashMap<WantedId, RenderingId>) -> Self {
        let mut table = self.clone();
        for stored in &mut table.entries {
            if let Some(other) = others.get(&stored.entry.wanted) {
                stored.entry.rendering = *other;
            }
        }
        table
    }

    /// The renderings that are waited for, some of them several times.
    pub fn renderings(&self) -> impl Iterator<Item = (WantedId, RenderingId)> {
        self.entries.iter().map(|stored| (stored.entry.wanted, stored.entry.rendering))
    }

    /// Whether one of these wanted messages waits for something here.
    pub fn has_any(&self, of: &HashSet<WantedId>) -> bool {
        !of.is_empty() && self.entries.iter().any(|stored| of.contains(&stored.entry.wanted))
    }

    /// Entries, counting one for each key of a rendering.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An entry and all others with the same key.
    fn chain(&self, head: u32) -> impl Iterator<Item = u32> {
        let next = |number: &u32| {
            let next = self.entries[*number as usize].next;
            (next != NONE).then_some(next)
        };
        std::iter::successors(Some(head), next)
    }

    fn entry(&self, number: u32) -> Entry {
        self.entries[number as usize].entry
    }

    fn key(&self, number: u32) -> &[u8] {
        let stored = &self.entries[number as usize];
        &self.arena[stored.at as usize..][..stored.key as usize]
    }

    fn token(&self, number: u32) -> &[u8] {
        let stored = &self.entries[number as usize];
        &self.arena[stored.at as usize + stored.key as usize..][..stored.token as usize]
    }

    /// Enters an entry under its key, behind the first one that is there.
    fn link(&mut self, number: u32) {
        let hash = self.hash(self.key(number));
        if let Some(head) = self.head(self.key(number)) {
            let next = std::mem::replace(&mut self.entries[head as usize].next, number);
            self.entries[number as usize].next = next;
            return;
        }
        let mut at = self.home(hash);
        while self.slots[at].head != NONE {
            at = self.after(at);
        }
        self.slots[at] = Slot { tag: tag(hash), head: number };
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Makes a table.
#[derive(Default)]
pub struct TableBuilder {
    entries: Vec<Stored>,
    arena: Vec<u8>,
}

impl TableBuilder {
    /// Lets a rendering wait for a key.
    pub fn add(&mut self, key: &[u8], token: &[u8], entry: Entry) {
        let at = self.arena.len() as u64;
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(token);
        // A matcher's returned data is limited to less than 4 GiB.
        let (key, token) = (key.len() as u32, token.len() as u32);
        self.entries.push(Stored { entry, at, key, token, next: NONE });
    }

    /// Adds all that another one holds.
    fn append(&mut self, more: Self) {
        let shift = self.arena.len() as u64;
        self.arena.extend(more.arena);
        self.entries.extend(more.entries.into_iter().map(|stored| Stored { at: stored.at + shift, ..stored }));
    }

    pub fn build(mut self) -> Table {
        let count = u32::try_from(self.entries.len()).ok();
        let count = count.filter(|count| *count < NONE / 2).expect("two thousand million renderings fit no memory");
        self.entries.shrink_to_fit();
        self.arena.shrink_to_fit();
        let mut table = Table {
            hasher: RandomState::default(),
            slots: vec![FREE; (self.entries.len() * 2 + 1).next_power_of_two()],
            entries: self.entries,
            arena: self.arena,
        };
        (0..count).for_each(|number| table.link(number));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64) -> Entry {
        Entry {
            wanted: WantedId(number),
            rendering: RenderingId(number),
            frequency: Frequency::Day,
            several_keys: false,
            distinct: false,
        }
    }

    fn find<'a>(table: &'a Table, keys: &[&str]) -> Vec<(usize, Entry, &'a [u8])> {
        let keys: Vec<_> = keys.iter().map(|key| key.as_bytes()).enumerate().collect();
        let mut found = Vec::new();
        table.find_all(&keys, |key, entry, token| found.push((key, entry, token)));
        found
    }

    #[test]
    fn one_key_may_be_wanted_by_many() {
        let mut builder = TableBuilder::default();
        for number in 0..1_000 {
            builder.add(format!("key {}", number % 10).as_bytes(), &[number as u8], entry(number));
        }
        let table = builder.build();
        let mut found = find(&table, &["key 7"]);
        found.sort_by_key(|(_, entry, _)| entry.wanted);
        let expected = (0..100).map(|i| i * 10 + 7);
        assert!(found.iter().map(|(_, entry, _)| entry.wanted.0).eq(expected.clone()));
        assert!(found.iter().map(|(_, _, token)| token[0]).eq(expected.map(|number| number as u8)));
        assert_eq!(find(&table, &["key 10", ""]), []);
    }

    #[test]
    fn many_keys_are_found_in_their_order() {
        let wanted = 5 * AT_ONCE as i64;
        let mut builder = TableBuilder::default();
        (0..wanted).for_each(|number| builder.add(number.to_string().as_bytes(), b"", entry(number)));
        let table = builder.build();
        let keys: Vec<_> = (0..2 * wanted).map(|number| number.to_string()).collect();
        let keys: Vec<_> = keys.iter().rev().map(String::as_str).collect();
        let found = find(&table, &keys);
        let expected = (wanted..2 * wanted).zip((0..wanted).rev());
        assert!(found.iter().map(|(key, entry, _)| (*key as i64, entry.wanted.0)).eq(expected));
    }

    #[test]
    fn equal_tags_and_slots_are_no_equal_keys() {
        let mut builder = TableBuilder::default();
        (0..3).for_each(|number| builder.add(&[number], b"", entry(number.into())));
        let mut table = builder.build();
        let hash = table.hash(&[2]);
        // As if all hashes were the same: what is looked for is behind others.
        table.slots.fill(FREE);
        let home = table.home(hash);
        for (at, head) in [home, table.after(home), table.after(table.after(home))].into_iter().zip(0..) {
            table.slots[at] = Slot { tag: tag(hash), head };
        }
        assert_eq!(table.head(&[2]), Some(2));
        let mut found = Vec::new();
        table.find_all(&[(7, &[2])], |caller, entry, _| found.push((caller, entry.wanted.0)));
        assert_eq!(found, [(7, 2)]);
    }

    #[test]
    fn a_changed_table_holds_what_stays_and_what_comes() {
        let mut builder = TableBuilder::default();
        (0..9).for_each(|number| builder.add(format!("key {}", number % 3).as_bytes(), &[number as u8], entry(number)));
        let table = builder.build();
        let mut more = TableBuilder::default();
        more.add(b"key 1", b"new", entry(10));
        more.add(b"other", b"", entry(11));
        // One of them goes and comes again with another token.
        more.add(b"key 2", b"again", entry(2));
        let changed = table.changed(&[0, 1, 2, 3, 6].map(WantedId).into(), more);
        let wanted = |key: &str| {
            let mut found: Vec<_> = find(&changed, &[key]).iter().map(|(_, it, token)| (it.wanted.0, *token)).collect();
            found.sort();
            found
        };
        assert_eq!(wanted("key 0"), []);
        assert_eq!(wanted("key 1"), [(4, &[4][..]), (7, &[7]), (10, b"new")]);
        assert_eq!(wanted("key 2"), [(2, &b"again"[..]), (5, &[5]), (8, &[8])]);
        assert_eq!(wanted("other"), [(11, &b""[..])]);
        assert_eq!((table.len(), changed.len()), (9, 7));
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(find(&TableBuilder::default().build(), &["", "key"]), []);
    }
}
