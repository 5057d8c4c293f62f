//! Where a partition is to be read again.

use std::{fmt, str::FromStr, time::Duration};

use jiff::Timestamp;

use super::{Ends, SourceError};

/// A place in a log, as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetTo {
    Earliest,
    Latest,
    Offset(i64),
    /// The first message of this time or a later one.
    Time(Timestamp),
}

impl FromStr for ResetTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<i64>()) {
            ("earliest", _) => Ok(Self::Earliest),
            ("latest", _) => Ok(Self::Latest),
            (_, Ok(offset)) if offset >= 0 => Ok(Self::Offset(offset)),
            _ => text.parse().map(Self::Time).map_err(|_| {
                format!("`{text}` is not \"earliest\", \"latest\", an offset or a time as \"2026-01-31T00:00:00Z\"")
            }),
        }
    }
}

impl fmt::Display for ResetTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Offset(offset) => offset.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// What a place comes to in a log as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    At(i64),
    /// The log has no such offset: its first one, and the one after its last.
    Outside {
        low: i64,
        high: i64,
    },
    NoSuchPartition,
}

impl Ends {
    /// The offset that a place comes to.
    pub fn place(&self, topic: &str, partition: i32, to: ResetTo, timeout: Duration) -> Result<Place, SourceError> {
        let all = self.of(topic, timeout)?;
        let Some(end) = all.iter().find(|end| end.partition == partition) else { return Ok(Place::NoSuchPartition) };
        Ok(match to {
            ResetTo::Earliest => Place::At(end.low),
            ResetTo::Latest => Place::At(end.high),
            ResetTo::Offset(offset) if (end.low..=end.high).contains(&offset) => Place::At(offset),
            ResetTo::Offset(_) => Place::Outside { low: end.low, high: end.high },
            ResetTo::Time(time) => Place::At(self.at(topic, partition, time)?.clamp(end.low, end.high)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["earliest", "latest", "0", "17", "2026-01-31T00:00:00Z"] {
            assert_eq!(text.parse::<ResetTo>().unwrap().to_string(), text);
        }
        for text in ["-1", "soon", ""] {
            assert!(text.parse::<ResetTo>().unwrap_err().contains("is not \"earliest\""), "{text}");
        }
    }
}
