//! Templates in wanted messages: `{{ yyyymm|dt.format(format='%Y%m') }}`.
//!
//! A template sees one name, the business date minus a number of days, and three filters:
//!
//! * `dt.format(format='%Y-%m-%d')`
//! * `dt.add_day(n=0, format='%Y-%m-%d')`
//! * `dt.add_month(n=0, format='%Y-%m')`; a day that the month does not have becomes the month's last
//!
//! Formats are those of `strftime`. The date has no time of day; hours, minutes and seconds are zero.
//!
//! The service fills in the targets of its waits with the same filters ([`environment`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use jiff::{Span, fmt::strtime};
use minijinja::value::{Kwargs, Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// How many renderings are remembered for a date; wanted messages repeat few templates very often.
const REMEMBERED: usize = 1_000;

/// Renders templates for a business date, and remembers what it rendered.
///
/// ```
/// use eventlatch_sdk::{civil::date, template::Templates};
///
/// let rendered = Templates::new(0).render("run-{{ day|dt.add_day(n=-1) }}", "day", date(2019, 7, 1));
/// assert_eq!(rendered.as_deref(), Ok("run-2019-06-30"));
/// ```
pub struct Templates {
    environment: Environment<'static>,
    lag_days: i32,
    remembered: RefCell<Remembered>,
}

#[derive(Default)]
struct Remembered {
    on: Date,
    /// By name of the date and template.
    texts: BTreeMap<(String, String), String>,
}

impl Templates {
    /// Templates that see the business date minus `lag_days`.
    pub fn new(lag_days: i32) -> Self {
        Self { environment: environment(), lag_days, remembered: RefCell::default() }
    }

    /// The text with its templates filled in, in which `name` is the date; a text without any is its own rendering. An error
    /// says what is wrong.
    pub fn render(&self, text: &str, name: &str, on: Date) -> Result<String, String> {
        if !is_template(text) {
            return Ok(text.to_owned());
        }
        let mut remembered = self.remembered.borrow_mut();
        if remembered.on != on || remembered.texts.len() >= REMEMBERED {
            remembered.on = on;
            remembered.texts.clear();
        }
        let key = (name.to_owned(), text.to_owned());
        if let Some(rendered) = remembered.texts.get(&key) {
            return Ok(rendered.clone());
        }
        let rendered = self.render_anew(text, name, on)?;
        remembered.texts.insert(key, rendered.clone());
        Ok(rendered)
    }

    fn render_anew(&self, text: &str, name: &str, on: Date) -> Result<String, String> {
        let date = on
            .checked_sub(Span::new().days(self.lag_days))
            .map_err(|_| format!("the business date {on} minus {} days is no date", self.lag_days))?;
        let context = BTreeMap::from([(name, Value::from_object(DateValue(date)))]);
        // The engine drops a last line end, as Jinja does; here the text is a value, and all of it counts.
        let kept = if text.ends_with('\n') { "\n" } else { "" };
        self.environment
            .render_str(&format!("{text}{kept}"), context)
            .map_err(|error| explain(&error, &format!("`{name}`")))
    }
}

/// For the service. Knows the filters of dates; a name that is not there is an error.
#[doc(hidden)]
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("dt.format", |date: Value, format: Option<String>, options: Kwargs| {
        let format = choose(format, &options, "format", "%Y-%m-%d".to_owned())?;
        options.assert_all_used()?;
        write_date(date_of(&date)?, &format)
    });
    environment.add_filter("dt.add_day", |date: Value, n: Option<i64>, format: Option<String>, options: Kwargs| {
        let n = choose(n, &options, "n", 0)?;
        let format = choose(format, &options, "format", "%Y-%m-%d".to_owned())?;
        options.assert_all_used()?;
        write_date(add(date_of(&date)?, n, Span::try_days)?, &format)
    });
    environment.add_filter("dt.add_month", |date: Value, n: Option<i64>, format: Option<String>, options: Kwargs| {
        let n = choose(n, &options, "n", 0)?;
        let format = choose(format, &options, "format", "%Y-%m".to_owned())?;
        options.assert_all_used()?;
        write_date(add(date_of(&date)?, n, Span::try_months)?, &format)
    });
    environment
}

