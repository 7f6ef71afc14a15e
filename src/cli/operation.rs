//! What commands ask of a gateway: of the one that runs on the site's data folder, through its control socket, or, when
//! none runs, of the store itself, opened for as long as the command takes.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::check;
use super::screen::Screen;
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::pipeline::{Gateway, Operation};
use crate::site::{Site, StoreChoice};

/// Where commands find the site.
#[derive(Debug, Clone, clap::Args)]
pub struct SiteArgument {
    /// The site's folder.
    #[arg(long, default_value = ".", value_name = "DIR")]
    site: std::path::PathBuf,
}

impl SiteArgument {
    pub fn dir(&self) -> &Path {
        &self.site
    }

    /// Loads the site and performs the operation. A site with errors is shown and is an error.
    pub fn perform(&self, operation: Operation, screen: &mut Screen) -> Result<Value> {
        let Some(site) = check::load_or_show(&self.site, screen) else { bail!("nothing was done") };
        perform(site, operation, screen)
    }
}

/// Performs an operation on the site's gateway. Fails with what the gateway says is wrong.
pub fn perform(site: Site, operation: Operation, screen: &mut Screen) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let request = serde_json::to_value(&operation)?;
        if let Some(answer) = app::ask(&site.settings.data, "/operation", &request).await? {
            return Ok(answer);
        }
        perform_alone(site, operation, screen).await
    })
}

async fn perform_alone(site: Site, operation: Operation, screen: &mut Screen) -> Result<Value> {
    if site.settings.store == StoreChoice::Memory {
        bail!("no gateway runs on {}, and a store in memory holds nothing without one", site.settings.data.display());
    }
    let is_embedded = matches!(site.settings.store, StoreChoice::Fjall | StoreChoice::Sled);
    let may_begin = matches!(operation, Operation::PanelImport { .. });
    if is_embedded && !may_begin && !site.settings.data.exists() {
        bail!("there is no store in {} yet; `handover run` makes one", site.settings.data.display());
    }
    screen.note("no gateway is running on this site; the store is opened for this command");
    let store = app::open_store(&site).context("the store cannot be opened")?;
    let gateway = Gateway::new(Arc::clone(&store), site, Arc::new(SystemClock));
    let result = gateway.perform(operation).await;
    store.close().await;
    result.map_err(|problem| anyhow::anyhow!("{}", problem.text))
}

/// A text of an answer, empty where there is none.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number of an answer, 0 where there is none.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// A list of an answer, empty where there is none.
pub fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A time of an answer, to the second and in the machine's zone.
pub fn time(value: &Value, pointer: &str) -> String {
    let Ok(time) = text(value, pointer).parse::<jiff::Timestamp>() else { return String::new() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same, without the day when it is today.
pub fn clock(value: &Value, pointer: &str) -> String {
    let whole = time(value, pointer);
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d ").to_string();
    whole.strip_prefix(&today).map(str::to_string).unwrap_or(whole)
}
