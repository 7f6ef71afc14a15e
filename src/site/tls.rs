//! A listener's TLS from its files: certificate, key, and who may issue client certificates. TLS 1.2 and 1.3 (RFC 5246, RFC 8446).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::TlsFiles;

/// Why a listener's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("{path} cannot be read as PEM")]
    Unreadable { path: PathBuf, source: pem::Error },
    #[error("the certificate and key of {path} cannot be used")]
    Unusable { path: PathBuf, source: rustls::Error },
    #[error("clients cannot be verified by {path}")]
    ClientAuthority { path: PathBuf, source: rustls::server::VerifierBuilderError },
}

impl TlsFiles {
    /// The server side of TLS. With a client authority, a connection without a certificate it issued is refused.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn server_config(&self) -> Result<ServerConfig, TlsFault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let unusable = |source| TlsFault::Unusable { path: self.certificate.clone(), source };
        let chain = read_certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| TlsFault::Unreadable { path: self.key.clone(), source })?;
        let versions = ServerConfig::builder_with_provider(provider.clone());
        let builder = versions.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in read_certificates(path)? {
                    roots.add(certificate).map_err(|source| TlsFault::Unusable { path: path.clone(), source })?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                let fault = |source| TlsFault::ClientAuthority { path: path.clone(), source };
                builder.with_client_cert_verifier(verifier.map_err(fault)?)
            }
        };
        builder.with_single_cert(chain, key).map_err(unusable)
    }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|source| TlsFault::Unreadable { path: path.to_path_buf(), source })
}
