//! `eventlatch sensor list|show|put|delete|pause|resume`: the sensors of a running service.

use std::{fs, path::Path, path::PathBuf};

use serde_json::{Value, json};

use super::{
    Exit, Failure, Format,
    client::{Client, Service, part},
    print,
};
use crate::{
    api::{DefinedSensors, SensorAnswer, SensorPage},
    config::Config,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List all sensors
    List {
        #[command(flatten)]
        service: Service,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show how a sensor is defined
    Show {
        sensor: String,
        #[command(flatten)]
        service: Service,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Define the sensors of a file, TOML or JSON, in the running service: all of them or none
    Put {
        file: PathBuf,
        #[command(flatten)]
        service: Service,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Retire a sensor that was defined over the API; it keeps its history
    Delete {
        sensor: String,
        #[command(flatten)]
        service: Service,
    },
    /// Pause a sensor: messages are recorded, and none of its waits opens or ends
    Pause {
        sensor: String,
        #[command(flatten)]
        service: Service,
    },
    /// Let a paused sensor go on: its waits are judged by what came meanwhile
    Resume {
        sensor: String,
        #[command(flatten)]
        service: Service,
    },
}

pub(super) fn sensor(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List { service, format } => list(&Client::new(config, service)?, *format)?,
        Command::Show { sensor, service, format } => {
            let path = format!("sensors/{}", part(sensor));
            show(&Client::new(config, service)?.get(&path, &[])?, *format)?;
        }
        Command::Put { file, service, format } => put(&Client::new(config, service)?, file, *format)?,
        Command::Delete { sensor, service } => {
            Client::new(config, service)?.delete::<()>(&format!("sensors/{}", part(sensor)))?;
            print::lines(&format!("{sensor} is retired: it waits for nothing any more"))?;
        }
        Command::Pause { sensor, service } => {
            Client::new(config, service)?.put::<()>(&format!("sensors/{}/pause", part(sensor)), &json!({}))?;
            print::lines(&format!("{sensor} is paused: messages are kept, and nothing is marked until it goes on"))?;
        }
        Command::Resume { sensor, service } => {
            Client::new(config, service)?.delete::<()>(&format!("sensors/{}/pause", part(sensor)))?;
            print::lines(&format!("{sensor} goes on"))?;
        }
    }
    Ok(Exit::Done)
}

fn list(client: &Client, format: Format) -> Result<(), Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let mut query = vec![("limit", "1000".to_owned())];
        query.extend(after.map(|after| ("after", after)));
        let page: SensorPage = client.get("sensors", &query)?;
        all.extend(page.sensors);
        match page.next_after {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    if format == Format::Json {
        return print::json(&all);
    }
    let mut table = print::table(&["NAME", "OWNER", "OPEN", "TIMEZONE", "WANTED", "UPDATED"]);
    for it in &all {
        let wanted = it.definition["wanted"].as_array().map_or(0, Vec::len).to_string();
        let owner = format!("{}{}", it.owner, if it.paused { ", paused" } else { "" });
        table.add_row([
            &it.name,
            &owner,
            text(&it.definition["open"]),
            text(&it.definition["timezone"]),
            &wanted,
            &print::instant(it.updated_at),
        ]);
    }
    print::lines(&table.to_string())
}

fn show(sensor: &SensorAnswer, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(sensor);
    }
    let mut table = print::table(&[]);
    let mut row = |name: &str, value: &str| {
        table.add_row([name, value]);
    };
    row("name", &sensor.name);
    row("owner", &sensor.owner);
    for key in ["timezone", "open", "require", "timeout", "on_timeout", "late"] {
        match &sensor.definition[key] {
            Value::Null => {}
            Value::String(value) => row(key, value),
            value => row(key, &value.to_string()),
        }
    }
    if sensor.paused {
        row("paused", "true");
    }
    for wanted in sensor.definition["wanted"].as_array().into_iter().flatten() {
        row("wanted", &wanted.to_string());
    }
    print::lines(&table.to_string())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn put(client: &Client, file: &Path, format: Format) -> Result<(), Failure> {
    let changed: DefinedSensors = client.put("sensors", &read(file)?)?;
    if format == Format::Json {
        return print::json(&changed);
    }
    let DefinedSensors { added, changed, unchanged } = changed;
    print::lines(&format!("{added} added, {changed} changed, {unchanged} unchanged"))
}

/// What a sensor file says, as the API takes it.
fn read(file: &Path) -> Result<Value, Failure> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Failure::config(anyhow::anyhow!(error).context(format!("cannot read {}", file.display())))
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.into()))?;
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let mut value: Value = match is_json {
        true => serde_json::from_str(&text).map_err(|error| failed(error.into()))?,
        false => toml::from_str(&text).map_err(|error| failed(error.into()))?,
    };
    if value.get("sensors").is_some() {
        return Ok(value);
    }
    if let (Value::Object(keys), Some(stem)) = (&mut value, file.file_stem()) {
        keys.entry("name").or_insert_with(|| stem.to_string_lossy().into());
    }
    Ok(json!({"sensors": [value]}))
}
