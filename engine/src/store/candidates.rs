//! Builds that judge beside those that serve: what is counted of them, and what they would have matched.

use std::collections::HashMap;

use rusqlite::{Row, params};

use super::{Store, columns, error::StoreError, modules, reader::Reader, writer::Session};
use crate::domain::{
    candidate::{ShadowMatch, Shadowed, StoredCandidate},
    difference::{DifferenceKind, DifferenceSample, Discrepancy, Each, Tally},
    wanted::WantedId,
};

/// So many matches of a candidate are kept, the newest.
const MATCHES: i64 = 10_000;

/// So many differences of each kind.
const DIFFERENCES: i64 = 20;

impl Store {
    /// Has a build judge beside the one that serves, in place of another candidate of its matcher. Its file is kept.
    pub async fn put_candidate(&self, candidate: StoredCandidate, wasm: Vec<u8>) -> Result<(), StoreError> {
        self.writer.call(move |session| put(session, &candidate, &wasm)).await
    }

    /// Forgets a candidate and all that was counted of it. False: there is none.
    pub async fn drop_candidate(&self, matcher: String) -> Result<bool, StoreError> {
        self.writer.call(move |session| drop_of(session, &matcher)).await
    }

    /// Adds what a candidate said beside the build that serves. Nothing follows if it is a candidate no more.
    pub async fn note_shadowed(
        &self,
        matcher: String,
        sha256: String,
        against: String,
        shadowed: Shadowed,
    ) -> Result<(), StoreError> {
        self.writer.call(move |session| note(session, &matcher, &sha256, &against, &shadowed)).await
    }

    /// All candidates, by the names of their matchers.
    pub async fn candidates(&self) -> Result<Vec<StoredCandidate>, StoreError> {
        self.read(Reader::candidates).await
    }

    /// In what the candidate of a matcher differs: the newest of each kind.
    pub async fn shadow_differences(&self, matcher: String) -> Result<Vec<DifferenceSample>, StoreError> {
        self.report(move |reader| reader.shadow_differences(&matcher)).await
    }

    /// The sensor and the task of wanted messages.
    pub async fn names_of_wanted(&self, ids: Vec<WantedId>) -> Result<HashMap<WantedId, (String, String)>, StoreError> {
        self.report(move |reader| ids.into_iter().map(|id| reader.name_of_wanted(id)).collect()).await
    }
}

fn put(session: &mut Session<'_>, candidate: &StoredCandidate, wasm: &[u8]) -> Result<(), StoreError> {
    drop_of(session, &candidate.matcher)?;
    let insert = "INSERT INTO candidates (matcher, sha256, version, against, since) VALUES (?1, ?2, ?3, ?4, ?5)";
    let StoredCandidate { matcher, sha256, version, against, since, .. } = candidate;
    session.db.prepare_cached(insert)?.execute(params![matcher, sha256, version, against, columns::instant(*since)])?;
    modules::keep(session, sha256, wasm)
}

fn drop_of(session: &mut Session<'_>, matcher: &str) -> Result<bool, StoreError> {
    forget_findings(session, matcher)?;
    Ok(session.db.prepare_cached("DELETE FROM candidates WHERE matcher = ?1")?.execute([matcher])? > 0)
}

fn forget_findings(session: &Session<'_>, matcher: &str) -> Result<(), StoreError> {
    for forget in ["DELETE FROM shadow_matches WHERE matcher = ?1", "DELETE FROM shadow_differences WHERE matcher = ?1"]
    {
        session.db.prepare_cached(forget)?.execute([matcher])?;
    }
    Ok(())
}

fn note(
    session: &mut Session<'_>,
    matcher: &str,
    sha256: &str,
    against: &str,
    shadowed: &Shadowed,
) -> Result<(), StoreError> {
    begin_anew_against_another(session, matcher, sha256, against)?;
    let add = "UPDATE candidates SET
                   messages = messages + ?3, different = different + ?4, same = same + ?5,
                   only_old = only_old + ?6, only_new = only_new + ?7, other_keys = other_keys + ?8,
                   rejects_old = rejects_old + ?9, rejects_new = rejects_new + ?10,
                   faults_old = faults_old + ?11, faults_new = faults_new + ?12,
                   cpu_us_old = cpu_us_old + ?13, cpu_us_new = cpu_us_new + ?14,
                   dropped = dropped + ?15, failed = ifnull(?16, failed)
                WHERE matcher = ?1 AND sha256 = ?2";
    let Tally { messages, different, same, only_old, only_new, other_keys, rejects, faults, cpu_us } =
        shadowed.comparison.tally;
    let figures = [messages, different, same, only_old, only_new, other_keys, rejects.old, rejects.new, faults.old]
        .map(u64::cast_signed);
    let [messages, different, same, only_old, only_new, other_keys, rejects_old, rejects_new, faults_old] = figures;
    let more = [faults.new, cpu_us.old, cpu_us.new, shadowed.dropped].map(u64::cast_signed);
    let [faults_new, cpu_old, cpu_new, dropped] = more;
    let added = session.db.prepare_cached(add)?.execute(params![
        matcher,
        sha256,
        messages,
        different,
        same,
        only_old,
        only_new,
        other_keys,
        rejects_old,
        rejects_new,
        faults_old,
        faults_new,
        cpu_old,
        cpu_new,
        dropped,
        shadowed.failed,
    ])?;
    if added > 0 {
        keep_matches(session, matcher, &shadowed.matches)?;
        keep_differences(session, matcher, &shadowed.comparison.discrepancies)?;
    }
    Ok(())
}

