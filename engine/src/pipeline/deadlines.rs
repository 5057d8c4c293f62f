//! Deadlines of waits: each takes effect at its instant, once all that came before it has been read.
//!
//! Lag is not lateness. When a deadline has come, the logs of the topics concerned are asked how far they reach, and it
//! takes effect when they have been read up to there, and nothing that is caught up is outstanding. Where reading stands
//! still for longer than the grace, because Kafka does not answer or a matcher lets its topic wait, it takes effect all the
//! same. So the outcome does not depend on when the service was down. Start at [`run`].

mod reading;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Shared, Stop, patience::tell};
use crate::{
    domain::wait::WaitId,
    source::KafkaConfig,
    store::{DueWait, StoreError},
};
use reading::Reading;

/// So many waits end in one transaction: messages are recorded in between.
const AT_ONCE: usize = 200;

/// The longest pause without a look at the clock, should it jump.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How often it is looked whether the logs have been read.
const PROGRESS: Duration = Duration::from_millis(50);

/// Lets deadlines take effect until told to stop. What fails is tried again.
pub async fn run(shared: &Shared, kafka: Option<KafkaConfig>, grace: Duration, mut stop: watch::Receiver<Stop>) {
    let mut reading = kafka.map(|kafka| Reading::new(kafka, grace));
    let mut moved = shared.store.deadlines_moved();
    while *stop.borrow() == Stop::Not {
        moved.borrow_and_update();
        let looked = tokio::select! {
            looked = look(shared, reading.as_mut()) => looked,
            // What was not ended is ended after the next start.
            _ = stop.wait_for(|stop| *stop != Stop::Not) => return,
        };
        let pause = match looked {
            Ok(pause) => pause,
            Err(error) => {
                tell(&error, "Deadlines stand still; trying again");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = moved.changed() => {}
            _ = stop.changed() => {}
        }
    }
}

/// Lets those deadlines take effect that can, and says when to look again.
async fn look(shared: &Shared, reading: Option<&mut Reading>) -> Result<Duration, StoreError> {
    let now = Timestamp::now();
    if shared.store.next_deadline().await?.is_some_and(|deadline| deadline <= now) {
        let left = match reading {
            Some(reading) => end_read(shared, reading, now).await?,
            None => {
                end_due(shared, now).await?;
                false
            }
        };
        if left {
            return Ok(PROGRESS);
        }
    }
    let next = shared.store.next_deadline().await?;
    let until = next.and_then(|next| Duration::try_from(next.duration_since(Timestamp::now())).ok());
    Ok(if next.is_some() { until.unwrap_or(PROGRESS).min(LOOK_AGAIN) } else { LOOK_AGAIN })
}

/// Ends all waits whose deadline has come, the earliest first: everything has been read.
pub async fn end_due(shared: &Shared, now: Timestamp) -> Result<(), StoreError> {
    let mut after = None;
    while let Some(due) = page(shared, now, &mut after).await? {
        end(shared, now, due.into_iter().map(|due| due.id).collect()).await?;
    }
    Ok(())
}

/// Ends those of them whose topics have been read. True: some are left.
async fn end_read(shared: &Shared, reading: &mut Reading, now: Timestamp) -> Result<bool, StoreError> {
    let (mut after, mut left) = (None, false);
    while let Some(due) = page(shared, now, &mut after).await? {
        let mut read = Vec::new();
        for due in due {
            match reading.is_done(shared, &due.topics, due.deadline).await? {
                true => read.push(due.id),
                false => left = true,
            }
        }
        end(shared, now, read).await?;
    }
    Ok(left)
}

async fn page(
    shared: &Shared,
    now: Timestamp,
    after: &mut Option<(Timestamp, WaitId)>,
) -> Result<Option<Vec<DueWait>>, StoreError> {
    let due = shared.store.due_waits(now, *after, AT_ONCE).await?;
    *after = due.last().map(|last| (last.deadline, last.id)).or(*after);
    Ok(Some(due).filter(|due| !due.is_empty()))
}

async fn end(shared: &Shared, now: Timestamp, waits: Vec<WaitId>) -> Result<(), StoreError> {
    if waits.is_empty() {
        return Ok(());
    }
    let ended = shared.store.end_waits(now, waits).await?;
    tracing::debug!(ended, "Deadlines took effect");
    Ok(())
}
