//! Renderings: asks the matchers what wanted messages are on a business date, and puts the answers into the index.
//!
//! Done aside and swapped in: intake goes on with the days that are there. Start at [`Shared::render`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{civil::Date, tz::TimeZone};

use super::{Shared, distinct};
use crate::{
    domain::{
        calendar::Calendar,
        wanted::{RenderingId, WantedId},
    },
    matcher::{GaveUp, Generation, Post, Prepared, Problem, Registry, Worker},
    sensor::{ChangedDay, DayIndex, Entry, Index, Route, Table, TableBuilder, Unprepared},
    store::{ActiveWanted, Occasion, StoreError},
};

/// So many wanted messages are read, prepared and saved together.
pub const PAGE: usize = 1_000;

/// Why a day could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("renderings cannot be read or saved")]
    Store(#[from] StoreError),
    #[error("the time zone `{0}` of a sensor cannot be read")]
    Zone(String, #[source] jiff::Error),
    #[error("the matcher `{matcher}` cannot be asked what it waits for: {gave_up}")]
    GaveUp { matcher: Arc<str>, gave_up: GaveUp },
}

/// What a matcher said of wanted messages, in their order.
type Answers = Vec<Result<Prepared, Problem>>;

/// What a generation waits for on behalf of one wanted message.
pub(super) struct Awaited {
    route: Route,
    prepared: Prepared,
    entry: Entry,
}

/// Tables in the making.
#[derive(Default)]
pub(super) struct Tables(pub(super) HashMap<Route, TableBuilder>);

impl Tables {
    pub(super) fn add(&mut self, Awaited { route, prepared, entry }: &Awaited) {
        let table = self.0.entry(route.clone()).or_default();
        prepared.keys.iter().for_each(|key| table.add(key, &prepared.token, *entry));
    }

    /// Building a million entries takes the better part of a second: not on a thread that others wait for.
    pub(super) async fn build(self) -> HashMap<Route, Arc<Table>> {
        let build = move || self.0.into_iter().map(|(route, table)| (route, Arc::new(table.build()))).collect();
        tokio::task::spawn_blocking(build).await.expect("building tables does not panic")
    }
}

impl Shared {
    /// Makes the index anew from the store: its calendars and topics, no day yet.
    pub async fn reindex(&self) -> Result<(), RenderError> {
        let (mut calendars, mut topics) = (Vec::new(), BTreeSet::new());
        let mut seen = BTreeSet::new();
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            for wanted in page {
                if seen.insert((wanted.timezone.clone(), wanted.day_shift_seconds)) {
                    calendars.push(calendar(&wanted)?);
                }
                topics.insert((Arc::from(wanted.topic), Arc::from(wanted.matcher)));
            }
        }
        self.change_index(|_| Index::new(calendars.clone(), topics.clone()));
        Ok(())
    }

    /// Renders a business date of a calendar, unless that was done before.
    pub async fn render(&self, calendar: &Calendar, date: Date) -> Result<(), RenderError> {
        let _alone = self.changing.lock().await;
        let live = self.live.load_full();
        if live.index.calendars.iter().any(|days| *days.calendar == *calendar && days.has(date)) {
            return Ok(());
        }
        let was_rendered = self.store.was_rendered(calendar, date).await?;
        let occasion = if was_rendered { Occasion::Anew } else { Occasion::NewDay };
        let (tables, unprepared) = self.day(&live.registry, calendar, date, occasion).await?;
        if unprepared.is_empty() {
            self.store.note_rendered_day(calendar, date).await?;
        }
        let day = Arc::new(DayIndex::new(calendar, date, tables.build().await).without(unprepared));
        self.change_index(|index| index.with_day(calendar, &day));
        self.catching_up.look();
        tracing::debug!(%date, zone = ?calendar.zone.iana_name(), "Rendered a business date");
        Ok(())
    }

    /// What is awaited on a business date. A matcher that cannot be asked is left out, and named: messages of its topics
    /// wait, the others go on.
    async fn day(
        &self,
        registry: &Registry,
        calendar: &Calendar,
        date: Date,
        occasion: Occasion,
    ) -> Result<(Tables, Unprepared), RenderError> {
        let (mut tables, mut unprepared) = (Tables::default(), Unprepared::new());
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            let ours = page.into_iter().filter(|wanted| belongs(wanted, calendar));
            for (matcher, ours) in by_matcher(ours) {
                if unprepared.contains_key(&*matcher) {
                    continue;
                }
                match self.awaited(registry, ours, date, occasion).await {
                    Ok(awaited) => awaited.iter().for_each(|awaited| tables.add(awaited)),
                    Err(RenderError::GaveUp { matcher, gave_up }) => {
                        tracing::error!(
                            matcher = &*matcher, %date, %gave_up,
                            "A matcher cannot be asked what it waits for: messages of its topics wait on that day"
                        );
                        unprepared.insert(matcher, gave_up.to_string().into());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok((tables, unprepared))
    }

    /// Asks those matchers again that could not be asked what they wait for. True if one of them could.
    pub(super) async fn prepare_again(&self) -> Result<bool, RenderError> {
        let mut any = false;
        for (calendar, date, matcher) in unprepared(&self.live.load().index) {
            let _alone = self.changing.lock().await;
            match self.prepare_day(&calendar, date, &matcher).await {
                Ok(()) => any = true,
                Err(RenderError::GaveUp { gave_up, .. }) => {
                    tracing::debug!(matcher = &*matcher, %date, %gave_up, "A matcher still cannot be asked")
                }
                Err(error) => return Err(error),
            }
        }
        if any {
            self.matchers_changed.send_replace(());
        }
        Ok(any)
    }

    async fn prepare_day(&self, calendar: &Arc<Calendar>, date: Date, matcher: &Arc<str>) -> Result<(), RenderError> {
        let live = self.live.load_full();
        let Some(post) = live.registry.post(matcher) else { return Ok(()) };
        let was_rendered = self.store.was_rendered(calendar, date).await?;
        let occasion = if was_rendered { Occasion::Anew } else { Occasion::NewDay };
        let day = self.day_of(post, calendar, date, occasion).await?;
        self.change_index(|index| index.with_tables(&day));
        tracing::info!(matcher = &**matcher, %date, "A matcher could be asked what it waits for");
        if !unprepared(&self.live.load().index).iter().any(|it| *it.0 == **calendar && it.1 == date) {
            self.store.note_rendered_day(calendar, date).await?;
        }
        Ok(())
    }

    /// What those wait for who judge from a post, on a day.
    pub(super) async fn day_of(
        &self,
        post: &Post,
        calendar: &Arc<Calendar>,
        date: Date,
        occasion: Occasion,
    ) -> Result<ChangedDay, RenderError> {
        let matcher = Arc::clone(post.serving.name());
        let registry = Registry::default().with(post.clone());
        let mut tables = Tables::default();
        let mut pages = self.pages();
        while let Some(page) = self.patience.patiently(|| pages.peek()).await? {
            pages.pass(&page);
            let of_day = |wanted: &ActiveWanted| *wanted.matcher == *matcher && belongs(wanted, calendar);
            let ours: Vec<_> = page.into_iter().filter(of_day).collect();
            let awaited = || self.awaited(&registry, ours.clone(), date, occasion);
            self.patience.patiently(awaited).await?.iter().for_each(|awaited| tables.add(awaited));
        }
        Ok(ChangedDay { matcher, calendar: Arc::clone(calendar), date, tables: tables.build().await })
    }

    /// What is awaited on a date on behalf of a page of wanted messages; their renderings are saved.
    pub(super) async fn awaited(
        &self,
        registry: &Registry,
        page: Vec<ActiveWanted>,
        date: Date,
        occasion: Occasion,
    ) -> Result<Vec<Awaited>, RenderError> {
        let mut awaited = Vec::new();
        for (matcher, wanted) in by_matcher(page) {
            match registry.post(&matcher) {
                Some(post) => awaited.extend(self.awaited_by(post, wanted.into(), date, occasion).await?),
                None => tracing::warn!(matcher, %date, wanted = wanted.len(), "Not rendered: their matcher is gone"),
            }
        }
        Ok(awaited)
    }

    /// The serving generation says how wanted messages render, and where it cannot, the one before it, as long as that is
    /// there: then it has the post again. Both wait for the same renderings, so that either may judge.
    async fn awaited_by(
        &self,
        post: &Post,
        wanted: Arc<[ActiveWanted]>,
        date: Date,
        occasion: Occasion,
    ) -> Result<Vec<Awaited>, RenderError> {
        let answers = self.prepare(&post.serving, &wanted, date).await;
        let Some(previous) = post.previous() else {
            let answers = answers?;
            let renderings = self.save_renderings(&wanted, [&answers, &answers], date, occasion).await?;
            return Ok(awaited(&post.serving, &wanted, &renderings, answers));
        };
        let earlier = self.prepare(previous, &wanted, date).await?;
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                self.roll_back(&post.serving, &error.to_string()).await;
                let renderings = self.save_renderings(&wanted, [&earlier, &earlier], date, occasion).await?;
                return Ok(awaited(previous, &wanted, &renderings, earlier));
            }
        };
        let renderings = self.save_renderings(&wanted, [&answers, &earlier], date, occasion).await?;
        let failed =
            answers.iter().zip(&earlier).find_map(|(now, before)| before.as_ref().ok().and(now.as_ref().err()));
        if let Some(problem) = failed {
            self.roll_back(&post.serving, &format!("it refuses a wanted message on {date}: {problem}")).await;
        }
        let mut all = awaited(&post.serving, &wanted, &renderings, answers);
        all.extend(awaited(previous, &wanted, &renderings, earlier));
        Ok(all)
    }

    /// Asks a generation about wanted messages of its matcher.
    pub(super) async fn prepare(
        &self,
        generation: &Arc<Generation>,
        wanted: &Arc<[ActiveWanted]>,
        date: Date,
    ) -> Result<Answers, RenderError> {
        let (asked, wanted) = (Arc::clone(generation), Arc::clone(wanted));
        let prepare = move |worker: &mut Worker| {
            let fields: Vec<_> = wanted.iter().map(|wanted| wanted.fields.as_str()).collect();
            worker.prepare(&asked, &fields, date)
        };
        let answers = self.pool.run(prepare).await;
        answers.map_err(|gave_up| RenderError::GaveUp { matcher: Arc::clone(generation.name()), gave_up })
    }

    /// Saves how wanted messages render, by the first answer that says so. One that is refused is said aloud and left
    /// out: it was fine when it was defined, and the others go on.
    async fn save_renderings(
        &self,
        wanted: &[ActiveWanted],
        [answers, otherwise]: [&Answers; 2],
        date: Date,
        occasion: Occasion,
    ) -> Result<Vec<Option<RenderingId>>, StoreError> {
        let mut texts = Vec::with_capacity(wanted.len());
        let said: Vec<_> =
            answers.iter().zip(otherwise).map(|(first, second)| first.as_ref().or(second.as_ref())).collect();
        for (wanted, said) in wanted.iter().zip(&said) {
            match said {
                Ok(prepared) => texts.push((wanted.id, date, prepared.rendered.clone())),
                Err(problem) => tracing::error!(
                    sensor = wanted.sensor_name, task_id = wanted.task_id, %date, %problem,
                    "A wanted message cannot be rendered and is not awaited"
                ),
            }
        }
        let mut ids = self.store.save_renderings(texts, occasion).await?.into_iter();
        Ok(said.iter().map(|said| said.as_ref().ok().and_then(|_| ids.next())).collect())
    }

    /// The wanted messages of all active sensors, page by page.
    pub(super) fn pages(&self) -> Pages<'_> {
        Pages { shared: self, after: WantedId(0) }
    }
}

