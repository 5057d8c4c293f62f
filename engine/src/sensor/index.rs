//! The index over all sensors, kept per business date.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};

use super::table::{Table, TableBuilder};
use crate::domain::{
    calendar::Calendar,
    generation::GenerationId,
    wanted::WantedId,
    window::{Frequency, Window},
};

/// So many business dates of a calendar are kept: the one before midnight is still needed a while after it.
const DAYS_KEPT: usize = 3;

/// Everything that is wanted: by calendar, by business date, by topic and matcher, by key.
#[derive(Clone, Default)]
pub struct Index {
    pub calendars: Vec<CalendarDays>,
    /// The matchers that judge a topic's messages.
    matchers: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

/// One calendar's days, as far as they are rendered.
#[derive(Clone)]
pub struct CalendarDays {
    pub calendar: Arc<Calendar>,
    days: BTreeMap<Date, Arc<DayIndex>>,
}

/// What is wanted on one business date.
#[derive(Clone)]
pub struct DayIndex {
    pub date: Date,
    pub opens: Timestamp,
    pub closes: Timestamp,
    /// The window around it of each frequency but the hour, of which there are many.
    windows: HashMap<Frequency, Window>,
    tables: HashMap<Route, Arc<Table>>,
    /// The matchers that could not be asked what they wait for, and why: nobody knows what their messages mean.
    unprepared: Unprepared,
}

/// Matchers that cannot be asked what they wait for, each with the reason.
pub type Unprepared = BTreeMap<Arc<str>, Arc<str>>;

/// What is to be different on a day.
pub struct ChangedDay {
    /// Whose tables they are.
    pub matcher: Arc<str>,
    pub calendar: Arc<Calendar>,
    pub date: Date,
    pub tables: HashMap<Route, Arc<Table>>,
}

/// A topic and the generation that judges its messages: the keys of another one may be others.
pub type Route = (Arc<str>, GenerationId);

impl Index {
    /// An index of no day yet, over these calendars, topics and their matchers.
    pub fn new(calendars: Vec<Calendar>, topics: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        let mut matchers: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (topic, matcher) in topics {
            matchers.entry(topic).or_default().insert(matcher);
        }
        let empty = |calendar| CalendarDays { calendar: Arc::new(calendar), days: BTreeMap::new() };
        Self { calendars: calendars.into_iter().map(empty).collect(), matchers }
    }

    pub fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.matchers.keys()
    }

    /// The names of the matchers that judge a topic's messages.
    pub fn matchers(&self, topic: &str) -> impl Iterator<Item = &Arc<str>> {
        self.matchers.get(topic).into_iter().flatten()
    }

    /// The same index over other topics and their matchers.
    pub fn with_topics(&self, topics: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        Self { calendars: self.calendars.clone(), ..Self::new(Vec::new(), topics) }
    }

    /// All topics, each with all of its matchers.
    pub fn topics_and_matchers(&self) -> impl Iterator<Item = (Arc<str>, Arc<str>)> {
        let pairs = |(topic, matchers): (&Arc<str>, &BTreeSet<Arc<str>>)| {
            let pair = |matcher: &Arc<str>| (Arc::clone(topic), Arc::clone(matcher));
            matchers.iter().map(pair).collect::<Vec<_>>()
        };
        self.matchers.iter().flat_map(pairs)
    }

    /// The same index with one more day of one calendar, or with another in its place.
    pub fn with_day(&self, calendar: &Calendar, day: &Arc<DayIndex>) -> Self {
        let mut index = self.clone();
        let place = index.calendars.iter().position(|days| *days.calendar == *calendar).unwrap_or_else(|| {
            index.calendars.push(CalendarDays { calendar: Arc::new(calendar.clone()), days: BTreeMap::new() });
            index.calendars.len() - 1
        });
        index.calendars[place].days.insert(day.date, Arc::clone(day));
        index
    }

    /// The same index with other tables on a day of a calendar.
    pub fn with_tables(&self, day: &ChangedDay) -> Self {
        let mut index = self.clone();
        let days = index.calendars.iter_mut().find(|days| *days.calendar == *day.calendar);
        if let Some(before) = days.and_then(|days| days.days.get_mut(&day.date)) {
            let mut tables = before.tables.clone();
            tables.extend(day.tables.iter().map(|(route, table)| (route.clone(), Arc::clone(table))));
            let mut unprepared = before.unprepared.clone();
            unprepared.remove(&day.matcher);
            *before = Arc::new(DayIndex { tables, unprepared, ..DayIndex::clone(before) });
        }
        index
    }

    /// Why a matcher cannot judge messages that arrived at these instants, if so.
    pub fn unprepared(&self, matcher: &str, arrivals: impl Iterator<Item = Timestamp> + Clone) -> Option<&Arc<str>> {
        let lacking = self.calendars.iter().flat_map(|days| days.days.values());
        let mut lacking = lacking.filter_map(|day| Some((day, day.unprepared.get(matcher)?)));
        lacking.find(|(day, _)| arrivals.clone().any(|arrival| day.contains(arrival))).map(|(_, why)| why)
    }

