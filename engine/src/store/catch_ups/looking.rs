//! How catching up stands.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};
use rusqlite::{OptionalExtension, Row, params};

use super::super::{
    columns,
    error::StoreError,
    reader::{ActiveWanted, Reader, active_wanted, rows},
};
use crate::domain::{
    catch_up::{Block, CatchUp, CatchUpId, CatchUpState, ScanId, Target},
    wanted::WantedId,
};

const COLUMNS: &str = "id, scan, cluster, topic, \"partition\", epoch, since, first, next, cut, messages, wanted, state, \
                       reason, lacking, updated_at";

impl Reader {
    /// Whether something of a topic is being caught up, or is about to be; with what was read so far, also for those that
    /// it queues up behind.
    pub fn catching_up(&self, topic: &str, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT ifnull(sum(next - first), 0) FROM catch_ups WHERE state = 'running'
                   HAVING EXISTS (SELECT 1 FROM to_catch_up WHERE topic = ?1 AND due_at <= ?2)";
        let values = params![topic, columns::instant(now)];
        self.with(|db| Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?))
    }

    /// The newest catch-ups, those of one scan together.
    pub fn catch_ups(&self, limit: usize) -> Result<Vec<CatchUp>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM catch_ups ORDER BY scan DESC, \"partition\" LIMIT ?1");
        self.rows(&sql, [limit as i64], catch_up)
    }

    /// What of a scan is planned.
    pub(in crate::store) fn scan(&self, scan: ScanId) -> Result<Vec<CatchUp>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM catch_ups WHERE scan = ?1 ORDER BY \"partition\"");
        self.rows(&sql, [scan.0], catch_up)
    }

    /// How many wanted messages of each topic wait to be caught up, or are.
    pub fn to_catch_up(&self, now: Timestamp) -> Result<BTreeMap<Arc<str>, u64>, StoreError> {
        let sql = "SELECT topic, count(*) FROM to_catch_up WHERE due_at <= ?1 GROUP BY topic";
        let of_topic = |row: &Row<'_>| Ok((row.get::<_, String>(0)?.into(), row.get::<_, i64>(1)? as u64));
        Ok(self.rows(sql, [columns::instant(now)], of_topic)?.into_iter().collect())
    }

    /// When a date begins that is to be caught up then.
    pub(in crate::store) fn next_catch_up(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM to_catch_up WHERE due_at > ?1";
        let found = self.rows(sql, [columns::instant(now)], |row| columns::read_optional_instant(row, 0))?;
        Ok(found.into_iter().flatten().next())
    }

    /// What a scan is for, with the number of wanted messages.
    pub(in crate::store) fn blocks(&self, scan: ScanId, topic: &str) -> Result<Vec<(Block, u64)>, StoreError> {
        let sql = "SELECT timezone, day_shift_seconds, frequency, business_date, matcher, count(*)
                     FROM to_catch_up CROSS JOIN wanted ON wanted.id = wanted_id
                     CROSS JOIN sensors ON sensors.id = sensor_id
                    WHERE to_catch_up.topic = ?1 AND scan = ?2 AND wanted.state = 'active' AND sensors.state = 'active'
                    GROUP BY 1, 2, 3, 4, 5";
        self.rows(sql, params![topic, scan.0], |row| {
            let block = Block {
                timezone: row.get(0)?,
                day_shift_seconds: row.get(1)?,
                frequency: columns::read_frequency(row, 2)?,
                business_date: columns::read_date(row, 3)?,
                matcher: row.get(4)?,
            };
            Ok((block, row.get::<_, i64>(5)? as u64))
        })
    }

    /// The next wanted messages that a scan is for, behind one.
    pub(in crate::store) fn targets(
        &self,
        scan: ScanId,
        topic: &str,
        after: Option<Target>,
        limit: usize,
    ) -> Result<Vec<(ActiveWanted, Date)>, StoreError> {
        let sql = "SELECT wanted.id, sensors.id, sensors.name, sensors.timezone, wanted.day_shift_seconds,
                          wanted.matcher, wanted.topic, wanted.frequency, wanted.task_id, wanted.optional,
                          wanted.fields, wanted.distinct_fields, business_date
                     FROM to_catch_up CROSS JOIN wanted ON wanted.id = wanted_id
                     CROSS JOIN sensors ON sensors.id = sensor_id
                    WHERE to_catch_up.topic = ?1 AND scan = ?2 AND (wanted_id, business_date) > (?3, ?4)
                      AND wanted.state = 'active' AND sensors.state = 'active'
                    ORDER BY wanted_id, business_date LIMIT ?5";
        let (after, date) = after.unwrap_or((WantedId(i64::MIN), Date::MIN));
        let values = params![topic, scan.0, after.0, columns::date(date), limit as i64];
        self.with(|db| rows(db, sql, values, |row| Ok((active_wanted(row)?, columns::read_date(row, 12)?))))
    }

    /// Whether a business date of a calendar was rendered whole before.
    pub(in crate::store) fn was_rendered(&self, timezone: &str, shift: i64, date: Date) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM rendered_days
                                   WHERE timezone = ?1 AND day_shift_seconds = ?2 AND business_date = ?3)";
        self.with(|db| {
            let values = params![timezone, shift, columns::date(date)];
            Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
        })
    }
}

fn catch_up(row: &Row<'_>) -> rusqlite::Result<CatchUp> {
    const STATES: [CatchUpState; 2] = [CatchUpState::Running, CatchUpState::Done];
    Ok(CatchUp {
        id: CatchUpId(row.get(0)?),
        scan: ScanId(row.get(1)?),
        cluster: row.get::<_, String>(2)?.into(),
        topic: row.get::<_, String>(3)?.into(),
        partition: row.get(4)?,
        epoch: row.get(5)?,
        since: columns::read_instant(row, 6)?,
        first: row.get(7)?,
        next: row.get(8)?,
        cut: row.get(9)?,
        messages: row.get::<_, i64>(10)? as u64,
        wanted: row.get::<_, i64>(11)? as u64,
        state: columns::read_word(row, 12, STATES, CatchUpState::word)?,
        reason: row.get(13)?,
        lacking: row.get(14)?,
        updated_at: columns::read_instant(row, 15)?,
    })
}
