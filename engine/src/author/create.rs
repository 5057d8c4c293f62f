//! A new matcher, made from a template.
//!
//! The templates are in the binary, and so are the sources of the SDK: nothing is fetched. A file of a template that ends in
//! `.j2` is rendered; `gitignore` becomes `.gitignore`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use include_dir::{Dir, include_dir};
use minijinja::{Environment, context};

use super::{language::Language, sdk};

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/author/templates");

/// A matcher to be made.
#[derive(Debug)]
pub struct Plan {
    name: String,
    topic: String,
    language: Language,
    folder: PathBuf,
}

/// Why it cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(
        "`{0}` is no name for a matcher: use lower-case letters, digits and single dashes, a letter first, as in \
         `order-shipped`"
    )]
    Name(String),
    #[error("a topic's name has letters, digits, dots, dashes and underscores, unlike `{0}`")]
    Topic(String),
    #[error("`{}` is there already (hint: another name, or remove it first)", .0.display())]
    Exists(PathBuf),
    #[error("cannot write `{}`", .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("the template of `{0}` is wrong")]
    Template(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Names that would be something else in some language.
const TAKEN: [&str; 6] = ["alloc", "core", "eventlatch-sdk", "proc-macro", "std", "test"];

impl Plan {
    /// A matcher with a folder of its name in `parent`. It serves the topic of its name unless another is given.
    pub fn new(name: &str, topic: Option<&str>, language: Language, parent: &Path) -> Result<Self, CreateError> {
        if !is_name(name) {
            return Err(CreateError::Name(name.to_owned()));
        }
        let topic = topic.unwrap_or(name);
        if !is_topic(topic) {
            return Err(CreateError::Topic(topic.to_owned()));
        }
        let folder = parent.join(name);
        if folder.exists() {
            return Err(CreateError::Exists(folder));
        }
        Ok(Self { name: name.to_owned(), topic: topic.to_owned(), language, folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder with all its files, or nothing.
    pub fn make(&self) -> Result<(), CreateError> {
        // Rendered before the first is written.
        let files = self.files()?;
        let written = files.iter().try_for_each(|(path, content)| write(&self.folder.join(path), content));
        if written.is_err() {
            drop(fs::remove_dir_all(&self.folder));
        }
        written
    }

    /// Paths within the folder, and what they hold.
    fn files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, CreateError> {
        let mut files =
            sdk::files(self.language, &self.name).map_err(|error| CreateError::Template("the SDK".into(), error))?;
        for file in template(self.language) {
            let (path, content) = self
                .file(file)
                .map_err(|error| CreateError::Template(file.path().display().to_string(), error.into()))?;
            files.push((path, content));
        }
        Ok(files)
    }

    fn file(&self, file: &include_dir::File<'_>) -> Result<(PathBuf, Vec<u8>), minijinja::Error> {
        let path = file.path().strip_prefix(self.language.word()).unwrap_or(file.path()).to_string_lossy();
        match path.strip_suffix(".j2") {
            Some(path) => Ok((path.into(), self.render(&String::from_utf8_lossy(file.contents()))?.into_bytes())),
            None if path == "gitignore" => Ok((".gitignore".into(), file.contents().to_vec())),
            None => Ok((PathBuf::from(&*path), file.contents().to_vec())),
        }
    }

    fn render(&self, text: &str) -> Result<String, minijinja::Error> {
        let variables = context! {
            name => self.name.as_str(),
            topic => self.topic.as_str(),
            crate_name => self.name.replace('-', "_"),
            type_name => type_name(&self.name),
            version => env!("CARGO_PKG_VERSION"),
        };
        // The renderer takes the last line's end for its own.
        Ok(Environment::new().render_str(text, variables)? + "\n")
    }
}

fn template(language: Language) -> Vec<&'static include_dir::File<'static>> {
    let mut files = Vec::new();
    let mut folders: Vec<_> = TEMPLATES.get_dir(language.word()).into_iter().collect();
    while let Some(folder) = folders.pop() {
        files.extend(folder.files());
        folders.extend(folder.dirs());
    }
    files
}

fn write(path: &Path, content: &[u8]) -> Result<(), CreateError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, content)).map_err(|error| CreateError::Write(path.to_owned(), error))
}

fn is_name(name: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(is_part) && !TAKEN.contains(&name)
}

fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// `order-shipped` as the name of a type: `OrderShipped`.
fn type_name(name: &str) -> String {
    let part = |part: &str| {
        let mut rest = part.chars();
        rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect::<String>()
    };
    name.split('-').map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str) -> Result<Plan, CreateError> {
        Plan::new(name, None, Language::Rust, Path::new("/nowhere"))
    }

    #[test]
    fn names_are_those_of_matchers_and_crates() {
        for name in ["orders", "order-shipped", "o2"] {
            assert!(plan(name).is_ok(), "{name}");
        }
        for name in ["", "Orders", "order_shipped", "2orders", "-a", "a-", "a--b", "a/b", "..", "std", "ä"] {
            assert!(matches!(plan(name), Err(CreateError::Name(_))), "{name}");
        }
        assert!(Plan::new("a", Some("no topic"), Language::Rust, Path::new("/nowhere")).is_err());
    }

    #[test]
    fn all_files_of_a_template_are_there_and_rendered() {
        for language in Language::ALL.into_iter().filter(|language| !template(*language).is_empty()) {
            let plan = Plan::new("order-shipped", Some("shop.orders"), language, Path::new("/nowhere")).unwrap();
            let files = plan.files().unwrap();
            let paths: Vec<_> = files.iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
            for wanted in [language.mark(), ".gitignore", "README.md"] {
                assert!(paths.iter().any(|path| path == wanted), "{wanted} in {paths:?}");
            }
            for folder in ["cases/", "scenarios/"] {
                assert!(paths.iter().any(|path| path.starts_with(folder)), "{folder} in {paths:?}");
            }
            let unrendered = |(path, content): &&(PathBuf, Vec<u8>)| {
                !path.starts_with("vendor") && content.windows(2).any(|it| it == b"{{")
            };
            assert!(!files.iter().any(|file| unrendered(&file)), "{language:?}");
        }
    }

    #[test]
    fn types_have_names_of_types() {
        assert_eq!(type_name("order-shipped"), "OrderShipped");
        assert_eq!(type_name("o2"), "O2");
    }
}
