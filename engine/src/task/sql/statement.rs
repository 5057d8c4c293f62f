//! The user's statement and its parameters.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use rusqlite::{Connection, Statement, types::Value};

use super::Failure;
use crate::{domain::mark::Mark, task::MarkError};

const INSTANT: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

pub(super) fn instant(at: Timestamp) -> String {
    INSTANT.timestamp_to_string(&at)
}

/// What the parameters stand for.
pub(super) struct Values<'a> {
    /// The mark's, unique among all stores.
    pub(super) id: &'a str,
    pub(super) mark: &'a Mark,
}

/// The parameters that a statement may use.
const KNOWN: [&str; 14] = [
    ":mark_id",
    ":sensor",
    ":wait",
    ":business_date",
    ":task_id",
    ":state",
    ":target",
    ":topic",
    ":partition",
    ":offset",
    ":matcher",
    ":sha256",
    ":event_time",
    ":arrival",
];

impl Values<'_> {
    fn of(&self, parameter: &str) -> Value {
        let mark = self.mark;
        match parameter {
            ":mark_id" => self.id.to_owned().into(),
            ":sensor" => mark.sensor.clone().into(),
            ":wait" => mark.wait.clone().into(),
            ":business_date" => mark.business_date.to_string().into(),
            ":task_id" => mark.task_id.clone().into(),
            ":state" => mark.state.word().to_owned().into(),
            ":target" => serde_json::Value::Object(mark.target.keys().clone()).to_string().into(),
            of_message => self.of_message(of_message).unwrap_or(Value::Null),
        }
    }

    fn of_message(&self, parameter: &str) -> Option<Value> {
        let evidence = self.mark.evidence.as_ref()?;
        let partition = &evidence.position.partition;
        Some(match parameter {
            ":topic" => partition.topic.to_string().into(),
            ":partition" => partition.number.into(),
            ":offset" => evidence.position.offset.into(),
            ":matcher" => evidence.matcher.clone().into(),
            ":sha256" => evidence.sha256.clone().into(),
            ":event_time" => instant(evidence.event_time?).into(),
            ":arrival" => instant(evidence.arrival).into(),
            _ => return None,
        })
    }
}

/// Refuses what could never mark anything.
pub(super) fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<Statement<'a>, Failure> {
    let statement = connection.prepare(sql)?;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?");
        if !KNOWN.contains(&name) {
            let known = KNOWN.join(", ");
            return Err(reject(format!("the statement has the unknown parameter `{name}`; known are {known}")));
        }
    }
    if statement.readonly() {
        return Err(reject("the statement changes nothing".to_owned()));
    }
    Ok(statement)
}

/// The answer is the number of rows that it touched.
pub(super) fn run(connection: &Connection, sql: &str, values: &Values<'_>) -> Result<usize, Failure> {
    let mut statement = prepare(connection, sql)?;
    for index in 1..=statement.parameter_count() {
        let value = statement.parameter_name(index).map_or(Value::Null, |name| values.of(name));
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(statement.raw_execute()?)
}

fn reject(reason: String) -> Failure {
    MarkError::Reject(reason).into()
}
