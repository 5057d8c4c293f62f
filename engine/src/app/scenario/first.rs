//! A first scenario for the sensors of a file: a day on which all comes, and the next one.
//!
//! Messages are made of what wanted messages want and of what the matchers' schemas say; the expectations are what was seen
//! when it was played. Where a matcher does not take what was made for it somebody has to fill in the rest:
//! [`First::to_do`] says what. Start at [`Stage::first`].

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use jiff::{Timestamp, ToSpan, Zoned, civil::Date, tz::TimeZone};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    expect::ActualSensor,
    file::Scenario,
    message,
    play::{Play, PlayError},
    stage::Stage,
};
use crate::{
    app::Matchers,
    config::sensors::parse,
    domain::{
        calendar::Calendar,
        definition::{Definition, Place, Problem, Source},
        sensor::{Owner, Sensor},
        wanted::WantedMessage,
    },
    matcher::Worker,
    pipeline::checking::Checker,
    source::Topics,
};

/// A scenario to begin with.
#[derive(Debug, Serialize)]
pub struct First {
    scenario: String,
    timezone: String,
    sensors: Vec<Value>,
    steps: [FirstStep; 3],
    /// What its author has to fill in, a line each.
    #[serde(skip)]
    pub to_do: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct FirstStep {
    at: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    send: Vec<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    expect: BTreeMap<String, Value>,
}

impl Stage<'_> {
    /// Makes a first scenario of a sensor file, about a day in the zone of the configuration.
    pub async fn first(&mut self, file: &Path, day: Date) -> Result<First, PlayError> {
        let definitions = read(file)?;
        let timezone = self.timezone().to_owned();
        let zone = TimeZone::get(&timezone).unwrap_or(TimeZone::UTC);
        let noon = day.at(12, 0, 0, 0).to_zoned(zone).map_err(|_| PlayError::NoSuchDay(day))?;
        let matchers = self.matchers(&BTreeMap::new()).await?;
        let sensors = check(&matchers, &definitions, &timezone, noon.timestamp()).await?;
        let mut send = Vec::new();
        for (_, sensor) in &sensors {
            for wanted in &sensor.wanted {
                send.extend(messages(&matchers, sensor, wanted, &noon).await?);
            }
        }
        let at = |days: i64, hour: i8| day.saturating_add(days.days()).at(hour, 0, 0, 0).to_string();
        let step = |days, hour, send| FirstStep { at: at(days, hour), send, expect: BTreeMap::new() };
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let scenario =
            format!("{name}: what is missing in the morning has come at noon, and is awaited again the next day");
        let steps = [step(0, 8, Vec::new()), step(0, 12, send), step(1, 12, Vec::new())];
        let sensors = definitions.into_iter().map(as_json).collect();
        let mut first = First { scenario, timezone, sensors, steps, to_do: Vec::new() };
        self.expect_what_is_seen(&mut first, file).await?;
        Ok(first)
    }

    async fn expect_what_is_seen(&mut self, first: &mut First, file: &Path) -> Result<(), PlayError> {
        let text = serde_json::to_string(first).map_err(PlayError::Unwritable)?;
        let scenario = Scenario::parse(file, &text).map_err(|problem| PlayError::Sensors(vec![problem]))?;
        let seen = self.act(&scenario, Play::watch).await?;
        for (step, seen) in first.steps.iter_mut().zip(&seen.sensors) {
            step.expect = seen.iter().map(|(name, sensor)| (name.clone(), expected(sensor))).collect();
        }
        let [_, noon, _] = seen.sensors.as_slice() else { return Ok(()) };
        for (name, sensor) in noon {
            let lacking = sensor.tasks.iter().filter(|task| !task.received);
            first.to_do.extend(lacking.map(|task| {
                let task = &task.task_id;
                format!("complete the message for the task `{task}` of `{name}` in step 2 (hint: `eventlatch matcher inspect`)")
            }));
        }
        let refused = seen.dead_letters.iter().map(|why| format!("a message made up was refused: {why}"));
        first.to_do.extend(refused);
        Ok(())
    }
}

fn read(file: &Path) -> Result<Vec<Definition>, PlayError> {
    let problem = |problem| PlayError::Sensors(vec![problem]);
    let text = fs::read_to_string(file).map_err(|error| {
        let (source, message) = (Source::File(file.to_owned()), format!("it cannot be read: {error}"));
        problem(Problem { source, place: None::<Place>, message })
    })?;
    parse(file, &text).map_err(problem)
}

async fn check(
    matchers: &Matchers,
    definitions: &[Definition],
    timezone: &str,
    now: Timestamp,
) -> Result<Vec<(Owner, Sensor)>, PlayError> {
    let topics = &Topics::default();
    let checker = Checker { registry: &matchers.registry, pool: &matchers.pool, marking: None, timezone, topics, now };
    let checked = checker.check(definitions).await;
    if checked.problems.is_empty() { Ok(checked.sensors) } else { Err(PlayError::Sensors(checked.problems)) }
}

/// As many messages as fulfil a wanted message at an instant.
async fn messages(
    matchers: &Matchers,
    sensor: &Sensor,
    wanted: &WantedMessage,
    at: &Zoned,
) -> Result<Vec<Value>, PlayError> {
    let Some(generation) = matchers.registry.get(&wanted.matcher) else { return Ok(Vec::new()) };
    let zone = TimeZone::get(&sensor.timezone).unwrap_or(TimeZone::UTC);
    let date = Calendar::new(zone, wanted.day_shift_seconds).business_date(at.timestamp());
    let (asked, fields) = (Arc::clone(generation), wanted.fields_json());
    let prepare = move |worker: &mut Worker| worker.prepare(&asked, &[fields.as_str()], date);
    let prepared = matchers.pool.run(prepare).await.map_err(PlayError::GaveUp)?;
    let rendered = prepared.into_iter().flatten().next().map(|prepared| prepared.rendered).unwrap_or_default();
    let rendered: Map<String, Value> = serde_json::from_str(&rendered).unwrap_or_default();
    let value = message::of(rendered, &generation.description.message_schema, at);
    let one = |number| json!({"topic": &*wanted.topic, "value": message::numbered(&value, &wanted.distinct, number)});
    Ok((1..=wanted.count).map(one).collect())
}

/// The definition as a scenario has it, where waits open by themselves only if that is said.
fn as_json(definition: Definition) -> Value {
    let keys = definition.keys;
    let mut sensor =
        Map::from_iter([("name".to_owned(), definition.name.into()), ("open".to_owned(), "window".into())]);
    let given = [
        ("timezone", keys.timezone),
        ("open", keys.open),
        ("require", keys.require),
        ("timeout", keys.timeout),
        ("on_timeout", keys.on_timeout),
        ("late", keys.late),
    ];
    sensor.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.it))));
    sensor.insert("wanted".to_owned(), keys.wanted.into_iter().map(|wanted| wanted.it).collect());
    Value::Object(sensor)
}

fn expected(sensor: &ActualSensor) -> Value {
    let tasks = |received| {
        let those = sensor.tasks.iter().filter(move |task| task.received == received);
        those.map(|task| task.task_id.clone()).collect::<Vec<_>>()
    };
    json!({"complete": sensor.complete, "received": tasks(true), "missing": tasks(false)})
}
