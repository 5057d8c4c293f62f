//! Loads files while the service runs, with the settings that it was started with.

use std::sync::Arc;

use super::{
    config::{Config, Named},
    files::WasmFile,
    load::Generation,
    registry::RegistryError,
    runtime::Runtime,
};

/// What is needed to load a file. Cheap to clone.
#[derive(Clone)]
pub struct Loader {
    runtime: Runtime,
    named: Arc<Named>,
}

impl Loader {
    pub fn new(runtime: &Runtime, config: &Config) -> Self {
        Self { runtime: runtime.clone(), named: Arc::new(config.named.clone()) }
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// The generations that a file brings. Compiling takes its time: call it where nobody waits.
    pub fn load(&self, file: &WasmFile) -> Result<Vec<Generation>, RegistryError> {
        file.load(&self.runtime, &self.named)
    }
}
