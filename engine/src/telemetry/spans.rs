//! Spans over OTLP: what became of a batch, of the messages in it that came to something, and of the marks that rest on
//! them.
//!
//! Off unless `[telemetry.otlp]` names an endpoint; then nothing of this is paid. Who has a trace already keeps it: a
//! message's span continues the trace of its `traceparent`, and a mark's span that of its message, perhaps days later.
//! Start at [`start`]; `batch` and `mark` say what is told, `export` how it gets away without ever holding up anybody.

mod batch;
mod config;
mod context;
mod export;
mod mark;

use std::{
    sync::{OnceLock, PoisonError, RwLock},
    time::Duration,
};

use opentelemetry::{
    KeyValue,
    trace::{SpanBuilder, SpanKind, Tracer as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};

pub use batch::BatchSpans;
pub use config::{Config, ConfigError};
pub use mark::MarkSpan;

/// What the spans of a process are made with.
static SPANS: OnceLock<RwLock<Option<Spans>>> = OnceLock::new();

#[derive(Clone)]
struct Spans {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    consumer: Consumer,
}

/// Who reads messages, as every span says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumer {
    pub group: String,
    pub client: String,
}

/// Begins to make spans, where the configuration wants some.
pub fn start(config: &Config, consumer: Consumer) -> Result<(), ConfigError> {
    if config.endpoint.is_empty() {
        return Ok(());
    }
    let processor = export::processor(config)?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
    let resource = Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("eventlatch");
    tracing::info!(endpoint = config.endpoint, sample_ratio = config.sample_ratio, "Sending spans");
    *slot().write().unwrap_or_else(PoisonError::into_inner) = Some(Spans { provider, tracer, consumer });
    Ok(())
}

/// Sends what is left, and no more after that. Blocks up to the time-out.
pub fn end(timeout: Duration) {
    let spans = slot().write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(spans) = spans
        && let Err(error) = spans.provider.shutdown_with_timeout(timeout)
    {
        tracing::warn!(%error, "Not all spans were sent");
    }
}

fn slot() -> &'static RwLock<Option<Spans>> {
    SPANS.get_or_init(RwLock::default)
}

/// None: nobody wants any.
fn spans() -> Option<Spans> {
    slot().read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Spans {
    fn begin(&self, name: String, kind: SpanKind, parent: &opentelemetry::Context) -> SpanBeginning<'_> {
        SpanBeginning {
            builder: SpanBuilder::from_name(name).with_kind(kind),
            tracer: &self.tracer,
            parent: parent.clone(),
        }
    }
}

/// A span that is about to begin.
struct SpanBeginning<'a> {
    builder: SpanBuilder,
    tracer: &'a SdkTracer,
    parent: opentelemetry::Context,
}

impl SpanBeginning<'_> {
    fn with(self, change: impl FnOnce(SpanBuilder) -> SpanBuilder) -> Self {
        Self { builder: change(self.builder), ..self }
    }

    fn start(self, attributes: Vec<KeyValue>) -> Span {
        self.tracer.build_with_context(self.builder.with_attributes(attributes), &self.parent)
    }
}
