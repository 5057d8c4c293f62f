//! One field of a key.

use serde_json::Value;

/// A field: its name, its kind, and what a wanted message may put into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) template: Option<String>,
    pub(super) default: Option<Value>,
}

/// What JSON a field may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction. 1 and 1.0 are the same.
    Integer,
    /// Any number. 1 and 1.0 are the same.
    Number,
    /// Any of the above; the text `1` is not the number 1.
    Scalar,
}

impl Kind {
    /// The kind as a sentence says it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Boolean => "a boolean",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Scalar => "text, a number or a boolean",
        }
    }
}

/// A field that is a string.
pub fn text(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Text)
}

/// A field that is `true` or `false`.
pub fn boolean(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Boolean)
}

/// A field that is a number without a fraction.
pub fn integer(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Integer)
}

/// A field that is any number.
pub fn number(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Number)
}

/// A field that is a string, a number or a boolean.
pub fn scalar(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Scalar)
}

impl Field {
    /// A field of a kind that is known only at run time.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, template: None, default: None }
    }

    /// Lets a wanted message give a template, in which this name stands for the business date.
    ///
    /// See [`Fields::partition_lag_days`](super::Fields::partition_lag_days) for the date and the crate's documentation
    /// for what a template can do with it. Only a text can be a template.
    pub fn template(mut self, name: impl Into<String>) -> Self {
        self.template = Some(name.into());
        self
    }

    /// The value of a wanted message that does not give the field.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}
