//! `eventlatch store backup|check|vacuum`: the store's file, whether a service has it or not.

use std::path::PathBuf;

use super::{Exit, Failure, Format, print};
use crate::{
    config::Config,
    store::{self, Aspect, BackedUp, BackupError, CheckUp, StoreError, Vacuumed},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Save the store to a file, as it is now; a service may run and is not held up
    Backup {
        /// The file that the store is saved to
        file: PathBuf,

        /// Replace the file if it is there
        #[arg(long)]
        force: bool,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Look whether the store is sound, and say what to do where it is not; a service may run
    Check {
        /// A backup to look at in place of the store
        file: Option<PathBuf>,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Give free space in the store back to the disk; no service may run
    Vacuum {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

pub(super) fn store(config: &Config, command: &Command) -> Result<Exit, Failure> {
    let path = &config.store.path;
    match command {
        Command::Backup { file, force, format } => saved(&store::back_up(path, file, *force)?, *format)?,
        Command::Check { file, format } => {
            let found = store::check_up(file.as_ref().unwrap_or(path)).map_err(failure)?;
            looked_at(&found, *format)?;
            if !found.problems.is_empty() {
                return Ok(Exit::Store);
            }
        }
        Command::Vacuum { format } => vacuumed(&store::vacuum(path).map_err(vacuum_failure)?, *format)?,
    }
    Ok(Exit::Done)
}

fn saved(it: &BackedUp, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => print::json(it),
        Format::Table => {
            let size = print::bytes(it.bytes);
            print::lines(&format!("saved to {}: {size}, schema {}, looked through", it.path.display(), it.schema))
        }
    }
}

fn vacuumed(it: &Vacuumed, format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => print::json(it),
        Format::Table => {
            let [before, after, gained] = [it.bytes_before, it.bytes, it.gained].map(print::bytes);
            print::lines(&format!("{}: {before} before, {after} now, {gained} gained", it.path.display()))
        }
    }
}

fn looked_at(it: &CheckUp, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(it);
    }
    let mut table = print::table(&[]);
    table
        .add_row(["file", &format!("{}, {}, {} of it free", it.path.display(), size(it), print::bytes(it.free_bytes))]);
    table.add_row(["used by", if it.in_use { "a running service" } else { "nobody" }]);
    table.add_row(["name", it.identity.as_deref().unwrap_or("-")]);
    table.add_row(["version", &version(it)]);
    for aspect in Aspect::ALL {
        let wrong = it.problems.iter().filter(|problem| problem.aspect == aspect).count();
        let found = match wrong {
            0 => "ok".to_owned(),
            1 => "1 problem".to_owned(),
            more => format!("{more} problems"),
        };
        table.add_row([aspect.word(), &found]);
    }
    print::lines(&table.to_string())?;
    for problem in &it.problems {
        print::lines(&format!("\n{}: {}\n  {}", problem.aspect.word(), problem.what, problem.remedy))?;
    }
    Ok(())
}

fn size(it: &CheckUp) -> String {
    match it.log_bytes {
        0 => print::bytes(it.bytes),
        log => format!("{} and {} in its -wal file", print::bytes(it.bytes), print::bytes(log)),
    }
}

fn version(it: &CheckUp) -> String {
    match it.schema {
        0 => "-".to_owned(),
        current if current == it.schema_supported => current.to_string(),
        older => format!("{older}: the next `eventlatch run` makes it {}", it.schema_supported),
    }
}

fn failure(error: StoreError) -> Failure {
    Failure::new(Exit::Store, error)
}

fn vacuum_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Busy { path } => Failure::new(
            Exit::Store,
            format!(
                "a service has the store {}: stop it first (free space is used again by itself, it need not go back)",
                path.display()
            ),
        ),
        error => failure(error),
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::new(Exit::Store, error)
    }
}
