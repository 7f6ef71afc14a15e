//! How commands reach a gateway: through the control socket in its data folder, which is all they need when one runs there. Only
//! where none runs is the site compiled, and its store opened for as long as the command takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::check;
use super::screen::Screen;
use crate::app;
use crate::clock::SystemClock;
use crate::pipeline::{Gateway, Operation};
use crate::site::{Site, StoreChoice, data_folder};

/// For commands that work on a gateway's store, whether it runs or not.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayArgument {
    /// The site's folder.
    #[arg(long, default_value = ".", value_name = "DIR")]
    site: PathBuf,
    /// The data folder of a gateway that runs; nothing of the site is read then.
    #[arg(long, value_name = "DIR", conflicts_with = "site")]
    data: Option<PathBuf>,
}

impl GatewayArgument {
    /// Of a command whose `--site` is another one.
    pub fn at(site: PathBuf, data: Option<PathBuf>) -> Self {
        Self { site, data }
    }

    /// Performs the operation. Fails with what the gateway says is wrong.
    pub fn perform(&self, operation: Operation, screen: &mut Screen) -> Result<Value> {
        let mut last = Value::Null;
        self.perform_each(operation, screen, &mut |answer, _| {
            last = answer;
            Ok(None)
        })?;
        Ok(last)
    }

    /// Performs the operation, and the one that `then` makes of each answer, until it makes none.
    pub fn perform_each(
        &self,
        operation: Operation,
        screen: &mut Screen,
        then: &mut dyn FnMut(Value, &mut Screen) -> Result<Option<Operation>>,
    ) -> Result<()> {
        let data = self.data.clone().unwrap_or_else(|| data_folder(&self.site));
        let runtime = runtime()?;
        let mut next = Some(operation);
        while let Some(operation) = next.take() {
            let Some(answer) = runtime.block_on(ask_operation(&data, &operation))? else {
                next = Some(operation);
                break;
            };
            next = then(answer, screen)?;
        }
        let Some(operation) = next else { return Ok(()) };
        if self.data.is_some() {
            bail!("no gateway runs on {}; with --site instead, its store is opened for this command", data.display());
        }
        let Some(site) = check::load_or_show(&self.site, screen) else {
            bail!("no gateway runs on {}, and a store is opened only for a site without errors", data.display());
        };
        runtime.block_on(perform_alone(site, operation, screen, then))
    }
}

impl GatewayArgument {
    /// Gives a backup to `take`, of the gateway that runs or of the store that nobody has open.
    pub fn back_up(&self, screen: &mut Screen, take: &mut dyn FnMut(Vec<u8>, &mut Screen) -> Result<()>) -> Result<()> {
        let data = self.data.clone().unwrap_or_else(|| data_folder(&self.site));
        runtime()?.block_on(async {
            let mut source = match app::ask_for_backup(&data).await? {
                Some(source) => source,
                None if self.data.is_some() => {
                    bail!("no gateway runs on {}; with --site instead, its store is opened for this", data.display())
                }
                None => self.open_alone(&data, screen)?,
            };
            let mut taken = Ok(());
            while taken.is_ok()
                && let Some(bytes) = source.next().await?
            {
                taken = take(bytes, screen);
            }
            source.close().await;
            taken
        })
    }

    fn open_alone(&self, data: &Path, screen: &mut Screen) -> Result<app::Source> {
        let Some(site) = check::load_or_show(&self.site, screen) else {
            bail!("no gateway runs on {}, and a store is opened only for a site without errors", data.display());
        };
        refuse_without_store(&site, false)?;
        screen.note("no gateway is running on this site; the store is opened for this command");
        let store = app::open_store(&site, |text| screen.note(text)).context("the store cannot be opened")?;
        Ok(app::back_up_alone(store))
    }
}

/// For commands that only a gateway that runs can answer.
#[derive(Debug, Clone, clap::Args)]
pub struct RunningArgument {
    /// The site's folder; only where its data folder is will be read.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The gateway's data folder; nothing of the site is read then.
    #[arg(long, value_name = "DIR", conflicts_with = "dir")]
    data: Option<PathBuf>,
}

impl RunningArgument {
    /// Asks the gateway; none running is an error.
    pub fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        let data = self.data.clone().unwrap_or_else(|| data_folder(&self.dir));
        let answer = runtime()?.block_on(app::ask(&data, path, body))?;
        answer.with_context(|| {
            let start = if self.data.is_none() { self.dir.display().to_string() } else { "SITE".to_string() };
            format!("no gateway runs on {}; `handover run {start}` starts one", data.display())
        })
    }
}

/// Performs an operation on the gateway of a site that has been loaded.
pub fn perform(site: Site, operation: Operation, screen: &mut Screen) -> Result<Value> {
    runtime()?.block_on(async {
        match ask_operation(&site.settings.data, &operation).await? {
            Some(answer) => Ok(answer),
            None => {
                let mut last = Value::Null;
                let mut keep = |answer, _: &mut Screen| {
                    last = answer;
                    Ok(None)
                };
                perform_alone(site, operation, screen, &mut keep).await?;
                Ok(last)
            }
        }
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

async fn ask_operation(data: &Path, operation: &Operation) -> Result<Option<Value>> {
    app::ask(data, "/operation", &serde_json::to_value(operation)?).await
}

fn refuse_without_store(site: &Site, may_begin: bool) -> Result<()> {
    if site.settings.store == StoreChoice::Memory {
        bail!("no gateway runs on {}, and a store in memory holds nothing without one", site.settings.data.display());
    }
    let is_embedded = matches!(site.settings.store, StoreChoice::Fjall | StoreChoice::Sled);
    if is_embedded && !may_begin && !site.settings.data.exists() {
        bail!("there is no store in {} yet; `handover run` makes one", site.settings.data.display());
    }
    Ok(())
}

async fn perform_alone(
    site: Site,
    operation: Operation,
    screen: &mut Screen,
    then: &mut dyn FnMut(Value, &mut Screen) -> Result<Option<Operation>>,
) -> Result<()> {
    refuse_without_store(&site, matches!(operation, Operation::PanelImport { .. }))?;
    screen.note("no gateway is running on this site; the store is opened for this command");
    let store = app::open_store(&site, |text| screen.note(text)).context("the store cannot be opened")?;
    let gateway = Gateway::new(Arc::clone(&store), site, Arc::new(SystemClock));
    let mut next = Ok(Some(operation));
    while let Ok(Some(operation)) = next {
        next = match gateway.perform(operation).await {
            Ok(answer) => then(answer, screen),
            Err(problem) => Err(anyhow::anyhow!("{}", problem.text)),
        };
    }
    store.close().await;
    next.map(|_| ())
}
