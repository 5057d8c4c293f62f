//! Exit codes, and how a failure is told.

use std::error::Error;

use crate::{
    api::ApiError,
    app::{StartError, StopError},
    pipeline::intake::IntakeError,
};

/// What the process ends with. The numbers are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well.
    Done = 0,
    /// Something that should not happen; of a test, a scenario or case that does not go as it expects.
    Unexpected = 1,
    // 2 is clap's: the command line makes no sense.
    /// The configuration, a sensor file, a scenario or a case is wrong.
    Config = 3,
    /// A matcher cannot be built or loaded, or fails.
    Matcher = 4,
    /// The store cannot be opened, read or written.
    Store = 5,
    /// Kafka, or the file that stands for it, cannot be read or written.
    Source = 6,
    /// Tasks cannot be marked.
    Marking = 7,
    /// The API cannot be served, or no service answers.
    Api = 8,
    /// A wait failed, was skipped or cancelled.
    NotComplete = 9,
    /// A wait has not ended yet.
    Waiting = 10,
    /// The service met a message at which it is configured to stop.
    StoppedAt = 11,
    /// The service did not end in order: a second signal came, or the time for it was over. Nothing is lost.
    Cut = 12,
    /// Two builds of a matcher differ over the messages of a replay.
    Differs = 13,
}

pub(super) const HELP: &str = "\
Exit codes: 0 done · 1 unexpected failure, or a scenario or case that differs · 2 wrong command line · 3 configuration, sensor, scenario or case file · 4 matcher · 5 store \
· 6 Kafka or input file · 7 marking · 8 the API: its address is taken, no service answers, or it wants a token \
· 9 a wait failed, was skipped or cancelled · 10 a wait has not ended yet \
· 11 a message at which the service is to stop (`on_fault`, `on_reject`) \
· 12 the service did not end in order: a second signal, or `shutdown_seconds` were over \
· 13 two builds differ over the messages of a replay";

impl Exit {
    pub(super) fn code(self) -> i32 {
        self as i32
    }
}

/// An error on its way to the terminal, with its exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
}

impl Failure {
    pub(super) fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into() }
    }

    pub(super) fn unexpected(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Unexpected, error)
    }

    pub(super) fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Config, error)
    }

    /// Tells the chain of causes on standard error.
    #[expect(clippy::print_stderr, reason = "the one place that tells a failure")]
    pub(super) fn report(&self) -> Exit {
        eprintln!("error: {}", self.error);
        let mut cause = self.error.source();
        while let Some(error) = cause {
            eprintln!("  caused by: {error}");
            cause = error.source();
        }
        self.exit
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match &error {
            StartError::Config(_)
            | StartError::Sensors(_)
            | StartError::Marking(_)
            | StartError::MarkingTopic(_)
            | StartError::DeadLetterTopic(_)
            | StartError::Report(_)
            | StartError::Spans(_) => Exit::Config,
            StartError::Runtime(_) | StartError::Matchers(_) => Exit::Matcher,
            StartError::Store(_) | StartError::Render(_) | StartError::Turn(_) => Exit::Store,
            StartError::Source(error) => of_source(error),
            StartError::Probe(_) => Exit::Marking,
            StartError::Api(ApiError::Config(_)) => Exit::Config,
            StartError::Api(_) => Exit::Api,
        };
        Self::new(exit, error)
    }
}

impl From<StopError> for Failure {
    fn from(error: StopError) -> Self {
        match error {
            StopError::Intake(error) => error.into(),
            StopError::Late(_) => Self::new(Exit::Cut, error),
        }
    }
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Self {
        let exit = match &error {
            IntakeError::Source(error) => of_source(error),
            IntakeError::Render(_) | IntakeError::Store(_) => Exit::Store,
            IntakeError::Left { .. } => Exit::Matcher,
            IntakeError::StoppedAt { .. } => Exit::StoppedAt,
            IntakeError::Defect => Exit::Unexpected,
        };
        Self::new(exit, error)
    }
}

/// A property that Kafka's library does not know is a matter of the configuration.
pub(super) fn of_source(error: &crate::source::SourceError) -> Exit {
    if error.is_configuration() { Exit::Config } else { Exit::Source }
}
