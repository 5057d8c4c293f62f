//! What people want of matchers by hand.

use std::{sync::Arc, time::Duration};

use super::{Following, chain};
use crate::{
    domain::generation::{self, GenerationState},
    matcher::{Generation, Origin, WasmFile, files},
    pipeline::acts::{Act, ActError, Order},
};

/// A matcher that is meant. It may be gone.
struct Meant {
    name: String,
    serving: Option<Arc<Generation>>,
    /// Its builds that served, the newest first.
    builds: Vec<generation::Generation>,
}

impl Meant {
    fn serving_sha256(&self) -> Option<&str> {
        self.serving.as_ref().map(|serving| &**serving.sha256())
    }

    /// The build that serves, or served last.
    fn some_sha256(&self) -> Result<&str, ActError> {
        let last = || self.builds.first().map(|last| last.sha256.as_str());
        self.serving_sha256().or_else(last).ok_or_else(|| ActError::NoSuchMatcher(self.name.clone()))
    }

    /// Where it comes from, or came from.
    fn origin(&self) -> Origin {
        match (&self.serving, self.builds.first()) {
            (Some(serving), _) => serving.origin.clone(),
            (None, Some(last)) => Origin::from(last.origin.as_str()),
            (None, None) => Origin::BuiltIn,
        }
    }
}

impl Following {
    pub(super) async fn obey(&mut self, order: Order) {
        let Order { matcher, act, actor, answer } = order;
        let detail = match &act {
            Act::Pin(sha256) => sha256.clone(),
            Act::Push(build) | Act::Shadow(build) => Some(build.generation.sha256().to_string()),
            _ => None,
        };
        let action = act.word();
        let done = match self.act(&matcher, act).await {
            Ok(()) => self.shared.store.audit(actor, action, matcher, detail).await.map_err(ActError::from),
            Err(error) => Err(error),
        };
        // Whoever asked may have gone.
        let _nobody_waits = answer.send(done);
    }

    async fn act(&mut self, matcher: &str, act: Act) -> Result<(), ActError> {
        match act {
            Act::Push(build) => self.take_over(matcher, build).await,
            Act::Shadow(build) => self.shadow(build).await,
            Act::Promote => self.promote(matcher).await,
            Act::Withdraw => self.withdraw(matcher).await,
            Act::Release => self.release(matcher).await,
            Act::RollBack => self.roll_back(&self.meant(matcher).await?).await,
            Act::Pin(sha256) => self.pin(&self.meant(matcher).await?, sha256).await,
            Act::Unpin => {
                let meant = self.meant(matcher).await?;
                self.unpin(&meant).await
            }
        }
    }

    async fn meant(&self, matcher: &str) -> Result<Meant, ActError> {
        let serving = self.shared.live.load().registry.get(matcher).cloned();
        let mut builds = self.shared.store.generations().await?;
        builds.retain(|it| it.matcher == matcher && it.state != GenerationState::Refused);
        if serving.is_none() && builds.is_empty() {
            return Err(ActError::NoSuchMatcher(matcher.to_owned()));
        }
        Ok(Meant { name: matcher.to_owned(), serving, builds })
    }

    async fn roll_back(&self, meant: &Meant) -> Result<(), ActError> {
        for sha256 in before(meant) {
            let Some(file) = self.kept(sha256, meant).await? else {
                continue;
            };
            let wasm = file.bytes.clone();
            self.serve(&meant.name, file).await?;
            if self.shared.is_pinned(&meant.name).await? {
                self.shared.store.keep_module(sha256.to_owned(), wasm).await?;
                self.shared.store.pin(meant.name.clone(), Some(sha256.to_owned())).await?;
            }
            if let Some(left) = meant.serving_sha256() {
                let (name, sha256, reason) = (meant.name.clone(), left.to_owned(), Some("by hand".to_owned()));
                self.shared.store.note_generation(name, sha256, GenerationState::RolledBack, reason).await?;
            }
            return Ok(());
        }
        Err(ActError::NothingBefore(meant.name.clone()))
    }

