//! A file of JSON lines as a log that can be read back: each topic has one partition, and the offset of a message is the
//! number of its line, counted from 1.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Extent, Lines, Log, Piece, SourceError, Start,
    lines::{self, MAX_BYTES, MAX_MESSAGES, failed},
};

/// The lines of a file, or of the standard input, which can be read once.
pub struct LinesLog {
    lines: Lines,
    input: Option<Input>,
}

struct Input {
    lines: BufReader<Box<dyn Read + Send + Sync>>,
    /// The number of the next line.
    next: i64,
}

/// What is looked at of a line to find out whether a topic is there at all.
#[derive(Deserialize)]
struct OfTopic<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
}

impl LinesLog {
    pub fn new(lines: Lines) -> Self {
        Self { lines, input: None }
    }

    fn open(&self) -> Result<Input, SourceError> {
        Ok(Input { lines: BufReader::with_capacity(1 << 16, self.lines.open()?), next: 1 })
    }

    /// The input, so that a line comes next.
    fn at(&mut self, number: i64) -> Result<Input, SourceError> {
        let mut input = match self.input.take() {
            Some(input) if input.next <= number => input,
            _ => self.open()?,
        };
        let mut line = Vec::new();
        while input.next < number && input.read(&self.lines, &mut line)? {}
        Ok(input)
    }
}

impl Input {
    /// Reads the next line; false at the end.
    fn read(&mut self, of: &Lines, line: &mut Vec<u8>) -> Result<bool, SourceError> {
        line.clear();
        let read = self.lines.read_until(b'\n', line);
        self.next += 1;
        Ok(read.map_err(failed(Path::new(&of.name())))? > 0)
    }
}

/// What is no message is told when it is read.
fn may_be_of(topic: &str, line: &[u8]) -> bool {
    let is_blank = line.trim_ascii().is_empty();
    !is_blank && serde_json::from_slice::<OfTopic<'_>>(line).map_or(true, |it| it.topic == topic)
}

impl Log for LinesLog {
    fn cluster(&mut self) -> Result<Arc<str>, SourceError> {
        Ok(self.lines.cluster()?.into())
    }

    fn start(&self) -> Start {
        Start::Earliest
    }

    fn is_ordered(&self) -> bool {
        false
    }

    fn extents(&mut self, topic: &str, _since: Timestamp) -> Result<Vec<Extent>, SourceError> {
        let extent = |high| Extent { partition: 0, low: 0, since: 1, high };
        if self.lines == Lines::Stdin {
            return Ok(vec![extent(i64::MAX)]);
        }
        let (mut input, mut line, mut is_there) = (self.open()?, Vec::new(), false);
        while input.read(&self.lines, &mut line)? {
            is_there = is_there || may_be_of(topic, &line);
        }
        Ok(is_there.then(|| extent(input.next - 1)).into_iter().collect())
    }

    fn read(&mut self, topic: &str, _partition: i32, from: i64, until: i64) -> Result<Piece, SourceError> {
        let (mut input, mut line) = (self.at(from)?, Vec::new());
        let mut piece = Piece { next: from, ..Piece::default() };
        let mut bytes = 0;
        while piece.next < until && piece.messages.len() < MAX_MESSAGES && bytes < MAX_BYTES {
            if !input.read(&self.lines, &mut line)? {
                return Ok(Piece { next: until, ..piece });
            }
            bytes += line.len();
            let message = lines::message(&self.lines.name(), &line, piece.next)?;
            piece.messages.extend(message.filter(|(of, _)| of == topic).map(|(_, message)| message));
            piece.next += 1;
        }
        self.input = Some(input);
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> (tempfile::NamedTempFile, LinesLog) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let log = LinesLog::new(Lines::File(file.path().to_owned()));
        (file, log)
    }

    fn offsets(log: &mut LinesLog, topic: &str, from: i64, until: i64) -> (Vec<i64>, i64) {
        let piece = log.read(topic, 0, from, until).unwrap();
        (piece.messages.iter().map(|message| message.offset).collect(), piece.next)
    }

    const TEXT: &str = "{\"topic\":\"a\",\"value\":1}\n\n{\"topic\":\"b\",\"value\":2}\n{\"topic\":\"a\",\"raw\":\"\"}";

    #[test]
    fn offsets_are_line_numbers() {
        let (_file, mut log) = log(TEXT);
        let extent = Extent { partition: 0, low: 0, since: 1, high: 5 };
        assert_eq!(log.extents("a", Timestamp::UNIX_EPOCH).unwrap(), [extent]);
        assert_eq!(log.extents("other", Timestamp::UNIX_EPOCH).unwrap(), []);
        assert_eq!(offsets(&mut log, "a", 1, 5), (vec![1, 4], 5));
        assert_eq!(offsets(&mut log, "a", 1, 3), (vec![1], 3));
        assert_eq!(offsets(&mut log, "a", 3, 5), (vec![4], 5));
        assert_eq!(offsets(&mut log, "b", 2, 5), (vec![3], 5));
        // The file is shorter than it was.
        assert_eq!(offsets(&mut log, "a", 4, 9), (vec![4], 9));
    }

    #[test]
    fn a_line_that_is_no_message_is_named() {
        let (file, mut log) = log("{\"topic\":\"a\",\"value\":1}\nnonsense\n");
        let error = log.read("a", 0, 1, 3).unwrap_err().to_string();
        assert_eq!(error.replace(&file.path().display().to_string(), "FILE"), "FILE, line 2");
    }
}
