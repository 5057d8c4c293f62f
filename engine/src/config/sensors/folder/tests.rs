use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::domain::definition::Place;

/// A sensor directory, looked at by somebody who finds nothing wrong but what a test says.
struct Fixture {
    place: TempDir,
    folder: Folder,
    now: Instant,
}

fn wanted(table: &str) -> String {
    format!("wanted = [{{ frequency = \"D\", topic = \"t\", task_id = \"a\", table = \"{table}\" }}]\n")
}

fn named(name: &str, table: &str) -> String {
    format!("name = \"{name}\"\n{}", wanted(table))
}

impl Fixture {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        fs::create_dir(place.path().join("sensors")).unwrap();
        let folder = Folder::new(place.path().join("sensors"));
        Self { place, folder, now: Instant::now() }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.directory.join(file)
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(file), text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// What follows from a look, as `+NAME@FILE`, `-NAME@FILE` and `FILE:LINE: problem`.
    fn look(&mut self) -> Vec<String> {
        self.look_with(|_| None)
    }

    fn look_with(&mut self, wrong: impl Fn(&Definition) -> Option<&'static str>) -> Vec<String> {
        let look = self.folder.look(self.now, false).unwrap();
        let mut put: Vec<_> = look.definitions.iter().map(|it| format!("+{}@{}", it.name, short(&it.source))).collect();
        let problem = |it: &Definition| Some(it.problem(&it.place, wrong(it)?));
        let problems: Vec<_> = look.definitions.iter().filter_map(problem).collect();
        put.retain(|put| problems.iter().all(|problem| !put.ends_with(&format!("@{}", short(&problem.source)))));
        let change = self.folder.judge(look, Checked { sensors: Vec::new(), problems });
        let mut gone: Vec<_> = change
            .gone
            .iter()
            .map(|(owner, name)| format!("-{name}@{}", owner.to_string().trim_start_matches("file:")))
            .collect();
        gone.sort();
        put.extend(gone);
        let here = format!("{}/", self.folder.directory.display());
        let told = |problem: &Problem| {
            let line = match problem.place {
                Some(Place::Line(line)) => Some(line),
                _ => None,
            };
            format!("{}:{line:?}: {}", short(&problem.source), problem.message.replace(&here, ""))
        };
        put.extend(change.problems.iter().map(told));
        put
    }
}

fn short(source: &Source) -> String {
    source.owner().to_string().replace("file:", "")
}

const NOTHING: [&str; 0] = [];

#[test]
fn only_what_is_other_than_before_is_told() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    it.write("b.toml", wanted("1"));
    it.write("notes.txt", "no sensor");
    it.write(".c.toml", wanted("1"));
    assert_eq!(it.look(), ["+a@a.toml", "+b@b.toml"]);
    assert_eq!(it.look(), NOTHING);
    it.write("a.toml", format!("# A remark moves lines.\n\n{}", wanted("1")));
    assert_eq!(it.look(), NOTHING);
    it.write("a.toml", wanted("2"));
    assert_eq!(it.look(), ["+a@a.toml"]);
    it.write("a.toml", named("other", "2"));
    assert_eq!(it.look(), ["+other@a.toml", "-a@a.toml"]);
}

#[test]
fn a_file_that_is_back_soon_was_never_gone() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    it.look();
    it.remove("a.toml");
    assert_eq!(it.look(), NOTHING);
    it.later(4);
    assert_eq!(it.look(), NOTHING);
    it.write("a.toml", wanted("1"));
    assert_eq!(it.look(), NOTHING);
    it.later(4);
    assert_eq!(it.look(), NOTHING);
}

#[test]
fn a_file_that_stays_away_is_gone_and_may_come_back() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    it.look();
    it.remove("a.toml");
    let look = it.folder.look(it.now, false).unwrap();
    assert_eq!(look.again, Some(it.now + PATIENCE));
    it.later(5);
    assert_eq!(it.look(), ["-a@a.toml"]);
    assert_eq!(it.look(), NOTHING);
    it.write("a.toml", wanted("1"));
    assert_eq!(it.look(), ["+a@a.toml"]);
}

#[test]
fn a_sensor_in_a_renamed_file_moves() {
    let mut it = Fixture::new();
    it.write("a.toml", named("s", "1"));
    it.look();
    fs::rename(it.path("a.toml"), it.path("b.toml")).unwrap();
    assert_eq!(it.look(), ["+s@b.toml"]);
    it.later(5);
    assert_eq!(it.look(), NOTHING);
    // The first is back beside the second: its sensor is the second's by now.
    it.write("a.toml", named("s", "1"));
    assert_eq!(it.look(), ["a.toml:Some(1): the sensor `s` is defined in b.toml too: rename one"]);
}

