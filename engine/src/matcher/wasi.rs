//! WASI with nothing behind it, for components made with languages whose libraries need one.
//!
//! There is no file, network, environment or argument; both clocks stand still; random numbers are the same in every
//! call; whatever is waited for is ready; what is printed goes to the matcher's log. A function without a meaning under
//! these rules is a fault when it is called, and not before: libraries import far more than they use. Matchers stay
//! pure, and nothing can wait. Start at [`linker`]; `wasi::functions` has what is there.

mod functions;
mod printed;
mod random;

use wasmtime::{
    Engine,
    component::{
        Component, Linker, LinkerInstance, Resource, ResourceType,
        types::{ComponentInstance, ComponentItem},
    },
};

pub(super) use self::{printed::Printed, random::Random};
use super::{fault::Overrun, guest::Guest};

/// The part of WASI that can be had without giving a matcher anything.
const PACKAGES: [&str; 6] = ["cli/", "io/", "clocks/", "random/", "filesystem/", "sockets/"];

/// Whether an import is of it: `wasi:io/poll@0.2.3`.
pub(super) fn is_allowed(import: &str) -> bool {
    split(import).is_some_and(|(interface, _)| PACKAGES.iter().any(|package| interface.starts_with(package)))
}

/// `io/poll` and `3`, of `wasi:io/poll@0.2.3`.
fn split(import: &str) -> Option<(&str, &str)> {
    import.strip_prefix("wasi:")?.split_once("@0.2.")
}

/// The linker for a component: `base`, and whatever it imports of WASI.
pub(super) fn linker(base: &Linker<Guest>, component: &Component) -> wasmtime::Result<Linker<Guest>> {
    let (engine, mut linker) = (component.engine(), base.clone());
    linker.allow_shadowing(true);
    for (name, import) in component.component_type().imports(engine) {
        if let (Some((interface, _)), ComponentItem::ComponentInstance(instance)) = (split(name), import.ty) {
            let mut at = linker.instance(name)?;
            stubs(&mut at, name, &instance, engine)?;
            functions::define(&mut at, interface)?;
        }
    }
    Ok(linker)
}

/// Every resource and function that is asked for, as nothing and as a fault.
fn stubs(
    at: &mut LinkerInstance<'_, Guest>,
    interface: &str,
    asked: &ComponentInstance,
    engine: &Engine,
) -> wasmtime::Result<()> {
    for (name, item) in asked.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => {
                let called = format!("{interface}#{name}");
                at.func_new(name, move |_, _, _, _| Err(Overrun::Nothing(called.clone()).into()))?;
            }
            ComponentItem::Resource(_) => {
                at.resource(name, ResourceType::host::<Nothing>(), |mut store, _| {
                    store.data_mut().handles.give_back();
                    Ok(())
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is behind a resource. Its number says all there is to say: which of the outputs it is.
pub(super) struct Nothing;

/// The resources that a guest holds. The host keeps a line for each, so there is an end to them.
#[derive(Debug)]
pub(super) struct Handles {
    held: usize,
    limit: usize,
}

impl Handles {
    pub(super) fn new(limit: usize) -> Self {
        Self { held: 0, limit }
    }

    fn take(&mut self, number: u32) -> wasmtime::Result<Resource<Nothing>> {
        if self.held == self.limit {
            return Err(Overrun::Table(self.limit).into());
        }
        self.held += 1;
        Ok(Resource::new_own(number))
    }

    fn give_back(&mut self) {
        self.held = self.held.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn only_the_second_preview_of_known_packages_is_allowed() {
        for import in ["wasi:io/poll@0.2.0", "wasi:cli/exit@0.2.6", "wasi:sockets/network@0.2.10"] {
            assert!(is_allowed(import), "{import}");
        }
        for import in ["wasi:http/types@0.2.0", "wasi:io/poll@0.3.0", "wasi:io/poll", "other:io/poll@0.2.0", "wasi:"] {
            assert!(!is_allowed(import), "{import}");
        }
    }
}
