//! A sensor's name is its own: which file has it, where several claim it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::super::{Draft, Problem};

/// Who claims which names.
#[derive(Default)]
pub(super) struct Claims<'a> {
    holders: HashMap<&'a str, &'a Path>,
}

impl<'a> Claims<'a> {
    /// Notes a claim that no later one takes away.
    pub(super) fn hold(&mut self, name: &'a str, file: &'a Path) {
        self.holders.entry(name).or_insert(file);
    }

    /// What is wrong with the claims of a file's sensors. Those that nobody else holds are the file's from now on.
    pub(super) fn settle(&mut self, file: &'a PathBuf, drafts: &'a [Draft]) -> Vec<Problem> {
        let mut own = HashMap::new();
        let mut problems = Vec::new();
        for draft in drafts {
            let holder = *self.holders.entry(&draft.name).or_insert(file);
            let earlier = own.insert(&draft.name, draft.line);
            let message = match earlier {
                _ if holder != file => {
                    format!("the sensor `{}` is defined in {} too: rename one", draft.name, holder.display())
                }
                Some(line) => format!("the sensor `{}` is defined on line {line} too: rename one", draft.name),
                None => continue,
            };
            problems.push(Problem { file: file.clone(), line: Some(draft.line), message });
        }
        problems
    }
}
