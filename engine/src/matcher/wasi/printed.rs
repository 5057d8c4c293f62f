//! What a guest prints comes in pieces; the log wants lines.

/// A line that has no end yet.
#[derive(Debug, Default)]
pub(crate) struct Printed(Vec<u8>);

impl Printed {
    /// The lines that end in a piece. No more is kept than may be logged: what is over is as good as an end.
    pub(crate) fn lines(&mut self, piece: &[u8], limit: usize) -> Vec<String> {
        let piece = piece.get(..=limit).unwrap_or(piece);
        self.0.extend_from_slice(piece);
        let whole = match self.0.iter().rposition(|byte| *byte == b'\n') {
            _ if self.0.len() > limit => self.0.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let text: Vec<u8> = self.0.drain(..whole).collect();
        String::from_utf8_lossy(&text).lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    }

    /// What is left without an end.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Printed;

    #[test]
    fn pieces_become_lines() {
        let mut printed = Printed::default();
        assert!(printed.lines(b"one", 100).is_empty());
        assert_eq!(printed.lines(b" line\n\nand \xff\nthe", 100), ["one line", "and \u{fffd}"]);
        assert_eq!(printed.rest().as_deref(), Some("the"));
        assert_eq!(printed.rest(), None);
    }

    #[test]
    fn a_line_without_end_is_not_hoarded() {
        let mut printed = Printed::default();
        assert_eq!(printed.lines(&[b'x'; 50], 10), ["x".repeat(11)]);
        assert_eq!(printed.lines(&[b'x'; 50], 0), ["x"]);
        assert_eq!(printed.rest(), None);
    }
}
