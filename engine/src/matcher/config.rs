//! `[matchers]`: where matchers are, what they may use, and how each is configured.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{
    allow::{AllowList, Sha256},
    budget::{Budget, Budgets},
    limits::Limits,
    policy::{OnFailure, Policies, Policy},
};

/// Settings by the name that they are for.
pub(super) type Named = BTreeMap<String, Settings>;

/// `[matchers]`. Every other key of the section is the name of a matcher: `[matchers.etl-finish.config]`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of `*.wasm` files, relative to the configuration file. Default `matchers`.
    pub directory: Option<PathBuf>,
    /// Nobody has named it: where there is none there are no files, until there is one.
    pub directory_may_be_missing: bool,
    /// Directory in which compiled matchers are kept. Default: `eventlatch` in the user's cache directory.
    pub cache: Option<PathBuf>,
    /// The builds that may serve, where not every one may: `allow` names their sha256, `allow_file` a file of them.
    pub allowed: AllowList,
    /// Threads that evaluate messages; at least two. Default: one per processor.
    pub workers: Option<usize>,
    /// How long a new build is on probation: messages on which it faults are judged by the one before it, which takes
    /// over again if there are too many. 0 is no probation. Default 60.
    pub probation_minutes: u16,
    /// What becomes of a message on which a matcher fails: `"dead-letter"`, `"skip"`, `"freeze"` or `"stop"`. Default
    /// `"dead-letter"`.
    pub on_fault: OnFailure,
    /// The same for a message that a matcher finds malformed.
    pub on_reject: OnFailure,
    /// So often a message on which a matcher fails is judged again, with growing pauses, before `on_fault` decides.
    /// Default 0.
    pub retries: u32,
    pub concurrency: Concurrency,
    /// What a matcher may cost over time.
    pub budget: Budget,
    pub limits: Limits,
    pub named: Named,
}

impl Default for Config {
    fn default() -> Self {
        let (directory, cache, workers) = (None, None, None);
        let Policy { on_fault, on_reject, retries } = Policy::default();
        let (concurrency, limits, named) = (Concurrency::default(), Limits::default(), Named::new());
        Self {
            directory,
            directory_may_be_missing: false,
            cache,
            allowed: AllowList::default(),
            workers,
            probation_minutes: 60,
            on_fault,
            on_reject,
            retries,
            concurrency,
            budget: Budget::default(),
            limits,
            named,
        }
    }
}

/// `[matchers.concurrency]`: how much is evaluated at once. Nothing is limited that is not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Concurrency {
    /// So many messages, of all topics.
    pub messages: Option<NonZeroU32>,
    /// Of each topic, messages of so many partitions.
    pub partitions: Option<NonZeroU16>,
}

/// `[matchers.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The matcher that serves under this name; default: the one called NAME. With it one matcher can serve several
    /// times, configured differently (`use = "fields"`).
    pub r#use: Option<String>,
    /// Given to the matcher as JSON when it starts; the matcher says what it knows.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// The topics that it serves, in place of those that it names itself; behind `^` a regular expression.
    pub topics: Option<Vec<String>>,
    /// For this matcher, in place of what stands in `[matchers]`.
    pub on_fault: Option<OnFailure>,
    pub on_reject: Option<OnFailure>,
    pub retries: Option<u32>,
    pub budget: Budget,
}

impl Config {
    /// What matchers may cost.
    pub fn budgets(&self) -> Budgets {
        let named = self.named.iter().map(|(name, settings)| (name.clone(), settings.budget.or(self.budget)));
        Budgets { otherwise: self.budget, named: named.collect() }
    }

    /// What becomes of messages on which matchers fail.
    pub fn policies(&self) -> Policies {
        let otherwise = Policy { on_fault: self.on_fault, on_reject: self.on_reject, retries: self.retries };
        let named = self.named.iter().map(|(name, settings)| (name.clone(), settings.policy(otherwise)));
        Policies { otherwise, named: named.collect() }
    }
}

impl Settings {
    fn policy(&self, otherwise: Policy) -> Policy {
        Policy {
            on_fault: self.on_fault.unwrap_or(otherwise.on_fault),
            on_reject: self.on_reject.unwrap_or(otherwise.on_reject),
            retries: self.retries.unwrap_or(otherwise.retries),
        }
    }

    pub(super) fn config_json(&self) -> String {
        serde_json::Value::Object(self.config.clone()).to_string()
    }
}

// By hand, since `flatten` would lose the line of an error.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Section;

        impl<'de> Visitor<'de> for Section {
            type Value = Config;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of matchers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
                let mut config = Config::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "directory" => config.directory = Some(map.next_value()?),
                        "cache" => config.cache = Some(map.next_value()?),
                        "allow" => config.allowed.named = Some(map.next_value::<BTreeSet<Sha256>>()?),
                        "allow_file" => config.allowed.file = Some(map.next_value()?),
                        "workers" => config.workers = Some(map.next_value()?),
                        "probation_minutes" => config.probation_minutes = map.next_value()?,
                        "on_fault" => config.on_fault = map.next_value()?,
                        "on_reject" => config.on_reject = map.next_value()?,
                        "retries" => config.retries = map.next_value()?,
                        "concurrency" => config.concurrency = map.next_value()?,
                        "budget" => config.budget = map.next_value()?,
                        "limits" => config.limits = map.next_value()?,
                        _ => drop(config.named.insert(key, map.next_value()?)),
                    }
                }
                Ok(config)
            }
        }

        deserializer.deserialize_map(Section)
    }
}
