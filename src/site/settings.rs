//! `handover.yaml`: how this gateway runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::folder::{Document, Folder};
use super::listener::{self, Taken};
use super::scalar;
use super::secret::{self, Secret};
use super::{ConsoleSettings, HttpSettings, RATE_PER_SEC, Retention, Settings, StoreChoice};
use crate::problem::{Category, Place, Problem};
use crate::telemetry::TraceTarget;
use crate::yaml::{Fields, Node};

/// What power cuts did to sled in our trials; the reasons stand in docs/decisions.
const SLED_MEASURED: &str = "sled is taken as asked, but in our power-cut trials 29 of 30 cuts left a sled store that \
    could not be opened or read, because it acknowledges before it syncs; Handover syncs its file itself after every \
    commit (then 90 of 90 were intact), and it never gives space back; `fjall` lost nothing and is faster";

const MEMORY_MEANS: &str = "everything is gone when the gateway stops; only for trying things out";

/// Reads the settings; faults go to the folder's problems.
pub fn read(document: &Document, folder: &mut Folder, taken: &mut Vec<Taken>) -> Option<Settings> {
    let mut problems = Vec::new();
    let mut fields = Fields::of(&document.node, "handover.yaml");
    let data = fields.text("data").unwrap_or_else(|| "data".to_string());
    let data = folder.root().join(data);
    folder.ignore(&data);
    let store_node = fields.optional("store");
    let store = store_node.map_or(Some(StoreChoice::Fjall), |node| store(node, folder, &mut problems));
    let http_node = fields.required("http");
    let http = http_node.and_then(|node| http(node, folder, taken, &mut problems));
    let base_url = scalar::optional(&mut fields, "base_url", scalar::web_address);
    let retention = fields.optional("retention").map_or_else(Retention::default, |node| retention(node, &mut problems));
    let traces = fields.optional("traces").and_then(|node| traces(node, folder, &mut problems));
    let console_node = fields.optional("console");
    let console =
        console_node.map_or_else(ConsoleSettings::default, |node| console(node, folder.root(), &mut problems));
    let application = fields.text("application").unwrap_or_else(|| "HANDOVER".to_string());
    let facility = fields.text("facility").unwrap_or_else(|| "HANDOVER".to_string());
    fields.finish(&mut problems);
    folder.problems.append(&mut problems);
    let http = http?;
    let base_url = base_url.unwrap_or_else(|| {
        let scheme = if http.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", http.listen)
    });
    Some(Settings { base_url, data, store: store?, http, console, retention, traces, application, facility })
}

fn store(node: &Node, folder: &mut Folder, problems: &mut Vec<Problem>) -> Option<StoreChoice> {
    let engines = [("fjall", 0_u8), ("sled", 1), ("memory", 2), ("postgres", 3)];
    let mut fields = Fields::of(node, "store");
    let place = fields.required("engine").map(|node| node.mark.clone());
    let engine = fields.choice("engine", &engines);
    let url_node = fields.optional("url");
    if let (Some(node), Some(0..=2)) = (url_node, engine) {
        fields.report(node.problem("only the postgres engine has a `url`"));
    }
    let warn =
        |text: &str| place.clone().map(|mark| Problem::warning(Category::Informational, Place::File(mark), text));
    let choice = match engine {
        Some(0) => Some(StoreChoice::Fjall),
        Some(1) => {
            warn(SLED_MEASURED).into_iter().for_each(|problem| fields.report(problem));
            Some(StoreChoice::Sled)
        }
        Some(2) => {
            warn(MEMORY_MEANS).into_iter().for_each(|problem| fields.report(problem));
            Some(StoreChoice::Memory)
        }
        Some(_) => fields.required("url").and_then(|node| postgres(node, folder, &mut fields)),
        None => None,
    };
    fields.finish(problems);
    choice
}

fn postgres(node: &Node, folder: &mut Folder, fields: &mut Fields<'_>) -> Option<StoreChoice> {
    match scalar::keep(fields, secret::read(node, folder))? {
        Secret::Elsewhere(url) => Some(StoreChoice::Postgres(url)),
        Secret::Plain(url) => {
            let holds_password = reqwest::Url::parse(&url).is_ok_and(|url| url.password().is_some());
            if holds_password || url.contains("password=") {
                let text = "a password stands in this file; write `url: ${ENV:NAME}` or `url: file:PATH` instead";
                fields.report(Problem::warning(Category::Security, Place::File(node.mark.clone()), text));
            }
            Some(StoreChoice::Postgres(url))
        }
    }
}