/// Whether a text has anything to be filled in.
#[doc(hidden)]
pub fn is_template(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

/// A date among a template's values; it prints as `2019-07-06`.
#[derive(Debug)]
struct DateValue(Date);

impl Object for DateValue {
    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

/// What a filter was applied to: the date itself, or the text of one that another filter wrote.
fn date_of(value: &Value) -> Result<Date, Error> {
    if let Some(date) = value.downcast_object_ref::<DateValue>() {
        return Ok(date.0);
    }
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| wrong(format!("`{value}` is not a date")))
}

/// An argument, given by position or by name.
fn choose<'a, T>(positional: Option<T>, named: &'a Kwargs, name: &'a str, default: T) -> Result<T, Error>
where
    Option<T>: minijinja::value::ArgType<'a, Output = Option<T>>,
{
    match positional {
        Some(value) => Ok(value),
        None => Ok(named.get::<Option<T>>(name)?.unwrap_or(default)),
    }
}

fn add(date: Date, n: i64, unit: fn(Span, i64) -> Result<Span, jiff::Error>) -> Result<Date, Error> {
    let span = unit(Span::new(), n);
    let sum = span.and_then(|span| date.checked_add(span));
    sum.map_err(|_| wrong(format!("{date} plus n={n} is out of range")))
}

fn write_date(date: Date, format: &str) -> Result<String, Error> {
    strtime::format(format, DateTime::from(date)).map_err(|error| wrong(format!("bad format '{format}': {error}")))
}

fn wrong(text: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

/// One line from an engine's error and its causes; `known` are the names that are there.
#[doc(hidden)]
pub fn explain(error: &Error, known: &str) -> String {
    let mut text = match error.kind() {
        ErrorKind::UndefinedError => format!("unknown name in template; known: {known}"),
        ErrorKind::UnknownFilter => "unknown filter in template".to_owned(),
        ErrorKind::SyntaxError => "template syntax error".to_owned(),
        _ => "cannot render template".to_owned(),
    };
    if let Some(detail) = error.detail() {
        text = format!("{text}: {detail}");
    }
    if let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
    }
    if error.kind() == ErrorKind::UnknownFilter {
        text.push_str("; for dates there are `dt.format`, `dt.add_day` and `dt.add_month`");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn render(text: &str) -> Result<String, String> {
        Templates::new(2).render(text, "yyyymm", date(2019, 7, 8))
    }

    fn check(text: &str, expect: &str) {
        assert_eq!(render(text).as_deref(), Ok(expect), "{text}");
    }

    #[test]
    fn renders_the_seeds_template() {
        check("{{yyyymm|dt.format(format='%Y%m')}}", "201907");
        let early = Templates::new(2).render("{{yyyymm|dt.format(format='%Y%m')}}", "yyyymm", date(2019, 7, 1));
        assert_eq!(early.as_deref(), Ok("201906"));
    }

    #[test]
    fn has_three_filters_with_defaults() {
        check("{{ yyyymm|dt.format }}", "2019-07-06");
        check("{{ yyyymm|dt.format('%H:%M') }}", "00:00");
        check("{{ yyyymm|dt.add_day(n=-6) }}", "2019-06-30");
        check("{{ yyyymm|dt.add_day(1, '%d') }}", "07");
        check("{{ yyyymm|dt.add_month(n=-1) }}", "2019-06");
        check("{{ yyyymm|dt.add_day(n=-7)|dt.add_day(n=1) }}", "2019-06-30");
        check("{{ yyyymm }}", "2019-07-06");
        check("p={{ yyyymm|dt.format('%b') }}\n", "p=Jul\n");
    }

    #[test]
    fn months_end_on_their_last_day() {
        let text = "{{ yyyymm|dt.add_month(n=1, format='%Y-%m-%d') }}";
        assert_eq!(Templates::new(0).render(text, "yyyymm", date(2020, 1, 31)).as_deref(), Ok("2020-02-29"));
    }

    #[test]
    fn plain_text_is_left_alone() {
        check("", "");
        check("{ 100 % }", "{ 100 % }");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, expect) in [
            ("{{ yyyymm", "syntax error"),
            ("{{ yyyymm|dt.fmt }}", "dt.format"),
            ("{{ today }}", "`yyyymm`"),
            ("{{ yyyymm|dt.format('%Q!') }}", "bad format"),
            ("{{ yyyymm|dt.format(fmt='%Y') }}", "fmt"),
            ("{{ yyyymm|dt.add_day(n=99999999999) }}", "out of range"),
            ("{{ 'x'|dt.format }}", "not a date"),
        ] {
            let error = render(text).unwrap_err();
            assert!(error.contains(expect), "{text}: {error}");
        }
    }

    #[test]
    fn renders_anew_for_another_date() {
        let templates = Templates::new(0);
        for day in [1, 2, 1] {
            let rendered = templates.render("{{ d|dt.format('%d') }}", "d", date(2019, 7, day));
            assert_eq!(rendered, Ok(format!("0{day}")));
        }
    }
}