    async fn pin(&self, meant: &Meant, wanted: Option<String>) -> Result<(), ActError> {
        let sha256 = match wanted {
            Some(beginning) => whole(meant, beginning)?,
            None => meant.some_sha256()?.to_owned(),
        };
        let missing = || ActError::NoSuchBuild { matcher: meant.name.clone(), sha256: sha256.clone() };
        let file = self.kept(&sha256, meant).await?.ok_or_else(missing)?;
        // One that is built in is not kept otherwise, and another release has another one.
        self.shared.store.keep_module(sha256.clone(), file.bytes.clone()).await?;
        if meant.serving_sha256() != Some(&sha256) {
            self.serve(&meant.name, file).await?;
        }
        Ok(self.shared.store.pin(meant.name.clone(), Some(sha256)).await?)
    }

    /// Lets the directory decide again, or what is built in where it holds nothing of that name.
    async fn unpin(&mut self, meant: &Meant) -> Result<(), ActError> {
        let name = &*meant.name;
        self.shared.store.pin(name.to_owned(), None).await?;
        let place = self.seen.values_mut().find(|seen| seen.serves.iter().any(|it| **it == *name));
        match place {
            // To be seen as if it were new.
            Some(seen) => seen.sha256 = Arc::default(),
            None => self.unpin_without_file(meant).await,
        }
        self.look(true).await;
        Ok(())
    }

    async fn unpin_without_file(&self, meant: &Meant) {
        let own = self.built_in(&meant.name).map(|(file, _)| file.sha256);
        if meant.serving.is_some() && own.as_deref() != meant.serving_sha256() {
            self.give_back(&meant.name, "it is not pinned any more, and no file of it is there").await;
        }
    }

    /// The file of a build, if it is kept or built in, as if it came from where the matcher does.
    async fn kept(&self, sha256: &str, meant: &Meant) -> Result<Option<WasmFile>, ActError> {
        if let Some(wasm) = self.shared.store.module(sha256.to_owned()).await? {
            return Ok(Some(WasmFile::new(meant.origin(), wasm)));
        }
        Ok(files::built_in().into_iter().find(|file| *file.sha256 == *sha256))
    }

    /// Has the generation of this name take its post, without probation: a person chose it.
    async fn serve(&self, name: &str, file: WasmFile) -> Result<(), ActError> {
        let loaded = self.load(&file).await.map_err(|error| ActError::Refused(chain(&error)))?;
        let generation = loaded.into_iter().find(|it| **it.name() == *name);
        let generation = Arc::new(generation.ok_or_else(|| ActError::Refused("it has another name".to_owned()))?);
        let appointed = self.shared.appoint(Arc::clone(&generation), Some(file.bytes), Duration::ZERO).await;
        appointed.map_err(|refusal| ActError::Refused(chain(&refusal)))?;
        tracing::info!(matcher = name, sha256 = generation.short_sha256(), "A matcher was chosen by hand");
        Ok(())
    }
}

/// The builds that served before, the newest first. One that was rolled back since is none.
fn before(meant: &Meant) -> impl Iterator<Item = &str> {
    let served = |it: &&generation::Generation| {
        let newest = meant.builds.iter().find(|newest| newest.sha256 == it.sha256);
        newest.is_some_and(|newest| newest.state != GenerationState::RolledBack)
            && meant.serving_sha256() != Some(&it.sha256)
    };
    meant.builds.iter().filter(served).map(|it| it.sha256.as_str())
}

/// The sha256 that begins so.
fn whole(meant: &Meant, beginning: String) -> Result<String, ActError> {
    let begins = meant.builds.iter().map(|it| &it.sha256).filter(|it| it.starts_with(&beginning));
    let mut known: Vec<_> = begins.collect();
    known.sort();
    known.dedup();
    let matcher = meant.name.clone();
    match known[..] {
        [only] => Ok(only.clone()),
        [] => Err(ActError::NoSuchBuild { matcher, sha256: beginning }),
        _ => Err(ActError::Ambiguous { matcher, sha256: beginning }),
    }
}
