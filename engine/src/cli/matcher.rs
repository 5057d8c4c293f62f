//! `eventlatch matcher …`: writing one, which serve and served, what one is, and going back to an earlier build.
//!
//! What serves the running service knows; without one `list` shows what would serve. `new`, `build`, `test`, `bench` and `run`
//! are for authors and need no service.

mod acting;
mod bench;
mod build;
mod inspect;
mod new;
mod run;
mod subject;
mod test;

use super::{Exit, Failure, Format, client::Service};
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Begin a matcher: a folder with its sources, cases and a scenario
    New(new::Args),
    /// Build a matcher's folder into its file
    Build(build::Args),
    /// Run a matcher's cases and scenarios in the service's engine
    Test(test::Args),
    /// Measure what messages cost a matcher, against the service's limits
    Bench(bench::Args),
    /// Ask a matcher about one message
    Run(run::Args),
    /// List the matchers that serve; with no service running, those that would
    List {
        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what a matcher is: its interface, topics, schemas, imports, cases, size and hash
    Inspect {
        /// A name, or a `.wasm` file
        matcher: String,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show the builds that served or were refused, the newest first
    History {
        /// Only those of this matcher
        matcher: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Have the build serve again that served before
    Rollback {
        matcher: String,
        #[command(flatten)]
        service: Service,
    },
    /// Have one build serve, whatever the matcher directory holds
    Pin {
        matcher: String,
        /// The beginning of its sha256 [default: the build that serves now]
        sha256: Option<String>,
        #[command(flatten)]
        service: Service,
    },
    /// Let the matcher directory decide again
    Unpin {
        matcher: String,
        #[command(flatten)]
        service: Service,
    },
}

pub(super) async fn matcher(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::new(args)?,
        Command::Build(args) => build::build(config, args)?,
        Command::Test(args) => return test::test(config, args).await,
        Command::Bench(args) => bench::bench(config, args)?,
        Command::Run(args) => run::run(config, args)?,
        Command::List { service, format } => acting::list(config, service, *format).await?,
        Command::Inspect { matcher, format } => inspect::inspect(config, matcher, *format).await?,
        Command::History { matcher, format } => acting::history(config, matcher.as_deref(), *format)?,
        Command::Rollback { matcher, service } => acting::roll_back(config, service, matcher)?,
        Command::Pin { matcher, sha256, service } => acting::pin(config, service, matcher, sha256.clone())?,
        Command::Unpin { matcher, service } => acting::unpin(config, service, matcher)?,
    }
    Ok(Exit::Done)
}
