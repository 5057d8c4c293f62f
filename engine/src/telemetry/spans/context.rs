//! From the trace that a message brings to the parent of a span, and from a span to the trace that is handed on.

use std::str::FromStr;

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState},
};

use crate::domain::trace::{TraceContext, TraceParent};

/// What another service says, as the parent of a span of ours.
pub(super) fn remote(trace: &TraceContext) -> Option<SpanContext> {
    let mut parts = trace.parent.as_str().split('-').skip(1);
    let (id, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let state = trace.state.as_deref().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    Some(SpanContext::new(TraceId::from_hex(id).ok()?, SpanId::from_hex(span).ok()?, flags, true, state))
}

/// A parent to begin a span with.
pub(super) fn under(parent: SpanContext) -> Context {
    Context::new().with_remote_span_context(parent)
}

/// What is handed on of a span: whoever continues the trace becomes its child.
pub(super) fn handed_on(span: &SpanContext) -> Option<TraceContext> {
    let flags = span.trace_flags().to_u8();
    let parent = TraceParent::parse(&format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))?;
    let state = Some(span.trace_state().header()).filter(|state| !state.is_empty());
    Some(TraceContext { parent, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_goes_out_again() {
        for flags in ["00", "01"] {
            let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
            let trace =
                TraceContext { parent: TraceParent::parse(&parent).unwrap(), state: Some("a=1,b=2".to_owned()) };
            let remote = remote(&trace).unwrap();
            assert!(remote.is_remote() && remote.is_sampled() == (flags == "01"));
            assert_eq!(handed_on(&remote), Some(trace));
        }
    }
}
