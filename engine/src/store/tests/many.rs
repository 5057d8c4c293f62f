//! Sensors that want very many messages: nothing of them is read anew with every match.

use std::rc::Rc;

use super::*;
use crate::store::{error::StoreError, record::Books, writer::Session};

const MANY: usize = 100;

fn many(count: usize) -> Sensor {
    let names: Vec<_> = (0..count).map(|number| format!("t{number:03}")).collect();
    let rhythm = |number: usize| if number.is_multiple_of(3) { M } else { D };
    let wanted: Vec<_> = names.iter().enumerate().map(|(number, name)| (name.as_str(), rhythm(number))).collect();
    sensor("s", &wanted)
}

/// Where the shape of the sensor is in memory, and how many messages it wants.
fn shape(session: &mut Session<'_>) -> Result<(usize, usize), StoreError> {
    let id = SensorId(session.db.query_row("SELECT id FROM sensors", [], |row| row.get(0))?);
    let mut books = Books::open(session);
    let shape = books.shapes.get(books.session.db, id)?;
    Ok((Rc::as_ptr(&shape).addr(), shape.wanted.len()))
}

impl Fixture {
    async fn shape(&self) -> (usize, usize) {
        self.store.writer.call(shape).await.unwrap()
    }
}

#[tokio::test]
async fn what_a_large_sensor_wants_is_read_again_only_when_it_changes() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![many(MANY)]).await;
    let before = fixture.shape().await;
    assert_eq!((before.1, fixture.shape().await), (MANY, before));
    fixture.define(vec![many(MANY + 1)]).await;
    assert_eq!(fixture.shape().await.1, MANY + 1);
    // A change that is undone, and another one that gets its revision.
    let undone = fixture.store.writer.call(|session| {
        session.db.execute("UPDATE wanted SET state = 'retired' WHERE task_id = 't000'", [])?;
        session.db.execute("UPDATE sensors SET revision = revision + 1", [])?;
        assert_eq!(shape(session)?.1, MANY);
        Err::<(), _>(StoreError::Panicked)
    });
    assert!(undone.await.is_err());
    fixture.define(vec![many(MANY + 2)]).await;
    assert_eq!(fixture.shape().await.1, MANY + 2);
}

#[tokio::test]
async fn many_messages_complete_a_wait_in_any_order() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut wants = many(MANY);
    wants.wanted[5].optional = true;
    wants.wanted[7].count = 2;
    fixture.define(vec![wants]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    let success = "SELECT count(*) FROM tasks WHERE state = 'success'";
    // 37 and 100 have no factor in common: each once.
    let order: Vec<_> = (0..MANY).map(|number| number * 37 % MANY).filter(|number| *number != 5).collect();
    for (sent, number) in (1..).zip(&order) {
        let name = format!("s.t{number:03}");
        fixture.send("2019-07-07T08:00:00Z", &[&name]).await;
        if *number == 7 {
            assert_eq!(fixture.sql(success), [format!("{}", sent - 1)], "one of two");
            fixture.send("2019-07-07T08:00:01Z", &[&name]).await;
        }
        assert_eq!(fixture.sql(success), [format!("{sent}")]);
        let is_over = if sent == order.len() { "complete" } else { "waiting" };
        assert_eq!(fixture.sql("SELECT state FROM waits"), [is_over]);
    }
    // The optional one was not waited for.
    assert_eq!(fixture.sql("SELECT task_id, state FROM tasks WHERE state <> 'success'"), ["t005|skipped"]);
}
