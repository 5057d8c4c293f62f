//! Where a scan begins and where it ends.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{super::rendering::RenderError, CatchUpError};
use crate::{
    domain::{
        calendar::Calendar,
        catch_up::{Block, Stretch},
        message::Partition,
        window::{Frequency, Window},
    },
    source::{Extent, Start},
    store::StoredOffset,
};

/// Messages do not stand in the log in the exact order of their arrival: it is read on for so long behind an end.
pub(in crate::pipeline) const DISORDER: SignedDuration = SignedDuration::from_hours(1);

/// The days whose messages a block of wanted messages looks at.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) block: Block,
    pub(super) calendar: Arc<Calendar>,
    pub(super) first: Date,
    pub(super) last: Date,
    since: Timestamp,
    over: Timestamp,
    wanted: u64,
    /// Messages from before this instant are not looked for, though the window holds them.
    cut_off: Option<Timestamp>,
}

impl Span {
    /// None: all of it lies too far back.
    pub(super) fn of(block: Block, wanted: u64, now: Timestamp, days: u32) -> Result<Option<Self>, RenderError> {
        let zone = TimeZone::get(&block.timezone).map_err(|error| RenderError::Zone(block.timezone.clone(), error))?;
        let calendar = Calendar::new(zone, block.day_shift_seconds);
        let limit = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
        let window = Window::on(block.frequency, block.business_date, &calendar);
        let end = block.frequency.next_first_day(block.business_date).yesterday().unwrap_or(Date::MAX);
        let last = end.min(calendar.business_date(now));
        let span = Self {
            first: window.first_day.max(calendar.business_date(limit)),
            last,
            since: window.opens.max(limit),
            over: calendar.start_of(last.tomorrow().unwrap_or(Date::MAX)),
            wanted,
            // Where a window has no beginning that is no loss.
            cut_off: Some(limit).filter(|limit| window.opens < *limit && block.frequency != Frequency::Once),
            calendar: Arc::new(calendar),
            block,
        };
        Ok(Some(span).filter(|span| span.first <= span.last && span.since < span.over))
    }

    /// The date whose text the messages of a day meet: the young one, or on a later day that day's own.
    pub(super) fn text(&self, day: Date) -> Date {
        self.block.business_date.max(day)
    }

    /// Whether messages of earlier days meet a text that they do not meet when they come.
    fn looks_back(&self) -> bool {
        self.first < self.block.business_date
    }
}

/// What is to be read of a topic for some spans.
pub(super) struct Plan<'a> {
    pub(super) cluster: Arc<str>,
    pub(super) topic: &'a Arc<str>,
    pub(super) spans: &'a [Span],
    pub(super) start: Start,
}

impl Plan<'_> {
    pub(super) fn since(&self) -> Timestamp {
        self.spans.iter().map(|span| span.since).min().unwrap_or(Timestamp::MAX)
    }

    /// The stretches of partitions as they are now, by how far they have been read.
    pub(super) fn stretches(&self, extents: &[Extent], stored: &[StoredOffset]) -> Result<Vec<Stretch>, CatchUpError> {
        let mut stretches = Vec::new();
        for extent in extents {
            let cut = self.cut(extent, stored)?;
            if extent.since < cut {
                stretches.push(self.stretch(extent, cut, stored));
            }
        }
        Ok(stretches)
    }

    /// From there on messages meet all renderings when they come. The end of the log where earlier days are looked at with
    /// another text than they meet then.
    fn cut(&self, extent: &Extent, stored: &[StoredOffset]) -> Result<i64, CatchUpError> {
        let next = stored.iter().find(|it| it.partition == extent.partition).map(|it| it.next);
        let read = match (next, self.start) {
            (Some(next), _) => next,
            // A partition that is found later is read from its beginning.
            (None, _) if !stored.is_empty() => extent.low,
            (None, Start::Earliest) => extent.low,
            // It is not read from behind the end of now.
            (None, Start::Committed) => extent.high,
            (None, Start::Latest | Start::At(_)) => return Err(CatchUpError::NotBegun),
        };
        let looks_back = self.spans.iter().any(Span::looks_back);
        Ok(if looks_back { extent.high } else { read.min(extent.high) })
    }

    fn stretch(&self, extent: &Extent, cut: i64, stored: &[StoredOffset]) -> Stretch {
        let epoch = stored.iter().find(|it| it.partition == extent.partition).map_or(0, |it| it.epoch);
        Stretch {
            partition: Partition {
                cluster: Arc::clone(&self.cluster),
                topic: Arc::clone(self.topic),
                number: extent.partition,
                epoch,
            },
            since: self.since(),
            first: extent.since,
            cut,
            wanted: self.spans.iter().map(|span| span.wanted).sum(),
            lacking: self.lacking(extent),
        }
    }

    fn lacking(&self, extent: &Extent) -> Option<String> {
        if let Some(limit) = self.spans.iter().filter_map(|span| span.cut_off).min() {
            return Some(format!("messages from before {limit:.0} are not looked for: `catch_up_days` in [sensors]"));
        }
        let is_cut = extent.low > 0 && extent.since == extent.low;
        is_cut.then(|| gone(extent.low))
    }
}

