//! The way to a collector: one HTTP request for a batch of spans, with the site's headers. That it cannot be reached is said once, and
//! that it can be again. Follows no redirects.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use tokio::runtime::Handle;

const LONGEST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Collector {
    http: reqwest::Client,
    headers: HeaderMap,
    /// Where requests are sent from: spans are given over by a thread of their own.
    runtime: Handle,
    is_failing: AtomicBool,
}

impl Collector {
    pub(super) fn new(headers: HeaderMap) -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|error| error.to_string())?;
        let http = reqwest::Client::builder().redirect(Policy::none()).timeout(LONGEST).build();
        let http = http.map_err(|error| error.to_string())?;
        Ok(Self { http, headers, runtime, is_failing: AtomicBool::new(false) })
    }

    fn came(&self, fault: Option<&str>) {
        match (self.is_failing.swap(fault.is_some(), Ordering::Relaxed), fault) {
            (false, Some(fault)) => {
                tracing::warn!(fault, "the collector of traces takes none; all else goes on, and this is said once");
            }
            (true, None) => tracing::info!("the collector of traces takes them again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request)?;
        request.headers_mut().extend(self.headers.clone());
        let http = self.http.clone();
        let came = self.runtime.spawn(async move { http.execute(request).await }).await?;
        match came {
            Ok(answer) => {
                let status = answer.status();
                self.came((!status.is_success()).then(|| status.to_string()).as_deref());
                Ok(Response::builder().status(status.as_u16()).body(Bytes::new())?)
            }
            Err(error) => {
                // The address may hold more than a log should.
                let error = error.without_url();
                self.came(Some(&error.to_string()));
                Err(Box::new(error))
            }
        }
    }
}