fn by_matcher(page: impl IntoIterator<Item = ActiveWanted>) -> BTreeMap<String, Vec<ActiveWanted>> {
    let mut by_matcher: BTreeMap<String, Vec<ActiveWanted>> = BTreeMap::new();
    for wanted in page {
        by_matcher.entry(wanted.matcher.clone()).or_default().push(wanted);
    }
    by_matcher
}

/// The days on which it is not known what a matcher waits for.
pub(super) fn unprepared(index: &Index) -> Vec<(Arc<Calendar>, Date, Arc<str>)> {
    let days = index.calendars.iter().flat_map(|days| days.days().map(|day| (&days.calendar, day)));
    let of_day = |(calendar, day): (&Arc<Calendar>, &Arc<DayIndex>)| {
        let each = |matcher: &Arc<str>| (Arc::clone(calendar), day.date, Arc::clone(matcher));
        day.unprepared().keys().map(each).collect::<Vec<_>>()
    };
    days.flat_map(of_day).collect()
}

/// Pages of wanted messages.
pub(super) struct Pages<'a> {
    shared: &'a Shared,
    after: WantedId,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<ActiveWanted>>, StoreError> {
        let page = self.peek().await?;
        page.iter().for_each(|page| self.pass(page));
        Ok(page)
    }

    /// The next page, which may be asked for again.
    pub(super) async fn peek(&self) -> Result<Option<Vec<ActiveWanted>>, StoreError> {
        let page = self.shared.store.active_wanted(self.after, PAGE).await?;
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// Goes on behind a page.
    pub(super) fn pass(&mut self, page: &[ActiveWanted]) {
        self.after = page.last().map_or(self.after, |last| last.id);
    }
}

