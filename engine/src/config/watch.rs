//! Watches a directory: something may have changed in it.
//!
//! The system says at once what happens in the directory, and what happens shortly after each other is one change. But
//! the system watches the directory that stood there, not its name: what stands there now is compared every half second,
//! so that a directory that appears, is replaced, or is behind a link that was swapped, is found. And every ten seconds a
//! change is suspected anyway, for network file systems, whose changes elsewhere nobody is told of, and for systems that
//! let nobody watch. So whoever asks must find out cheaply that nothing changed.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval, timeout_at},
};

/// A change is over when nothing happened for so long.
const QUIET: Duration = Duration::from_millis(120);

/// A change that goes on is looked at after so long all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// So often is compared what stands under the name.
const COMPARE: Duration = Duration::from_millis(500);

/// So often a change is suspected.
const SUSPECT: Duration = Duration::from_secs(10);

/// A watched directory, which need not exist.
pub struct Watch {
    directory: PathBuf,
    watcher: Option<RecommendedWatcher>,
    /// What is watched: device and inode.
    watched: Option<(u64, u64)>,
    events: mpsc::Receiver<()>,
    compare: Interval,
    suspect: Interval,
}

impl Watch {
    /// Begins to watch: whatever changes from now on is reported.
    pub fn begin(directory: &Path) -> Self {
        let (happened, events) = mpsc::channel(1);
        // A full channel says already what there is to say.
        let note = move |event: notify::Result<Event>| {
            if event.map_or(true, |event| matters(&event.kind)) {
                let _full = happened.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(note);
        let watcher = watcher.inspect_err(|error| cannot(directory, error)).ok();
        let mut suspect = interval(SUSPECT);
        suspect.reset();
        let mut compare = interval(COMPARE);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        suspect.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Self { directory: directory.to_owned(), watcher, watched: None, events, compare, suspect };
        watch.follow();
        watch
    }

    /// Resolves when something may have changed since the last time.
    pub async fn changed(&mut self) {
        loop {
            tokio::select! {
                Some(()) = self.events.recv() => return self.settle().await,
                _ = self.compare.tick() => {
                    if self.follow() {
                        return;
                    }
                }
                _ = self.suspect.tick() => return,
            }
        }
    }

    /// Waits until it is quiet: a copy in progress is no change yet.
    async fn settle(&mut self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let quiet = end.min(Instant::now() + QUIET);
            if !matches!(timeout_at(quiet, self.events.recv()).await, Ok(Some(()))) {
                return;
            }
        }
    }

    /// Watches what stands under the name now; true where that is something else than before.
    fn follow(&mut self) -> bool {
        let now = fs::metadata(&self.directory).ok().map(|it| (it.dev(), it.ino()));
        if now == self.watched {
            return false;
        }
        self.watched = now;
        if let Some(watcher) = &mut self.watcher {
            // What stood there before may be gone, and then it is not watched any more.
            let _not_watched = watcher.unwatch(&self.directory);
            if now.is_some()
                && let Err(error) = watcher.watch(&self.directory, RecursiveMode::NonRecursive)
            {
                cannot(&self.directory, &error);
            }
        }
        true
    }
}

/// Whoever looks at a directory opens its files: that is no change.
fn matters(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if *access != AccessKind::Close(AccessMode::Write))
}

fn cannot(directory: &Path, error: &notify::Error) {
    tracing::warn!(
        directory = %directory.display(),
        %error,
        "The system does not tell of changes in this directory; it is looked at every {} seconds (hint: on Linux raise \
         fs.inotify.max_user_watches and fs.inotify.max_user_instances)",
        SUSPECT.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// Much less than the time after which a change is suspected anyway.
    const SOON: Duration = Duration::from_secs(5);

    async fn is_told(watch: &mut Watch) -> bool {
        tokio::time::timeout(SOON, watch.changed()).await.is_ok()
    }

    #[tokio::test]
    async fn changes_are_told_and_looking_is_none() {
        let place = TempDir::new().unwrap();
        let mut watch = Watch::begin(place.path());
        let file = place.path().join("a.toml");
        fs::write(&file, "1").unwrap();
        assert!(is_told(&mut watch).await);
        fs::rename(&file, place.path().join("b.toml")).unwrap();
        assert!(is_told(&mut watch).await);
        fs::read_dir(place.path()).unwrap().for_each(|entry| drop(fs::read(entry.unwrap().path()).unwrap()));
        assert!(watch.events.try_recv().is_err());
        fs::remove_file(place.path().join("b.toml")).unwrap();
        assert!(is_told(&mut watch).await);
    }

    #[tokio::test]
    async fn a_directory_may_appear_and_be_replaced() {
        let place = TempDir::new().unwrap();
        let path = place.path().join("sensors");
        let mut watch = Watch::begin(&path);
        fs::create_dir(&path).unwrap();
        assert!(is_told(&mut watch).await);
        fs::rename(&path, place.path().join("aside")).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(is_told(&mut watch).await);
        while watch.events.try_recv().is_ok() {}
        fs::write(path.join("a.toml"), "1").unwrap();
        assert!(is_told(&mut watch).await);
    }

    #[tokio::test]
    async fn a_link_may_be_swapped() {
        let place = TempDir::new().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("one")).unwrap();
        fs::create_dir(path("two")).unwrap();
        symlink("one", path("sensors")).unwrap();
        let mut watch = Watch::begin(&path("sensors"));
        symlink("two", path("new")).unwrap();
        fs::rename(path("new"), path("sensors")).unwrap();
        assert!(is_told(&mut watch).await);
        fs::write(path("two").join("a.toml"), "1").unwrap();
        assert!(is_told(&mut watch).await);
    }
}
