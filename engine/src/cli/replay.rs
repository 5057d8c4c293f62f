//! `eventlatch replay`: what a build of a matcher would have done with messages that came, and how that differs from another
//! one. Reads a range of Kafka, or a file of JSON lines; changes nothing, and no service need run.

mod progress;
mod report;

use std::{path::PathBuf, str::FromStr};

use clap::builder::PossibleValue;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Exit, Failure, Format,
    client::{Client, Service},
    exit::of_source,
    time::Time,
};
use crate::{
    api::MatcherList,
    app::replaying::{Against, PrepareError, Question, WantedBy},
    config::Config,
    pipeline::{
        rendering::RenderError,
        replay::{Range, ReplayError},
    },
    source::{KafkaLog, Lines, LinesLog, Log, SourceError},
};
use report::Report;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The topic whose messages are replayed
    #[arg(long)]
    topic: String,

    /// The candidate: a `.wasm` file, or the name of a matcher that would serve
    #[arg(long, value_name = "FILE")]
    matcher: String,

    /// Under which name the candidate serves, where the configuration gives it several
    #[arg(long)]
    name: Option<String>,

    /// What it is held against: `live` for the build that serves, or another `.wasm` file [default: nothing, it is shown what
    /// it would do]
    #[arg(long, value_name = "live|FILE")]
    against: Option<HeldAgainst>,

    /// The first arrival: 2026-01-31T08:00:00Z, 2026-01-31 (in the zone of [sensors]), -2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, required_unless_present = "lines")]
    from: Option<Time>,

    /// The first arrival that is not replayed any more [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Time>,

    /// Read JSON lines, as `run --input` does, in place of Kafka; `-` for standard input
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,

    /// Whose wanted messages count [default: those of the store if there is one, else those of the sensor files]
    #[arg(long, value_enum, value_name = "WHOSE")]
    wanted: Option<WantedBy>,

    /// So many messages at the most, the first that are read
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Show so many differences of each kind, up to 20
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=20))]
    sample: u8,

    #[command(flatten)]
    service: Service,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HeldAgainst {
    Live,
    File(PathBuf),
}

impl FromStr for HeldAgainst {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            file if file.ends_with(".wasm") => Ok(Self::File(file.into())),
            _ => Err("write `live`, or name a `.wasm` file".to_owned()),
        }
    }
}

impl clap::ValueEnum for WantedBy {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Store, Self::Files]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Store => PossibleValue::new("store").help("All sensors that the store knows"),
            Self::Files => PossibleValue::new("files").help("The sensor files, as they are now"),
        })
    }
}

pub(super) async fn replay(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let range = range(config, args)?;
    let question = Question {
        topic: args.topic.clone(),
        candidate: args.matcher.clone(),
        name: args.name.clone(),
        against: against(config, args)?,
        wanted_by: args.wanted,
    };
    let prepared = question.prepare(config).await?;
    let log = log(config, args.lines.as_ref()).map_err(ReplayError::from)?;
    let bar = progress::bar();
    let replayed = prepared.replay.run(log, range, |progress| progress::tell(&bar, progress)).await;
    bar.finish_and_clear();
    let report = Report::of(&prepared, &range, replayed?, args.sample.into());
    report.print(args.format)?;
    Ok(if report.differs { Exit::Differs } else { Exit::Done })
}

fn range(config: &Config, args: &Args) -> Result<Range, Failure> {
    let timezone = &config.sensors.timezone;
    let no_zone = |_| Failure::config(format!("there is no time zone `{timezone}` (hint: `timezone` in [sensors])"));
    let (zone, now) = (TimeZone::get(timezone).map_err(no_zone)?, Timestamp::now());
    let resolve = |time: &Time| time.resolve(now, &zone);
    let from = args.from.as_ref().map_or(Timestamp::MIN, resolve);
    // A line without a time arrives when it is read.
    let end = if args.lines.is_some() { Timestamp::MAX } else { now };
    let to = args.to.as_ref().map_or(end, resolve);
    if from >= to {
        return Err(Failure::config(format!("nothing is from {from} on and before {to} (hint: --from and --to)")));
    }
    Ok(Range { from, to, limit: args.limit })
}

/// Which build serves a service knows best, if one is there.
fn against(config: &Config, args: &Args) -> Result<Option<Against>, Failure> {
    match &args.against {
        None => Ok(None),
        Some(HeldAgainst::File(path)) => Ok(Some(Against::File(path.clone()))),
        Some(HeldAgainst::Live) => {
            let client = Client::new(config, &args.service);
            if args.service.url.is_none() && !client.as_ref().is_ok_and(Client::is_answered) {
                return Ok(Some(Against::Live(Vec::new())));
            }
            let list: MatcherList = client?.get("matchers", &[])?;
            let serving = list.matchers.into_iter().map(|it| (it.name, it.sha256));
            Ok(Some(Against::Live(serving.collect())))
        }
    }
}

fn log(config: &Config, lines: Option<&PathBuf>) -> Result<Box<dyn Log>, SourceError> {
    Ok(match lines {
        None => Box::new(KafkaLog::open(&config.kafka)?),
        Some(path) if path.as_os_str() == "-" => Box::new(LinesLog::new(Lines::Stdin)),
        Some(path) => Box::new(LinesLog::new(Lines::File(path.clone()))),
    })
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Start(error) => error.into(),
            PrepareError::Store(_) => Self::new(Exit::Store, error),
            _ => Self::new(Exit::Matcher, error),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        let exit = match &error {
            ReplayError::Source(error) => of_source(error),
            ReplayError::NoTopic(_) | ReplayError::Silent(_) => Exit::Source,
            ReplayError::Render(RenderError::Zone(..)) => Exit::Config,
            ReplayError::Render(_) | ReplayError::GaveUp { .. } => Exit::Matcher,
            ReplayError::Defect => Exit::Unexpected,
        };
        Self::new(exit, error)
    }
}
