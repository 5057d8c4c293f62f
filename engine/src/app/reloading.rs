//! A configuration that is read again while the service runs: what can change does, the rest is named.

use std::sync::Arc;

use super::Service;
use crate::{
    config::{Config, change::Effect},
    telemetry::{self, BadFilter},
};

impl Service {
    /// Takes over what can change without a restart, and names what cannot. An error changes nothing.
    pub fn reload(&mut self, new: &Config) -> Result<(), BadFilter> {
        telemetry::set_log(&new.telemetry)?;
        self.keeping.store(Arc::new(new.dead_letters.clone()));
        self.backoff.store(Arc::new(new.marking.backoff));
        let changes = self.config.changes(new);
        self.config.take_live(new);
        let keys = |effect: Effect| {
            let keys = changes.iter().filter(|change| change.effect == effect).map(|change| change.key.as_str());
            keys.collect::<Vec<_>>().join(" ")
        };
        tracing::info!(changed = keys(Effect::Live), "The configuration was read again");
        let later = keys(Effect::Restart);
        if !later.is_empty() {
            tracing::warn!(keys = later, "These values take effect at the next start only");
        }
        Ok(())
    }
}
