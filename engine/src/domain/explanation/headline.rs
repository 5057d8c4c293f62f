//! How a wait stands, in one line.

use super::{ExplainedWait, Explanation, Missing};
use crate::domain::wait::WaitState;

impl Explanation {
    /// What a person reads first: `waits for 2 of 3: tblb, joba`.
    pub fn headline(&self) -> String {
        let ended = |wait: &ExplainedWait| match wait.ended_at {
            Some(ended) => format!("{} at {}", wait.state.word(), self.clock(ended, self.at)),
            None => wait.state.word().to_owned(),
        };
        let said = match &self.wait {
            Some(wait) if wait.state == WaitState::Complete => return ended(wait),
            Some(wait) if wait.state != WaitState::Waiting => {
                format!("{}, lacking {}{}", ended(wait), self.missing_of(), self.names())
            }
            _ if self.received >= self.needed => format!("{} of {} are here", self.received, self.required),
            _ => format!("waits for {}{}", self.missing_of(), self.names()),
        };
        if self.paused { format!("paused; {said}") } else { said }
    }

    /// `2 of 3`, or where not all are needed `any 1 of 3`.
    pub fn missing_of(&self) -> String {
        let (lacking, missing) = (self.needed.saturating_sub(self.received), self.required - self.received);
        match lacking == missing {
            true => format!("{missing} of {}", self.required),
            false => format!("any {lacking} of {missing}"),
        }
    }

    fn names(&self) -> String {
        const SHOWN: usize = 5;
        let mut names: Vec<_> = self.lacking().map(|missing: &Missing| missing.task_id.as_str()).collect();
        names.dedup();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        match (names.is_empty(), more) {
            (true, _) => String::new(),
            (false, 0) => format!(": {}", names.join(", ")),
            (false, more) => format!(": {} and {more} more", names.join(", ")),
        }
    }
}
