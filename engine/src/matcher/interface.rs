//! Which matcher interface a file speaks, read before anything is compiled.

use std::num::NonZeroU16;

use wasmparser::{ExternalKind, Parser, Payload};

use super::{limits::Limits, wasi};

/// The interface that this host serves.
pub(super) const VERSION: &str = "1.0.0";

const EXPORT: &str = "eventlatch:matcher/guest@";

/// What any form may import: the host interface of any version that we serve.
const IMPORT: &str = "eventlatch:matcher/host@1.0.0";

/// The two forms in which a matcher may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Component,
    /// A core module that carries its component type, as `cargo build --target wasm32-unknown-unknown` makes it.
    CoreModule,
}

/// What a file is made of, whether it is a matcher or not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Outline {
    /// `component` or `core module`.
    pub form: &'static str,
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Why a file is no matcher for this host.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotAMatcher {
    #[error(
        "it is not a WebAssembly file (hint: `cargo build --release --target wasm32-unknown-unknown` makes one of a matcher)"
    )]
    NotWasm,
    #[error(
        "it is larger than {limit_mib} MiB (hint: build it with `--release` and without debug information, or raise \
         `file_mib` in [matchers.limits])"
    )]
    TooLarge { limit_mib: NonZeroU16 },
    #[error("it is damaged (hint: build or copy it again)")]
    Damaged(#[source] wasmparser::BinaryReaderError),
    #[error(
        "it does not export `eventlatch:matcher/guest`, only {found} (hint: write the matcher with the SDK's \
         `export_matcher!`, or against the WIT world `eventlatch:matcher/matcher`)"
    )]
    WrongWorld { found: String },
    #[error(
        "it was built for version {found} of the matcher interface and this eventlatch serves {VERSION} \
         (hint: build it again with the SDK of this release)"
    )]
    OtherVersion { found: String },
    #[error(
        "it imports `{name}`, and a matcher may import nothing but `{IMPORT}`, a component also WASI 0.2, which has \
         nothing behind it (hint: matchers are pure; remove what needs clocks, files, network or randomness)"
    )]
    ForbiddenImport { name: String },
}

/// Tells a matcher of this interface from anything else.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<Form, NotAMatcher> {
    if bytes.len() > limits.file() {
        return Err(NotAMatcher::TooLarge { limit_mib: limits.file_mib });
    }
    let form = if Parser::is_component(bytes) {
        Form::Component
    } else if Parser::is_core_wasm(bytes) {
        Form::CoreModule
    } else {
        return Err(NotAMatcher::NotWasm);
    };
    let names = names(bytes).map_err(NotAMatcher::Damaged)?;
    check_version(&names.exports)?;
    check_imports(form, &names.imports)?;
    Ok(form)
}

/// Looks at a file; none for one that is no WebAssembly, or is damaged.
pub fn outline(bytes: &[u8]) -> Option<Outline> {
    let form = if Parser::is_component(bytes) { "component" } else { "core module" };
    let Names { mut imports, exports } = names(bytes).ok()?;
    imports.dedup();
    Some(Outline { form, imports, exports })
}

fn check_version(exports: &[String]) -> Result<(), NotAMatcher> {
    let versions = exports.iter().filter_map(|name| name.strip_prefix(EXPORT));
    // A core module exports each function as `interface@version#function`.
    let version = versions.map(|rest| rest.split_once('#').map_or(rest, |(version, _)| version)).next();
    match version {
        Some(VERSION) => Ok(()),
        Some(other) => Err(NotAMatcher::OtherVersion { found: other.to_owned() }),
        None => Err(NotAMatcher::WrongWorld { found: list(exports) }),
    }
}

fn check_imports(form: Form, imports: &[String]) -> Result<(), NotAMatcher> {
    let allowed = |name: &String| name == IMPORT || form == Form::Component && wasi::is_allowed(name);
    match imports.iter().find(|name| !allowed(name)) {
        Some(name) => Err(NotAMatcher::ForbiddenImport { name: name.clone() }),
        None => Ok(()),
    }
}

fn list(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    match shown.is_empty() {
        true => "nothing".to_owned(),
        false => shown.join(", "),
    }
}

#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// What the outermost module or component imports and exports.
fn names(bytes: &[u8]) -> wasmparser::Result<Names> {
    let (mut names, mut depth) = (Names::default(), 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            payload if depth == 0 => names.note(payload)?,
            _ => {}
        }
    }
    Ok(names)
}

impl Names {
    fn note(&mut self, payload: Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.imports.push(import?.module.to_owned());
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exports.push(export.name.to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
