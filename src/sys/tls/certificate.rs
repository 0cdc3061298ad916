//! Loads a certificate and its key from files for a TLS server, always as a matching pair.
//!
//! It supports TLS 1.2 and 1.3, without client certificates, early data or resumption: webhooks are rare,
//! and data that is not kept cannot leak.
//!
//! Renewing a certificate replaces two files, one after the other. They are read again when either has
//! changed. A pair that cannot be used is logged once, and the earlier one stays.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::{Error, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;

use super::provider;
use crate::limits::{CERTIFICATE_LOOK_PAUSE, PEM_BYTES_MAX};
use crate::sys::files::{self, Links};
use crate::sys::log::{self, Level};

/// A certificate and its key, ready to serve.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) config: Arc<ServerConfig>,
}

/// The reason why a certificate or key cannot be used: fact and remedy, with the key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadIdentity(pub String);

/// The certificate that is served, and its files.
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    identity: Identity,
    /// The stamp of the files that were read last, with any result.
    stamp: Stamp,
    looked: Instant,
}

impl Certificate {
    /// Reads both files.
    pub fn load(cert: &Path, key: &Path) -> Result<Certificate, BadIdentity> {
        let stamp = Stamp::of(cert, key);
        let identity = Identity::load(cert, key)?;
        Ok(Certificate {
            cert: cert.to_owned(),
            key: key.to_owned(),
            state: Mutex::new(State {
                identity,
                stamp,
                looked: Instant::now(),
            }),
        })
    }

    /// Returns the identity that is to be served now.
    pub fn identity(&self) -> Identity {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= CERTIFICATE_LOOK_PAUSE {
            state.looked = Instant::now();
            let stamp = Stamp::of(&self.cert, &self.key);
            if stamp != state.stamp {
                state.stamp = stamp;
                match Identity::load(&self.cert, &self.key) {
                    Ok(identity) => {
                        state.identity = identity;
                        log::event(Level::Notice, format_args!("certificate read again"));
                    }
                    Err(BadIdentity(what)) => log::event(
                        Level::Error,
                        format_args!("certificate not taken, the one before stays: {what}"),
                    ),
                }
            }
        }
        state.identity.clone()
    }
}

/// Shows whether two files are the ones that were read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([Option<(SystemTime, u64)>; 2]);

impl Stamp {
    /// Returns the stamp of the files as they are now.
    fn of(cert: &Path, key: &Path) -> Stamp {
        Stamp([cert, key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        }))
    }
}

impl Identity {
    /// Reads the chain, the server's own certificate first, and its key. Both are PEM; the key is PKCS#8,
    /// PKCS#1 or SEC1, RSA or ECDSA.
    pub fn load(cert: &Path, key: &Path) -> Result<Identity, BadIdentity> {
        let mut chain = Vec::new();
        for certificate in certificates(&read("tls_cert", cert)?) {
            chain.push(certificate.map_err(|_| bad("tls_cert", "is damaged: it must be PEM"))?);
        }
        if chain.is_empty() {
            return Err(bad("tls_cert", "holds no certificate: it must be PEM"));
        }
        let pem = read("tls_key", key)?;
        let mut keys = objects(&pem, PrivateKeyDer::from_pem);
        let Some(Ok(private)) = keys.next() else {
            return Err(bad(
                "tls_key",
                "holds no private key: it must be PEM, without a password",
            ));
        };
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|_| bad("tls_cert", "cannot be used: TLS cannot be set up"))?
            .with_no_client_auth()
            .with_single_cert(chain, private);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                bad("tls_key", "is not the key of the certificate in tls_cert")
            }
            _ => bad(
                "tls_key",
                "cannot be used with tls_cert: RSA or ECDSA is needed",
            ),
        })?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Identity {
            config: Arc::new(config),
        })
    }
}

/// Reads the server's own certificate, the first of its chain, as DER.
pub fn own(cert: &Path) -> Option<Vec<u8>> {
    let pem = read("tls_cert", cert).ok()?;
    let first = certificates(&pem).next()?.ok()?;
    Some(first.to_vec())
}

/// Returns the certificates of a PEM text.
pub fn certificates(pem: &[u8]) -> impl Iterator<Item = Result<CertificateDer<'static>, Error>> {
    objects(pem, CertificateDer::from_pem)
}

/// Returns the objects of one kind in a PEM text. All kinds go through this, so that the program contains one
/// reader and not one for each.
fn objects<T>(
    pem: &[u8],
    wanted: fn(SectionKind, Vec<u8>) -> Option<T>,
) -> impl Iterator<Item = Result<T, Error>> {
    let all = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    all.filter_map(move |object| object.map(|(kind, der)| wanted(kind, der)).transpose())
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, BadIdentity> {
    let bytes_max = usize::try_from(PEM_BYTES_MAX).unwrap_or(usize::MAX);
    files::read(path, bytes_max, Links::Follow)
        .map_err(|error| bad(key, &format!("{} cannot be read: {error}", path.display())))
}

fn bad(key: &str, what: &str) -> BadIdentity {
    BadIdentity(format!("{key} {what}"))
}
