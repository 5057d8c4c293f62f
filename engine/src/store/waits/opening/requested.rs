//! Opening the waits that somebody asks for: on a day and with a target and terms of their own.

use jiff::{Timestamp, civil::Date};

use super::{Opens, Terms, open};
use crate::{
    domain::{
        sensor::SensorId,
        target::{Target, WrongTarget},
        wait::{BusinessTime, OpenError, WaitRequest},
        wanted::WantedId,
        window::Frequency,
    },
    store::{
        error::StoreError,
        reader::{Reader, rows},
        record::Books,
        sensors,
        shape::{self, Shape, WantedShape},
        waits::named,
        writer::Session,
    },
};

impl Reader {
    /// The wanted messages of a request for another day than the current one, each with that day.
    pub fn to_look_back_for(&self, now: Timestamp, request: &WaitRequest) -> Result<Vec<(WantedId, Date)>, StoreError> {
        let sensor = "SELECT id FROM sensors WHERE name = ?1 AND state = 'active'";
        self.with(|db| {
            let found = rows(db, sensor, [&request.sensor], |row| row.get(0).map(SensorId))?.pop();
            let Some(sensor) = found else { return Ok(Vec::new()) };
            let shape = shape::load(db, sensor)?;
            let Ok((date, _)) = meant(&shape, request, now) else { return Ok(Vec::new()) };
            let other_day = |wanted: &&WantedShape| shape.calendar(wanted).business_date(now) != date;
            Ok(shape.wanted.iter().filter(other_day).map(|wanted| (wanted.id, date)).collect())
        })
    }
}

/// What whoever marks the tasks thinks of a target.
pub type Accepts = dyn Fn(&Target) -> Result<(), String> + Send + Sync;

/// Opens a wait that somebody asked for.
pub(in crate::store) fn open_requested(
    session: &mut Session<'_>,
    now: Timestamp,
    request: &WaitRequest,
    accepts: &Accepts,
) -> Result<Result<(), OpenError>, StoreError> {
    let Some(sensor) = sensors::active(session, &request.sensor)? else {
        return Ok(Err(OpenError::NoSuchSensor(request.sensor.clone())));
    };
    let mut books = Books::open(session);
    let shape = shape::load(books.db(), sensor)?;
    if shape.paused {
        return Ok(Err(OpenError::Paused(shape.name)));
    }
    if named(books.db(), sensor, &request.name)?.is_some() {
        return Ok(Err(OpenError::Taken { sensor: shape.name, wait: request.name.clone() }));
    }
    for wanted in &shape.wanted {
        let db = books.db();
        books.windows.ensure_current(db, &shape, wanted, now)?;
    }
    let (business_date, hour) = match meant(&shape, request, now) {
        Ok(meant) => meant,
        Err(error) => return Ok(Err(error)),
    };
    let target = match target_of(&shape, request, business_date, accepts) {
        Ok(target) => target,
        Err(error) => return Ok(Err(error.into())),
    };
    let opens = Opens {
        name: request.name.clone(),
        business_date,
        until: business_date,
        hour,
        opened_at: now,
        window: None,
        terms: Terms::of(&shape, request),
        target,
    };
    open(&mut books, &shape, opens)
}

/// The sensor's target for a wait, with what the request says laid over it.
fn target_of(
    shape: &Shape,
    request: &WaitRequest,
    business_date: Date,
    accepts: &Accepts,
) -> Result<Target, WrongTarget> {
    let target = shape.target.rendered(&request.name, business_date)?.with(&request.target);
    target.check_tasks(shape.tasks())?;
    // Without one it is marked nowhere.
    if !target.is_empty() {
        accepts(&target).map_err(WrongTarget::Adapter)?;
    }
    Ok(target)
}

/// The business date that a request means, and an instant in the hour where that matters.
fn meant(shape: &Shape, request: &WaitRequest, now: Timestamp) -> Result<(Date, Option<Timestamp>), OpenError> {
    let Some(leading) = shape.leading() else { return Err(OpenError::NoSuchSensor(shape.name.clone())) };
    let calendar = shape.calendar(leading);
    let hourly = shape.wanted.iter().any(|wanted| wanted.frequency == Frequency::Hour);
    let at = |instant: Timestamp| (calendar.business_date(instant), Some(instant).filter(|_| hourly));
    match request.business_date {
        None => Ok(at(now)),
        Some(BusinessTime::Instant(instant)) => Ok(at(instant)),
        Some(BusinessTime::Civil(time)) => Ok(at(calendar.instant_of(time))),
        Some(BusinessTime::Date(date)) if !hourly => Ok((date, None)),
        Some(BusinessTime::Date(date)) if date == calendar.business_date(now) => Ok((date, Some(now))),
        Some(BusinessTime::Date(_)) => Err(OpenError::HourNeeded(shape.name.clone())),
    }
}
