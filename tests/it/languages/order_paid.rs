//! What is asked of `examples/order-paid`, in whatever language it is written.

use std::sync::Arc;

use eventlatch::matcher::{Candidate, Moment, Prepared, Problem, Verdict, Worker};
use jiff::{Timestamp, civil::date};

use super::{Bench, messages, told};

pub(super) const MESSAGES: [&[u8]; 14] = [
    br#"{"order": "o-17", "amount": 99.5, "paid_at": 1562486400}"#,
    br#"{"order": "o-17", "amount": 99.5, "paid_at": 1562486400.123}"#,
    br#"{"order": "o-17", "amount": 100, "paid_at": "2019-07-07 08:00:00"}"#,
    br#"{"order": "o-17", "amount": 100.0, "paid_at": "2019-07-07T08:00:00.5+08:00", "more": [1, {"a": null}]}"#,
    "{\"order\": \"größer\\u4e2d\\ud83d\\ude00\", \"amount\": 1e-3, \"paid_at\": 0}".as_bytes(),
    br#"{"order": "", "amount": 0, "paid_at": -1}"#,
    b"",
    b"\0\0\0\0\x07{}",
    br#"{"order": 17, "amount": 1, "paid_at": 0}"#,
    br#"{"order": "o-17", "amount": 1, "paid_at": 1562486400000}"#,
    br#"{"order": "o-17", "amount": 1}"#,
    br#"{"order": "o-17", "amount": "1", "paid_at": 0}"#,
    b"[1, 2]",
    br#"{"order": "o-17", "amount": 1, "paid_at": 0"#,
];

/// What became of each message. Readers of JSON word it differently; that they reject is what counts.
pub(super) async fn judged(bench: &Bench) -> Vec<String> {
    let told = told(&bench.extract(&MESSAGES).await, MESSAGES.len());
    let alike = |told: String| if told.starts_with("rejected") { "rejected".to_owned() } else { told };
    told.into_iter().map(alike).collect()
}

/// What a wanted message becomes, or what is wrong with it.
pub(super) async fn prepared(bench: &Bench) -> Vec<String> {
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let wanted = [
            r#"{"order": "o-17", "at_least": 99.75}"#,
            r#"{"order": ""}"#,
            r#"{"order": "o-17", "atleast": 1.5}"#,
            r#"{"at_least": 1.5}"#,
        ];
        worker.prepare(&generation, &wanted, date(2019, 7, 7)).unwrap()
    };
    let said = |answer| match answer {
        Ok(Prepared { rendered, keys, .. }) => format!("{rendered} {keys:02x?}"),
        Err(Problem { field, message }) => {
            // Rust's reader of JSON says which field is missing in the text alone, and the order of the known ones differs.
            let words = message.split(&[':', ';'][..]).next().unwrap_or_default().to_owned();
            if words.contains("missing") { "missing".to_owned() } else { format!("{field:?}: {words}") }
        }
    };
    bench.pool.run(job).await.into_iter().map(said).collect()
}

/// The last word on three messages, for two wanted messages, with three event times.
pub(super) async fn verdicts(bench: &Bench) -> Vec<Verdict> {
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let messages = messages(&MESSAGES[..3]);
        let moment = |day| Moment {
            instant: Timestamp::UNIX_EPOCH,
            civil: date(2019, 7, day).at(8, 0, 0, 0),
            business_date: date(2019, 7, day),
        };
        let wanted = [r#"{"order": "o-17", "at_least": 99.75}"#, r#"{"order": "o-17"}"#];
        let prepared = worker.prepare(&generation, &wanted, date(2019, 7, 7)).unwrap();
        let tokens: Vec<_> = prepared.into_iter().map(|prepared| prepared.unwrap().token).collect();
        let pairs = messages.iter().flat_map(|message| tokens.iter().map(move |token| (message, token)));
        let candidates: Vec<_> = pairs
            .flat_map(|(message, token)| [Some(moment(7)), Some(moment(6)), None].map(|event| (message, token, event)))
            .map(|(message, token, event_time)| Candidate {
                topic: "order-paid",
                message,
                event_time,
                arrival: moment(7),
                token,
            })
            .collect();
        worker.confirm(&generation, &candidates).unwrap()
    };
    bench.pool.run(job).await
}
