//! Lists that come in pages.

use super::problem::{Problem, ProblemKind};

pub(super) const DEFAULT_LIMIT: usize = 100;
pub(super) const LIMIT: usize = 1_000;

/// How many are asked for.
pub(super) fn limit(given: Option<usize>) -> Result<usize, Problem> {
    within(given, DEFAULT_LIMIT, LIMIT)
}

pub(super) fn within(given: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    let number = given.unwrap_or(default);
    match (1..=most).contains(&number) {
        true => Ok(number),
        false => Err(Problem::new(ProblemKind::BadRequest, format!("{number} at a time: it must be 1 to {most}"))),
    }
}
