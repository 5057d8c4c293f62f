//! Pushing a build: it is proved, and then serves, or judges in the shadow of the one that serves.
//!
//! Proved is: it loads and may serve, its own cases pass, it takes what is wanted of it, and it does not fail on the last messages
//! of its topics where the build that serves does not. Nothing changes before that.

use std::{error::Error, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    acts::{Act, ActError, Build},
    handle::Handle,
    proving::{Proof, ProofError},
};
use crate::{
    domain::{
        dead_letter::Actor,
        difference::{Comparison, Difference},
    },
    matcher::{Generation, Loader, Origin, WasmFile, cases},
};

/// A build that somebody wants to serve.
pub struct Push {
    pub wasm: Vec<u8>,
    /// The name under which it is to serve; none: its own.
    pub name: Option<String>,
    /// Whether it is to judge beside the build that serves, and to mark nothing.
    pub shadow: bool,
    /// Whether a difference from the build that serves is a reason to refuse it.
    pub strict: bool,
    /// It is proved on so many of the last messages of each topic.
    pub messages: usize,
}

/// What came of a push.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pushed {
    pub matcher: String,
    pub version: String,
    pub sha256: String,
    pub role: Role,
    /// The build that served until now, or beside which it judges.
    pub serving_before: Option<String>,
    /// So many cases of its own passed.
    pub cases: usize,
    /// In what it differs from the build that serves, on the last messages.
    pub difference: Difference,
}

/// What a build that was pushed does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It serves, and is pinned: the matcher directory decides again when it is unpinned.
    Serving,
    /// It judges beside the build that serves, and marks nothing.
    Shadow,
}

impl Handle {
    /// How large a matcher's file may be, in bytes.
    pub fn largest_matcher(&self) -> usize {
        self.shared.pool.limits().file()
    }

    /// Proves a build and has it serve, or judge in the shadow of the one that serves.
    pub async fn push(&self, push: Push, actor: Actor) -> Result<Pushed, ActError> {
        let loader = self.acts.as_ref().ok_or(ActError::Stopping)?.loader.clone();
        let file = WasmFile::new(Origin::Pushed, push.wasm.clone());
        let sha256 = Arc::clone(&file.sha256);
        let pushed = self.prove_and_push(&loader, file, push, actor).await;
        if let Err(ActError::Refused(reason)) = &pushed {
            tracing::warn!(sha256 = &*sha256, reason, "A push is refused: nothing changed");
        }
        pushed
    }

    async fn prove_and_push(
        &self,
        loader: &Loader,
        file: WasmFile,
        push: Push,
        actor: Actor,
    ) -> Result<Pushed, ActError> {
        let candidate = load(loader, &file, push.name.as_deref()).await?;
        let cases = run_cases(loader, &file, &candidate).await?;
        let name = candidate.name().to_string();
        let live = self.shared.live.load_full();
        let before = live.registry.post(&name);
        if push.shadow && before.is_none() {
            return Err(ActError::NothingBeside(name));
        }
        self.shared.check(&candidate, before, &live.index).await.map_err(refused)?;
        let proof = Proof { messages: push.messages, strict: push.strict };
        let comparison = match self.shared.prove(self.kafka.clone(), &candidate, proof).await {
            Err(ProofError::Source(error)) => return Err(ActError::Kafka(error)),
            proved => proved.map_err(refused)?,
        };
        let difference = self.shown(&comparison).await?;
        let build = Build { generation: Arc::clone(&candidate), wasm: file.bytes };
        let (role, act) =
            if push.shadow { (Role::Shadow, Act::Shadow(build)) } else { (Role::Serving, Act::Push(build)) };
        self.act(name.clone(), act, actor).await?;
        Ok(Pushed {
            matcher: name,
            version: candidate.description.version.clone(),
            sha256: candidate.sha256().to_string(),
            role,
            serving_before: before.map(|post| post.serving.sha256().to_string()),
            cases,
            difference,
        })
    }

    async fn shown(&self, comparison: &Comparison) -> Result<Difference, ActError> {
        let wanted = comparison.discrepancies.iter().filter_map(|it| it.wanted).collect();
        let names = self.shared.store.names_of_wanted(wanted).await?;
        Ok(comparison.shown(|id| names.get(&id).cloned()))
    }
}

/// Loads a build as it is to serve: under its own name, or under one that the configuration gives it.
async fn load(loader: &Loader, file: &WasmFile, name: Option<&str>) -> Result<Arc<Generation>, ActError> {
    let (loader, loading) = (loader.clone(), file.clone());
    let loaded = tokio::task::spawn_blocking(move || loader.load(&loading));
    let mut loaded = loaded.await.expect("loading a matcher does not panic").map_err(refused)?;
    let wanted = |it: &Generation| match name {
        Some(name) => **it.name() == *name,
        None => !it.topics.is_empty(),
    };
    let names = loaded.iter().map(|it| format!("`{}`", it.name())).collect::<Vec<_>>().join(", ");
    let place = loaded.iter().position(wanted).ok_or_else(|| {
        let hint = "(hint: configure it, or name one of them)";
        ActError::Refused(match name {
            Some(name) => format!("it is no build of the matcher `{name}`, but of {names} {hint}"),
            None => format!("it serves no topic as {names} {hint}"),
        })
    })?;
    Ok(Arc::new(loaded.swap_remove(place)))
}

/// How many cases of its own a build has, if all of them pass.
async fn run_cases(loader: &Loader, file: &WasmFile, candidate: &Arc<Generation>) -> Result<usize, ActError> {
    let cases = cases::embedded(&file.bytes).map_err(refused)?;
    let (runtime, candidate, count) = (loader.runtime().clone(), Arc::clone(candidate), cases.len());
    let running = tokio::task::spawn_blocking(move || cases::run(&runtime, &candidate, &cases));
    let ran = running.await.expect("running cases does not panic").map_err(refused)?;
    let failed: Vec<_> = ran.iter().filter(|ran| !ran.passed()).collect();
    let Some(first) = failed.first() else { return Ok(count) };
    let differences = first.differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Err(ActError::Refused(format!(
        "{} of its own {count} cases fail; the first is \"{}\": {differences}",
        failed.len(),
        first.case
    )))
}

/// A reason with all that is behind it, on one line.
fn refused(error: impl Error) -> ActError {
    let mut reason = error.to_string();
    let behind = std::iter::successors(error.source(), |error| (**error).source());
    for cause in behind.map(ToString::to_string) {
        if !reason.ends_with(&cause) {
            reason += &format!(": {cause}");
        }
    }
    ActError::Refused(reason)
}
