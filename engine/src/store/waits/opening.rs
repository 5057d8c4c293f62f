//! Opening waits with their windows; `requested` opens those that somebody asks for.
//!
//! With a hundred thousand sensors most have nothing to be done at a restart: to see that must not hold up messages. So a
//! reader finds what is missing or outdated, and the writer opens and judges it.

mod requested;

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, params};

use super::{
    Wait,
    judging::{judge, judge_again},
    select_waits, wait,
};
use crate::{
    domain::{
        change::Change,
        sensor::{Late, Opening, SensorId, Timeout},
        target::Target,
        wait::{OnTimeout, OpenError, WaitId, WaitRequest, WaitState},
        window::{Frequency, Window},
    },
    store::{
        columns,
        error::StoreError,
        reader::{Reader, rows},
        record::Books,
        shape::{self, Shape, WantedShape},
        windows::Windows,
        writer::Session,
    },
};

pub use requested::Accepts;
pub(in crate::store) use requested::open_requested;

/// So many waits of windows that went by are opened at most: an hourly sensor has about as many in a month.
const MISSED: usize = 750;

/// What a look at a page of sensors found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitsToOpen {
    /// Those with something to be opened or judged.
    pub sensors: Vec<SensorId>,
    /// Where to look on; none is the end.
    pub next: Option<SensorId>,
}

impl Reader {
    /// Which of the next `limit` active sensors lack the wait of their current window, or have waits that were judged by
    /// an earlier definition; but for those that want messages of some matchers.
    pub fn waits_to_open(
        &self,
        now: Timestamp,
        after: Option<SensorId>,
        limit: usize,
        without: &[String],
    ) -> Result<WaitsToOpen, StoreError> {
        let page = "SELECT id FROM sensors WHERE id > ?1 AND state = 'active' AND (?3 = '[]' OR NOT EXISTS (
                        SELECT 1 FROM wanted WHERE sensor_id = sensors.id AND wanted.state = 'active'
                                               AND matcher IN (SELECT value FROM json_each(?3))))
                     ORDER BY id LIMIT ?2";
        let after = after.map_or(i64::MIN, |sensor| sensor.0);
        let without = serde_json::json!(without).to_string();
        self.with(|db| {
            let page = rows(db, page, params![after, limit as i64, without], |row| row.get(0).map(SensorId))?;
            let mut found =
                WaitsToOpen { next: page.last().copied().filter(|_| page.len() == limit), sensors: Vec::new() };
            let mut windows = Windows::default();
            for sensor in page {
                if is_behind(db, &mut windows, sensor, now)? {
                    found.sensors.push(sensor);
                }
            }
            Ok(found)
        })
    }
}

fn is_behind(db: &Connection, windows: &mut Windows, sensor: SensorId, now: Timestamp) -> Result<bool, StoreError> {
    let shape = shape::load(db, sensor)?;
    if shape.paused {
        return Ok(false);
    }
    for wanted in &shape.wanted {
        if !windows.has_current(db, &shape, wanted, now)? {
            return Ok(true);
        }
    }
    let Some(leading) = shape.leading() else { return Ok(false) };
    let window = Window::at(leading.frequency, now, &shape.calendar(leading));
    Ok(lacks(db, &shape, leading, &window)? || !outdated(db, &shape, now)?.is_empty())
}

/// Opens the waits of the current windows of some sensors, and judges anew where a definition changed.
pub(in crate::store) fn open_current(
    session: &mut Session<'_>,
    now: Timestamp,
    sensors: &[SensorId],
) -> Result<(), StoreError> {
    let mut books = Books::open(session);
    sensors.iter().try_for_each(|sensor| open_for(&mut books, now, *sensor))
}

fn open_for(books: &mut Books<'_, '_>, now: Timestamp, sensor: SensorId) -> Result<(), StoreError> {
    let shape = shape::load(books.db(), sensor)?;
    if !shape.active || shape.paused {
        return Ok(());
    }
    for wanted in &shape.wanted {
        let db = books.db();
        books.windows.ensure_current(db, &shape, wanted, now)?;
    }
    for wait in outdated(books.db(), &shape, now)? {
        forget_tasks(books, &shape, &wait)?;
        if wait.state == WaitState::Cancelled {
            await_again(books, &shape, &wait)?;
        }
        let wait = on_new_terms(books.db(), &shape, wait, now)?;
        judge_again(books, &shape, &wait, now)?;
    }
    ensure_open(books, &shape, now)
}

