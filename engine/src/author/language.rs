//! The languages that there are templates for.

use std::path::Path;

/// A language that matchers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Rust,
    Python,
    #[value(name = "js")]
    JavaScript,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// As it is called on the command line, and the folder of its template.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// The file by which a project's language is recognised.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "matcher.py",
            Self::JavaScript => "package.json",
        }
    }

    /// The file of a template that holds the rule.
    pub fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "matcher.py",
            Self::JavaScript => "matcher.js",
        }
    }

    /// The command that fetches what a new project needs, where its language's tool does not by itself.
    pub fn install(self) -> Option<&'static str> {
        match self {
            Self::Rust => None,
            Self::Python => Some("python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"),
            Self::JavaScript => Some("npm install"),
        }
    }

    /// The language of a folder.
    pub fn of(folder: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|language| folder.join(language.mark()).is_file())
    }
}
