//! How a wanted message came in the past: when it last did, and when it usually does.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::one::came;
use crate::{
    domain::{
        calendar::Calendar,
        explanation::{Came, Usual},
        wanted::WantedId,
        window::{Frequency, Window},
    },
    store::{columns, error::StoreError, reader::rows, shape::WantedShape},
};

/// So many earlier windows say what is usual.
const WINDOWS: i64 = 14;

/// How far back they are looked for, in days.
fn reach(frequency: Frequency) -> i64 {
    match frequency {
        Frequency::Hour => 7,
        Frequency::Day => 60,
        Frequency::Week => 400,
        _ => 7_000,
    }
}

/// The last message that fulfilled it.
pub(super) fn last(db: &Connection, wanted: WantedId) -> Result<Option<Came>, StoreError> {
    let sql = "SELECT arrival, topic, \"partition\", \"offset\"
                 FROM renderings CROSS JOIN matches
                   ON matches.id = (SELECT newest.id FROM matches AS newest WHERE newest.rendering_id = renderings.id
                                     ORDER BY newest.arrival DESC LIMIT 1)
                WHERE renderings.wanted_id = ?1 ORDER BY arrival DESC LIMIT 1";
    Ok(db.prepare_cached(sql)?.query_row([wanted.0], came).optional()?)
}

/// When it usually comes. What is compared is how long after the beginning of its window it came, on the wall's clock.
pub(super) fn usual(
    db: &Connection,
    wanted: &WantedShape,
    window: &Window,
    calendar: &Calendar,
) -> Result<Option<Usual>, StoreError> {
    if wanted.frequency == Frequency::Once {
        return Ok(None);
    }
    let sql = "SELECT opens_at, arrival
                 FROM (SELECT matches.window_id, matches.arrival,
                              row_number() OVER (PARTITION BY matches.window_id ORDER BY matches.arrival) AS nth
                         FROM renderings CROSS JOIN matches
                           ON rendering_id = renderings.id AND matches.arrival >= ?2 AND matches.arrival < ?3
                        WHERE renderings.wanted_id = ?1)
                 CROSS JOIN windows ON windows.id = window_id
                WHERE nth = ?4 ORDER BY opens_at DESC LIMIT ?5";
    let since = window.opens.saturating_sub(SignedDuration::from_hours(24 * reach(wanted.frequency)));
    let (since, until) = (columns::instant(since.unwrap_or(window.opens)), columns::instant(window.opens));
    let values = params![wanted.id.0, since, until, wanted.count, WINDOWS];
    let read = |row: &rusqlite::Row<'_>| Ok((columns::read_instant(row, 0)?, columns::read_instant(row, 1)?));
    Ok(of(&rows(db, sql, values, read)?, window.opens, calendar))
}

/// The times that it took after windows opened, laid upon the window that opens at an instant.
fn of(came: &[(Timestamp, Timestamp)], opens: Timestamp, calendar: &Calendar) -> Option<Usual> {
    let took = |(opens, arrival): &(Timestamp, Timestamp)| {
        calendar.civil_of(*arrival).duration_since(calendar.civil_of(*opens))
    };
    let mut took: Vec<_> = came.iter().map(took).collect();
    took.sort();
    let laid = |took: SignedDuration| calendar.instant_of(calendar.civil_of(opens).saturating_add(took));
    let (median, latest) = (took.get(took.len() / 2)?, took.last()?);
    Some(Usual { median: laid(*median), latest: laid(*latest), windows: took.len() })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    #[test]
    fn what_is_usual_is_a_time_on_the_clock_of_the_wall() {
        let calendar = Calendar::new(TimeZone::get("Europe/Berlin").unwrap(), 7200);
        // Business days begin at 22:00; summer time ends on the last of them.
        let came = [
            ("2024-10-23T20:00:00Z", "2024-10-24T01:10:00Z"),
            ("2024-10-24T20:00:00Z", "2024-10-24T23:30:00Z"),
            ("2024-10-25T20:00:00Z", "2024-10-26T02:55:00Z"),
        ];
        let came = came.map(|(opens, arrival)| (at(opens), at(arrival)));
        let usual = of(&came, at("2024-10-27T21:00:00Z"), &calendar).unwrap();
        assert_eq!(usual.median, at("2024-10-28T02:10:00Z"), "03:10 in winter");
        assert_eq!((usual.latest, usual.windows), (at("2024-10-28T03:55:00Z"), 3));
        assert_eq!(of(&[], at("2024-10-27T21:00:00Z"), &calendar), None);
    }
}
