//! Logs read back, stretch by stretch.

use eventlatch::source::{KafkaConfig, KafkaLog, Log, Outgoing, Piece};
use eventlatch_tests::topic::{Topic, config, producer};
use jiff::{SignedDuration, Timestamp};

/// Reads a stretch to its end; the answer is the values, and where it went on if some were gone.
fn read(log: &mut KafkaLog, topic: &Topic, from: i64, until: i64) -> (Vec<String>, Option<i64>) {
    let (mut values, mut gone, mut next) = (Vec::new(), None, from);
    while next < until {
        let piece: Piece = log.read(&topic.name, 0, next, until).unwrap();
        let texts = piece.messages.iter().map(|it| String::from_utf8(it.value.clone().unwrap().into()).unwrap());
        values.extend(texts);
        gone = gone.or(piece.gone_before);
        next = piece.next;
    }
    assert_eq!(next, until);
    (values, gone)
}

async fn numbered(count: usize) -> Topic {
    let topic = Topic::create("log", 1).await;
    producer().send_all((0..count).map(|number| topic.message(&number.to_string()))).await.unwrap();
    topic
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stretch_is_read_in_pieces_from_anywhere() {
    let topic = numbered(500).await;
    let mut log = KafkaLog::open(&KafkaConfig { max_messages: 64, ..config() }).unwrap();
    let all = |range: std::ops::Range<usize>| (range.map(|number| number.to_string()).collect::<Vec<_>>(), None);
    assert_eq!(read(&mut log, &topic, 10, 400), all(10..400));
    assert_eq!(read(&mut log, &topic, 0, 20), all(0..20));
    // The log ends there, as it does where marks of transactions stand at its end.
    assert_eq!(read(&mut log, &topic, 490, 600), all(490..500));
    assert_eq!(log.extents("no-such-topic", Timestamp::now()).unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_skipped_and_said() {
    let topic = numbered(20).await;
    topic.cut(0, 7).await;
    let mut log = KafkaLog::open(&config()).unwrap();
    let (values, gone) = read(&mut log, &topic, 3, 10);
    assert_eq!((values.join(" "), gone), ("7 8 9".to_owned(), Some(7)));
    assert_eq!(read(&mut log, &topic, 1, 5), (Vec::new(), Some(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_has_its_offset() {
    let topic = Topic::create("log", 1).await;
    let begin = Timestamp::now() - SignedDuration::from_hours(5);
    let at = |hours| begin + SignedDuration::from_hours(hours);
    for hours in [0, 2, 1, 3] {
        let message = Outgoing { timestamp: Some(at(hours)), ..topic.message("m") };
        producer().send(&message).await.unwrap();
    }
    let mut log = KafkaLog::open(&config()).unwrap();
    let mut since = |instant| {
        let extent = log.extents(&topic.name, instant).unwrap()[0];
        assert_eq!((extent.low, extent.high), (0, 4));
        extent.since
    };
    assert_eq!([0, 1, 2, 3].map(|hours| since(at(hours))), [0, 1, 1, 3]);
    assert_eq!(since(at(4)), 4, "nothing is as late as that");
}
