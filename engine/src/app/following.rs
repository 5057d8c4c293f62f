//! The matcher directory, followed while the service runs: what is different there takes its post, if it can.
//!
//! Start at [`Following::run`]. `taking` has a file take its posts, `leaving` has one that is gone give them back, `acting`
//! does what people want, and `seen` is what is remembered of each file.

mod acting;
mod leaving;
mod pushing;
mod seen;
mod taking;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::Matchers;
use crate::{
    config::watch::Watch,
    matcher::{self, RegistryError, Runtime, files},
    pipeline::{Shared, Stop, acts::Order, standing::RefusedFile},
};
use seen::Seen;

/// A file that is gone acts after so long: whoever writes it anew may delete it first.
const VANISHED: Duration = Duration::from_secs(5);

/// Follows the matcher directory.
pub(super) struct Following {
    directory: Option<PathBuf>,
    config: matcher::Config,
    runtime: Runtime,
    shared: Shared,
    seen: BTreeMap<PathBuf, Seen>,
    /// The files that are there.
    present: BTreeSet<PathBuf>,
    readable: bool,
    /// What is refused now, for whoever asks.
    refused: watch::Sender<Vec<RefusedFile>>,
    /// Tells that other messages are wanted: what a file was refused over may be mended.
    sensors_changed: watch::Receiver<()>,
}

impl Following {
    pub(super) fn new(
        matchers: &Matchers,
        config: &matcher::Config,
        shared: &Shared,
        refused: watch::Sender<Vec<RefusedFile>>,
        sensors_changed: watch::Receiver<()>,
    ) -> Self {
        let seen: BTreeMap<_, _> = matchers.files.iter().filter_map(|file| Seen::at_start(file, matchers)).collect();
        Self {
            directory: config.directory.clone(),
            config: config.clone(),
            runtime: matchers.runtime.clone(),
            shared: shared.clone(),
            present: seen.keys().cloned().collect(),
            seen,
            // One that is not there yet is no news.
            readable: config.directory.as_ref().is_some_and(|directory| directory.exists()),
            refused,
            sensors_changed,
        }
    }

    /// Follows, and does what people ask for, until told to stop. What is cut off then is made at the next start.
    pub(super) async fn run(mut self, orders: mpsc::Receiver<Order>, mut stop: watch::Receiver<Stop>) {
        tokio::select! {
            () = self.follow(orders) => {}
            _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
        }
    }

    async fn follow(&mut self, mut orders: mpsc::Receiver<Order>) {
        let mut watch = self.directory.as_deref().map(Watch::begin);
        // What was refused before may be mended since.
        self.look(true).await;
        loop {
            let again = self.again();
            let retry = tokio::select! {
                () = changed(watch.as_mut()) => false,
                () = at(again) => false,
                Ok(()) = self.sensors_changed.changed() => true,
                Some(order) = orders.recv() => {
                    self.obey(order).await;
                    continue;
                }
            };
            self.look(retry).await;
        }
    }

    /// When to look again even if nothing happens: a file is missing.
    fn again(&self) -> Option<Instant> {
        self.seen.values().filter_map(|seen| seen.gone).min().map(|gone| gone + VANISHED)
    }

    /// Looks at the directory and takes what is different. `retry`: also what was refused before.
    async fn look(&mut self, retry: bool) {
        let Some(directory) = &self.directory else {
            return;
        };
        match files::paths(directory) {
            Ok(paths) => {
                self.readable = true;
                self.compare(paths, retry).await;
            }
            Err(error) => self.cannot_look(&error),
        }
        self.refused.send_replace(self.seen.values().flat_map(|seen| seen.refused.iter().cloned()).collect());
    }

    async fn compare(&mut self, paths: Vec<PathBuf>, retry: bool) {
        let now = Instant::now();
        self.present = paths.into_iter().collect();
        for (path, seen) in &mut self.seen {
            seen.gone = if self.present.contains(path) { None } else { seen.gone.or(Some(now)) };
        }
        self.see_all(retry).await;
        let is_over = |seen: &Seen| seen.gone.is_some_and(|since| now.duration_since(since) >= VANISHED);
        let over: Vec<_> = self.seen.iter().filter(|(_, seen)| is_over(seen)).map(|(path, _)| path.clone()).collect();
        if over.is_empty() {
            return;
        }
        // Before a post is given back: another file may bring what served, and after it: another may have its place now.
        self.see_all(true).await;
        for path in over {
            self.vanished(&path).await;
        }
        self.see_all(true).await;
    }

    /// The matchers go on as they are, and what is missing says nothing.
    fn cannot_look(&mut self, error: &RegistryError) {
        if std::mem::replace(&mut self.readable, false) {
            tracing::error!(error = error as &dyn Error, "The matchers that serve go on as they are");
        }
        self.seen.values_mut().for_each(|seen| seen.gone = None);
    }

    async fn see_all(&mut self, retry: bool) {
        for path in self.present.clone() {
            match files::read(&path, &self.config.limits) {
                Ok(file) => self.see(&path, file, retry).await,
                Err(error) => tracing::warn!(path = %path.display(), %error, "A matcher cannot be read now"),
            }
        }
    }

    /// The file whose place is another one's now.
    fn moved(&mut self, name: &str, from: &Path) {
        if let Some(seen) = self.seen.get_mut(from) {
            seen.serves.retain(|it| **it != *name);
            if seen.serves.is_empty() {
                // Should it come back, it is a new one.
                self.seen.remove(from);
            }
        }
    }
}

async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Never, where there is nothing to wait for.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// An error with all that is behind it, on one line. Transparent ones say the same as what is behind them.
pub(super) fn chain(error: &dyn Error) -> String {
    let text = error.to_string();
    match error.source().map(chain) {
        Some(behind) if behind == text || text.is_empty() => behind,
        Some(behind) => format!("{text}: {behind}"),
        None => text,
    }
}
