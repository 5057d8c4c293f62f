//! A matcher without the SDK whose answers lie in the way that the first message of a batch names.

wit_bindgen::generate!({ path: "../../../sdk/wit/1.0.0", world: "matcher" });

use exports::eventlatch::matcher::guest::*;

struct Liar;

impl Guest for Liar {
    fn describe() -> Description {
        Description {
            name: "liar".into(),
            version: "1.0.0".into(),
            summary: "answers with lies".into(),
            topics: vec!["liar".into()],
            wanted_schema: "{}".into(),
            message_schema: "{}".into(),
            config_schema: "{}".into(),
            needs: Needs::empty(),
        }
    }

    fn configure(_: String) -> Result<Settings, Vec<Problem>> {
        Ok(Settings { topics: vec![], day_shift_seconds: 0 })
    }

    fn prepare(wanted: Vec<String>, _: Date) -> Vec<Result<Prepared, Problem>> {
        wanted.into_iter().map(|rendered| Ok(Prepared { rendered, keys: vec![b"k".to_vec()], token: vec![] })).collect()
    }

    fn extract(batch: Batch) -> Extracts {
        let count = batch.values.ends.len();
        let mut extracts = honest(count);
        let mut start = 0;
        for (message, end) in (0u32..).zip(&batch.values.ends) {
            lie(&batch.values.bytes[start..*end as usize], message, &mut extracts);
            start = *end as usize;
        }
        extracts
    }

    fn confirm(candidates: Vec<Candidate>) -> Vec<Verdict> {
        // One verdict too many if any candidate asks for it.
        let extra = candidates.iter().any(|it| it.value.as_deref() == Some(b"verdicts"));
        (0..candidates.len() + usize::from(extra)).map(|_| Verdict::Fulfilled).collect()
    }
}

/// One key `k` for each message, no event times.
fn honest(count: usize) -> Extracts {
    Extracts {
        keys: Column { bytes: vec![b'k'; count], ends: (1..=count as u32).collect() },
        messages: (0..count as u32).collect(),
        times: vec![0; count],
        time_kinds: vec![0; count],
        rejects: vec![],
    }
}

/// What is said of one message that has no keys.
fn silent() -> Extracts {
    Extracts { keys: Column { bytes: vec![], ends: vec![] }, messages: vec![], ..honest(1) }
}

fn verbose(message: u32) -> Reject {
    Reject { message, reason: "no, ".repeat(1 << 20) }
}

fn lie(how: &[u8], message: u32, extracts: &mut Extracts) {
    match how {
        b"ends" => extracts.keys.ends[message as usize] = u32::MAX,
        b"messages" => extracts.messages[message as usize] = u32::MAX,
        b"times" => extracts.times.push(0),
        b"kinds" => extracts.time_kinds[message as usize] = 9,
        b"instant" => (extracts.time_kinds[message as usize], extracts.times[message as usize]) = (1, i64::MAX),
        b"rejects" => extracts.rejects.push(Reject { message: u32::MAX, reason: "nobody".into() }),
        b"both" => extracts.rejects.push(Reject { message, reason: "rejected, yet it has a key".into() }),
        b"bytes" => extracts.keys.bytes[message as usize] = 0xff,
        b"verbose" => *extracts = Extracts { rejects: vec![verbose(message)], ..silent() },
        b"huge" => {
            extracts.keys.bytes = vec![b'k'; 40 << 20];
            extracts.keys.ends = vec![40 << 20];
            extracts.messages = vec![0];
        }
        _ => {}
    }
}

export!(Liar);
