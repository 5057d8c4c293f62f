//! The terms of a wait as people write them: when it opens, what completes it, when it gives up and what follows then.

use serde_json::Value;

use super::{
    cron::NotACron,
    definition::{At, Definition, Problem},
    sensor::{Late, Opening, Require, Timeout},
    target::{Target, WrongTarget},
    wait::OnTimeout,
};

/// A hundred years: no wait is longer, and no instant leaves the calendar.
const LONGEST: u64 = 36_525 * 86_400;

/// The terms of a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub opening: Opening,
    pub require: Require,
    pub timeout: Timeout,
    pub on_timeout: OnTimeout,
    pub late: Late,
    pub target: Target,
}

impl Terms {
    /// The terms of a definition, with the defaults of what it does not say.
    pub fn of(definition: &Definition) -> Result<Self, Vec<Problem>> {
        let keys = &definition.keys;
        let is_optional = |wanted: &&At<Value>| wanted.it.get("optional") == Some(&Value::Bool(true));
        let required = keys.wanted.iter().filter(|wanted| !is_optional(wanted)).count();
        let mut problems = Vec::new();
        let terms = Self {
            opening: read(definition, &keys.open, opening, definition.source.opening(), &mut problems),
            require: read(definition, &keys.require, |it| require(it, required), Require::All, &mut problems),
            timeout: read(definition, &keys.timeout, timeout, Timeout::WindowEnd, &mut problems),
            on_timeout: read(definition, &keys.on_timeout, on_timeout, OnTimeout::Fail, &mut problems),
            late: read(definition, &keys.late, late, Late::Ignore, &mut problems),
            target: read(definition, &keys.target, target, Target::default(), &mut problems),
        };
        if problems.is_empty() { Ok(terms) } else { Err(problems) }
    }
}

/// A value as its term; one that is none is noted.
fn read<T>(
    definition: &Definition,
    given: &Option<At<Value>>,
    parse: impl Fn(&Value) -> Result<T, WrongTerm>,
    default: T,
    problems: &mut Vec<Problem>,
) -> T {
    let Some(At { place, it }) = given else { return default };
    parse(it).unwrap_or_else(|error| {
        problems.push(definition.problem(place, error));
        default
    })
}

/// A value that is no such term.
#[derive(Debug, thiserror::Error)]
pub enum WrongTerm {
    #[error("`open` must be \"window\" (with every window) or \"request\" (when somebody asks), not {0}")]
    Opening(Value),
    #[error("`require` must be \"all\", \"any\" or how many wanted messages are enough, at least 1, not {0}")]
    Require(Value),
    #[error(
        "`require = {require}` can never be met: {required} of the wanted messages are not optional (hint: write \"all\" \
         or less)"
    )]
    TooMany { require: u32, required: usize },
    #[error("`require = \"any\"` can never be met: all wanted messages are optional (hint: leave it out)")]
    AnyOfNone,
    #[error(
        "`timeout` must be seconds, 1 to {LONGEST}, or a cron expression such as \"0 22 * * *\", not {0} (hint: leave it \
         out to wait until the window ends)"
    )]
    Timeout(Value),
    #[error("`timeout`: {0}")]
    Cron(NotACron),
    #[error("`on_timeout` must be \"fail\" or \"skip\", not {0}")]
    OnTimeout(Value),
    #[error("`late` must be \"ignore\" or \"heal\", not {0}")]
    Late(Value),
    #[error(transparent)]
    Target(WrongTarget),
}

pub fn opening(value: &Value) -> Result<Opening, WrongTerm> {
    match value.as_str() {
        Some("window") => Ok(Opening::Window),
        Some("request") => Ok(Opening::Request),
        _ => Err(WrongTerm::Opening(value.clone())),
    }
}