/// What is said where there is no log any more.
pub(super) const NO_PARTITION: &str = "the topic is gone from Kafka";

/// What is said where the log begins behind what is looked for.
pub(in crate::pipeline) fn gone(low: i64) -> String {
    format!("the log begins at the offset {low}: what came before it is gone from Kafka")
}

/// When no message of any span comes any more, however long the log goes on.
pub(super) fn over(spans: &[Span]) -> Timestamp {
    let last = spans.iter().map(|span| span.over).max().unwrap_or(Timestamp::MIN);
    last.checked_add(DISORDER).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(frequency: Frequency, date: &str, days: u32) -> Option<Span> {
        let (timezone, matcher) = ("Europe/Berlin".to_owned(), "m".to_owned());
        let business_date = date.parse().unwrap();
        let block = Block { timezone, day_shift_seconds: 7200, frequency, business_date, matcher };
        Span::of(block, 3, "2019-07-10T12:00:00Z".parse().unwrap(), days).unwrap()
    }

    fn check(frequency: Frequency, date: &str, expected: Option<(&str, &str, &str)>) {
        let found =
            span(frequency, date, 35).map(|it| [it.first.to_string(), it.last.to_string(), it.since.to_string()]);
        assert_eq!(
            found,
            expected.map(|(first, last, since)| [first, last, since].map(str::to_owned)),
            "{frequency} {date}"
        );
    }

    #[test]
    fn a_span_is_of_the_days_of_a_window_as_far_as_they_have_begun() {
        check(Frequency::Day, "2019-07-10", Some(("2019-07-10", "2019-07-10", "2019-07-09T20:00:00Z")));
        check(Frequency::Week, "2019-07-10", Some(("2019-07-08", "2019-07-10", "2019-07-07T20:00:00Z")));
        check(Frequency::Month, "2019-07-10", Some(("2019-07-01", "2019-07-10", "2019-06-30T20:00:00Z")));
        check(Frequency::Month, "2019-06-20", Some(("2019-06-05", "2019-06-30", "2019-06-05T12:00:00Z")));
        check(Frequency::Once, "2019-07-10", Some(("2019-06-05", "2019-07-10", "2019-06-05T12:00:00Z")));
        check(Frequency::Day, "2019-05-10", None);
    }

    /// Where a partition is cut that holds the offsets from 10 to 99, of which the span begins at 20.
    fn cut(spans: &[Span], start: Start, stored: &[(i32, i64)]) -> Option<(i64, i64)> {
        let stored: Vec<_> =
            stored.iter().map(|&(partition, next)| StoredOffset { partition, epoch: 0, next, frozen: false }).collect();
        let plan = Plan { cluster: "c".into(), topic: &"t".into(), spans, start };
        let stretches = plan.stretches(&[Extent { partition: 0, low: 10, since: 20, high: 100 }], &stored);
        stretches.ok().map(|all| all.first().map_or((0, 0), |it| (it.first, it.cut)))
    }

    #[test]
    fn a_scan_ends_where_messages_meet_the_renderings_anyway() {
        let day = [span(Frequency::Day, "2019-07-10", 35).unwrap()];
        assert_eq!(cut(&day, Start::Latest, &[(0, 50)]), Some((20, 50)));
        assert_eq!(cut(&day, Start::Latest, &[(0, 20)]), Some((0, 0)), "nothing is left to be read");
        assert_eq!(cut(&day, Start::Latest, &[(1, 50)]), Some((0, 0)), "it is read from its beginning");
        assert_eq!(cut(&day, Start::Earliest, &[]), Some((0, 0)));
        assert_eq!(cut(&day, Start::Latest, &[]), None, "it is not known yet");
        assert_eq!(cut(&day, Start::Committed, &[]), Some((20, 100)));
        // The days before have another text, in what has not been read, too.
        let month = [day[0].clone(), span(Frequency::Month, "2019-07-10", 35).unwrap()];
        assert_eq!(cut(&month, Start::Earliest, &[(0, 50)]), Some((20, 100)));
    }
}
