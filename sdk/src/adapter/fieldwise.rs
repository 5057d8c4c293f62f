//! The adapter of field-wise matchers.

use std::marker::PhantomData;

use schemars::schema_for;

use super::{Adapter, column, date_from, moment_from};
use crate::bindings::exports::eventlatch::matcher::guest::{
    self, Batch, Candidate, Description, Extracts, Prepared, Problem, Settings, Verdict,
};
use crate::fields::{FieldMatcher, Plan};
use crate::matcher::{self, same_business_day};
use crate::schema;

/// A [`FieldMatcher`] as the service sees it.
pub struct FieldWise<M> {
    plan: Plan,
    matcher: PhantomData<M>,
}

impl<M: FieldMatcher> Adapter for FieldWise<M> {
    fn describe(version: &str) -> Description {
        let plan = plan_of::<M>("{}").ok();
        let open = || serde_json::json!({ "type": "object" });
        Description {
            name: M::NAME.to_owned(),
            version: if M::VERSION.is_empty() { version } else { M::VERSION }.to_owned(),
            summary: M::SUMMARY.to_owned(),
            topics: plan.as_ref().map(|plan| plan.settings().topics).unwrap_or_default(),
            wanted_schema: plan.as_ref().map_or_else(open, Plan::wanted_schema).to_string(),
            message_schema: plan.as_ref().map_or_else(open, Plan::message_schema).to_string(),
            config_schema: schema_for!(M::Config).to_value().to_string(),
            needs: matcher::Needs::NOTHING.into(),
        }
    }

    fn configure(config: &str) -> Result<Self, Vec<Problem>> {
        let plan = plan_of::<M>(config).map_err(schema::export)?;
        Ok(Self { plan, matcher: PhantomData })
    }

    fn settings(&self) -> Settings {
        self.plan.settings().into()
    }

    fn prepare(&self, wanted: &str, on: guest::Date) -> Result<Prepared, Problem> {
        let rendered = self.plan.prepare(wanted, date_from(on))?;
        // Equal keys and the two dates decide; nothing of the wanted message is needed again.
        Ok(Prepared { rendered: rendered.json, keys: vec![rendered.key], token: Vec::new() })
    }

    fn extract(&self, batch: &Batch) -> Extracts {
        let count = batch.values.ends.len();
        let mut out = self.plan.output(count);
        let mut messages = Vec::with_capacity(count * self.plan.keys_per_message());
        let (mut times, mut time_kinds) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut rejects = Vec::new();
        for (index, value) in column(&batch.values).enumerate() {
            let index = index as u32;
            let time = self.plan.extract(value, &mut out).unwrap_or_else(|reason| {
                rejects.push(guest::Reject { message: index, reason });
                None
            });
            messages.resize(out.ends.len(), index);
            let (kind, millis) = time.map_or((0, 0), |time| (1 + u8::from(time.is_civil()), time.millis()));
            time_kinds.push(kind);
            times.push(millis);
        }
        Extracts { keys: guest::Column { bytes: out.keys, ends: out.ends }, messages, times, time_kinds, rejects }
    }

    fn confirm(&self, candidate: &Candidate) -> Verdict {
        if !self.plan.has_rule() {
            return Verdict::Fulfilled;
        }
        let event = candidate.event_time.as_ref().map(moment_from);
        same_business_day(event.as_ref(), &moment_from(&candidate.arrival)).into()
    }
}

fn plan_of<M: FieldMatcher>(config: &str) -> Result<Plan, crate::Problems> {
    Plan::new(M::fields(schema::decode_config(config)?)?)
}
