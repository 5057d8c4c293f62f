//! The turn of business days: what the next one needs is made ready before it begins, and its waits open when it does.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    Shared, Stop,
    patience::tell,
    rendering::{RenderError, unprepared},
};
use crate::{
    domain::{
        calendar::{Calendar, next},
        sensor::SensorId,
        window::{Frequency, Window},
    },
    store::StoreError,
};

/// How long before it begins a day is rendered, so that its first message finds it ready.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The longest pause without a look at the clock, should it jump.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How soon matchers are asked again that could not be asked what they wait for.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// So many sensors are looked at for waits to be opened.
const LOOKED_AT_ONCE: usize = 2_000;

/// The waits of so many sensors open in one transaction: messages are recorded in between.
const OPENED_AT_ONCE: usize = 200;

/// Why a business day could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the waits of a business day cannot be opened")]
    Store(#[from] StoreError),
}

/// Keeps the days turning until told to stop. What fails is tried again at the next look at the clock.
/// `begun_at`: of that instant the days have begun already.
pub async fn run(shared: &Shared, begun_at: Timestamp, mut stop: watch::Receiver<Stop>) {
    let mut begun = Begun { at: begun_at, without: lacking(shared, begun_at) };
    let mut matchers = shared.matchers_changed.subscribe();
    while *stop.borrow() == Stop::Not {
        let now = Timestamp::now();
        shared.end_probations(Instant::now());
        let turned = tokio::select! {
            turned = turn(shared, &mut begun, now) => turned,
            // What was not finished is done again at the next start.
            _ = stop.wait_for(|stop| *stop != Stop::Not) => return,
        };
        let hourly = turned.unwrap_or_else(|error| {
            tell(&error, "A business day could not begin; trying again");
            false
        });
        tokio::select! {
            () = tokio::time::sleep(pause(shared, now, hourly)) => {}
            // One may be asked now that could not be.
            _ = matchers.changed(), if !begun.without.is_empty() => {}
            _ = stop.changed() => {}
        }
    }
}

/// What has begun.
struct Begun {
    /// Of that instant.
    at: Timestamp,
    /// But for what these matchers serve.
    without: BTreeSet<Arc<str>>,
}

/// The answer is whether hours matter.
async fn turn(shared: &Shared, begun: &mut Begun, now: Timestamp) -> Result<bool, TurnError> {
    let hourly = shared.store.has_hourly().await?;
    shared.prepare_again().await?;
    let more = !begun.without.is_subset(&lacking(shared, now));
    if more || begun_between(shared, begun.at, now, hourly) {
        begin(shared, now).await?;
        *begun = Begun { at: now, without: lacking(shared, now) };
    }
    prepare_next(shared, now).await?;
    Ok(hourly)
}

/// Renders the current days and opens their waits. May be repeated. Where a matcher cannot be asked what it waits for the
/// waits of its sensors do not open yet: nobody knows what would complete them.
pub async fn begin(shared: &Shared, now: Timestamp) -> Result<(), TurnError> {
    for calendar in calendars(shared) {
        shared.render(&calendar, calendar.business_date(now)).await?;
    }
    let without: Vec<_> = lacking(shared, now).iter().map(ToString::to_string).collect();
    let mut after = None;
    loop {
        let found = shared.store.waits_to_open(now, after, LOOKED_AT_ONCE, without.clone()).await?;
        open_waits(shared, now, &found.sensors).await?;
        after = found.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Opens the waits of the current windows of some sensors.
pub(super) async fn open_waits(shared: &Shared, now: Timestamp, sensors: &[SensorId]) -> Result<(), StoreError> {
    for some in sensors.chunks(OPENED_AT_ONCE) {
        shared.store.open_waits(now, some.to_vec()).await?;
    }
    Ok(())
}

/// The matchers that could not be asked what they wait for on a day that has begun.
fn lacking(shared: &Shared, now: Timestamp) -> BTreeSet<Arc<str>> {
    let all = unprepared(&shared.live.load().index).into_iter();
    let begun = all.filter(|(calendar, date, _)| *date <= calendar.business_date(now));
    begun.map(|(_, _, matcher)| matcher).collect()
}

async fn prepare_next(shared: &Shared, now: Timestamp) -> Result<(), RenderError> {
    for calendar in calendars(shared) {
        let (tomorrow, begins) = tomorrow(&calendar, now);
        if begins.duration_since(now) <= AHEAD {
            shared.render(&calendar, tomorrow).await?;
        }
    }
    Ok(())
}

fn begun_between(shared: &Shared, before: Timestamp, now: Timestamp, hourly: bool) -> bool {
    let day = |calendar: &Calendar| calendar.business_date(before) != calendar.business_date(now);
    let hour = |calendar: &Calendar| hourly && hour(calendar, before) != hour(calendar, now);
    calendars(shared).iter().any(|calendar| day(calendar) || hour(calendar))
}

fn hour(calendar: &Calendar, at: Timestamp) -> Window {
    Window::at(Frequency::Hour, at, calendar)
}

/// Until a day begins or is to be made ready, or an hour begins, whichever comes first.
fn pause(shared: &Shared, now: Timestamp, hourly: bool) -> Duration {
    let until = |begins: Timestamp| {
        let left = begins.duration_since(now);
        if left > AHEAD { left - AHEAD } else { left }
    };
    let pause = |calendar: &Calendar| {
        let day = until(tomorrow(calendar, now).1);
        if hourly { day.min(hour(calendar, now).closes.duration_since(now)) } else { day }
    };
    let shortest =
        calendars(shared).iter().map(|calendar| pause(calendar)).min().and_then(|pause| Duration::try_from(pause).ok());
    let longest = if unprepared(&shared.live.load().index).is_empty() { LOOK_AGAIN } else { ASK_AGAIN };
    shortest.unwrap_or(longest).min(longest)
}

fn tomorrow(calendar: &Calendar, now: Timestamp) -> (jiff::civil::Date, Timestamp) {
    let mut tomorrow = next(calendar.business_date(now));
    // Where a zone skipped a day, that day is an empty span.
    while calendar.start_of(tomorrow) <= now && tomorrow < jiff::civil::Date::MAX {
        tomorrow = next(tomorrow);
    }
    (tomorrow, calendar.start_of(tomorrow))
}

fn calendars(shared: &Shared) -> Vec<std::sync::Arc<Calendar>> {
    shared.live.load().index.calendars.iter().map(|days| std::sync::Arc::clone(&days.calendar)).collect()
}