/// What a generation waits for on behalf of wanted messages, by its answers; those without a rendering are left out.
pub(super) fn awaited(
    generation: &Generation,
    wanted: &[ActiveWanted],
    renderings: &[Option<RenderingId>],
    answers: Answers,
) -> Vec<Awaited> {
    let each = wanted.iter().zip(renderings).zip(answers);
    let one = |((wanted, rendering), answer): ((&ActiveWanted, &Option<RenderingId>), Result<Prepared, Problem>)| {
        let (rendering, mut prepared) = ((*rendering)?, answer.ok()?);
        let several_keys = prepared.keys.len() > 1;
        if let Some(fields) = &wanted.distinct_fields {
            prepared.token = distinct::with_fields(&prepared.token, fields);
        }
        let distinct = wanted.distinct_fields.is_some();
        let entry = Entry { wanted: wanted.id, rendering, frequency: wanted.frequency, several_keys, distinct };
        Some(Awaited { route: (Arc::from(wanted.topic.as_str()), generation.id), prepared, entry })
    };
    each.filter_map(one).collect()
}

pub(super) fn belongs(wanted: &ActiveWanted, calendar: &Calendar) -> bool {
    calendar.zone.iana_name() == Some(&wanted.timezone)
        && calendar.day_shift_seconds() == i64::from(wanted.day_shift_seconds)
}

pub(super) fn calendar(wanted: &ActiveWanted) -> Result<Calendar, RenderError> {
    let zone = TimeZone::get(&wanted.timezone).map_err(|error| RenderError::Zone(wanted.timezone.clone(), error))?;
    Ok(Calendar::new(zone, wanted.day_shift_seconds))
}
