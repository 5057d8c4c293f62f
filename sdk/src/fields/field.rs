//! One field of a key.

use serde_json::Value;

/// A field: its name, its kind, and what a wanted message may put into it.
///
/// Begin with [`text`], [`boolean`], [`integer`], [`number`] or [`scalar`]. The kind is that of the field in messages
/// and in wanted messages alike; a value of another kind makes a message a reject and a wanted message a problem.
///
/// ```
/// use eventlatch_sdk::fields::{Field, Kind, boolean, text};
///
/// assert_eq!(text("db"), Field::new("db", Kind::Text));
/// let success = boolean("is_success").default(true);
/// let partition = text("partition_values").template("yyyymm");
/// ```
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
///
/// Strings are equal if their characters are, however a message has written them: `"\u0061"` is `"a"`. Upper and lower
/// case differ, and so do composed and decomposed letters.
pub fn text(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Text)
}

/// A field that is `true` or `false`.
pub fn boolean(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Boolean)
}

/// A field that is a number without a fraction.
///
/// 1, 1.0 and 10e-1 are the same number; 1.5 is none of this kind, and makes a message a reject.
pub fn integer(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Integer)
}

/// A field that is any number.
///
/// Numbers are compared as they are read: whole ones exactly up to 64 bits, others as doubles.
pub fn number(name: impl Into<String>) -> Field {
    Field::new(name, Kind::Number)
}

/// A field that is a string, a number or a boolean.
///
/// For producers that do not agree with each other. The text `1` and the number 1 stay two values.
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
    /// ```
    /// # use eventlatch_sdk::{FieldMatcher, Fields, NoConfig, Problems, civil::date, fields::text, testing::Bench};
    /// # struct Tables;
    /// # impl FieldMatcher for Tables {
    /// #     type Config = NoConfig;
    /// #     const NAME: &'static str = "tables";
    /// #     const SUMMARY: &'static str = "a table";
    /// #     fn fields(_: NoConfig) -> Result<Fields, Problems> {
    /// #         Ok(Fields::on("tables").key(text("part").template("day")))
    /// #     }
    /// # }
    /// # let bench = Bench::of_fields::<Tables>("{}")?;
    /// let wanted = r#"{"part": "p-{{ day|dt.format(format='%Y%m') }}"}"#;
    /// let rendered = bench.prepare(wanted, date(2019, 7, 8)).unwrap().rendered;
    /// assert_eq!(rendered, r#"{"part":"p-201907"}"#);
    /// # Ok::<(), Problems>(())
    /// ```
    ///
    /// See [`Fields::partition_lag_days`](super::Fields::partition_lag_days) for the date and the crate's documentation
    /// for what a template can do with it. Only a text can be a template.
    pub fn template(mut self, name: impl Into<String>) -> Self {
        self.template = Some(name.into());
        self
    }

    /// The value of a wanted message that does not give the field.
    ///
    /// It is in the schema of the wanted message too, so that the service takes a wanted message with the default and
    /// one without the field for the same. Messages must have the field all the same.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}
