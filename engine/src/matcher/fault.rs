//! Faults: the ways in which a matcher can fail, as values.

use std::{fmt, time::Duration};

use wasmtime::{Trap, WasmBacktrace};

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    Trap,
    TimedOut,
    Memory,
    Table,
    Stack,
    ReturnedTooMuch,
    BadResult,
}

impl FaultKind {
    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::TimedOut => "timed-out",
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Stack => "stack",
            Self::ReturnedTooMuch => "returned-too-much",
            Self::BadResult => "bad-result",
        }
    }
}

/// One failure of a matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// A lower-case fragment for people.
    pub reason: String,
    /// Where in the guest, innermost first; None where no guest code was running.
    pub backtrace: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// The matcher answered, but the answer cannot be.
    pub(super) fn bad_result(what: impl fmt::Display) -> Self {
        let reason = format!("the matcher's result makes no sense: {what}");
        Self { kind: FaultKind::BadResult, reason, backtrace: None }
    }

    /// What a failed call says.
    pub(super) fn of(error: &wasmtime::Error) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string);
        let (kind, reason) = judge(error);
        Self { kind, reason, backtrace }
    }
}

fn judge(error: &wasmtime::Error) -> (FaultKind, String) {
    if let Some(overrun) = error.downcast_ref::<Overrun>() {
        return (overrun.kind(), overrun.to_string());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            (FaultKind::Stack, "used more stack than its limit (recursion without end?)".into())
        }
        Some(Trap::UnreachableCodeReached) => {
            (FaultKind::Trap, "panicked (reached `unreachable`; its log line says why, if it wrote one)".into())
        }
        Some(Trap::MemoryOutOfBounds) => {
            (FaultKind::Trap, "accessed memory out of bounds (recursion without end shows so, too)".into())
        }
        Some(trap) => (FaultKind::Trap, format!("trapped: {trap}")),
        None => judge_text(&error.root_cause().to_string()),
    }
}

/// Wasmtime has no type for a result over the fuel of host calls.
fn judge_text(text: &str) -> (FaultKind, String) {
    if text.contains("fuel") {
        return (FaultKind::ReturnedTooMuch, "returned more data than its limit".into());
    }
    (FaultKind::BadResult, format!("the matcher's result makes no sense: {text}"))
}

/// A limit that a guest went over, as the error that ends its call.
#[derive(Debug, thiserror::Error)]
pub(super) enum Overrun {
    #[error("used more than {} ms of CPU time", .0.as_millis())]
    Time(Duration),
    #[error("wanted more memory than its limit of {} MiB", .0 >> 20)]
    Memory(usize),
    #[error("wanted a table of more than {0} elements")]
    Table(usize),
    #[error("called `{0}`, and a matcher has no such thing")]
    Nothing(String),
}

impl Overrun {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Time(_) => FaultKind::TimedOut,
            Self::Memory(_) => FaultKind::Memory,
            Self::Table(_) => FaultKind::Table,
            Self::Nothing(_) => FaultKind::Trap,
        }
    }
}
