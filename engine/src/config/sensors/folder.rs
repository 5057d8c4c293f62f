//! The sensor directory as it was seen: which files are other than they were, and what follows.
//!
//! A look ([`Folder::look`]) reads what changed, the checker judges it, and [`Folder::judge`] says what is to be done and
//! remembers it. Two rules keep what is in force from being lost by accident:
//!
//! * A file takes effect whole or not at all. What is wrong with one is said once and changes nothing of its sensors;
//!   the other files take effect. It is looked at again with every later change, which may be what it lacked.
//! * A file that vanished counts as gone after [`PATIENCE`]: editors delete and rename. A sensor that is in another file
//!   by then has moved. A directory that cannot be read changes nothing.
//!
//! Knows no store and no matcher.

mod content;
mod names;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{SensorsError, file};
use crate::{
    domain::{
        definition::{Definition, Problem, Source},
        sensor::{Owner, Sensor},
    },
    pipeline::checking::Checked,
};
use content::{Seen, Stamp, Text};
use names::Claims;

/// How long a file may be missing before it counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sensor directory.
#[derive(Debug, Default)]
pub struct Folder {
    directory: PathBuf,
    files: BTreeMap<PathBuf, File>,
}

/// A file that is or was there.
#[derive(Debug, Default)]
struct File {
    seen: Option<Seen>,
    /// The sensors that it gave, with the fingerprints of their definitions.
    in_force: HashMap<String, u64>,
    /// Why its content is not in force.
    problems: Vec<Problem>,
    missing_since: Option<Instant>,
}

/// What a look found.
#[derive(Debug, Default)]
pub struct Look {
    /// The sensors that are new or other than before.
    pub definitions: Vec<Definition>,
    /// When to look again, even if nothing happens: a file is missing.
    pub again: Option<Instant>,
    read: BTreeMap<PathBuf, Read>,
    gone: BTreeSet<PathBuf>,
}

/// A file that was read.
#[derive(Debug)]
struct Read {
    seen: Seen,
    names: HashMap<String, u64>,
    problems: Vec<Problem>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Change {
    pub put: Vec<(Owner, Sensor)>,
    /// Sensors that are in their file no more. One that moved belongs to another file by the time that it is put.
    pub gone: Vec<(Owner, String)>,
    /// What was not reported before.
    pub problems: Vec<Problem>,
}

impl Change {
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty()
    }
}

