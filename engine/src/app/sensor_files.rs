//! What becomes of changes of sensor files while the service runs: watched, read, checked, put into effect.

use std::{error::Error, time::Instant};

use tokio::sync::watch;

use crate::{
    config::{
        sensors::{Folder, Look, SensorsError},
        watch::Watch,
    },
    domain::definition::Problem,
    pipeline::{Shared, Stop, defining::Defining},
    store::Changed,
};

/// The sensor files of a running service.
pub(super) struct SensorFiles {
    pub(super) folder: Folder,
    /// Began before the files were read the first time: no change falls in between.
    pub(super) watch: Watch,
    pub(super) shared: Shared,
    /// Whoever has changes take effect.
    pub(super) defining: Defining,
    /// All that is wrong with files now.
    pub(super) problems: watch::Sender<Vec<Problem>>,
}

impl SensorFiles {
    /// Follows the files until told to stop. A change that is cut off then is made at the next start.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<Stop>) {
        tokio::select! {
            () = self.follow() => {}
            _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
        }
    }

    async fn follow(&mut self) {
        let mut matchers = self.shared.matchers_changed.subscribe();
        let mut again = None;
        let mut was_readable = true;
        loop {
            // What a file lacked may be a matcher.
            let retry = tokio::select! {
                () = self.watch.changed() => false,
                () = at(again) => false,
                Ok(()) = matchers.changed() => true,
            };
            match self.look(retry).await {
                Ok(look) => {
                    was_readable = true;
                    again = look.again;
                    self.take(look).await;
                }
                Err(error) => {
                    again = None;
                    if std::mem::replace(&mut was_readable, false) {
                        tracing::warn!(error = &error as &dyn Error, "The sensors stay as they are");
                    }
                }
            }
        }
    }

    /// Reading many files takes time: not on a thread that others wait for.
    async fn look(&mut self, retry: bool) -> Result<Look, SensorsError> {
        let mut folder = std::mem::take(&mut self.folder);
        let looking = tokio::task::spawn_blocking(move || {
            let look = folder.look(Instant::now(), retry);
            (folder, look)
        });
        let (folder, look) = looking.await.expect("reading sensor files does not panic");
        self.folder = folder;
        look
    }

    async fn take(&mut self, look: Look) {
        let checked = self.defining.check(&look.definitions).await;
        let change = self.folder.judge(look, checked);
        for problem in &change.problems {
            tracing::warn!(%problem, "A sensor file is not taken as it is: what it gave before, if anything, stays");
        }
        self.problems.send_replace(self.folder.problems().cloned().collect());
        if change.is_empty() {
            return;
        }
        match self.defining.change(change.put, change.gone).await {
            Ok(changed) => log_changed("Sensors changed", &changed),
            Err(error) => tracing::error!(error = &error as &dyn Error, "The sensors could not be changed"),
        }
    }
}

/// Says in the log what a change of sensors came to.
pub(super) fn log_changed(what: &str, changed: &Changed) {
    for refused in &changed.refused {
        tracing::error!(by = %refused.by, "Not changed: {refused}");
    }
    let Changed { added, changed, retired, unchanged, .. } = changed;
    tracing::info!(added, changed, retired, unchanged, "{what}");
}

/// Never, where there is nothing to wait for.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
