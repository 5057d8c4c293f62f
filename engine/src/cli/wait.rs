//! `eventlatch wait open|list|show|cancel|until`: runs that wait on a sensor of a running service.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    Exit, Failure, Format,
    client::{Client, Service, part},
    print,
};
use crate::{
    api::{OpenWait, WaitPage},
    config::Config,
    domain::wait::{WaitDetail, WaitState},
};

/// One request stays open for so long; then another one follows.
const POLL: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Open a wait
    Open {
        #[command(flatten)]
        of: Of,
        /// Which windows count: a date, or with an hour where messages are wanted hourly [default: those of now]
        #[arg(long, value_name = "DATE")]
        business_date: Option<String>,
        /// Give up after so many seconds, or at the next instant of a cron expression
        #[arg(long, value_name = "SECONDS|CRON")]
        timeout: Option<String>,
        /// What becomes of pending tasks then: fail or skip
        #[arg(long, value_name = "fail|skip")]
        on_timeout: Option<String>,
        /// What a message after that does: ignore or heal
        #[arg(long, value_name = "ignore|heal")]
        late: Option<String>,
        /// Where its tasks are outside, as JSON: laid over the sensor's, key by key
        #[arg(long, value_name = "JSON", value_parser = json)]
        target: Option<Value>,
        #[command(flatten)]
        shown: Shown,
    },
    /// List the newest waits
    List {
        /// Only those of this sensor
        sensor: Option<String>,
        /// Only those that stand so: waiting, complete, failed, skipped or cancelled
        #[arg(long)]
        state: Option<String>,
        /// So many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        shown: Shown,
    },
    /// Show a wait
    Show {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        shown: Shown,
    },
    /// Cancel a wait: nobody waits any more
    Cancel {
        #[command(flatten)]
        of: Of,
        /// Why, for the audit
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        shown: Shown,
    },
    /// Wait until a wait has ended: exit 0 complete, 9 failed, skipped or cancelled, 10 not ended in time
    Until {
        #[command(flatten)]
        of: Of,
        /// For so many seconds at most [default: until it has ended]
        #[arg(long, value_name = "SECONDS")]
        at_most: Option<u64>,
        #[command(flatten)]
        shown: Shown,
    },
}

/// Which wait.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Of {
    sensor: String,
    wait: String,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Shown {
    #[command(flatten)]
    service: Service,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Of {
    fn path(&self) -> String {
        format!("sensors/{}/waits/{}", part(&self.sensor), part(&self.wait))
    }
}

pub(super) fn wait(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Open { of, business_date, timeout, on_timeout, late, target, shown } => {
            let text = |value: &Option<String>| value.clone().map(Value::from);
            let request = OpenWait {
                name: of.wait.clone(),
                business_date: business_date.clone(),
                timeout: timeout.as_ref().map(|it| it.parse::<u64>().map_or_else(|_| it.as_str().into(), Value::from)),
                on_timeout: text(on_timeout),
                late: text(late),
                target: target.clone(),
            };
            let path = format!("sensors/{}/waits", part(&of.sensor));
            show(&Client::new(config, &shown.service)?.post(&path, &request)?, shown.format)?;
        }
        Command::List { sensor, state, limit, shown } => {
            let path = sensor.as_ref().map_or("waits".to_owned(), |sensor| format!("sensors/{}/waits", part(sensor)));
            let mut query = vec![("limit", limit.to_string())];
            query.extend(state.clone().map(|state| ("state", state)));
            let page: WaitPage = Client::new(config, &shown.service)?.get(&path, &query)?;
            list(&page.waits, shown.format)?;
        }
        Command::Show { of, shown } => {
            show(&Client::new(config, &shown.service)?.get(&of.path(), &[])?, shown.format)?;
        }
        Command::Cancel { of, reason, shown } => {
            let query: Vec<_> = reason.iter().map(|reason| ("reason", reason.clone())).collect();
            show(&Client::new(config, &shown.service)?.delete_with(&of.path(), &query)?, shown.format)?;
        }
        Command::Until { of, at_most, shown } => {
            let client = Client::new(config, &shown.service)?;
            let wait = until(&client, of, at_most.map(Duration::from_secs))?;
            show(&wait, shown.format)?;
            return Ok(match wait.state {
                WaitState::Complete => Exit::Done,
                WaitState::Waiting => Exit::Waiting,
                WaitState::Failed | WaitState::Skipped | WaitState::Cancelled => Exit::NotComplete,
            });
        }
    }
    Ok(Exit::Done)
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

fn until(client: &Client, of: &Of, at_most: Option<Duration>) -> Result<WaitDetail, Failure> {
    let began = Instant::now();
    loop {
        let left = at_most.map_or(POLL, |at_most| at_most.saturating_sub(began.elapsed()).min(POLL));
        // Whole seconds: what is left of one is waited too.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let wait: WaitDetail = client.get(&of.path(), &[("wait_until_ended", seconds.to_string())])?;
        if wait.state != WaitState::Waiting || at_most.is_some_and(|at_most| began.elapsed() >= at_most) {
            return Ok(wait);
        }
    }
}

fn list(waits: &[WaitDetail], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&waits);
    }
    let mut table = print::table(&["SENSOR", "WAIT", "BUSINESS DATE", "STATE", "OPENED", "DEADLINE", "ENDED"]);
    for it in waits {
        let time = |time: Option<jiff::Timestamp>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        table.add_row([
            &it.sensor,
            &it.name,
            &it.business_date.to_string(),
            it.state.word(),
            &it.opened_at.to_string(),
            &time(it.deadline),
            &time(it.ended_at),
        ]);
    }
    print::lines(&table.to_string())
}

fn show(wait: &WaitDetail, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(wait);
    }
    let deadline = wait.deadline.map(|deadline| format!(", gives up at {deadline}")).unwrap_or_default();
    let ended = wait.ended_at.map(|ended| format!(" since {ended}")).unwrap_or(deadline);
    let head = format!("{} · {} · {} · {}{ended}", wait.sensor, wait.name, wait.business_date, wait.state.word());
    let mut table = print::table(&["TASK", "STATE", "MARKED", "AT", "MESSAGE"]);
    for it in &wait.tasks {
        let marked = it.marked.as_deref().unwrap_or("-");
        let at = it.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        table.add_row([&it.task_id, &it.state, marked, &at, it.message.as_deref().unwrap_or("-")]);
    }
    print::lines(&format!("{head}\n{table}"))
}