/// Opens the waits of windows that went by since the newest one that has one: the service was down, and nobody noticed.
fn open_missed(books: &mut Books<'_, '_>, shape: &Shape, now: Timestamp) -> Result<(), StoreError> {
    let Some(leading) = shape.leading().filter(|_| shape.opening == Opening::Window) else {
        return Ok(());
    };
    let newest = "SELECT opens_at FROM waits JOIN windows ON windows.id = window_id
                   WHERE sensor_id = ?1 AND windows.frequency = ?2 ORDER BY opens_at DESC LIMIT 1";
    let values = params![shape.id.0, leading.frequency.letter()];
    let Some(newest) = rows(books.db(), newest, values, |row| columns::read_instant(row, 0))?.pop() else {
        return Ok(());
    };
    let calendar = shape.calendar(leading);
    let current = Window::at(leading.frequency, now, &calendar);
    let mut window = Window::at(leading.frequency, newest, &calendar).following(&calendar);
    let mut opened = 0;
    while window.opens < current.opens && opened < MISSED {
        if window.opens < window.closes {
            ensure_open(books, shape, window.opens)?;
            opened += 1;
        }
        window = window.following(&calendar);
    }
    if window.opens < current.opens {
        tracing::warn!(sensor = shape.name, opened, "Not all windows that went by unnoticed have their waits");
    }
    Ok(())
}

/// Tasks that nobody wants any more do not stay pending.
fn forget_tasks(books: &Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let sql = "DELETE FROM tasks
                WHERE sensor = ?1 AND wait = ?2 AND state = 'pending' AND task_id NOT IN
                      (SELECT task_id FROM wanted WHERE sensor_id = ?3 AND state = 'active')";
    books.db().prepare_cached(sql)?.execute(params![shape.name, wait.name, shape.id.0])?;
    Ok(())
}

/// Tasks that were skipped only because the sensor had gone are awaited again.
fn await_again(books: &Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let sql = "UPDATE tasks SET state = 'pending', updated_at = ?4
                WHERE sensor = ?1 AND wait = ?2 AND state = 'skipped'
                  AND task_id NOT IN (SELECT task_id FROM marks WHERE wait_id = ?3)";
    books.db().prepare_cached(sql)?.execute(params![shape.name, wait.name, wait.id.0, books.now])?;
    Ok(())
}

/// The waits that were last judged by an earlier definition of their sensor: those that wait, those of the current window
/// that were complete before the sensor wanted more, those that ended only because the sensor had gone, and those that may
/// heal: it may have been paused when that came.
fn outdated(db: &Connection, shape: &Shape, now: Timestamp) -> Result<Vec<Wait>, StoreError> {
    let Some(leading) = shape.leading().filter(|_| !shape.paused) else { return Ok(Vec::new()) };
    let today = shape.calendar(leading).business_date(now);
    let sql = select_waits!(
        "WHERE sensor_id = ?1 AND revision < ?2
           AND (state = 'waiting' OR state = 'complete' AND window_id IS NOT NULL AND until >= ?3
                OR state = 'cancelled' AND ended_by = 'retired' AND closes_at > ?4
                OR late = 'heal' AND state IN ('failed', 'skipped') AND closes_at > ?4)
         ORDER BY until, id"
    );
    rows(db, sql, params![shape.id.0, shape.revision, columns::date(today), columns::instant(now)], wait)
}