    /// The same index with what these generations wait for, and no others.
    pub fn only(&self, generations: &HashSet<GenerationId>) -> Self {
        let mut index = self.clone();
        for day in index.calendars.iter_mut().flat_map(|days| days.days.values_mut()) {
            let mut tables = day.tables.clone();
            tables.retain(|(_, generation), _| generations.contains(generation));
            *day = Arc::new(DayIndex { tables, ..DayIndex::clone(day) });
        }
        index
    }

    /// The tables of a day of a calendar, if it is rendered.
    pub fn tables(&self, calendar: &Calendar, date: Date) -> HashMap<Route, Arc<Table>> {
        let days = self.calendars.iter().find(|days| *days.calendar == *calendar);
        days.and_then(|days| days.days.get(&date)).map(|day| day.tables.clone()).unwrap_or_default()
    }

    /// All days that are rendered.
    pub fn days(&self) -> impl Iterator<Item = (&Arc<Calendar>, Date)> {
        self.calendars.iter().flat_map(|days| days.days.keys().map(|date| (&days.calendar, *date)))
    }

    /// Whether days long past are kept that nobody needs.
    pub fn has_past(&self, is_needed: impl Fn(&DayIndex) -> bool) -> bool {
        let past = self.calendars.iter().flat_map(|days| days.days.values().rev().skip(DAYS_KEPT));
        past.into_iter().any(|day| !is_needed(day))
    }

    /// The same index without days long past, unless they are needed: a backlog may be read.
    pub fn without_past(&self, is_needed: impl Fn(&DayIndex) -> bool) -> Self {
        let mut index = self.clone();
        for days in &mut index.calendars {
            let newest: Vec<_> = days.days.keys().rev().take(DAYS_KEPT).copied().collect();
            days.days.retain(|date, day| newest.contains(date) || is_needed(day));
        }
        index
    }

    /// The days that these arrivals need and that are not rendered yet.
    pub fn missing(&self, arrivals: impl Iterator<Item = Timestamp> + Clone) -> Vec<(Arc<Calendar>, Date)> {
        let mut missing = Vec::new();
        for days in &self.calendars {
            let mut last: Option<&DayIndex> = None;
            for arrival in arrivals.clone() {
                if last.is_some_and(|day| day.contains(arrival)) {
                    continue;
                }
                last = days.at(arrival);
                if last.is_none() {
                    let needed = (Arc::clone(&days.calendar), days.calendar.business_date(arrival));
                    if !missing.contains(&needed) {
                        missing.push(needed);
                    }
                }
            }
        }
        missing
    }
}

impl CalendarDays {
    /// The day that holds an arrival, if it is rendered.
    pub fn at(&self, arrival: Timestamp) -> Option<&DayIndex> {
        self.days.values().rev().find(|day| day.contains(arrival)).map(|day| &**day)
    }

    pub fn days(&self) -> impl Iterator<Item = &Arc<DayIndex>> {
        self.days.values()
    }

    pub fn has(&self, date: Date) -> bool {
        self.days.contains_key(&date)
    }
}

impl DayIndex {
    pub fn new(calendar: &Calendar, date: Date, tables: HashMap<Route, Arc<Table>>) -> Self {
        let window = Window::on(Frequency::Day, date, calendar);
        let windows = Frequency::OF_DAYS.into_iter().chain([Frequency::Once]);
        Self {
            date,
            opens: window.opens,
            closes: window.closes,
            windows: windows.map(|it| (it, Window::on(it, date, calendar))).collect(),
            tables,
            unprepared: Unprepared::new(),
        }
    }

    /// The same day, on which it is not known what these matchers wait for.
    pub fn without(self, unprepared: Unprepared) -> Self {
        Self { unprepared, ..self }
    }

    /// The matchers of which it is not known what they wait for.
    pub fn unprepared(&self) -> &Unprepared {
        &self.unprepared
    }

    /// The same day without some wanted messages, and with more.
    pub fn changed(&self, without: &HashSet<WantedId>, mut more: HashMap<Route, TableBuilder>) -> Self {
        let mut tables = HashMap::new();
        for (route, table) in &self.tables {
            let more = more.remove(route);
            let table = match more.is_some() || table.has_any(without) {
                true => Arc::new(table.changed(without, more.unwrap_or_default())),
                false => Arc::clone(table),
            };
            tables.insert(route.clone(), table);
        }
        tables.extend(more.into_iter().map(|(route, table)| (route, Arc::new(table.build()))));
        tables.retain(|_, table| !table.is_empty());
        Self { tables, ..Self::clone(self) }
    }

    pub fn contains(&self, instant: Timestamp) -> bool {
        self.opens <= instant && instant < self.closes
    }

    /// The window of a frequency that holds an instant of this day.
    pub fn window(&self, frequency: Frequency, instant: Timestamp, calendar: &Calendar) -> Window {
        self.windows.get(&frequency).copied().unwrap_or_else(|| Window::at(frequency, instant, calendar))
    }

    /// What is wanted of a topic, as a generation says it.
    pub fn table(&self, topic: &Arc<str>, generation: GenerationId) -> Option<&Table> {
        self.tables.get(&(Arc::clone(topic), generation)).map(|table| &**table)
    }
}
