//! The commands. Each has a file; what they print is for people on a terminal, or JSON where `--format json` asks.

mod check;
mod client;
mod dead_letter;
mod demo;
mod exit;
mod explain;
mod mark;
mod matcher;
mod partition;
mod print;
mod replay;
mod report;
mod run;
mod send;
mod sensor;
mod status;
mod store;
mod test;
mod time;
mod wait;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

pub use exit::{Exit, Failure};

use crate::{
    config::{Config, ConfigError},
    telemetry,
};

/// Waits for Kafka messages so that no workflow task has to.
#[derive(Debug, Parser)]
#[command(name = "eventlatch", bin_name = "eventlatch", version, propagate_version = true, after_help = exit::HELP)]
pub struct Cli {
    /// The configuration file [default: eventlatch.toml, if there is one]
    #[arg(short, long, global = true, env = "EVENTLATCH_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Run(run::Args),
    /// See it work, without any broker: the example of three wanted messages
    Demo(demo::Args),
    /// Check configuration, sensors, matchers and marking; changes nothing
    Check(check::Args),
    /// Play scenarios: sensor tests on a virtual clock
    Test(test::Args),
    /// Send messages to a topic
    Send(send::Args),
    /// Show what has been received and what is still missing
    Status(status::Args),
    /// Say why a sensor still waits, or what one message would do
    Explain(explain::Args),
    /// Judge messages that came before by another build of a matcher, and show what differs
    Replay(replay::Args),
    /// Report what is missing now, or was on a date
    Report(report::Args),
    /// Write matchers, try them out, and look at those that serve
    #[command(subcommand)]
    Matcher(matcher::Command),
    /// Look at messages that were set aside, and have them judged again
    #[command(subcommand)]
    DeadLetter(dead_letter::Command),
    /// Look at what is to be told to the outside, and have it tried again
    #[command(subcommand)]
    Mark(mark::Command),
    /// Look at partitions, and release those that stand still
    #[command(subcommand)]
    Partition(partition::Command),
    /// Look at sensors, and define them in a running service
    #[command(subcommand)]
    Sensor(sensor::Command),
    /// Open waits on a sensor, look at them, wait for their end
    #[command(subcommand)]
    Wait(wait::Command),
    /// Save the store while the service runs, look whether it is sound, give free space back
    #[command(subcommand)]
    Store(store::Command),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
}

/// The configuration file that is used where none is named.
const DEFAULT_CONFIG: &str = "eventlatch.toml";

/// Runs the command of the process's arguments and ends the process: what it had in hand is finished by then, or was
/// given up, and a matcher that loops must not hold it.
pub fn main() -> ! {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match &runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(Failure::unexpected(error.to_string())),
    };
    let exit = outcome.unwrap_or_else(|failure| failure.report());
    telemetry::end();
    std::process::exit(exit.code())
}

impl Cli {
    async fn run(self) -> Result<Exit, Failure> {
        match &self.command {
            Command::Run(args) => run::run(&self.config()?, args, || self.load()).await,
            Command::Demo(args) => demo::demo(args).await,
            Command::Check(args) => check::check(&self.config()?, args).await,
            Command::Test(args) => test::test(&self.config()?, args).await,
            Command::Send(args) => send::send(&self.config()?, args).await,
            Command::Status(args) => status::status(&self.config()?, args),
            Command::Explain(args) => explain::explain(&self.config()?, args).await,
            Command::Replay(args) => replay::replay(&self.config()?, args).await,
            Command::Report(args) => report::report(&self.config()?, args),
            Command::Matcher(command) => matcher::matcher(&self.config()?, command).await,
            Command::DeadLetter(command) => dead_letter::dead_letter(&self.config()?, command),
            Command::Mark(command) => mark::mark(&self.config()?, command),
            Command::Partition(command) => partition::partition(&self.config()?, command),
            Command::Sensor(command) => sensor::sensor(&self.config()?, command),
            Command::Wait(command) => wait::wait(&self.config()?, command),
            Command::Store(command) => store::store(&self.config()?, command),
            Command::Openapi => print::json(&crate::api::openapi()).map(|()| Exit::Done),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Self::command(), "eventlatch", &mut script);
                print::styled(&String::from_utf8_lossy(&script)).map(|()| Exit::Done)
            }
        }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let default = PathBuf::from(DEFAULT_CONFIG);
        let path = self.config.clone().or_else(|| default.is_file().then_some(default));
        Config::load(path.as_deref(), environment())
    }

    /// Loads the configuration and starts the log that it asks for.
    fn config(&self) -> Result<Config, Failure> {
        let config = self.load().map_err(Failure::config)?;
        let mut log = config.telemetry.clone();
        if !matches!(self.command, Command::Run(_)) {
            // What a command has to say is its result.
            log.log = "warn".into();
            log.file = telemetry::file::Config::default();
        }
        telemetry::start(&log).map_err(Failure::config)?;
        Ok(config)
    }
}

/// What the environment says to eventlatch; the rest of it may be anything.
fn environment() -> impl Iterator<Item = (String, String)> {
    let ours = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("EVENTLATCH_"))?;
        Some((name, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(ours)
}
