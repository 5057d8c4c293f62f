//! Places in a text file, a parser's words for people, and slips in names.

/// Where the lines of a text end, found once: a file may hold many thousand sensors.
pub struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, counted from 1.
    pub fn line_of(&self, byte: usize) -> usize {
        1 + self.0.partition_point(|end| *end < byte)
    }
}

/// So many letters of a name may be wrong for it to be taken for a slip.
const SLIPS: usize = 2;

/// Whether what was written is a name with a slip.
pub fn is_slip(written: &str, name: &str) -> bool {
    strsim::osa_distance(written, name) <= SLIPS
}

/// What a JSON text has wrong, whose place is said otherwise.
pub fn without_place(error: &serde_json::Error) -> String {
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
pub fn plain(message: &str) -> String {
    WORDS.iter().fold(message.trim_end().to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_what_without_where() {
        let error = serde_json::from_str::<Vec<u32>>("[1,\n x]").unwrap_err();
        assert_eq!(without_place(&error), "expected value");
    }
}
