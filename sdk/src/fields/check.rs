//! Whether rules make sense.

use serde_json::Value;

use super::{Field, Fields, Kind, MAX_OPTIONAL};
use crate::Problem;
use crate::schema::kind_of;

/// The names that mean something to the service in every wanted message.
const RESERVED: [&str; 7] = ["topic", "frequency", "task_id", "matcher", "optional", "count", "distinct"];

/// Everything that is wrong with the rules.
pub(super) fn problems(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if fields.topic.is_empty() {
        problems.push(Problem::of("topic", "must not be empty"));
    }
    if fields.keys.is_empty() {
        problems.push(Problem::of("key", "there must be at least one key field that is not optional"));
    }
    if fields.optional.len() > MAX_OPTIONAL {
        let count = fields.optional.len();
        problems.push(Problem::of("optional", format!("there may be {MAX_OPTIONAL} optional fields, not {count}")));
    }
    if fields.same_business_day && fields.time.is_none() {
        problems.push(Problem::of("rule", "`same_business_day` needs a time field"));
    }
    if fields.day_shift_seconds.unsigned_abs() >= 86_400 {
        problems.push(Problem::of("day_shift_seconds", "must be less than a day (86400), forwards or backwards"));
    }
    let mut seen = Vec::new();
    for field in fields.keys.iter().chain(&fields.optional) {
        problems.extend(problem_of(field, &seen));
        seen.push(field.name.as_str());
    }
    problems
}

fn problem_of(field: &Field, before: &[&str]) -> Option<Problem> {
    let name = field.name.as_str();
    let problem = if name.is_empty() {
        "a field's name must not be empty".to_owned()
    } else if RESERVED.contains(&name) {
        "is the service's own field of a wanted message and cannot be a key field".to_owned()
    } else if before.contains(&name) {
        "is given twice".to_owned()
    } else if field.template.is_some() && field.kind != Kind::Text {
        format!("only text can be a template, not {}", field.kind.text())
    } else {
        let default = field.default.as_ref()?;
        mismatch(field.kind, default).map(|problem| format!("its default {problem}"))?
    };
    Some(Problem::of(name, problem))
}

/// What is wrong with a value of a wanted message.
pub(super) fn mismatch(kind: Kind, value: &Value) -> Option<String> {
    let fits = match (kind, value) {
        (Kind::Text | Kind::Scalar, Value::String(_))
        | (Kind::Boolean | Kind::Scalar, Value::Bool(_))
        | (Kind::Number | Kind::Scalar, Value::Number(_)) => true,
        (Kind::Integer, Value::Number(number)) => is_whole(number),
        _ => false,
    };
    (!fits).then(|| format!("must be {}, not {}", kind.text(), kind_of(value)))
}

/// Whether a number has no fraction.
pub(super) fn is_whole(number: &serde_json::Number) -> bool {
    !number.is_f64() || number.as_f64().is_some_and(|value| value.fract() == 0.0)
}
