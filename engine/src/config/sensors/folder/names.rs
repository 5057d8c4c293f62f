//! A sensor's name is its own: which file has it, where several claim it.

use std::{collections::HashMap, path::Path};

use crate::domain::definition::{Definition, Place, Problem};

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
    pub(super) fn settle(&mut self, file: &'a Path, definitions: &'a [Definition]) -> Vec<Problem> {
        let mut own = HashMap::new();
        let mut problems = Vec::new();
        for definition in definitions {
            let name = definition.name.as_str();
            let holder = *self.holders.entry(name).or_insert(file);
            let earlier = own.insert(name, &definition.place);
            let message = match earlier {
                _ if holder != file => {
                    format!("the sensor `{name}` is defined in {} too: rename one", holder.display())
                }
                Some(Place::Line(line)) => format!("the sensor `{name}` is defined on line {line} too: rename one"),
                Some(Place::Pointer(place)) => format!("the sensor `{name}` is defined at {place} too: rename one"),
                None => continue,
            };
            problems.push(definition.problem(&definition.place, message));
        }
        problems
    }
}