#[test]
fn a_sensor_moves_between_two_files_that_are_saved_together() {
    let mut it = Fixture::new();
    it.write("a.toml", named("s", "1"));
    it.write("b.toml", named("other", "1"));
    it.look();
    it.write("a.toml", named("new", "1"));
    it.write("b.toml", named("s", "1"));
    assert_eq!(it.look(), ["+new@a.toml", "+s@b.toml", "-other@b.toml", "-s@a.toml"]);
}

#[test]
fn a_name_stays_with_the_file_that_has_it_until_that_one_lets_it_go() {
    let mut it = Fixture::new();
    it.write("b.toml", named("s", "1"));
    it.look();
    it.write("a.toml", format!("\n{}", named("s", "1")));
    assert_eq!(it.look(), ["a.toml:Some(2): the sensor `s` is defined in b.toml too: rename one"]);
    assert_eq!(it.look(), NOTHING);
    it.write("b.toml", named("other", "1"));
    assert_eq!(it.look(), ["+s@a.toml", "+other@b.toml", "-s@b.toml"]);
    assert_eq!(it.folder.problems().count(), 0);
}

#[test]
fn a_broken_file_changes_nothing_is_told_once_and_holds_up_no_other() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    it.look();
    it.write("a.toml", "wanted = [\n");
    it.write("b.toml", wanted("1"));
    let told = it.look();
    assert_eq!((told.len(), told[0].as_str()), (2, "+b@b.toml"));
    assert!(told[1].starts_with("a.toml:Some("), "{told:?}");
    it.write("b.toml", wanted("2"));
    assert_eq!(it.look(), ["+b@b.toml"], "it is told once");
    assert_eq!(it.folder.problems().count(), 1);
    it.write("a.toml", wanted("1"));
    assert_eq!(it.look(), NOTHING, "mended to what is in force");
    assert_eq!(it.folder.problems().count(), 0);
}

#[test]
fn what_the_check_refuses_is_looked_at_again_with_the_next_change() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    let refuse = |it: &Definition| (it.name == "a").then_some("no matcher");
    assert_eq!(it.look_with(refuse), ["a.toml:Some(1): no matcher"]);
    assert_eq!(it.look_with(refuse), NOTHING);
    it.write("b.toml", wanted("1"));
    assert_eq!(it.look_with(refuse), ["+b@b.toml"]);
    let look = it.folder.look(it.now, true).unwrap();
    assert_eq!(look.definitions.len(), 1);
    it.folder.judge(look, Checked::default());
    assert_eq!(it.look_with(refuse), NOTHING, "it is in force now");
}

#[test]
fn a_directory_that_cannot_be_read_changes_nothing() {
    let mut it = Fixture::new();
    it.write("a.toml", wanted("1"));
    it.look();
    let aside = it.place.path().join("aside");
    fs::rename(it.path(""), &aside).unwrap();
    let error = it.folder.look(it.now, false).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the sensor directory"), "{error}");
    it.later(60);
    assert!(it.folder.look(it.now, false).is_err());
    fs::rename(&aside, it.path("")).unwrap();
    assert_eq!(it.look(), NOTHING);
}

#[test]
fn files_behind_links_change_when_the_links_are_swapped() {
    // As Kubernetes mounts a ConfigMap.
    let mut it = Fixture::new();
    let version = |it: &Fixture, name: &str, files: &[(&str, &str)]| {
        fs::create_dir(it.path(name)).unwrap();
        files.iter().for_each(|(file, table)| fs::write(it.path(name).join(file), wanted(table)).unwrap());
        symlink(name, it.path("..data_tmp")).unwrap();
        fs::rename(it.path("..data_tmp"), it.path("..data")).unwrap();
    };
    version(&it, "..1", &[("a.toml", "1"), ("b.toml", "1")]);
    symlink("..data/a.toml", it.path("a.toml")).unwrap();
    symlink("..data/b.toml", it.path("b.toml")).unwrap();
    assert_eq!(it.look(), ["+a@a.toml", "+b@b.toml"]);
    version(&it, "..2", &[("a.toml", "2")]);
    fs::remove_dir_all(it.path("..1")).unwrap();
    assert_eq!(it.look(), ["+a@a.toml"]);
    it.remove("b.toml");
    it.later(5);
    assert_eq!(it.look(), ["-b@b.toml"]);
}
