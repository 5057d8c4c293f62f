//! Waits as they are shown.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use crate::{
    domain::{
        sensor::SensorId,
        wait::{TaskDetail, WaitDetail, WaitFilter, WaitId},
    },
    store::{
        columns,
        error::StoreError,
        reader::{Reader, rows},
        shape,
    },
};

impl Reader {
    /// A wait of a sensor, if it is there.
    pub fn wait(&self, sensor: &str, name: &str) -> Result<Option<WaitDetail>, StoreError> {
        let of = "sensors.name = ?1 AND waits.name = ?2 ORDER BY waits.id";
        self.with(|db| Ok(details(db, of, params![sensor, name])?.pop()))
    }

    /// A wait by its number.
    pub fn wait_by_id(&self, id: WaitId) -> Result<Option<WaitDetail>, StoreError> {
        self.with(|db| Ok(details(db, "waits.id = ?1", [id.0])?.pop()))
    }

    /// The newest waits that are meant, older than one.
    pub fn waits(
        &self,
        filter: &WaitFilter,
        before: Option<WaitId>,
        limit: usize,
    ) -> Result<Vec<WaitDetail>, StoreError> {
        let of = "(?1 IS NULL OR sensors.name = ?1) AND (?2 IS NULL OR waits.state = ?2) AND waits.id < ?3
                  ORDER BY waits.id DESC LIMIT ?4";
        let before = before.map_or(i64::MAX, |id| id.0);
        let state = filter.state.map(crate::domain::wait::WaitState::word);
        self.with(|db| details(db, of, params![filter.sensor, state, before, limit as i64]))
    }
}

fn details(db: &Connection, of: &str, values: impl rusqlite::Params) -> Result<Vec<WaitDetail>, StoreError> {
    let sql = format!(
        "SELECT waits.id, sensors.name, waits.name, business_date, waits.state, opened_at, deadline, ended_at,
                waits.on_timeout, waits.late, sensors.id, waits.target,
                waits.state <> 'waiting' AND NOT EXISTS (
                    SELECT 1 FROM marks WHERE wait_id = waits.id AND marks.status = 'pending')
           FROM waits CROSS JOIN sensors ON sensors.id = waits.sensor_id WHERE {of}"
    );
    let mut found = rows(db, &sql, values, |row| Ok((SensorId(row.get(10)?), detail(row)?)))?;
    let mut tasks: HashMap<SensorId, Vec<String>> = HashMap::new();
    for (sensor, wait) in &mut found {
        if !tasks.contains_key(sensor) {
            let all = shape::load(db, *sensor)?.tasks().into_iter().map(str::to_owned).collect();
            tasks.insert(*sensor, all);
        }
        wait.tasks = task_details(db, wait.id, tasks.get(sensor).map_or(&[], Vec::as_slice))?;
    }
    Ok(found.into_iter().map(|(_, wait)| wait).collect())
}

fn detail(row: &Row<'_>) -> rusqlite::Result<WaitDetail> {
    Ok(WaitDetail {
        id: WaitId(row.get(0)?),
        sensor: row.get(1)?,
        name: row.get(2)?,
        business_date: columns::read_date(row, 3)?,
        state: columns::read_wait_state(row, 4)?,
        opened_at: columns::read_instant(row, 5)?,
        deadline: columns::read_optional_instant(row, 6)?,
        ended_at: columns::read_optional_instant(row, 7)?,
        on_timeout: row.get(8)?,
        late: row.get(9)?,
        settled: row.get(12)?,
        target: columns::read_target(row, 11)?,
        tasks: Vec::new(),
    })
}

/// The tasks that are wanted now, and those of which something was said before they were not.
fn task_details(db: &Connection, wait: WaitId, wanted: &[String]) -> Result<Vec<TaskDetail>, StoreError> {
    let sql = "SELECT task_id, state, status, created_at, topic, \"partition\", \"offset\"
                 FROM marks LEFT JOIN matches ON matches.id = match_id
                WHERE wait_id = ?1 AND status <> 'superseded' ORDER BY marks.id";
    let marked = rows(db, sql, [wait.0], marked)?;
    let mut newest: HashMap<String, TaskDetail> = HashMap::new();
    let mut order: Vec<String> = wanted.to_vec();
    for task in marked {
        if !order.contains(&task.task_id) {
            order.push(task.task_id.clone());
        }
        newest.insert(task.task_id.clone(), task);
    }
    let pending = |task_id: &String| TaskDetail {
        task_id: task_id.clone(),
        state: "pending".to_owned(),
        marked: None,
        at: None,
        message: None,
    };
    Ok(order.iter().map(|task| newest.remove(task).unwrap_or_else(|| pending(task))).collect())
}

fn marked(row: &Row<'_>) -> rusqlite::Result<TaskDetail> {
    let topic: Option<String> = row.get(4)?;
    let message = match topic {
        Some(topic) => Some(format!("{topic}/{}@{}", row.get::<_, i64>(5)?, row.get::<_, i64>(6)?)),
        None => None,
    };
    let (task_id, state, marked) = (row.get(0)?, row.get(1)?, Some(row.get(2)?));
    Ok(TaskDetail { task_id, state, marked, at: columns::read_optional_instant(row, 3)?, message })
}