/// What opened with a window goes by the sensor's definition of now; a request stands as it was made.
fn on_new_terms(db: &Connection, shape: &Shape, wait: Wait, now: Timestamp) -> Result<Wait, StoreError> {
    if matches!(wait.state, WaitState::Failed | WaitState::Skipped) {
        return Ok(wait);
    }
    // Where messages are wanted hourly only now, it is the hour of now.
    let hourly = shape.wanted.iter().any(|wanted| wanted.frequency == Frequency::Hour);
    let wait = Wait { hour: wait.hour.or(Some(now).filter(|_| hourly)), ..wait };
    let wait = Wait { deadline: wait.deadline.filter(|_| !wait.moving), ..wait };
    let wait = match wait.with_window {
        true => {
            let terms = Terms::of_sensor(shape);
            let deadline = terms.deadline(shape, wait.opened_at).unwrap_or(None);
            aim_anew(db, shape, &wait)?;
            Wait { deadline, moving: terms.moves(), on_timeout: terms.on_timeout, late: terms.late, ..wait }
        }
        false => wait,
    };
    let sql = "UPDATE waits SET deadline = ?2, moving = ?3, on_timeout = ?4, late = ?5, closes_at = ?6, hour = ?7
                WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![
        wait.id.0,
        wait.deadline.map(columns::instant),
        wait.moving,
        columns::on_timeout(wait.on_timeout),
        columns::late(wait.late),
        columns::instant(closes(shape, &wait)),
        wait.hour.map(columns::instant),
    ])?;
    Ok(wait)
}

/// A wait that opened with its window follows the target of its sensor.
fn aim_anew(db: &Connection, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let target = columns::target(&window_target(shape, &wait.name, wait.business_date));
    db.prepare_cached("UPDATE waits SET target = ?2 WHERE id = ?1")?.execute(params![wait.id.0, target])?;
    Ok(())
}

/// What cannot be filled in was told where the sensor was defined; it stays as it is written.
fn window_target(shape: &Shape, wait: &str, business_date: Date) -> Target {
    shape.target.rendered(wait, business_date).unwrap_or_else(|error| {
        tracing::error!(sensor = shape.name, wait, %error, "The target of a wait stays as it is written");
        shape.target.clone()
    })
}

/// The last end of the windows of a wait.
fn closes(shape: &Shape, wait: &Wait) -> Timestamp {
    shape.wanted.iter().map(|wanted| wait.window(shape, wanted).closes).max().unwrap_or(wait.opened_at)
}

/// Makes sure that the wait of the window around an instant is there, where waits open with windows.
pub(super) fn ensure_open(books: &mut Books<'_, '_>, shape: &Shape, at: Timestamp) -> Result<(), StoreError> {
    if books.waits.is_open(shape.id, at) {
        return Ok(());
    }
    let Some(leading) = shape.leading().filter(|_| shape.opening == Opening::Window) else {
        return Ok(());
    };
    let window = Window::at(leading.frequency, at, &shape.calendar(leading));
    books.waits.is_open_now(shape.id, window);
    if !lacks(books.db(), shape, leading, &window)? {
        return Ok(());
    }
    open_missed(books, shape, at)?;
    open_window(books, shape, leading, &window)
}

/// Whether the wait of a window is missing. A window that had closed before the sensor was there has none: nobody waited,
/// whatever a backlog says.
fn lacks(db: &Connection, shape: &Shape, leading: &WantedShape, window: &Window) -> Result<bool, StoreError> {
    if shape.opening != Opening::Window || shape.paused || shape.active_since >= window.closes {
        return Ok(false);
    }
    let known = "SELECT EXISTS (SELECT 1 FROM waits WHERE sensor_id = ?1 AND name = ?2)";
    let known: bool =
        db.prepare_cached(known)?.query_row(params![shape.id.0, name_of(shape, leading, window)], |row| row.get(0))?;
    Ok(!known)
}

/// What the wait of a window is called: when it begins.
pub(in crate::store) fn name_of(shape: &Shape, leading: &WantedShape, window: &Window) -> String {
    match leading.frequency {
        Frequency::Hour => window.opens.to_zoned(shape.zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string(),
        Frequency::Once => "once".to_owned(),
        _ => columns::date(window.first_day),
    }
}

/// A wait opens when its window does, or its sensor: so it is the same wait whenever it comes into being.
fn open_window(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    leading: &WantedShape,
    window: &Window,
) -> Result<(), StoreError> {
    let db = books.db();
    let window_id = books.windows.id(db, &shape.timezone, leading.day_shift_seconds, window)?;
    let opened_at = shape.active_since.max(window.opens);
    let name = name_of(shape, leading, window);
    let business_date = match window.frequency {
        // It has no first day: the day on which it began for this sensor.
        Frequency::Once => shape.calendar(leading).business_date(opened_at),
        _ => window.first_day,
    };
    let opening = Opens {
        target: window_target(shape, &name, business_date),
        name,
        business_date,
        until: last_day(window),
        hour: Some(window.opens).filter(|_| window.frequency == Frequency::Hour),
        opened_at,
        window: Some(window_id),
        terms: Terms::of_sensor(shape),
    };
    match open(books, shape, opening)? {
        Ok(()) => {}
        Err(error) => tracing::error!(sensor = shape.name, %error, "The wait of a window was not opened"),
    }
    Ok(())
}

fn last_day(window: &Window) -> Date {
    window.frequency.next_first_day(window.first_day).yesterday().unwrap_or(Date::MAX)
}

/// What a wait is opened with.
struct Opens<'a> {
    name: String,
    business_date: Date,
    until: Date,
    hour: Option<Timestamp>,
    opened_at: Timestamp,
    window: Option<i64>,
    terms: Terms<'a>,
    target: Target,
}

