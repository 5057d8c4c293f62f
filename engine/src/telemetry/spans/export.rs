//! How spans get away: in batches, from a thread of their own. What does not fit is dropped and counted, and nobody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::Context;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

use super::{Config, ConfigError};
use crate::telemetry::metrics;

/// So many spans wait to be sent at most: several batches of which every message comes to something.
const QUEUE: usize = 8_192;
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What spans are given to when they end.
pub(super) fn processor(config: &Config) -> Result<Bounded, ConfigError> {
    config.check()?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(config.url())
        .with_headers(config.resolved_headers()?)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| ConfigError::Exporter(error.into()))?;
    let queued = Arc::new(AtomicUsize::new(0));
    let exporter = Counted { exporter, queued: Arc::clone(&queued), away: AtomicBool::new(false) };
    let batches = BatchConfigBuilder::default();
    let batches = batches.with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).with_scheduled_delay(DELAY);
    let batched = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
    Ok(Bounded { batched, queued })
}

/// Takes a span while there is room.
#[derive(Debug)]
pub(super) struct Bounded {
    batched: BatchSpanProcessor,
    queued: Arc<AtomicUsize>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batched.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.queued.fetch_add(1, Ordering::Relaxed) < QUEUE {
            self.batched.on_end(span);
        } else {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            metrics::spans("dropped", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batched.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batched.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batched.set_resource(resource);
    }
}

/// Sends, counts what came of it, and says once that the collector is away.
#[derive(Debug)]
struct Counted {
    exporter: opentelemetry_otlp::SpanExporter,
    queued: Arc<AtomicUsize>,
    away: AtomicBool,
}

impl SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let number = batch.len();
        let exported = self.exporter.export(batch).await;
        self.queued.fetch_sub(number, Ordering::Relaxed);
        metrics::spans(if exported.is_ok() { "sent" } else { "failed" }, number);
        match &exported {
            Ok(()) if self.away.swap(false, Ordering::Relaxed) => tracing::info!("Spans are taken again"),
            Err(error) if !self.away.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, "Spans are not taken and are dropped (hint: `endpoint` in [telemetry.otlp])");
            }
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Blocks, on the one thread that sends.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Self(agent.into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, &*body))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
