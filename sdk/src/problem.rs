//! What can be wrong with a configuration, a wanted message or a message.

use std::fmt;

/// What is wrong with a configuration or a wanted message.
///
/// The text is a lower-case fragment that says what is wrong and what would be right; whoever wrote the file reads it.
///
/// ```
/// use eventlatch_sdk::Problem;
///
/// let problem = Problem::of("warehouse", "must not be empty");
/// assert_eq!(problem.to_string(), "warehouse: must not be empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    field: Option<String>,
    message: String,
}

impl Problem {
    /// A problem of no single field.
    pub fn new(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }

    /// A problem of one field.
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), message: message.into() }
    }

    /// The field at fault, where one can be named.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong and what would be right.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(out, "{field}: ")?;
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// Everything that is wrong with a configuration, so that one look is enough to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, in the order they were found.
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// `Err` if there are any problems.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            problem.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Why a message is malformed: a lower-case fragment that is kept with the message.
///
/// A reject is about the *message*, never about what is wanted: a message that is sound but of no interest simply
/// carries no keys.
///
/// ```
/// use eventlatch_sdk::Reject;
///
/// assert_eq!(Reject::new("negative quantity").reason(), "negative quantity");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject(String);

impl Reject {
    /// A reject for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// What is wrong with the message.
    pub fn reason(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_reason(self) -> String {
        self.0
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Reject {}
