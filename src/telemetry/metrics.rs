//! Logs and metrics of the whole process: tracing lines on stderr, counters in the OpenMetrics text form
//! (https://prometheus.io/docs/specs/om/open_metrics_spec/). Labels are names from the site and codes, never patient data.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tracing_subscriber::EnvFilter;

/// The content type of what `Metrics::encode` returns.
pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Starts logging to stderr: lines for people at a terminal, JSON otherwise. `RUST_LOG` sets what is shown; without it,
/// `info`. A second call changes nothing.
pub fn start_logs() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn,fjall=warn,lsm_tree=warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if std::io::stderr().is_terminal() { logs.try_init() } else { logs.json().try_init() };
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    feed: String,
    /// AA, AE or AR.
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    partner: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// The route's pattern, such as `/fhir/{type}/{id}`: never the path itself.
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnusedLabels {
    feed: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedLabels {
    feed: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    used_by: String,
    file: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkLabels {
    /// Open or late.
    state: &'static str,
    urgency: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

/// What is true now, set whenever somebody asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub waiting: u64,
    pub held: u64,
    pub dead: u64,
    /// Age of the oldest delivery that is not done; 0 where there is none.
    pub oldest_secs: i64,
    pub records: u64,
    pub disk_bytes: u64,
    /// Entries that reads keep in memory while the store cannot be written to.
    pub reserve: usize,
    /// The site in force is not the one in its folder.
    pub is_stale: bool,
    /// Parts that do not follow the site.
    pub faults: usize,
    pub indexing: usize,
    /// Who uses which file, and when it ends in seconds since 1970.
    pub certificates: Vec<(String, String, i64)>,
    /// Urgency, how many tasks are open, and of those how many are late.
    pub tasks: Vec<(&'static str, u64, u64)>,
}

/// What this process counts. One per gateway, shared by all its parts; every method is cheap and never blocks for long.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    messages: Family<MessageLabels, Counter>,
    accept: Histogram,
    commit: Histogram,
    deliveries: Family<DeliveryLabels, Counter>,
    delivery_time: Histogram,
    backlog: Family<StateLabels, Gauge>,
    oldest_delivery: Gauge,
    last_message: Family<FeedLabels, Gauge>,
    connections: Family<FeedLabels, Gauge>,
    is_stale: Gauge,
    clock_offset: Gauge,
    faults: Gauge,
    indexing: Gauge,
    reloads: Family<StateLabels, Counter>,
    certificates: Family<CertificateLabels, Gauge>,
    /// Held while what is true now is written, and while a page is: no page has half of it.
    standing: Mutex<()>,
    tasks: Family<WorkLabels, Gauge>,
    pruned: Family<KindLabels, Counter>,
    unused: Family<UnusedLabels, Counter>,
    records: Gauge,
    disk: Gauge,
    reserve: Gauge,
    requests: Family<RequestLabels, Counter>,
    request_time: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        // From half a millisecond to 16 s.
        let seconds = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("handover"),
            messages: Family::default(),
            accept: seconds(),
            commit: seconds(),
            deliveries: Family::default(),
            delivery_time: seconds(),
            backlog: Family::default(),
            oldest_delivery: Gauge::default(),
            last_message: Family::default(),
            connections: Family::default(),
            is_stale: Gauge::default(),
            clock_offset: Gauge::default(),
            faults: Gauge::default(),
            indexing: Gauge::default(),
            reloads: Family::default(),
            certificates: Family::default(),
            standing: Mutex::default(),
            tasks: Family::default(),
            pruned: Family::default(),
            unused: Family::default(),
            records: Gauge::default(),
            disk: Gauge::default(),
            reserve: Gauge::default(),
            requests: Family::default(),
            request_time: seconds(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("messages", "Messages answered, by feed and acknowledgement code", self.messages.clone());
        let text = "Time from a message's last byte to its acknowledgement";
        registry.register_with_unit("accept", text, Unit::Seconds, self.accept.clone());
        let text = "Time until a commit is durable";
        registry.register_with_unit("commit", text, Unit::Seconds, self.commit.clone());
        let text = "Attempts to deliver, by partner and what followed";
        registry.register("delivery_attempts", text, self.deliveries.clone());
        let text = "Time an attempt to deliver took";
        registry.register_with_unit("delivery", text, Unit::Seconds, self.delivery_time.clone());
        registry.register("outbox", "Deliveries that are not done, by state", self.backlog.clone());
        let text = "Used one-time values and entries of who was shown what, kept in memory while the store cannot be written to";
        registry.register("reserve_entries", text, self.reserve.clone());
        self.register_standing();
        let registry = &mut self.registry;
        registry.register("pruned", "Entries taken away by age, by kind", self.pruned.clone());
        let text = "What could not be used or not as stated, each cause once per message, by feed and kind";
        registry.register("unused", text, self.unused.clone());
        registry.register("records", "Patients' records in the store", self.records.clone());
        registry.register_with_unit("store", "Size of the store on disk", Unit::Bytes, self.disk.clone());
        registry.register("http_requests", "HTTP requests, by route, method and status", self.requests.clone());
        let text = "Time an HTTP request took";
        registry.register_with_unit("http_request", text, Unit::Seconds, self.request_time.clone());
    }

    /// What tells of a state.
    fn register_standing(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        let text =
            "Age of the oldest delivery that is not done, of the first 200 to be tried next; 0 where there is none";
        registry.register_with_unit("outbox_oldest", text, Unit::Seconds, self.oldest_delivery.clone());
        let text = "When the last message of a feed was answered, in seconds since 1970";
        registry.register_with_unit("last_message_timestamp", text, Unit::Seconds, self.last_message.clone());
        registry.register("connections", "Open MLLP connections, by feed", self.connections.clone());
        let text = "1 while the site in force is not the one in its folder";
        registry.register("site_stale", text, self.is_stale.clone());
        let text = "Seconds by which the machine's time of day was set, where that is not believed";
        registry.register("clock_offset_seconds", text, self.clock_offset.clone());
        let text = "Parts that do not follow the site (see /health)";
        registry.register("faults", text, self.faults.clone());
        let text = "Search parameters of the site's guides by which what is stored is still being indexed";
        registry.register("indexing", text, self.indexing.clone());
        let text = "Reloads of the site, by how they ended: taken or failed";
        registry.register("site_reloads", text, self.reloads.clone());
        registry.register("tasks", "Open tasks, and of those the late ones, by urgency", self.tasks.clone());
        let text = "When a certificate of the site ends, in seconds since 1970";
        registry.register_with_unit("certificate_expiry_timestamp", text, Unit::Seconds, self.certificates.clone());
    }

    /// A message was answered with this code (AA, AE, AR) so many seconds after its last byte.
    pub fn count_message(&self, feed: &str, code: &'static str, seconds: f64, now_secs: i64) {
        self.note_last_message(feed, now_secs);
        self.messages.get_or_create(&MessageLabels { feed: feed.to_string(), code }).inc();
        self.accept.observe(seconds);
    }

    /// A commit became durable after so many seconds.
    pub fn count_commit(&self, seconds: f64) {
        self.commit.observe(seconds);
    }

    /// An attempt at a delivery ended: `delivered`, `retry`, `held` or `dead`.
    pub fn count_delivery(&self, partner: &str, result: &'static str, seconds: f64) {
        self.deliveries.get_or_create(&DeliveryLabels { partner: partner.to_string(), result }).inc();
        self.delivery_time.observe(seconds);
    }

    /// So many messages, deliveries, audit entries or causes of what could not be used went because of their age.
    pub fn count_pruned(&self, kind: &'static str, count: u64) {
        self.pruned.get_or_create(&KindLabels { kind }).inc_by(count);
    }

    /// One cause of what could not be used was counted: `reading`, `code`, `unit`, …
    pub fn count_unused(&self, feed: &str, kind: &'static str) {
        self.unused.get_or_create(&UnusedLabels { feed: feed.to_string(), kind }).inc();
    }

    /// When a feed's last message was answered, in seconds since 1970; an earlier one says nothing new.
    pub fn note_last_message(&self, feed: &str, secs: i64) {
        let gauge = self.last_message.get_or_create_owned(&FeedLabels { feed: feed.to_string() });
        gauge.set(gauge.get().max(secs));
    }

    /// So many MLLP connections of a feed are open now.
    pub fn set_connections(&self, feed: &str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.get_or_create(&FeedLabels { feed: feed.to_string() }).set(count);
    }

    /// By so much the machine's time of day was set.
    pub fn set_clock_offset(&self, secs: i64) {
        self.clock_offset.set(secs);
    }

    /// A reload of the site ended: it was taken over, or the old one stays.
    pub fn count_reload(&self, is_taken: bool) {
        self.reloads.get_or_create(&StateLabels { state: if is_taken { "taken" } else { "failed" } }).inc();
    }

    /// What is true now.
    pub fn set_standing(&self, now: &Standing) {
        let _whole = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        for (state, count) in [("waiting", now.waiting), ("held", now.held), ("dead", now.dead)] {
            self.backlog.get_or_create(&StateLabels { state }).set(as_gauge(count));
        }
        self.records.set(as_gauge(now.records));
        self.disk.set(as_gauge(now.disk_bytes));
        self.reserve.set(i64::try_from(now.reserve).unwrap_or(i64::MAX));
        self.oldest_delivery.set(now.oldest_secs);
        self.is_stale.set(i64::from(now.is_stale));
        self.faults.set(i64::try_from(now.faults).unwrap_or(i64::MAX));
        self.indexing.set(i64::try_from(now.indexing).unwrap_or(i64::MAX));
        for (urgency, open, late) in &now.tasks {
            for (state, count) in [("open", *open), ("late", *late)] {
                self.tasks.get_or_create(&WorkLabels { state, urgency }).set(as_gauge(count));
            }
        }
        self.certificates.clear();
        for (used_by, file, until) in &now.certificates {
            let labels = CertificateLabels { used_by: used_by.clone(), file: file.clone() };
            self.certificates.get_or_create(&labels).set(*until);
        }
    }

    /// An HTTP request was answered. `route` is the pattern that matched.
    pub fn count_request(&self, route: &str, method: &str, status: u16, seconds: f64) {
        let labels = RequestLabels { route: route.to_string(), method: method.to_string(), status };
        self.requests.get_or_create(&labels).inc();
        self.request_time.observe(seconds);
    }

    /// All of it as OpenMetrics text.
    pub fn encode(&self) -> String {
        let _whole = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut page, &self.registry);
        page
    }
}

fn as_gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_on_the_page() {
        let metrics = Metrics::default();
        metrics.count_message("hospital", "AA", 0.01, 1_800_000_000);
        metrics.note_last_message("hospital", 1_700_000_000);
        metrics.set_connections("hospital", 3);
        metrics.count_reload(false);
        metrics.count_delivery("practice", "retry", 0.2);
        metrics.count_unused("hospital", "unit");
        let ends = |file: &str| ("feeds/a.yaml".to_string(), file.to_string(), 1_900_000_000);
        metrics.set_standing(&Standing { certificates: vec![ends("old.pem")], ..Standing::default() });
        metrics.set_standing(&Standing {
            waiting: 3,
            held: 1,
            oldest_secs: 77,
            records: 12,
            disk_bytes: 4096,
            is_stale: true,
            certificates: vec![ends("a.pem")],
            tasks: vec![("stat", 9, 2)],
            ..Standing::default()
        });
        metrics.count_request("/fhir/{type}/{id}", "GET", 200, 0.002);
        let page = metrics.encode();
        assert!(page.contains(r#"handover_messages_total{feed="hospital",code="AA"} 1"#), "{page}");
        assert!(page.contains(r#"handover_delivery_attempts_total{partner="practice",result="retry"} 1"#));
        assert!(page.contains(r#"handover_outbox{state="waiting"} 3"#));
        assert!(page.contains(r#"handover_unused_total{feed="hospital",kind="unit"} 1"#));
        assert!(page.contains("handover_store_bytes 4096"));
        assert!(page.contains(r#"route="/fhir/{type}/{id}",method="GET",status="200""#));
        for line in [
            concat!("handover_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            r#"handover_last_message_timestamp_seconds{feed="hospital"} 1800000000"#,
            r#"handover_connections{feed="hospital"} 3"#,
            r#"handover_site_reloads_total{state="failed"} 1"#,
            "handover_outbox_oldest_seconds 77",
            "handover_site_stale 1",
            r#"handover_tasks{state="late",urgency="stat"} 2"#,
            r#"handover_certificate_expiry_timestamp_seconds{used_by="feeds/a.yaml",file="a.pem"} 1900000000"#,
        ] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
        assert!(!page.contains("old.pem"), "what is no longer used is no longer told of");
        assert!(page.ends_with("# EOF\n"));
    }

    #[test]
    fn a_page_has_every_certificate_while_others_ask_how_things_stand() {
        let metrics = Metrics::default();
        let ends = |number: usize| ("feeds/a.yaml".to_string(), format!("{number}.pem"), 1_900_000_000);
        let now = Standing { certificates: (0..50).map(ends).collect(), ..Standing::default() };
        metrics.set_standing(&now);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| (0..500).for_each(|_| metrics.set_standing(&now)));
            while !asking.is_finished() {
                let page = metrics.encode();
                let told = page.matches("handover_certificate_expiry_timestamp_seconds{").count();
                assert_eq!(told, now.certificates.len());
            }
        });
    }
}
