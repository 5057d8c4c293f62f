//! Why a wait still waits, as far as the store knows.
//!
//! The facts of one moment: what each wanted message of a wait came to ([`one`]), and how it came in the past
//! ([`history`]). What follows from them is `domain`'s to say. Start at [`Reader::explain`].

mod history;
mod one;

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Store, columns,
    error::StoreError,
    reader::{ActiveWanted, Reader, rows},
    shape::{self, Shape},
    waits::{self, Wait},
};
use crate::domain::{
    explanation::{ExplainedWait, Explanation, PartitionReading, Question, TopicReading, Unexplained},
    report::ReportKind,
    sensor::{Late, Opening, SensorId},
    wait::{OnTimeout, WaitId, WaitState},
    wanted::WantedId,
    window::Window,
};
use one::Looked;

impl Store {
    /// How a wait stands, and why. Kafka has not been asked how far its logs reach.
    pub async fn explain(
        &self,
        question: Question,
        now: Timestamp,
    ) -> Result<Result<Explanation, Unexplained>, StoreError> {
        self.report(move |reader| reader.explain(&question, now)).await
    }

    /// How waits stand that people are told of: where something was missing, as it stood then.
    pub async fn explain_reported(
        &self,
        waits: Vec<(ReportKind, WaitId)>,
        now: Timestamp,
    ) -> Result<Vec<Explanation>, StoreError> {
        self.report(move |reader| reader.explain_reported(&waits, now)).await
    }

    /// A page of the wanted messages of a topic, by id.
    pub async fn active_wanted_of(
        &self,
        topic: String,
        after: WantedId,
        limit: usize,
    ) -> Result<Vec<ActiveWanted>, StoreError> {
        self.report(move |reader| reader.active_wanted_of(&topic, after, limit)).await
    }
}

impl Reader {
    /// How a wait stands, and why. Kafka has not been asked how far its logs reach.
    pub fn explain(&self, question: &Question, now: Timestamp) -> Result<Result<Explanation, Unexplained>, StoreError> {
        self.with(|db| explain(db, question, now))
    }

    /// The same of waits by their numbers.
    pub fn explain_waits(&self, ids: &[WaitId], now: Timestamp) -> Result<Vec<Explanation>, StoreError> {
        self.with(|db| ids.iter().map(|id| explain_wait(db, waits::by_id(db, *id)?, now)).collect())
    }

    /// The same of waits that people are told of: where something was missing, as it stood then.
    pub fn explain_reported(
        &self,
        reported: &[(ReportKind, WaitId)],
        now: Timestamp,
    ) -> Result<Vec<Explanation>, StoreError> {
        self.with(|db| {
            let wait = |kind: &ReportKind, id: &WaitId| match kind {
                ReportKind::Missing => Ok(as_it_ended(waits::by_id(db, *id)?)),
                ReportKind::Healed => waits::by_id(db, *id),
            };
            reported.iter().map(|(kind, id)| explain_wait(db, wait(kind, id)?, now)).collect()
        })
    }

    /// The waits for a business date, of one sensor or of all, that are not complete, in the order of their sensors.
    pub fn unfinished_waits(&self, date: Date, sensor: Option<&str>) -> Result<Vec<WaitId>, StoreError> {
        let sql = "SELECT waits.id FROM waits CROSS JOIN sensors ON sensors.id = sensor_id
                    WHERE business_date = ?1 AND (?2 IS NULL OR sensors.name = ?2)
                      AND waits.state IN ('waiting', 'failed', 'skipped')
                    ORDER BY sensors.name, waits.id";
        self.rows(sql, params![columns::date(date), sensor], |row| row.get(0).map(WaitId))
    }

    /// The names of all active sensors.
    pub fn sensor_names(&self) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT name FROM sensors WHERE state = 'active' ORDER BY name", [], |row| row.get(0))
    }
}

fn explain(
    db: &Connection,
    Question { sensor, task_id, wait }: &Question,
    now: Timestamp,
) -> Result<Result<Explanation, Unexplained>, StoreError> {
    let sql = "SELECT id FROM sensors WHERE state = 'active' AND name = ?1";
    let Some(id) = db.prepare_cached(sql)?.query_row([sensor], |row| row.get(0).map(SensorId)).optional()? else {
        return Ok(Err(Unexplained::NoSuchSensor(sensor.clone())));
    };
    let shape = shape::load(db, id)?;
    if let Some(task_id) = task_id.as_ref().filter(|task_id| shape.sharing(task_id).next().is_none()) {
        return Ok(Err(Unexplained::NoSuchTask { sensor: sensor.clone(), task_id: task_id.clone() }));
    }
    let found = match wait {
        Some(name) => waits::named(db, id, name)?,
        None => current(db, &shape, now)?,
    };
    if let (Some(wait), None) = (wait, &found) {
        return Ok(Err(Unexplained::NoSuchWait { sensor: sensor.clone(), wait: wait.clone() }));
    }
    explained(db, &shape, found, task_id.as_deref(), now).map(Ok)
}

