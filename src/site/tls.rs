//! A listener's TLS from its files: certificate, key, and who may issue client certificates. TLS 1.2 and 1.3 (RFC 5246, RFC 8446). The
//! files can be read anew while it listens: connections to come are greeted by what they hold then.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme};

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

type Clients = Arc<dyn ClientCertVerifier>;

/// What a listener shows and whom it trusts, as its files said when they were read last.
pub struct LiveTls {
    provider: Arc<CryptoProvider>,
    key: ArcSwap<CertifiedKey>,
    clients: Option<ArcSwap<Clients>>,
}

impl LiveTls {
    /// # Errors
    /// A file cannot be read or used.
    pub fn read(files: &TlsFiles) -> Result<Arc<Self>, TlsFault> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = ArcSwap::from_pointee(read_key(files, &provider)?);
        let clients = read_clients(files, &provider)?.map(ArcSwap::from_pointee);
        Ok(Arc::new(Self { provider, key, clients }))
    }

    /// Reads the files anew, all or nothing. Whether clients are asked for certificates stays as it was.
    ///
    /// # Errors
    /// A file cannot be read or used; what was read before goes on.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), TlsFault> {
        let key = read_key(files, &self.provider)?;
        let clients = read_clients(files, &self.provider)?;
        self.key.store(Arc::new(key));
        if let (Some(held), Some(new)) = (&self.clients, clients) {
            held.store(Arc::new(new));
        }
        Ok(())
    }

    /// The server side of TLS. With a client authority, a connection without a certificate it issued is refused; such
    /// connections are never resumed, because that would trust what an authority before this one said.
    ///
    /// # Errors
    /// The library does not know the versions.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsFault> {
        let unusable = |source| TlsFault::Unusable { path: PathBuf::new(), source };
        let versions = ServerConfig::builder_with_provider(self.provider.clone());
        let builder = versions.with_safe_default_protocol_versions().map_err(unusable)?;
        let resolver: Arc<dyn ResolvesServerCert> = self.clone();
        let Some(_) = &self.clients else {
            return Ok(builder.with_no_client_auth().with_cert_resolver(resolver));
        };
        let mut config = builder.with_client_cert_verifier(self.clone()).with_cert_resolver(resolver);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn clients(&self) -> Result<arc_swap::Guard<Arc<Clients>>, Error> {
        let held = self.clients.as_ref().map(ArcSwap::load);
        held.ok_or_else(|| Error::General("clients are not asked for certificates here".to_string()))
    }
}

impl TlsFiles {
    /// The server side of TLS by these files as they are now.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn server_config(&self) -> Result<ServerConfig, TlsFault> {
        LiveTls::read(self)?.server_config()
    }
}

/// Shows nothing of the key.
impl fmt::Debug for LiveTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTls").field("asks_clients", &self.clients.is_some()).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for LiveTls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}

impl ClientCertVerifier for LiveTls {
    /// None are named: the names could not change with the files, and a client shows what it has all the same.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.clients()?.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn read_key(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsFault> {
    let chain = read_certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|source| TlsFault::Unreadable { path: files.key.clone(), source })?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|source| TlsFault::Unusable { path: files.certificate.clone(), source })
}

fn read_clients(files: &TlsFiles, provider: &Arc<CryptoProvider>) -> Result<Option<Clients>, TlsFault> {
    let Some(path) = &files.client_ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path)? {
        roots.add(certificate).map_err(|source| TlsFault::Unusable { path: path.clone(), source })?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    let verifier = verifier.map_err(|source| TlsFault::ClientAuthority { path: path.clone(), source })?;
    Ok(Some(verifier))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|source| TlsFault::Unreadable { path: path.to_path_buf(), source })
}
