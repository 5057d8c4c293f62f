//! Places in a text file, and what is wrong there, for people.

use std::path::Path;

/// Where the lines of a text end, found once: a file may hold many thousand sensors.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        1 + self.0.partition_point(|end| *end < byte)
    }
}

/// `FILE:LINE:COLUMN: what is wrong`, and below it the line itself.
pub(super) fn with_place(file: &Path, error: &toml::de::Error) -> String {
    let (file, message, shown) = (file.display(), plain(error.message()), error.to_string());
    let place = shown.strip_prefix("TOML parse error at line ").and_then(|rest| rest.split_once('\n'));
    let Some((place, rest)) = place else {
        return format!("{file}: {message}");
    };
    let excerpt = rest.trim_end().strip_suffix(error.message().trim_end()).unwrap_or_default();
    format!("{file}:{}: {message}\n{}", place.replace(", column ", ":"), excerpt.trim_end())
}

/// What a JSON text has wrong, whose place is said otherwise.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    plain(text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message))
}

/// How the parsers' words read to whoever writes no Rust.
const WORDS: [(&str, &str); 14] = [
    ("\n", " "),
    ("unknown field ", "unknown key "),
    ("unknown variant ", "unknown value "),
    ("missing field ", "missing key "),
    ("duplicate field ", "duplicate key "),
    ("invalid type: ", "wrong type: "),
    ("invalid value: ", "wrong value: "),
    ("expected a nonzero u16", "expected a whole number of at least 1"),
    ("expected a nonzero u32", "expected a whole number of at least 1"),
    ("expected a nonzero usize", "expected a whole number of at least 1"),
    ("expected u16", "expected a whole number"),
    ("expected usize", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected u64", "expected a whole number"),
];

/// A parser's message in one line and plain words.
pub(super) fn plain(message: &str) -> String {
    WORDS.iter().fold(message.trim_end().to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_place_and_its_line() {
        let error = toml::from_str::<super::super::Config>("[matchers]\nworkers = \"many\"\n").unwrap_err();
        let told = "f.toml:2:11: wrong type: string \"many\", expected a whole number\n  |\n\
                    2 | workers = \"many\"\n  |           ^^^^^^";
        assert_eq!(with_place(Path::new("f.toml"), &error), told);
    }

    #[test]
    fn json_says_what_without_where() {
        let error = serde_json::from_str::<Vec<u32>>("[1,\n x]").unwrap_err();
        assert_eq!(without_place(&error), "expected value");
    }
}
