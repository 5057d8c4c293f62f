//! Single messages read again at their positions, beside whoever reads the topic.

use std::{collections::BTreeSet, time::Duration};

use eventlatch::{
    domain::message::{Partition, Position},
    source::{KafkaConfig, NotThere, SourceError, fetch, probe},
};
use eventlatch_tests::topic::{Topic, config, producer};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Names a message of a topic, of the cluster that the tests use.
fn at(topic: &Topic, number: i32, offset: i64) -> Position {
    let cluster = probe(&config(), &[], TIMEOUT).unwrap().cluster.unwrap().into();
    Partition { cluster, topic: topic.name.as_str().into(), number, epoch: 0 }.at(offset)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_position_has_its_message() {
    let topic = Topic::create("fetching", 3).await;
    let mut sent = Vec::new();
    for number in 0..60 {
        let message = topic.message(&number.to_string());
        sent.push((producer().send(&message).await.unwrap(), number.to_string()));
    }
    // Some stand side by side, some apart.
    let first = at(&topic, 0, 0);
    let partition = |number| Partition { number, ..first.partition.clone() };
    let wanted: Vec<_> = sent.iter().filter(|(_, value)| value.len() == 1 || value.ends_with('7')).collect();
    let positions: BTreeSet<_> = wanted.iter().map(|((number, offset), _)| partition(*number).at(*offset)).collect();
    let fetched = fetch(&config(), &positions, TIMEOUT).unwrap();
    assert_eq!(fetched.len(), wanted.len());
    for ((number, offset), value) in wanted {
        let message = fetched[&partition(*number).at(*offset)].as_ref().unwrap();
        assert_eq!((message.offset, message.value.as_deref()), (*offset, Some(value.as_bytes())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_of_each() {
    let topic = Topic::create("fetching", 1).await;
    for value in ["a", "b", "c"] {
        producer().send(&topic.message(value)).await.unwrap();
    }
    topic.cut(0, 2).await;
    let there = at(&topic, 0, 2);
    let elsewhere = Partition { cluster: "other".into(), ..there.partition.clone() }.at(2);
    let planned = Topic::planned("never-made");
    let no_partition = |topic: &Topic, number: i32| NotThere::NoPartition(format!("{}/{number}", topic.name));
    let missing = [
        (at(&topic, 0, 1), NotThere::Deleted(2)),
        (at(&topic, 0, 3), NotThere::Beyond(3)),
        (at(&topic, 7, 0), no_partition(&topic, 7)),
        (at(&planned, 0, 0), no_partition(&planned, 0)),
        (elsewhere, NotThere::OtherCluster("other".to_owned())),
    ];
    let positions = missing.iter().map(|(position, _)| position).chain([&there]).cloned().collect();
    let fetched = fetch(&config(), &positions, TIMEOUT).unwrap();
    assert_eq!(fetched[&there].as_ref().unwrap().value.as_deref(), Some(&b"c"[..]));
    for (position, expected) in missing {
        assert_eq!(fetched[&position].as_ref().err(), Some(&expected), "{position}");
    }
}

#[test]
fn a_kafka_that_does_not_answer_is_an_error() {
    let unreachable = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), ..KafkaConfig::default() };
    let partition = Partition { cluster: "c".into(), topic: "t".into(), number: 0, epoch: 0 };
    let failed = fetch(&unreachable, &BTreeSet::from([partition.at(0)]), Duration::from_secs(1)).unwrap_err();
    assert!(matches!(&failed, SourceError::Unreachable { brokers, .. } if brokers == "127.0.0.1:1"), "{failed}");
}
