//! Tells the log which certificates end soon: at the start, with every site that is taken over, and once a day, so that whoever reads
//! nothing but logs has two weeks to hear of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::pipeline::Gateway;

pub(super) const DAILY: Duration = Duration::from_hours(24);

/// Until the gateway stops.
pub(super) async fn run(gateway: Arc<Gateway>, every: Duration, mut stop: watch::Receiver<bool>) {
    loop {
        tell(&gateway);
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// What there is to say of those that the site in force names.
pub(super) fn tell(gateway: &Gateway) {
    let now = gateway.clock.now();
    for certificate in &gateway.site.load().certificates {
        if let Some(warning) = certificate.warning(now) {
            tracing::warn!(used_by = certificate.used_by, file = certificate.file, "{warning}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use crate::clock::SystemClock;
    use crate::site::{Certificate, Site};
    use crate::store::{self, EngineChoice, StoreSettings};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_certificate_that_ends_is_in_the_log_at_the_start_and_again_after_a_while() {
        let certificate = |file: &str, until: &str| Certificate {
            used_by: "handover.yaml".to_string(),
            file: file.to_string(),
            from: "2020-01-01T00:00:00Z".parse().unwrap(),
            until: until.parse().unwrap(),
        };
        let mut site = Site::bare(Path::new("/nowhere"));
        site.certificates =
            vec![certificate("old.crt", "2021-01-01T00:00:00Z"), certificate("sound.crt", "9000-01-01T00:00:00Z")];
        let settings = StoreSettings { engine: EngineChoice::Memory, path: site.settings.data.clone() };
        let store = store::open(&settings).unwrap();
        let gateway = Arc::new(Gateway::new(store, site, Arc::new(SystemClock)));
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let told = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(run(gateway, Duration::from_millis(20), stopped));
        while told().matches("old.crt").count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(true).unwrap();
        running.await.unwrap();
        assert!(told().contains("this certificate ended on 2021-01-01"), "{}", told());
        assert!(!told().contains("sound.crt"), "{}", told());
    }
}