fn http(node: &Node, folder: &mut Folder, taken: &mut Vec<Taken>, problems: &mut Vec<Problem>) -> Option<HttpSettings> {
    let mut fields = Fields::of(node, "http");
    let listener = listener::read(&mut fields, folder, taken);
    let body = fields.integer("max_body_bytes", 1024..=1 << 30).and_then(|bytes| usize::try_from(bytes).ok());
    let rate = fields.integer("rate_per_sec", 1..=100_000).and_then(|rate| u32::try_from(rate).ok());
    let named = fields.list("origins");
    let origins = named.into_iter().filter_map(|node| scalar::keep(&mut fields, scalar::origin(node))).collect();
    fields.finish(problems);
    let listener = listener?;
    Some(HttpSettings {
        origins,
        listen: listener.listen,
        tls: listener.tls,
        behind_proxy: listener.behind_proxy,
        max_body_bytes: body.unwrap_or(10 << 20),
        rate_per_sec: rate.unwrap_or(RATE_PER_SEC),
    })
}

fn console(node: &Node, root: &Path, problems: &mut Vec<Problem>) -> ConsoleSettings {
    let mut fields = Fields::of(node, "console");
    let usual = ConsoleSettings::default();
    let mut number =
        |key, most, usual| fields.integer(key, 1..=most).and_then(|number| u32::try_from(number).ok()).unwrap_or(usual);
    let idle_minutes = number("idle_minutes", 720, usual.idle_minutes);
    let longest_hours = number("longest_hours", 24, usual.longest_hours);
    let changed_sites: Vec<PathBuf> = fields.texts("changed_sites").into_iter().map(|path| root.join(path)).collect();
    let names: BTreeSet<_> = changed_sites.iter().map(|path| path.file_name()).collect();
    if let Some(listed) = node.get("changed_sites")
        && names.len() < changed_sites.len()
    {
        let text = "people choose a changed site by the name of its folder, and two have the same; name one otherwise";
        fields.report(listed.mark.problem(Category::Duplicate, text));
    }
    let console = ConsoleSettings {
        title: fields.text("title").unwrap_or(usual.title),
        contact: fields.text("contact"),
        privacy_contact: fields.text("privacy_contact"),
        idle_minutes,
        longest_hours,
        changed_sites,
    };
    fields.finish(problems);
    console
}

fn traces(node: &Node, folder: &mut Folder, problems: &mut Vec<Problem>) -> Option<TraceTarget> {
    let mut fields = Fields::of(node, "traces");
    let endpoint = scalar::required(&mut fields, "endpoint", scalar::web_address);
    let one_in = fields.integer("one_in", 1..=1_000_000).and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
    let mut headers = HeaderMap::new();
    let named = fields.optional("headers");
    if let Some(node) = named.filter(|node| node.as_map().is_none()) {
        fields.report(node.problem("`headers` is written as `NAME: value` lines"));
    }
    for (key, value) in named.and_then(Node::as_map).unwrap_or_default() {
        let name = key.as_text().unwrap_or_default();
        let Some(secret) = scalar::keep(&mut fields, secret::read(value, folder)) else { continue };
        let text = match secret {
            Secret::Elsewhere(text) => text,
            Secret::Plain(text) => {
                let told = "what a header says may be a secret, and stands in this file; write `${ENV:NAME}` or `file:PATH` instead";
                fields.report(Problem::warning(Category::Security, Place::File(value.mark.clone()), told));
                text
            }
        };
        match (HeaderName::try_from(&name), HeaderValue::try_from(text)) {
            (Ok(name), _) if headers.contains_key(&name) => {
                fields.report(
                    key.problem(format!("`{name}` stands here before; names of HTTP headers are the same in any case")),
                );
            }
            (Ok(name), Ok(mut text)) => {
                text.set_sensitive(true);
                headers.insert(name, text);
            }
            (Err(_), _) => fields.report(key.problem(format!("`{name}` is no name of an HTTP header"))),
            (_, Err(_)) => fields.report(value.problem("what this header says holds a sign that no header may hold")),
        }
    }
    fields.finish(problems);
    // Where only the collector is named, traces are taken at the path of the specification.
    let endpoint = endpoint.map(|endpoint| match reqwest::Url::parse(&endpoint) {
        Ok(url) if url.path() == "/" => format!("{endpoint}/v1/traces"),
        _ => endpoint,
    });
    Some(TraceTarget { endpoint: endpoint?, headers, one_in })
}

fn retention(node: &Node, problems: &mut Vec<Problem>) -> Retention {
    let mut fields = Fields::of(node, "retention");
    let mut days =
        |key, usual| fields.integer(key, 1..=36_500).and_then(|days| u32::try_from(days).ok()).unwrap_or(usual);
    let usual = Retention::default();
    let retention = Retention {
        message_days: days("message_days", usual.message_days),
        attempt_days: days("attempt_days", usual.attempt_days),
        audit_days: days("audit_days", usual.audit_days),
    };
    fields.finish(problems);
    retention
}