/// `required`: how many of the wanted messages are not optional.
pub fn require(value: &Value, required: usize) -> Result<Require, WrongTerm> {
    let wrong = || WrongTerm::Require(value.clone());
    match value.as_str() {
        Some("all") => return Ok(Require::All),
        Some("any") if required == 0 => return Err(WrongTerm::AnyOfNone),
        Some("any") => return Ok(Require::Any),
        _ => {}
    }
    let number = value.as_u64().filter(|number| *number > 0).ok_or_else(wrong)?;
    let number = u32::try_from(number).map_err(|_| wrong())?;
    match usize::try_from(number).is_ok_and(|number| number <= required) {
        true => Ok(Require::Number(number)),
        false => Err(WrongTerm::TooMany { require: number, required }),
    }
}

pub fn timeout(value: &Value) -> Result<Timeout, WrongTerm> {
    let wrong = || WrongTerm::Timeout(value.clone());
    match value {
        Value::String(text) if text.parse::<f64>().is_ok() => Err(wrong()),
        Value::String(text) => text.parse().map(Timeout::Cron).map_err(WrongTerm::Cron),
        _ => {
            let seconds = value.as_u64().filter(|seconds| (1..=LONGEST).contains(seconds));
            seconds.map(Timeout::Seconds).ok_or_else(wrong)
        }
    }
}

pub fn on_timeout(value: &Value) -> Result<OnTimeout, WrongTerm> {
    match value.as_str() {
        Some("fail") => Ok(OnTimeout::Fail),
        Some("skip") => Ok(OnTimeout::Skip),
        _ => Err(WrongTerm::OnTimeout(value.clone())),
    }
}

pub fn late(value: &Value) -> Result<Late, WrongTerm> {
    match value.as_str() {
        Some("ignore") => Ok(Late::Ignore),
        Some("heal") => Ok(Late::Heal),
        _ => Err(WrongTerm::Late(value.clone())),
    }
}

pub fn target(value: &Value) -> Result<Target, WrongTerm> {
    Target::read(value).map_err(WrongTerm::Target)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<T: std::fmt::Debug>(read: Result<T, WrongTerm>, expected: &str) {
        let read = read.map_or_else(|error| error.to_string(), |term| format!("{term:?}"));
        assert!(read.starts_with(expected), "{read}");
    }

    #[test]
    fn what_is_enough_must_be_possible() {
        check(require(&json!("all"), 0), "All");
        check(require(&json!("any"), 1), "Any");
        check(require(&json!(2), 2), "Number(2)");
        check(require(&json!(3), 2), "`require = 3` can never be met: 2 of the wanted messages are not optional");
        check(require(&json!("any"), 0), "`require = \"any\"` can never be met: all wanted messages are optional");
        for wrong in [json!(0), json!(-1), json!(1.0), json!("2"), json!(true), json!(u64::MAX)] {
            check(require(&wrong, 9), "`require` must be \"all\", \"any\" or how many");
        }
    }

    #[test]
    fn a_timeout_is_seconds_or_a_cron_expression_that_comes() {
        check(timeout(&json!(1)), "Seconds(1)");
        check(timeout(&json!("0 22 * * *")), "Cron(");
        for wrong in [json!(0), json!(-1), json!(1.5), json!("3600"), json!(LONGEST + 1), json!(null)] {
            check(timeout(&wrong), "`timeout` must be seconds, 1 to 3155760000, or a cron expression");
        }
        check(timeout(&json!("every day")), "`timeout`: `every day` is not a cron expression: write minute, hour");
        check(timeout(&json!("0 0 30 2 *")), "`timeout`: the cron expression `0 0 30 2 *` never comes");
    }

    #[test]
    fn words_are_one_of_two() {
        check(opening(&json!("request")), "Request");
        check(opening(&json!("now")), "`open` must be \"window\" (with every window) or \"request\"");
        check(on_timeout(&json!("skip")), "Skip");
        check(on_timeout(&json!(1)), "`on_timeout` must be \"fail\" or \"skip\", not 1");
        check(late(&json!("heal")), "Heal");
        check(late(&json!("Heal")), "`late` must be \"ignore\" or \"heal\", not \"Heal\"");
    }
}