/// When a wait gives up, and what follows.
struct Terms<'a> {
    timeout: &'a Timeout,
    on_timeout: OnTimeout,
    late: Late,
}

impl<'a> Terms<'a> {
    fn of_sensor(shape: &'a Shape) -> Self {
        Self { timeout: &shape.timeout, on_timeout: shape.on_timeout, late: shape.late }
    }

    /// Those of a request, or the sensor's where it says nothing.
    fn of(shape: &'a Shape, request: &'a WaitRequest) -> Self {
        Self {
            timeout: request.timeout.as_ref().unwrap_or(&shape.timeout),
            on_timeout: request.on_timeout.unwrap_or(shape.on_timeout),
            late: request.late.unwrap_or(shape.late),
        }
    }

    fn moves(&self) -> bool {
        *self.timeout == Timeout::WindowEnd
    }

    /// None where it moves: it is found when the wait is judged.
    fn deadline(&self, shape: &Shape, opened_at: Timestamp) -> Result<Option<Timestamp>, OpenError> {
        match self.timeout {
            Timeout::WindowEnd => Ok(None),
            Timeout::Seconds(seconds) => {
                let seconds = jiff::SignedDuration::from_secs((*seconds).try_into().unwrap_or(i64::MAX));
                Ok(Some(opened_at.saturating_add(seconds).unwrap_or(Timestamp::MAX)))
            }
            Timeout::Cron(cron) => {
                let next = cron.next_after(opened_at, &shape.zone);
                next.map(Some).ok_or_else(|| OpenError::NeverEnds(cron.to_string()))
            }
        }
    }
}

fn open(books: &mut Books<'_, '_>, shape: &Shape, opens: Opens<'_>) -> Result<Result<(), OpenError>, StoreError> {
    let deadline = match opens.terms.deadline(shape, opens.opened_at) {
        Ok(deadline) => deadline,
        Err(error) => return Ok(Err(error)),
    };
    let mut wait = Wait {
        id: WaitId(0),
        name: opens.name,
        business_date: opens.business_date,
        hour: opens.hour,
        state: WaitState::Waiting,
        opened_at: opens.opened_at,
        deadline,
        moving: opens.terms.moves(),
        on_timeout: opens.terms.on_timeout,
        late: opens.terms.late,
        with_window: opens.window.is_some(),
        lacks: None,
        handled: false,
    };
    let sql = "INSERT INTO waits (sensor_id, name, business_date, hour, until, window_id, state, opened_at, deadline,
                                  moving, closes_at, on_timeout, late, revision, target)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let id = books.db().prepare_cached(sql)?.insert(params![
        shape.id.0,
        wait.name,
        columns::date(wait.business_date),
        wait.hour.map(columns::instant),
        columns::date(opens.until),
        opens.window,
        columns::instant(wait.opened_at),
        wait.deadline.map(columns::instant),
        wait.moving,
        columns::instant(closes(shape, &wait)),
        columns::on_timeout(wait.on_timeout),
        columns::late(wait.late),
        shape.revision,
        columns::target(&opens.target),
    ])?;
    wait.id = WaitId(id);
    books.waits.changed(shape.id);
    books.session.tell(Change::WaitOpened { sensor: shape.name.clone(), wait: wait.name.clone() });
    books.session.deadlines_moved |= wait.deadline.is_some();
    judge(books, shape, &wait)?;
    Ok(Ok(()))
}
