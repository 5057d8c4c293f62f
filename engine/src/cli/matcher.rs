//! `eventlatch matcher …`: writing one, which serve and served, what one is, and going back to an earlier build.
//!
//! What serves the running service knows; without one `list` shows what would serve. `new`, `build`, `test`, `bench` and `run`
//! are for authors and need no service.

mod acting;
mod bench;
mod build;
mod inspect;
mod new;
mod pushing;
mod run;
mod subject;
mod test;

use std::path::PathBuf;

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
    /// Prove a build and have it serve, or judge in the shadow of the one that serves
    ///
    /// Proved is: it loads, its own cases pass, it takes what sensors want of it, and it does not fail on the last messages of its
    /// topics where the build that serves does not. Nothing changes before that. It is pinned: the matcher directory decides
    /// again with `unpin`.
    Push(Push),
    /// Show in what the candidate of a matcher differs from the build that serves
    Diff {
        matcher: String,
        #[command(flatten)]
        service: Service,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Have the candidate serve that judges in the shadow
    Promote {
        matcher: String,
        #[command(flatten)]
        service: Service,
    },
    /// Have the candidate judge no more, and forget what was counted of it
    Withdraw {
        matcher: String,
        #[command(flatten)]
        service: Service,
    },
    /// Let a matcher go on that is quarantined over its budget
    Release {
        matcher: String,
        #[command(flatten)]
        service: Service,
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

#[derive(Debug, clap::Args)]
pub(super) struct Push {
    /// The matcher's folder, which is built first, or a `.wasm` file
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    matcher: PathBuf,

    /// Have it judge beside the build that serves, and mark nothing
    #[arg(long)]
    shadow: bool,

    /// Refuse it if it differs from the build that serves on any of the last messages
    #[arg(long)]
    strict: bool,

    /// Prove it on so many of the last messages of each topic [default: 1000]
    #[arg(long, value_name = "COUNT")]
    messages: Option<usize>,

    /// The name under which it is to serve, where the configuration has it serve under another one than its own
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    service: Service,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
        Command::Push(push) => pushing::push(config, push)?,
        Command::Diff { matcher, service, format } => pushing::diff(config, service, matcher, *format)?,
        Command::Promote { matcher, service } => pushing::promote(config, service, matcher)?,
        Command::Withdraw { matcher, service } => pushing::withdraw(config, service, matcher)?,
        Command::Release { matcher, service } => pushing::release(config, service, matcher)?,
        Command::History { matcher, format } => acting::history(config, matcher.as_deref(), *format)?,
        Command::Rollback { matcher, service } => acting::roll_back(config, service, matcher)?,
        Command::Pin { matcher, sha256, service } => acting::pin(config, service, matcher, sha256.clone())?,
        Command::Unpin { matcher, service } => acting::unpin(config, service, matcher)?,
    }
    Ok(Exit::Done)
}
