//! Rules made ready to run.

use std::cell::RefCell;

use super::extract::Scratch;
use super::{Field, Fields, check};
use crate::Problems;
use crate::matcher::Settings;
use crate::scan::Scanner;
use crate::template::Templates;

/// The rules, with everything that is the same for all messages worked out.
pub(crate) struct Plan {
    /// The key fields, the optional ones last.
    pub(super) fields: Vec<Field>,
    /// How many of them are not optional.
    pub(super) required: usize,
    pub(super) time: Option<String>,
    pub(super) same_business_day: bool,
    /// Finds the key fields in their order, and behind them the time.
    pub(super) scanner: Scanner,
    pub(super) templates: Templates,
    pub(super) scratch: RefCell<Scratch>,
    settings: Settings,
}

impl Plan {
    pub(crate) fn new(fields: Fields) -> Result<Self, Problems> {
        Problems::check(check::problems(&fields))?;
        let required = fields.keys.len();
        let all: Vec<_> = fields.keys.into_iter().chain(fields.optional).collect();
        let names: Vec<_> = all.iter().map(|field| &field.name).chain(&fields.time).collect();
        Ok(Self {
            scanner: Scanner::new(&names),
            required,
            same_business_day: fields.same_business_day,
            templates: Templates::new(fields.partition_lag_days),
            scratch: RefCell::default(),
            settings: Settings { topics: vec![fields.topic], day_shift_seconds: fields.day_shift_seconds },
            fields: all,
            time: fields.time,
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.clone()
    }

    pub(crate) fn has_rule(&self) -> bool {
        self.same_business_day
    }

    /// Whether a wanted message may leave the field at this index open.
    pub(super) fn is_optional(&self, index: usize) -> bool {
        index >= self.required
    }
}