fn explain_wait(db: &Connection, wait: Wait, now: Timestamp) -> Result<Explanation, StoreError> {
    let sql = "SELECT sensor_id FROM waits WHERE id = ?1";
    let sensor = db.prepare_cached(sql)?.query_row([wait.id.0], |row| row.get(0).map(SensorId))?;
    explained(db, &shape::load(db, sensor)?, Some(wait), None, now)
}

/// A wait whose deadline has passed, also where it was healed since.
fn as_it_ended(wait: Wait) -> Wait {
    let state = match wait.on_timeout {
        OnTimeout::Fail => WaitState::Failed,
        OnTimeout::Skip => WaitState::Skipped,
    };
    Wait { state, ..wait }
}

/// The wait of the current window, or the foremost one.
fn current(db: &Connection, shape: &Shape, now: Timestamp) -> Result<Option<Wait>, StoreError> {
    if let Some(leading) = shape.leading().filter(|_| shape.opening == Opening::Window) {
        let window = Window::at(leading.frequency, now, &shape.calendar(leading));
        if let Some(wait) = waits::named(db, shape.id, &waits::name_of(shape, leading, &window))? {
            return Ok(Some(wait));
        }
    }
    waits::foremost(db, shape.id)
}

/// Stands for a wait where there is none: what one would find that opens now.
fn nobody(shape: &Shape, now: Timestamp) -> Wait {
    let today = shape.leading().map(|leading| shape.calendar(leading).business_date(now));
    Wait {
        id: WaitId(0),
        name: String::new(),
        business_date: today.unwrap_or_default(),
        hour: Some(now),
        state: WaitState::Waiting,
        opened_at: now,
        deadline: None,
        moving: false,
        on_timeout: OnTimeout::Fail,
        late: Late::Ignore,
        with_window: false,
        lacks: None,
        handled: false,
    }
}

fn explained(
    db: &Connection,
    shape: &Shape,
    found: Option<Wait>,
    task_id: Option<&str>,
    now: Timestamp,
) -> Result<Explanation, StoreError> {
    let waiting = found.as_ref().map(|wait| of_wait(db, wait)).transpose()?;
    let wait = found.unwrap_or_else(|| nobody(shape, now));
    let (stands, may_lack) = waits::look(db, shape, &wait)?;
    let counts = |place: &usize| !shape.wanted[*place].optional && !stands[*place].skipped;
    let required: Vec<_> = (0..stands.len()).filter(counts).collect();
    let received = required.iter().filter(|place| stands[**place].in_time).count();
    let (mut missing, mut here) = (Vec::new(), Vec::new());
    for (wanted, stands) in shape.wanted.iter().zip(&stands) {
        if task_id.is_some_and(|task_id| task_id != wanted.task_id) {
            continue;
        }
        let looked = Looked { db, shape, wait: &wait, wanted, stands, now };
        match stands.in_time {
            true => here.push(looked.here()?),
            false => missing.push(looked.missing()?),
        }
    }
    let mut topics: Vec<_> = missing.iter().map(|missing| missing.topic.clone()).collect();
    topics.sort();
    topics.dedup();
    Ok(Explanation {
        sensor: shape.name.clone(),
        timezone: shape.timezone.to_string(),
        at: now,
        paused: shape.paused,
        required: required.len(),
        needed: required.len() - may_lack.min(required.len()),
        received,
        wait: waiting,
        missing,
        here,
        topics: topics.into_iter().map(|topic| reading(db, topic)).collect::<Result<_, _>>()?,
    }
    .conclude())
}

fn of_wait(db: &Connection, wait: &Wait) -> Result<ExplainedWait, StoreError> {
    let sql = "SELECT ended_at FROM waits WHERE id = ?1";
    let ended_at = match wait.state {
        WaitState::Failed | WaitState::Skipped => wait.deadline,
        _ => db.prepare_cached(sql)?.query_row([wait.id.0], |row| columns::read_optional_instant(row, 0))?,
    };
    Ok(ExplainedWait {
        name: wait.name.clone(),
        state: wait.state,
        business_date: wait.business_date,
        opened_at: wait.opened_at,
        deadline: wait.deadline,
        ended_at,
        on_timeout: columns::on_timeout(wait.on_timeout).to_owned(),
        late: columns::late(wait.late).to_owned(),
    })
}

fn reading(db: &Connection, topic: String) -> Result<TopicReading, StoreError> {
    let sql = "SELECT \"partition\", next FROM offsets WHERE topic = ?1
                AND cluster = (SELECT cluster FROM offsets WHERE topic = ?1 ORDER BY updated_at DESC LIMIT 1) ORDER BY 1";
    let partitions = rows(db, sql, [&topic], |row| {
        Ok(PartitionReading { partition: row.get(0)?, next: Some(row.get(1)?), end: None })
    })?;
    Ok(TopicReading { topic, partitions, lag: None })
}
