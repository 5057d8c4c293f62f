//! One look at how sensors stand, at one moment of the store. What many wanted messages share is found once.

use std::{collections::HashMap, rc::Rc};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{MarkStatus, NearMissStatus, Received, SensorStatus, WaitStatus, WantedStatus};
use crate::{
    domain::{
        sensor::{Opening, SensorId},
        window::{Frequency, Window},
    },
    store::{
        columns,
        error::StoreError,
        shape::{self, Shape, WantedShape},
        waits,
        windows::Windows,
    },
};

/// Now, for wanted messages of a zone, a shift and a frequency.
#[derive(Clone, Copy)]
struct Span {
    today: Date,
    window: Window,
    expires: Option<DateTime>,
    /// The number of the current window; none: nobody came upon it yet.
    number: Option<i64>,
}

/// A wanted message's own row, and its rendering in force.
struct Text {
    topic: String,
    rendering: Option<(i64, String)>,
}

pub(super) struct Look<'a> {
    db: &'a Connection,
    now: Timestamp,
    spans: HashMap<(Rc<str>, i32, Frequency), Span>,
}

impl<'a> Look<'a> {
    pub(super) fn at(db: &'a Connection, now: Timestamp) -> Self {
        Self { db, now, spans: HashMap::new() }
    }

    pub(super) fn sensor(&mut self, sensor: SensorId) -> Result<SensorStatus, StoreError> {
        let shape = shape::load(self.db, sensor)?;
        let wait = self.wait(&shape)?;
        let number = wait.as_ref().map(|(id, _)| *id);
        let all = shape.wanted.iter().map(|wanted| self.wanted(&shape, wanted, number));
        let wanted = all.collect::<Result<Vec<_>, _>>()?;
        let received = wanted.iter().filter(|one| !one.optional && one.received.is_some()).count();
        let complete = received >= shape.needed();
        let wait = wait.map(|(_, wait)| wait);
        Ok(SensorStatus { name: shape.name, timezone: shape.timezone.to_string(), wait, complete, wanted })
    }

    /// The wait of the current window, with its number.
    fn wait(&mut self, shape: &Shape) -> Result<Option<(i64, WaitStatus)>, StoreError> {
        let leading = shape.leading().filter(|_| shape.opening == Opening::Window);
        let name = leading.map(|leading| {
            let window = Window::at(leading.frequency, self.now, &shape.calendar(leading));
            waits::name_of(shape, leading, &window)
        });
        let sql = "SELECT id, name, state FROM waits WHERE sensor_id = ?1 AND name = ifnull(?2, name)
                    ORDER BY id DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement.query_row(params![shape.id.0, name], |row| {
            Ok((row.get(0)?, WaitStatus { name: row.get(1)?, state: columns::read_wait_state(row, 2)?.word() }))
        });
        Ok(found.optional()?)
    }

    fn wanted(&mut self, shape: &Shape, wanted: &WantedShape, wait: Option<i64>) -> Result<WantedStatus, StoreError> {
        let span = self.span(shape, wanted)?;
        let Text { topic, rendering } = self.text(wanted, span.today)?;
        let near_misses = match (&rendering, span.number) {
            (Some((rendering, _)), Some(window)) => self.near_misses(*rendering, window)?,
            _ => NearMissStatus::default(),
        };
        let parsed = |text: String| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
        Ok(WantedStatus {
            task_id: wanted.task_id.clone(),
            topic,
            frequency: wanted.frequency.letter(),
            optional: wanted.optional,
            rendered: rendering.map(|(_, text)| parsed(text)),
            count: wanted.count,
            received: self.received(wanted, span)?,
            mark: wait.map(|wait| self.mark(wait, &wanted.task_id)).transpose()?.flatten(),
            expires: span.expires,
            near_misses,
        })
    }

    fn span(&mut self, shape: &Shape, wanted: &WantedShape) -> Result<Span, StoreError> {
        let key = (Rc::clone(&shape.timezone), wanted.day_shift_seconds, wanted.frequency);
        if let Some(span) = self.spans.get(&key) {
            return Ok(*span);
        }
        let calendar = shape.calendar(wanted);
        let today = calendar.business_date(self.now);
        let window = Window::at(wanted.frequency, self.now, &calendar);
        let number = Windows::default().known(self.db, &shape.timezone, wanted.day_shift_seconds, &window)?;
        let span = Span { today, window, expires: window.last_second(&calendar), number };
        self.spans.insert(key, span);
        Ok(span)
    }

    fn text(&self, wanted: &WantedShape, today: Date) -> Result<Text, StoreError> {
        let sql = "SELECT topic, renderings.id, rendered
                     FROM wanted LEFT JOIN renderings
                       ON renderings.wanted_id = wanted.id AND since <= ?2 AND replaced = 0
                    WHERE wanted.id = ?1 ORDER BY since DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_row(params![wanted.id.0, columns::date(today)], |row| {
            let rendering = row.get::<_, Option<i64>>(1)?.map(|id| Ok::<_, rusqlite::Error>((id, row.get(2)?)));
            Ok(Text { topic: row.get(0)?, rendering: rendering.transpose()? })
        })?)
    }

    fn received(&self, wanted: &WantedShape, span: Span) -> Result<Option<Received>, StoreError> {
        let after = Some(wanted.registered_at).filter(|_| wanted.frequency == Frequency::Once);
        let counted = waits::Span { window: span.window, business_date: span.today, after };
        let Some(found) = waits::fulfilled(self.db, wanted, &counted)?.and_then(|it| it.found) else {
            return Ok(None);
        };
        let sql = "SELECT arrival, topic, \"partition\", \"offset\", matcher, sha256 FROM matches WHERE id = ?1";
        Ok(Some(self.db.prepare_cached(sql)?.query_row([found], read_received)?))
    }

    fn mark(&self, wait: i64, task_id: &str) -> Result<Option<MarkStatus>, StoreError> {
        let sql = "SELECT state, status, last_error FROM marks
                    WHERE wait_id = ?1 AND task_id = ?2 AND status <> 'superseded' ORDER BY id DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement.query_row(params![wait, task_id], |row| {
            Ok(MarkStatus { state: row.get(0)?, status: row.get(1)?, last_error: row.get(2)? })
        });
        Ok(found.optional()?)
    }

    fn near_misses(&self, rendering: i64, window: i64) -> Result<NearMissStatus, StoreError> {
        let sql = "SELECT nth, reason FROM near_misses WHERE rendering_id = ?1 AND window_id = ?2
                    ORDER BY nth DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        let newest = statement
            .query_row([rendering, window], |row| Ok(NearMissStatus { count: row.get(0)?, newest: row.get(1)? }));
        Ok(newest.optional()?.unwrap_or_default())
    }
}

fn read_received(row: &Row<'_>) -> rusqlite::Result<Received> {
    Ok(Received {
        arrival: columns::read_instant(row, 0)?,
        topic: row.get(1)?,
        partition: row.get(2)?,
        offset: row.get(3)?,
        matcher: row.get(4)?,
        sha256: row.get(5)?,
    })
}
