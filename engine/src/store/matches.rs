//! Matches, found again.

use rusqlite::{Row, params};

use super::{columns, error::StoreError, reader::Reader};
use crate::domain::matched::{MatchFilter, MatchId, StoredMatch};

impl Reader {
    /// The newest matches that are meant, older than one of them: by when they were recorded.
    pub fn matches(
        &self,
        filter: &MatchFilter,
        before: Option<MatchId>,
        limit: usize,
    ) -> Result<Vec<StoredMatch>, StoreError> {
        let sql = "SELECT matches.id, sensors.name, task_id, cluster, matches.topic, \"partition\", epoch, \"offset\",
                          arrival, business_date, event_time, rendered, matches.matcher, sha256, recorded_at
                     FROM matches
                     CROSS JOIN renderings ON renderings.id = rendering_id
                     CROSS JOIN wanted ON wanted.id = matches.wanted_id
                     CROSS JOIN sensors ON sensors.id = sensor_id
                    WHERE (?1 IS NULL OR sensors.name = ?1) AND (?2 IS NULL OR task_id = ?2)
                      AND (?3 IS NULL OR matches.topic = ?3) AND (?4 IS NULL OR business_date = ?4)
                      AND (?5 IS NULL OR arrival >= ?5) AND (?6 IS NULL OR arrival < ?6) AND matches.id < ?7
                    ORDER BY matches.id DESC LIMIT ?8";
        let MatchFilter { sensor, task_id, topic, business_date, since, until } = filter;
        let values = params![
            sensor,
            task_id,
            topic,
            business_date.map(columns::date),
            since.map(columns::instant),
            until.map(columns::instant),
            before.map_or(i64::MAX, |id| id.0),
            limit as i64,
        ];
        self.rows(sql, values, stored)
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredMatch> {
    let rendered: String = row.get(11)?;
    Ok(StoredMatch {
        id: MatchId(row.get(0)?),
        sensor: row.get(1)?,
        task_id: row.get(2)?,
        cluster: row.get(3)?,
        topic: row.get(4)?,
        partition: row.get(5)?,
        epoch: row.get(6)?,
        offset: row.get(7)?,
        arrival: columns::read_instant(row, 8)?,
        business_date: columns::read_date(row, 9)?,
        event_time: columns::read_optional_instant(row, 10)?,
        rendered: serde_json::from_str(&rendered).unwrap_or(serde_json::Value::String(rendered)),
        matcher: row.get(12)?,
        sha256: row.get(13)?,
        recorded_at: columns::read_instant(row, 14)?,
    })
}