/// Two builds are compared, not a candidate with whatever served.
fn begin_anew_against_another(
    session: &Session<'_>,
    matcher: &str,
    sha256: &str,
    against: &str,
) -> Result<(), StoreError> {
    let anew = "UPDATE candidates SET against = ?3, since = ?4, messages = 0, different = 0, same = 0, only_old = 0,
                       only_new = 0, other_keys = 0, rejects_old = 0, rejects_new = 0, faults_old = 0, faults_new = 0,
                       cpu_us_old = 0, cpu_us_new = 0, dropped = 0
                 WHERE matcher = ?1 AND sha256 = ?2 AND against IS NOT ?3";
    let another = params![matcher, sha256, against, columns::now()];
    match session.db.prepare_cached(anew)?.execute(another)? {
        0 => Ok(()),
        _ => forget_findings(session, matcher),
    }
}

fn keep_matches(session: &Session<'_>, matcher: &str, matches: &[ShadowMatch]) -> Result<(), StoreError> {
    let insert = "INSERT INTO shadow_matches (matcher, topic, \"partition\", \"offset\", arrival, wanted_id)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for ShadowMatch { position, arrival, wanted } in matches {
        let (partition, arrival) = (&position.partition, columns::instant(*arrival));
        let row = params![matcher, partition.topic, partition.number, position.offset, arrival, wanted.0];
        session.db.prepare_cached(insert)?.execute(row)?;
    }
    let forget = "DELETE FROM shadow_matches WHERE matcher = ?1 AND id <=
                     (SELECT id FROM shadow_matches WHERE matcher = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    session.db.prepare_cached(forget)?.execute(params![matcher, MATCHES])?;
    Ok(())
}

fn keep_differences(session: &Session<'_>, matcher: &str, found: &[Discrepancy]) -> Result<(), StoreError> {
    let insert = "INSERT INTO shadow_differences (matcher, kind, topic, \"partition\", \"offset\", arrival, wanted_id,
                                                  reason)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    for it in found {
        let (partition, arrival) = (&it.position.partition, columns::instant(it.arrival));
        let (kind, wanted) = (it.kind.word(), it.wanted.map(|wanted| wanted.0));
        let offset = it.position.offset;
        let row = params![matcher, kind, partition.topic, partition.number, offset, arrival, wanted, it.reason];
        session.db.prepare_cached(insert)?.execute(row)?;
    }
    let forget = "DELETE FROM shadow_differences WHERE id IN
                     (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY kind ORDER BY id DESC) AS age
                                        FROM shadow_differences WHERE matcher = ?1)
                       WHERE age > ?2)";
    session.db.prepare_cached(forget)?.execute(params![matcher, DIFFERENCES])?;
    Ok(())
}

impl Reader {
    /// All candidates, by the names of their matchers.
    pub fn candidates(&self) -> Result<Vec<StoredCandidate>, StoreError> {
        let sql = "SELECT matcher, sha256, version, against, since, dropped, failed, messages, different, same,
                          only_old, only_new, other_keys, rejects_old, rejects_new, faults_old, faults_new, cpu_us_old,
                          cpu_us_new
                     FROM candidates ORDER BY matcher";
        self.rows(sql, [], candidate)
    }

    fn shadow_differences(&self, matcher: &str) -> Result<Vec<DifferenceSample>, StoreError> {
        let sql = "SELECT d.kind, d.topic, d.\"partition\", d.\"offset\", d.arrival, s.name, w.task_id, d.reason
                     FROM shadow_differences d LEFT JOIN wanted w ON w.id = d.wanted_id
                          LEFT JOIN sensors s ON s.id = w.sensor_id
                    WHERE d.matcher = ?1 ORDER BY d.kind, d.id";
        self.rows(sql, [matcher], sample)
    }

    fn name_of_wanted(&self, id: WantedId) -> Result<(WantedId, (String, String)), StoreError> {
        let sql = "SELECT s.name, w.task_id FROM wanted w JOIN sensors s ON s.id = w.sensor_id WHERE w.id = ?1";
        let named = self.rows(sql, [id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((id, named.into_iter().next().unwrap_or_default()))
    }
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<StoredCandidate> {
    let figure = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let each = |column: usize| Ok::<_, rusqlite::Error>(Each { old: figure(column)?, new: figure(column + 1)? });
    Ok(StoredCandidate {
        matcher: row.get(0)?,
        sha256: row.get(1)?,
        version: row.get(2)?,
        against: row.get(3)?,
        since: columns::read_instant(row, 4)?,
        dropped: figure(5)?,
        failed: row.get(6)?,
        tally: Tally {
            messages: figure(7)?,
            different: figure(8)?,
            same: figure(9)?,
            only_old: figure(10)?,
            only_new: figure(11)?,
            other_keys: figure(12)?,
            rejects: each(13)?,
            faults: each(15)?,
            cpu_us: each(17)?,
        },
    })
}

fn sample(row: &Row<'_>) -> rusqlite::Result<DifferenceSample> {
    Ok(DifferenceSample {
        kind: columns::read_word(row, 0, DifferenceKind::ALL, DifferenceKind::word)?,
        topic: row.get(1)?,
        partition: row.get(2)?,
        offset: row.get(3)?,
        arrival: columns::read_instant(row, 4)?,
        sensor: row.get(5)?,
        task_id: row.get(6)?,
        reason: row.get(7)?,
    })
}
