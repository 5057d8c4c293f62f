//! Why a wait still waits: what is known of each wanted message, and what that comes to.
//!
//! The facts come from the store and, where it answers, from Kafka; [`Explanation::conclude`] draws from them, in the order
//! of likelihood, what a person would want to hear first. Start at [`Explanation`]; `reasons` holds the conclusions.

mod headline;
mod message;
mod reasons;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wait::WaitState;

pub use message::{Difference, MessageExplanation, Nearest, Refusal, Rejection, Wanting};
pub use reasons::{Reason, ReasonKind};

/// Which explanation is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    pub sensor: String,
    /// Only this task.
    pub task_id: Option<String>,
    /// None: the wait of the current window, or the newest one where waits open on request.
    pub wait: Option<String>,
}

/// Why there is no explanation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    #[error("there is no sensor `{0}` (hint: `eventlatch status` lists all)")]
    NoSuchSensor(String),
    #[error("the sensor `{sensor}` has no wait `{wait}`")]
    NoSuchWait { sensor: String, wait: String },
    #[error("the sensor `{sensor}` has no task `{task_id}`")]
    NoSuchTask { sensor: String, task_id: String },
}

/// How a wait stands, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Explanation {
    pub sensor: String,
    pub timezone: String,
    /// When it was looked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Messages are kept, and nothing else happens.
    pub paused: bool,
    /// The wanted messages that are not optional; and so many of them are needed.
    pub required: usize,
    pub needed: usize,
    /// So many of them are here.
    pub received: usize,
    /// None: nobody waits now; what follows is about the current windows.
    pub wait: Option<ExplainedWait>,
    /// In the order of the definition, as is what is here.
    pub missing: Vec<Missing>,
    pub here: Vec<Here>,
    /// The topics of what is missing.
    pub topics: Vec<TopicReading>,
}

/// The wait that is explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExplainedWait {
    pub name: String,
    pub state: WaitState,
    #[schema(value_type = String, format = Date)]
    pub business_date: Date,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// When it gives up. None: not before something else happens.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// `fail` or `skip`.
    pub on_timeout: String,
    /// `ignore` or `heal`.
    pub late: String,
}

/// A wanted message that is not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Missing {
    pub task_id: String,
    pub topic: String,
    /// Its letter.
    pub frequency: String,
    pub optional: bool,
    /// Somebody decided that nobody waits for it.
    pub skipped: bool,
    /// Why, as far as can be told; the most likely reason first.
    pub reasons: Vec<Reason>,
    /// What it renders to. None: nothing was rendered for its date.
    pub wanted: Option<Value>,
    /// So many messages are needed, and so many are here.
    pub count: u32,
    pub counted: u32,
    pub window: Span,
    pub matcher: MatcherStanding,
    /// The last message that fulfilled it, in whatever window and with whatever text.
    pub last_came: Option<Came>,
    /// The message that fulfilled it at its deadline or later.
    pub late: Option<Came>,
    pub usual: Option<Usual>,
    pub near_misses: NearMisses,
    /// Messages of its topic that were set aside on the business day.
    pub set_aside: SetAside,
    /// Messages that came before it was wanted are being looked for.
    pub catching_up: Option<CatchingUp>,
}

/// The span in which a message counts; `closes` is none where it never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Span {
    #[schema(value_type = String, format = DateTime)]
    pub opens: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closes: Option<Timestamp>,
}

/// Whether its matcher can judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatcherStanding {
    pub name: String,
    pub state: MatcherCan,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatcherCan {
    Serving,
    /// It kept failing: messages of its topics wait.
    Quarantined,
    /// Nobody serves under its name: messages of its topics wait.
    Gone,
}

/// A message, as `topic/partition@offset`, and when it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Came {
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    pub message: String,
}

/// When it usually arrives: the times that it took in earlier windows, laid upon this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usual {
    #[schema(value_type = String, format = DateTime)]
    pub median: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub latest: Timestamp,
    /// How many windows say so.
    pub windows: usize,
}

/// Messages of the window that had its key and were refused all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NearMisses {
    pub count: i64,
    /// At most twenty.
    pub newest: Vec<Refused>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refused {
    #[serde(flatten)]
    pub came: Came,
    pub reason: String,
}

/// Messages that were set aside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetAside {
    pub count: i64,
    pub newest: Option<Refused>,
}

/// How far catching up has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CatchingUp {
    /// So many offsets of so many are behind it. None: it has not begun.
    pub read: Option<i64>,
    pub of: Option<i64>,
    /// Why it does not get on.
    pub reason: Option<String>,
}

/// A wanted message that is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Here {
    pub task_id: String,
    pub topic: String,
    pub wanted: Option<Value>,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// The last message that it needed. None: a person said so.
    pub message: Option<String>,
}

/// How far a topic has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TopicReading {
    pub topic: String,
    pub partitions: Vec<PartitionReading>,
    /// How many messages lie in its log unread. None: Kafka was not asked, or did not answer.
    pub lag: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartitionReading {
    pub partition: i32,
    /// The offset to be read next. None: nothing of it has been read.
    pub next: Option<i64>,
    /// The offset after the last, where Kafka was asked.
    pub end: Option<i64>,
}

impl Explanation {
    /// Draws the conclusions from the facts.
    pub fn conclude(mut self) -> Self {
        let reasons: Vec<_> = self.missing.iter().map(|missing| reasons::reasons(&self, missing)).collect();
        self.missing.iter_mut().zip(reasons).for_each(|(missing, reasons)| missing.reasons = reasons);
        self
    }

    /// What is missing and needed, not merely welcome.
    pub fn lacking(&self) -> impl Iterator<Item = &Missing> {
        self.missing.iter().filter(|missing| !missing.optional && !missing.skipped)
    }

    /// An instant on the sensor's clock: only the time where it is of the same day as `near`.
    pub fn clock(&self, at: Timestamp, near: Timestamp) -> String {
        let (civil, near) = (self.civil(at), self.civil(near));
        let time = if civil.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
        let date = if civil.date() == near.date() { "" } else { "%Y-%m-%d " };
        civil.strftime(&format!("{date}{time}")).to_string()
    }

    /// An instant on the sensor's clock, with its date.
    pub fn calendar(&self, at: Timestamp) -> String {
        self.civil(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn civil(&self, at: Timestamp) -> DateTime {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC).to_datetime(at)
    }
}

/// `db=db0 table=table0`, which is easier on the eye than JSON.
pub fn fields(rendered: &Value) -> String {
    let Some(fields) = rendered.as_object() else {
        return rendered.to_string();
    };
    fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains(' ') => text.clone(),
        other => other.to_string(),
    }
}
