//! A file that is gone gives its posts back.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Following;
use crate::{
    matcher::{Generation, Origin, WasmFile, files},
    store::StoreError,
};

impl Following {
    pub(super) async fn vanished(&mut self, path: &Path) {
        let Some(mut seen) = self.seen.remove(path) else {
            return;
        };
        let mut stays = Vec::new();
        for name in std::mem::take(&mut seen.serves) {
            if !self.leave(&name, path).await {
                stays.push(name);
            }
        }
        if !stays.is_empty() {
            seen.serves = stays;
            seen.refused.clear();
            seen.gone = Some(Instant::now());
            self.seen.insert(path.to_owned(), seen);
        }
    }

    /// A file serves no longer under a name: the built-in matcher of that name does, if there is one. Who is pinned stays,
    /// whatever the directory holds. False: whether that is so is not known now, and nothing was done.
    pub(super) async fn leave(&self, name: &Arc<str>, path: &Path) -> bool {
        let from = self.shared.live.load().registry.get(name).map(|it| it.origin.clone());
        if from != Some(Origin::File(path.to_owned())) {
            return true;
        }
        match self.shared.is_pinned(name).await {
            Ok(false) => self.give_back(name, &format!("its file `{}` was removed", path.display())).await,
            Ok(true) => {
                tracing::warn!(matcher = &**name, path = %path.display(), "A file is gone, but its matcher is pinned");
            }
            Err(error) => {
                cannot_leave(name, &error);
                return false;
            }
        }
        true
    }

    /// Nobody but the built-in matcher may serve under a name.
    pub(super) async fn give_back(&self, name: &str, reason: &str) {
        let Some((file, generation)) = self.built_in(name) else {
            return self.shared.dismiss(name, reason).await;
        };
        let generation = Arc::new(generation);
        if let Err(refused) = self.shared.appoint(Arc::clone(&generation), None, Duration::ZERO).await {
            self.refuse(name, &file, Some(&generation), &refused.into(), &[]).await;
        }
    }

    /// The built-in matcher of a name.
    pub(super) fn built_in(&self, name: &str) -> Option<(WasmFile, Generation)> {
        let load = |file: WasmFile| {
            let loaded = file.load(&self.runtime, &self.config.named);
            let found = loaded.into_iter().flatten().find(|it| **it.name() == *name)?;
            Some((file, found))
        };
        files::built_in().into_iter().find_map(load)
    }
}

fn cannot_leave(name: &str, error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, matcher = name, "Whether a matcher is pinned is not known: it serves on");
}
