//! The same rule as an Extism plug-in: one warm instance, one call a batch.

use eventlatch::{
    domain::message::Message,
    matcher::{Candidate, Worker},
};
use extism::{Manifest, PluginBuilder, Wasm};
use jiff::{Timestamp, civil::Date};

use crate::{
    contestant::{Contestant, Wanted},
    native_rule,
};

const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/extism_guest.wasm"));

pub(crate) struct Plugin(extism::Plugin);

impl Plugin {
    pub(crate) fn load() -> Self {
        let manifest = Manifest::new([Wasm::data(WASM)]);
        Self(PluginBuilder::new(manifest).with_cache_disabled().build().expect("the plug-in loads"))
    }

    fn call<'a>(&'a mut self, function: &str, input: &[u8]) -> &'a [u8] {
        self.0.call(function, input).expect("nothing fails")
    }
}

impl Contestant for Plugin {
    fn name(&self) -> String {
        "Extism".to_owned()
    }

    fn prepare(&mut self, _: &mut Worker, count: u64) -> Vec<Wanted> {
        (0..count).map(|number| Wanted { key: native_rule::key(number), token: Vec::new() }).collect()
    }

    fn extract(
        &mut self,
        _: &mut Worker,
        messages: &[&Message],
        found: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Option<Timestamp>> {
        let mut input = Vec::with_capacity(messages.len() * 256);
        for value in messages.iter().filter_map(|message| message.value.as_deref()) {
            input.extend_from_slice(&(value.len() as u32).to_le_bytes());
            input.extend_from_slice(value);
        }
        let mut rest = self.call("extract", &input);
        let mut times = Vec::with_capacity(messages.len());
        for message in 0..messages.len() {
            times.push(Timestamp::from_second(i64::from_le_bytes(take(&mut rest))).ok());
            let lengths = [take(&mut rest), take(&mut rest)].map(|length| u32::from_le_bytes(length) as usize);
            for length in lengths {
                let (key, others) = rest.split_at(length);
                found(message, key);
                rest = others;
            }
        }
        times
    }

    fn confirm(&mut self, _: &mut Worker, candidates: &[Candidate<'_>]) -> Vec<bool> {
        if candidates.is_empty() {
            return Vec::new();
        }
        let mut input = Vec::with_capacity(candidates.len() * 8);
        for it in candidates {
            let day = it.event_time.map_or(i32::MIN, |time| day(time.business_date));
            input.extend_from_slice(&day.to_le_bytes());
            input.extend_from_slice(&self::day(it.arrival.business_date).to_le_bytes());
        }
        self.call("confirm", &input).iter().map(|verdict| *verdict == 1).collect()
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, others) = rest.split_first_chunk().expect("the plug-in answers in full");
    *rest = others;
    *taken
}

fn day(date: Date) -> i32 {
    i32::from(date.year()) * 512 + i32::from(date.day_of_year())
}
