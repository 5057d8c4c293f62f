//! One wanted message of a wait: what it came to in its window.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde_json::Value;

use super::history;
use crate::{
    domain::{
        explanation::{
            Came, CatchingUp, Here, MatcherCan, MatcherStanding, Missing, NearMisses, Refused, SetAside, Span,
        },
        window::{Frequency, Window},
    },
    store::{
        columns,
        error::StoreError,
        reader::rows,
        shape::{Shape, WantedShape},
        waits::{self, Stands, Wait},
        windows::Windows,
    },
};

/// So many near misses are shown.
const NEAR_MISSES: i64 = 20;

/// A wanted message that is looked at.
pub(super) struct Looked<'a> {
    pub(super) db: &'a Connection,
    pub(super) shape: &'a Shape,
    pub(super) wait: &'a Wait,
    pub(super) wanted: &'a WantedShape,
    pub(super) stands: &'a Stands,
    pub(super) now: Timestamp,
}

/// A wanted message's own row, and how it renders.
struct Text {
    topic: String,
    matcher: String,
    rendered: Option<Value>,
}

impl Looked<'_> {
    pub(super) fn here(&self) -> Result<Here, StoreError> {
        let Text { topic, rendered: wanted, .. } = self.text()?;
        let since = self.stands.fulfilled.map_or(self.now, |it| it.at);
        let message = self.came()?.map(|came| came.message);
        Ok(Here { task_id: self.wanted.task_id.clone(), topic, wanted, since, message })
    }

    pub(super) fn missing(&self) -> Result<Missing, StoreError> {
        let Text { topic, matcher, rendered: wanted } = self.text()?;
        let window = self.wait.window(self.shape, self.wanted);
        let calendar = self.shape.calendar(self.wanted);
        let counting = self.wanted.count > 1 && self.stands.fulfilled.is_none();
        let span = waits::Span { window, business_date: self.wait.business_date, after: None };
        let counted = if counting { waits::counted(self.db, self.wanted, &span)? } else { 0 };
        Ok(Missing {
            task_id: self.wanted.task_id.clone(),
            frequency: self.wanted.frequency.letter().to_owned(),
            optional: self.wanted.optional,
            skipped: self.stands.skipped,
            reasons: Vec::new(),
            wanted,
            count: self.wanted.count,
            counted,
            window: Span { opens: window.opens, closes: window.end() },
            matcher: self.matcher(matcher)?,
            last_came: history::last(self.db, self.wanted.id)?,
            late: self.came()?,
            usual: history::usual(self.db, self.wanted, &window, &calendar)?,
            near_misses: self.near_misses(&window)?,
            set_aside: self.set_aside(&topic)?,
            catching_up: self.catching_up(&topic)?,
            topic,
        })
    }

    fn text(&self) -> Result<Text, StoreError> {
        let sql = "SELECT topic, matcher, (SELECT rendered FROM renderings
                                            WHERE wanted_id = wanted.id AND since <= ?2 AND replaced = 0
                                            ORDER BY since DESC LIMIT 1)
                     FROM wanted WHERE id = ?1";
        let values = params![self.wanted.id.0, columns::date(self.wait.business_date)];
        Ok(self.db.prepare_cached(sql)?.query_row(values, |row| {
            let rendered: Option<String> = row.get(2)?;
            let parsed = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
            Ok(Text { topic: row.get(0)?, matcher: row.get(1)?, rendered: rendered.map(parsed) })
        })?)
    }

    /// The message that fulfilled it, in time or not.
    fn came(&self) -> Result<Option<Came>, StoreError> {
        let Some(found) = self.stands.fulfilled.and_then(|it| it.found) else { return Ok(None) };
        let sql = "SELECT arrival, topic, \"partition\", \"offset\" FROM matches WHERE id = ?1";
        Ok(Some(self.db.prepare_cached(sql)?.query_row([found], came)?))
    }

    fn matcher(&self, name: String) -> Result<MatcherStanding, StoreError> {
        let sql = "SELECT state, reason FROM generations WHERE matcher = ?1
                    ORDER BY state IN ('serving', 'quarantined') DESC, id DESC LIMIT 1";
        let found = self.db.prepare_cached(sql)?.query_row([&name], |row| {
            let state = match row.get_ref(0)?.as_str()? {
                "serving" => MatcherCan::Serving,
                "quarantined" => MatcherCan::Quarantined,
                _ => MatcherCan::Gone,
            };
            Ok((state, row.get(1)?))
        });
        let (state, reason) = found.optional()?.unwrap_or((MatcherCan::Gone, None));
        Ok(MatcherStanding { name, state, reason: reason.filter(|_| state != MatcherCan::Serving) })
    }

    fn near_misses(&self, window: &Window) -> Result<NearMisses, StoreError> {
        let (calendar, shift) = (self.shape.calendar(self.wanted), self.wanted.day_shift_seconds);
        let recorded = match window.frequency {
            Frequency::Once => Window::on(Frequency::Once, self.wait.business_date, &calendar),
            _ => *window,
        };
        let Some(window) = Windows::default().known(self.db, &self.shape.timezone, shift, &recorded)? else {
            return Ok(NearMisses::default());
        };
        let of = "FROM renderings CROSS JOIN near_misses ON rendering_id = renderings.id AND window_id = ?2
                 WHERE renderings.wanted_id = ?1";
        let sql = format!("SELECT ifnull(sum(most), 0) FROM (SELECT max(nth) AS most {of} GROUP BY rendering_id)");
        let count = self.db.prepare_cached(&sql)?.query_row([self.wanted.id.0, window], |row| row.get(0))?;
        let sql = format!(
            "SELECT arrival, topic, \"partition\", \"offset\", reason {of} ORDER BY arrival DESC, near_misses.id DESC LIMIT ?3"
        );
        let newest = rows(self.db, &sql, [self.wanted.id.0, window, NEAR_MISSES], refused)?;
        Ok(NearMisses { count, newest })
    }

    /// What was set aside of its topic on the business day.
    fn set_aside(&self, topic: &str) -> Result<SetAside, StoreError> {
        let calendar = self.shape.calendar(self.wanted);
        let day = Window::on(Frequency::Day, self.wait.business_date, &calendar);
        let of = "FROM dead_letters WHERE topic = ?1 AND arrival >= ?2 AND arrival < ?3 AND redriven_at IS NULL";
        let (opens, closes) = (columns::instant(day.opens), columns::instant(day.closes));
        let values: [&dyn ToSql; 3] = [&topic, &opens, &closes];
        let sql = format!("SELECT count(*) {of}");
        let count = self.db.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
        let sql = format!("SELECT arrival, topic, \"partition\", \"offset\", reason {of} ORDER BY id DESC LIMIT 1");
        Ok(SetAside { count, newest: rows(self.db, &sql, values, refused)?.pop() })
    }

    fn catching_up(&self, topic: &str) -> Result<Option<CatchingUp>, StoreError> {
        let wants = "SELECT EXISTS (SELECT 1 FROM to_catch_up WHERE topic = ?1 AND wanted_id = ?2 AND due_at <= ?3)";
        let values = params![topic, self.wanted.id.0, columns::instant(self.now)];
        if !self.db.prepare_cached(wants)?.query_row(values, |row| row.get::<_, bool>(0))? {
            return Ok(None);
        }
        let sql = "SELECT sum(next - first), sum(cut - first), max(reason) FROM catch_ups
                    WHERE topic = ?1 AND state = 'running'";
        let progress = self
            .db
            .prepare_cached(sql)?
            .query_row([topic], |row| Ok(CatchingUp { read: row.get(0)?, of: row.get(1)?, reason: row.get(2)? }));
        Ok(Some(progress?))
    }
}

/// Reads a message from four columns: arrival, topic, partition, offset.
pub(super) fn came(row: &Row<'_>) -> rusqlite::Result<Came> {
    let (topic, partition, offset): (String, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(Came { arrival: columns::read_instant(row, 0)?, message: format!("{topic}/{partition}@{offset}") })
}

fn refused(row: &Row<'_>) -> rusqlite::Result<Refused> {
    Ok(Refused { came: came(row)?, reason: row.get(4)? })
}
