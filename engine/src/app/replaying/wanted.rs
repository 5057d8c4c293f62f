//! What is wanted of a topic: by the sensors of the store, or by those of the files.

use std::path::Path;

use super::{Config, Matchers, PrepareError, StoreError, WantedBy};
use crate::{
    app::load_sensors,
    domain::{
        sensor::{Sensor, SensorId},
        wanted::WantedId,
    },
    pipeline::rendering::PAGE,
    store::{ActiveWanted, Reader},
};

/// Of the store where there is one, else of the files; or as somebody chose.
pub(super) async fn read(
    config: &Config,
    matchers: &Matchers,
    topic: &str,
    chosen: Option<WantedBy>,
) -> Result<(WantedBy, Vec<ActiveWanted>), PrepareError> {
    let reader = match chosen {
        Some(WantedBy::Files) => None,
        Some(WantedBy::Store) => Some(Reader::open(&config.store.path)?),
        None => existing(&config.store.path)?,
    };
    if let Some(reader) = reader {
        return Ok((WantedBy::Store, of_store(&reader, topic)?));
    }
    let (_, sensors) = load_sensors(config, matchers, None).await?;
    Ok((WantedBy::Files, of_sensors(sensors.into_iter().map(|(_, sensor)| sensor))))
}

/// The store, if there is one.
pub(super) fn existing(path: &Path) -> Result<Option<Reader>, StoreError> {
    match Reader::open(path) {
        Ok(reader) => Ok(Some(reader)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn of_store(reader: &Reader, topic: &str) -> Result<Vec<ActiveWanted>, StoreError> {
    let mut all: Vec<ActiveWanted> = Vec::new();
    loop {
        let after = all.last().map_or(WantedId(0), |last| last.id);
        let page = reader.active_wanted_of(topic, after, PAGE)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// With numbers as a store would give them.
fn of_sensors(sensors: impl Iterator<Item = Sensor>) -> Vec<ActiveWanted> {
    let mut all = Vec::new();
    for (number, sensor) in (1..).zip(sensors) {
        for wanted in &sensor.wanted {
            all.push(ActiveWanted {
                id: WantedId(all.len() as i64 + 1),
                sensor: SensorId(number),
                sensor_name: sensor.name.clone(),
                timezone: sensor.timezone.clone(),
                day_shift_seconds: wanted.day_shift_seconds,
                matcher: wanted.matcher.to_string(),
                topic: wanted.topic.to_string(),
                frequency: wanted.frequency,
                task_id: wanted.task_id.clone(),
                optional: wanted.optional,
                // Matches are compared one by one, not how many of them make a whole.
                distinct_fields: None,
                fields: wanted.fields_json(),
            });
        }
    }
    all
}
