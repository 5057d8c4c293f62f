//! A mark as tests of adapters need it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::{
    mark::{Evidence, Mark, MarkId, MarkKind, TaskState},
    message::Partition,
    recording::Carried,
    target::Target,
    wait::WaitId,
};

/// Of the task of a wait that rests on `t/3@17`.
pub(super) fn mark(id: i64, task_id: &str) -> Mark {
    let partition = Partition { cluster: Arc::from("c"), topic: Arc::from("t"), number: 3, epoch: 0 };
    let arrival: Timestamp = "2019-07-07T08:00:00Z".parse().unwrap();
    let evidence = Evidence {
        position: partition.at(17),
        matcher: "job-finish".to_owned(),
        sha256: "abc".to_owned(),
        event_time: None,
        arrival,
        carried: Carried::default(),
    };
    Mark {
        id: MarkId(id),
        wait_id: WaitId(1),
        ordering_key: None,
        sensor: "s".to_owned(),
        wait: "2019-07-07".to_owned(),
        business_date: "2019-07-07".parse().unwrap(),
        task_id: task_id.to_owned(),
        kind: MarkKind::Task,
        target: Target::default(),
        expected_until: arrival,
        state: TaskState::Success,
        evidence: Some(evidence),
        attempts: 0,
    }
}