impl Folder {
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, files: BTreeMap::new() }
    }

    /// All that is wrong with files now.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.files.values().filter(|file| file.missing_since.is_none()).flat_map(|file| &file.problems)
    }

    /// Reads what is other than before. `retry`: what files with problems lacked may be there now.
    pub fn look(&mut self, now: Instant, retry: bool) -> Result<Look, SensorsError> {
        let present = present(&self.directory)?;
        let vanished = self.miss(&present, now);
        let mut texts = self.read_changed(present);
        let mut look = Look::default();
        for (path, file) in &self.files {
            match file.missing_since.map(|since| since + PATIENCE) {
                Some(due) if due <= now => drop(look.gone.insert(path.clone())),
                Some(due) => look.again = look.again.map_or(Some(due), |earlier| Some(earlier.min(due))),
                None => {}
            }
        }
        if retry || vanished || !texts.is_empty() {
            let unsettled = self.files.iter().filter(|(_, file)| !file.problems.is_empty());
            let again: Vec<_> = unsettled.map(|(path, _)| path.clone()).filter(|it| !texts.contains_key(it)).collect();
            texts.extend(again.into_iter().filter_map(|path| content::read(&path, None).map(|read| (path, read))));
        }
        self.parse(texts, &mut look);
        Ok(look)
    }

    /// Notes which files are missing, and whether one is since now.
    fn miss(&mut self, present: &Present, now: Instant) -> bool {
        let mut vanished = false;
        for (path, file) in &mut self.files {
            if present.contains_key(path) {
                file.missing_since = None;
            } else if file.missing_since.is_none() {
                file.missing_since = Some(now);
                vanished = true;
            }
        }
        vanished
    }

    fn read_changed(&self, present: Present) -> BTreeMap<PathBuf, (Seen, Text)> {
        let read = |(path, stamp): (PathBuf, Option<Stamp>)| {
            let known = self.files.get(&path).and_then(|file| file.seen.as_ref());
            if known.is_some_and(|known| known.stands(stamp)) {
                return None;
            }
            let (seen, text) = content::read(&path, stamp)?;
            let same = known.is_some_and(|known| known.has_content_of(&seen));
            (!same).then_some((path, (seen, text)))
        };
        present.into_iter().filter_map(read).collect()
    }

    fn parse(&self, texts: BTreeMap<PathBuf, (Seen, Text)>, look: &mut Look) {
        let mut parsed = BTreeMap::new();
        for (path, (seen, text)) in texts {
            let definitions = match text {
                Ok(text) => file::parse(&path, &text),
                Err(error) => {
                    let message = format!("cannot be read: {error}");
                    Err(Problem { source: Source::File(path.clone()), place: None, message })
                }
            };
            match definitions {
                Ok(definitions) => drop(parsed.insert(path, (seen, definitions))),
                Err(problem) => {
                    let read = Read { seen, names: HashMap::new(), problems: vec![problem] };
                    look.read.insert(path, read);
                }
            }
        }
        let problems = self.rival_claims(&parsed);
        for ((path, (seen, definitions)), problems) in parsed.into_iter().zip(problems) {
            let names: HashMap<_, _> = definitions.iter().map(|it| (it.name.clone(), it.fingerprint())).collect();
            let before = self.files.get(&path).map(|file| &file.in_force);
            let is_new = |it: &Definition| before.and_then(|all| all.get(&it.name)) != names.get(&it.name);
            if problems.is_empty() {
                look.definitions.extend(definitions.into_iter().filter(is_new));
            }
            look.read.insert(path, Read { seen, names, problems });
        }
    }

    /// What is wrong with the names of each file's sensors. Whoever has a name in force and still claims it keeps it.
    fn rival_claims(&self, parsed: &BTreeMap<PathBuf, (Seen, Vec<Definition>)>) -> Vec<Vec<Problem>> {
        let mut claims = Claims::default();
        for (path, file) in self.files.iter().filter(|(_, file)| file.missing_since.is_none()) {
            let kept: Option<HashSet<_>> =
                parsed.get(path).map(|(_, definitions)| definitions.iter().map(|it| it.name.as_str()).collect());
            let kept = |name: &&String| kept.as_ref().is_none_or(|kept| kept.contains(name.as_str()));
            file.in_force.keys().filter(kept).for_each(|name| claims.hold(name, path));
        }
        parsed.iter().map(|(path, (_, definitions))| claims.settle(path, definitions)).collect()
    }

    /// Says what is to be done after a look whose definitions were checked, and remembers it as done.
    pub fn judge(&mut self, look: Look, checked: Checked) -> Change {
        let mut change = Change { put: checked.sensors, ..Change::default() };
        let mut by_file: HashMap<Source, Vec<Problem>> = HashMap::new();
        for problem in checked.problems {
            by_file.entry(problem.source.clone()).or_default().push(problem);
        }
        for path in look.gone {
            let gone = self.files.remove(&path).unwrap_or_default().in_force;
            change.gone.extend(gone.into_keys().map(|name| (Source::File(path.clone()).owner(), name)));
        }
        let mut moved = HashMap::new();
        for (path, mut read) in look.read {
            read.problems.extend(by_file.remove(&Source::File(path.clone())).unwrap_or_default());
            self.settle(path, read, &mut change, &mut moved);
        }
        self.let_go(&moved);
        change
    }

    fn settle(&mut self, path: PathBuf, read: Read, change: &mut Change, moved: &mut HashMap<String, PathBuf>) {
        let Read { seen, names, problems } = read;
        let file = self.files.entry(path.clone()).or_default();
        file.seen = Some(seen);
        change.problems.extend(problems.iter().filter(|problem| !file.problems.contains(problem)).cloned());
        file.problems = problems;
        if !file.problems.is_empty() {
            return;
        }
        let gone = file.in_force.keys().filter(|name| !names.contains_key(*name));
        change.gone.extend(gone.map(|name| (Source::File(path.clone()).owner(), name.clone())));
        let came = names.keys().filter(|name| !file.in_force.contains_key(*name));
        moved.extend(came.map(|name| (name.clone(), path.clone())));
        file.in_force = names;
    }

    /// Takes sensors that came with one file from those that had them.
    fn let_go(&mut self, moved: &HashMap<String, PathBuf>) {
        if moved.is_empty() {
            return;
        }
        for (path, file) in &mut self.files {
            let before = file.in_force.len();
            file.in_force.retain(|name, _| moved.get(name).is_none_or(|to| to == path));
            if file.in_force.len() < before {
                // Should it come back as it was, it has to be judged again.
                file.seen = None;
            }
        }
    }
}

/// The sensor files that are there, with their stamps.
type Present = BTreeMap<PathBuf, Option<Stamp>>;

/// Hidden files are left out: editors and copies in progress make them. A link whose file is gone is gone too.
fn present(directory: &Path) -> Result<Present, SensorsError> {
    let unreadable = |error| SensorsError::Directory(directory.to_owned(), error);
    let mut present = Present::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden || !path.extension().is_some_and(|it| it == "toml" || it == "json") {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) => drop(present.insert(path, Stamp::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => drop(present.insert(path, None)),
        }
    }
    Ok(present)
}
