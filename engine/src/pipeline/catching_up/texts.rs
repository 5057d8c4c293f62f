//! An index for one scan: over what it is for and nothing else, in which the earlier days of a window have a young text.
//!
//! Days with the same wanted messages and texts share their tables, so that a month of monthly ones is there once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::civil::Date;

use super::{
    super::{
        Shared,
        live::Live,
        rendering::{PAGE, RenderError, Tables},
    },
    CatchUpError,
    plan::Span,
};
use crate::{
    domain::{
        calendar::{Calendar, next},
        catch_up::ScanId,
        window::Frequency,
    },
    matcher::Registry,
    sensor::{DayIndex, Index},
    store::{ActiveWanted, Occasion},
};

/// The calendar of some wanted messages, by its zone and shift.
type CalendarKey = (String, i32);

/// Wanted messages with one text: those of a frequency and a business date, rendered for a date.
type Text = (Frequency, Date, Date);

/// Which texts messages of a day meet.
type Met = (CalendarKey, BTreeSet<Text>);

/// What a scan's messages are judged by.
pub(super) async fn live(
    shared: &Shared,
    scan: ScanId,
    topic: &Arc<str>,
    spans: &[Span],
) -> Result<Live, CatchUpError> {
    let registry = Arc::clone(&shared.live.load().registry);
    if let Some(gone) = spans.iter().find(|span| registry.post(&span.block.matcher).is_none()) {
        return Err(CatchUpError::Gone(gone.block.matcher.clone()));
    }
    let mut texts = Texts::of(spans);
    let mut after = None;
    loop {
        let page = shared.store.catch_up_targets(scan, Arc::clone(topic), after, PAGE).await?;
        let Some(last) = page.last().map(|(wanted, date)| (wanted.id, *date)) else { break };
        after = Some(last);
        texts.add(shared, &registry, page).await?;
    }
    let matchers = spans.iter().map(|span| (Arc::clone(topic), Arc::from(span.block.matcher.as_str())));
    let index = texts.index(Index::new(Vec::new(), matchers)).await;
    Ok(Live { registry, index: Arc::new(index) })
}

/// The texts of a scan, in the making.
struct Texts {
    calendars: BTreeMap<CalendarKey, Arc<Calendar>>,
    days: BTreeMap<(CalendarKey, Date), Met>,
    tables: BTreeMap<Met, Tables>,
}

impl Texts {
    fn of(spans: &[Span]) -> Self {
        let mut calendars = BTreeMap::new();
        let mut days: BTreeMap<_, Met> = BTreeMap::new();
        for span in spans {
            let key = (span.block.timezone.clone(), span.block.day_shift_seconds);
            calendars.insert(key.clone(), Arc::clone(&span.calendar));
            let mut day = span.first;
            while day <= span.last {
                let met = days.entry((key.clone(), day)).or_insert_with(|| (key.clone(), BTreeSet::new()));
                met.1.insert((span.block.frequency, span.block.business_date, span.text(day)));
                day = next(day);
            }
        }
        let tables = days.values().map(|met| (met.clone(), Tables::default())).collect();
        Self { calendars, days, tables }
    }

    /// Has a page of wanted messages wait wherever they should.
    async fn add(
        &mut self,
        shared: &Shared,
        registry: &Registry,
        page: Vec<(ActiveWanted, Date)>,
    ) -> Result<(), RenderError> {
        for ((key, text), wanted) in self.by_text(page) {
            let awaited = shared.awaited(registry, wanted, text.2, Occasion::CatchUp).await?;
            let meeting =
                self.tables.iter_mut().filter(|((calendar, texts), _)| *calendar == key && texts.contains(&text));
            for (_, tables) in meeting {
                awaited.iter().for_each(|awaited| tables.add(awaited));
            }
        }
        Ok(())
    }

    /// Which wanted messages of a page are to be rendered for which dates.
    fn by_text(&self, page: Vec<(ActiveWanted, Date)>) -> BTreeMap<(CalendarKey, Text), Vec<ActiveWanted>> {
        let mut by_text: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (wanted, date) in page {
            let key = (wanted.timezone.clone(), wanted.day_shift_seconds);
            for text in self.texts(&key, wanted.frequency, date) {
                by_text.entry((key.clone(), text)).or_default().push(wanted.clone());
            }
        }
        by_text
    }

    fn texts(&self, key: &CalendarKey, frequency: Frequency, date: Date) -> BTreeSet<Text> {
        let met = self.tables.keys().filter(|(calendar, _)| calendar == key).flat_map(|(_, texts)| texts);
        met.filter(|text| (text.0, text.1) == (frequency, date)).copied().collect()
    }

    async fn index(self, mut index: Index) -> Index {
        let mut built = HashMap::new();
        for (met, tables) in self.tables {
            built.insert(met, tables.build().await);
        }
        for ((key, date), met) in self.days {
            let calendar = &self.calendars[&key];
            let day = DayIndex::new(calendar, date, built.get(&met).cloned().unwrap_or_default());
            index = index.with_day(calendar, &Arc::new(day));
        }
        index
    }
}
