//! Whom we trust when we open a TLS connection ourselves: the authorities of a file, else those of the platform. HTTP to partners
//! has its own way, by reqwest.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// A configuration that still wants to know which certificate is shown.
pub fn client(roots: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    match roots {
        Some(path) => {
            let roots = read_roots(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(builder.with_root_certificates(roots))
        }
        None => builder.with_platform_verifier().map_err(|error| format!("the platform's certificates: {error}")),
    }
}

fn read_roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("there is no certificate in it".to_string()) } else { Ok(roots) }
}
