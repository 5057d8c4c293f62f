//! Reports out of the store to the channels: what is missing when waits end, and that it came after all.
//!
//! Waits that end together are told of together: what comes about is gathered for a moment. Each channel goes at its own
//! pace, and none holds up anything else.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{Stop, patience::tell};
use crate::{
    domain::{
        mark::Outcome,
        report::{Batch, Entry, Report, ReportId},
    },
    report::{Channel, SendError},
    store::{Store, StoreError},
    task::Backoff,
};

/// How long reports are gathered, and how often it is looked whether there are any.
const GATHERING: Duration = Duration::from_secs(2);

/// A mail server may be away for a night: more patient than marking.
const BACKOFF: Backoff = Backoff { first_seconds: 5.0, limit_seconds: 900.0 };

/// After so many attempts, the better part of two days, nobody is told any more.
const ATTEMPTS: u32 = 200;

/// Tells people.
pub struct Reporter {
    pub store: Store,
    pub channel: Arc<Channel>,
}

impl Reporter {
    /// Sends reports until told to stop; the one in hand is finished in any case.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        while *stop.borrow() == Stop::Not {
            if let Err(error) = self.send_due(&stop).await {
                tell(&error, "Reports cannot be read now");
            }
            tokio::select! {
                _ = stop.changed() => {}
                () = tokio::time::sleep(GATHERING) => {}
            }
        }
    }

    async fn send_due(&self, stop: &watch::Receiver<Stop>) -> Result<(), StoreError> {
        let (channel, now) = (self.channel.name(), Timestamp::now());
        if self.store.has_reports_to_gather(channel).await? {
            self.store.gather_reports(channel, now.saturating_sub(GATHERING).unwrap_or(now)).await?;
        }
        while let Some(batch) = self.store.due_report(channel, now).await?
            && *stop.borrow() == Stop::Not
        {
            let report = self.report(&batch).await?;
            let outcome = self.send(batch.id, batch.attempts, report).await;
            self.store.resolve_report(batch.id, outcome).await?;
        }
        Ok(())
    }

    /// What is told of its waits.
    async fn report(&self, batch: &Batch) -> Result<Report, StoreError> {
        let explanations = self.store.explain_reported(batch.entries.clone(), Timestamp::now()).await?;
        let kinds = batch.entries.iter().map(|(kind, _)| *kind);
        let entries = kinds.zip(explanations).map(|(kind, explanation)| Entry { kind, explanation });
        Ok(Report::new(format!("{}/{}", self.store.identity(), batch.id.0), entries.collect()))
    }

    async fn send(&self, batch: ReportId, attempts: u32, report: Report) -> Outcome {
        let (channel, subject) = (Arc::clone(&self.channel), report.subject.clone());
        let sending = tokio::task::spawn_blocking(move || channel.send(&report));
        let sent = sending.await.unwrap_or_else(|_| Err(SendError::Reject("a defect while it was sent".to_owned())));
        let to = self.channel.name();
        match sent {
            Ok(()) => {
                tracing::info!(to, subject, "Told what is missing");
                Outcome::Delivered
            }
            Err(SendError::Retry(reason)) if attempts + 1 < ATTEMPTS => {
                let pause = BACKOFF.pause(attempts, batch.0.unsigned_abs());
                tracing::warn!(to, subject, reason, ?pause, "A report cannot be sent now");
                Outcome::Retry { at: Timestamp::now().saturating_add(pause).unwrap_or(Timestamp::MAX), reason }
            }
            Err(SendError::Retry(reason) | SendError::Reject(reason)) => {
                tracing::error!(to, subject, reason, "A report cannot be sent");
                Outcome::Rejected { reason }
            }
        }
    }
}
