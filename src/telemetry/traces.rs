//! One message's journey through the gateway as an OpenTelemetry trace, given to a collector by OTLP over HTTP
//! (https://opentelemetry.io/docs/specs/otlp/): off unless the site names one. Spans hold names of the site and codes, never patient data.
//! Nothing here waits: what the queue has no room for, and what the collector does not take, is left out.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};
use reqwest::header::HeaderMap;
use sha2::{Digest, Sha256};

use super::collector::Collector;
use super::journey::Journey;

/// What waits is given over for so long when it ends.
const LAST: Duration = Duration::from_secs(2);

/// Where traces go, and of which messages.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceTarget {
    /// The whole address: `https://collector.example:4318/v1/traces`.
    pub endpoint: String,
    /// Sent with each request; their values are secrets and marked so.
    pub headers: HeaderMap,
    /// One message in so many.
    pub one_in: u32,
}

/// What became of a message.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// Its sequence number; none where it could not be stored.
    pub message: Option<u64>,
    pub feed: &'a str,
    /// An event that a map reads; whatever else a sender wrote there is not told.
    pub event: &'a str,
    pub code: &'static str,
    pub is_replay: bool,
    /// It came before, under this number.
    pub is_duplicate: bool,
}

/// An attempt at a delivery.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// The message that it comes of.
    pub message: Option<u64>,
    pub partner: &'a str,
    /// What is sent, by its type: `Task`.
    pub kind: &'a str,
    pub outcome: &'static str,
    pub status: Option<u16>,
    pub at: Timestamp,
    pub took: Duration,
}

/// The traces of a process; off until it follows a target.
#[derive(Default)]
pub struct Traces(ArcSwapOption<Sending>);

struct Sending {
    target: TraceTarget,
    /// The gateway's address, by which its traces are told from those of others.
    gateway: String,
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// Gives traces to this collector from now on, or makes none. Needs a runtime.
    ///
    /// # Errors
    /// The exporter cannot be made; no traces are made then.
    pub fn follow(&self, target: Option<&TraceTarget>, gateway: &str) -> Result<(), String> {
        let old = self.0.load_full();
        if old.as_ref().map(|sending| (&sending.target, sending.gateway.as_str())) == target.map(|new| (new, gateway)) {
            return Ok(());
        }
        let new = target.map(|target| Sending::new(target, gateway)).transpose();
        self.0.store(new.as_ref().ok().cloned().flatten());
        // What the one before still has is given over beside all else.
        old.into_iter().for_each(|old| drop(tokio::task::spawn_blocking(move || old.end())));
        new.map(|_| ())
    }

    /// Gives over what waits, and makes no more.
    pub async fn stop(&self) {
        if let Some(sending) = self.0.swap(None) {
            // Nothing is lost that anybody answers for.
            let _ = tokio::task::spawn_blocking(move || sending.end()).await;
        }
    }

    /// A message comes in.
    pub fn begin(&self, at: Timestamp) -> Journey {
        if self.0.load().is_some() { Journey::begun(at) } else { Journey::default() }
    }

    /// It was taken, or could not be.
    pub fn tell(&self, journey: Journey, taken: Taken<'_>) {
        let (sending, Some((began, ended, steps))) = (self.0.load(), journey.end()) else { return };
        let Some(sending) = &*sending else { return };
        let mut key = taken.message.map_or_else(|| format!("not stored {began:?}"), |message| message.to_string());
        let (trace, first) = sending.ids(&key);
        let (mut root, mut parent) = (first, SpanId::INVALID);
        if taken.is_duplicate {
            // What comes again stands beside what it came as first, under ids of its own.
            key = format!("{key} again {began:?}");
            (root, parent) = (sending.ids(&key).1, first);
        }
        if !sending.is_sampled(trace) {
            return;
        }
        let mut attributes = vec![
            KeyValue::new("handover.feed", taken.feed.to_string()),
            KeyValue::new("handover.code", taken.code),
            KeyValue::new("handover.replay", taken.is_replay),
            KeyValue::new("handover.duplicate", taken.is_duplicate),
        ];
        if !taken.event.is_empty() {
            attributes.push(KeyValue::new("handover.event", taken.event.to_string()));
        }
        attributes.extend(taken.message.map(|message| number("handover.message", message)));
        for (place, (step, from, until)) in steps.into_iter().enumerate() {
            let id = sending.ids(&format!("{key} step {place}")).1;
            sending.span((trace, id, root), step.into(), SpanKind::Internal, (from, until), Vec::new());
        }
        sending.span((trace, root, parent), "message".into(), SpanKind::Server, (began, ended), attributes);
    }

    /// A delivery was tried: in the trace of the message that it comes of.
    pub fn tell_attempt(&self, tried: Attempted<'_>) {
        let sending = self.0.load();
        let (Some(sending), Some(message)) = (&*sending, tried.message) else { return };
        let (trace, root) = sending.ids(&message.to_string());
        if !sending.is_sampled(trace) {
            return;
        }
        let id = sending.ids(&format!("{message} to {} at {}", tried.partner, tried.at.as_nanosecond())).1;
        let mut attributes = vec![
            KeyValue::new("handover.partner", tried.partner.to_string()),
            KeyValue::new("handover.resource", tried.kind.to_string()),
            KeyValue::new("handover.outcome", tried.outcome),
            number("handover.message", message),
        ];
        attributes.extend(tried.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
        let began = SystemTime::from(tried.at);
        sending.span((trace, id, root), "deliver".into(), SpanKind::Client, (began, began + tried.took), attributes);
    }
}

fn number(name: &'static str, value: u64) -> KeyValue {
    KeyValue::new(name, i64::try_from(value).unwrap_or(i64::MAX))
}

impl Sending {
    fn new(target: &TraceTarget, gateway: &str) -> Result<Arc<Self>, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(target.headers.clone())?)
            .with_endpoint(target.endpoint.as_str())
            .build()
            .map_err(|error| error.to_string())?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let named = [
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", gateway.to_string()),
        ];
        processor.set_resource(&Resource::builder_empty().with_service_name("handover").with_attributes(named).build());
        let scope = InstrumentationScope::builder("handover").build();
        let (target, gateway) = (target.clone(), gateway.to_string());
        Ok(Arc::new(Self { target, gateway, processor, scope }))
    }

    /// Of a message's key: its trace, and the first span of it. Whoever tells of the message later comes to the same.
    fn ids(&self, key: &str) -> (TraceId, SpanId) {
        let hash: [u8; 32] = Sha256::digest(format!("{}\n{key}", self.gateway)).into();
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(hash.split_at(16).0);
        span.copy_from_slice(hash.split_at(16).1.split_at(8).0);
        (TraceId::from_bytes(trace), SpanId::from_bytes(span))
    }

    fn is_sampled(&self, trace: TraceId) -> bool {
        u128::from_be_bytes(trace.to_bytes()).is_multiple_of(u128::from(self.target.one_in.max(1)))
    }

    fn span(
        &self,
        (trace, id, parent): (TraceId, SpanId, SpanId),
        name: Cow<'static, str>,
        span_kind: SpanKind,
        (start_time, end_time): (SystemTime, SystemTime),
        attributes: Vec<KeyValue>,
    ) {
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind,
            name,
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Waits for what is given over last.
    fn end(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(LAST) {
            tracing::debug!(%error, "not all traces were given over at the end");
        }
    }
}
