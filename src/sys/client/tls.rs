//! Puts TLS on a TCP transport, with roots of our choice.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore, Stream};
use rustls::{DigitallySignedStruct, OtherError, SignatureScheme};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::{Failure, Trust};
use crate::limits::PEM_BYTES_MAX;
use crate::sys::files;
use crate::sys::tls::certificate::certificates;
use crate::sys::tls::provider;

/// The places where systems keep the roots that their administrator chose. The first that exists counts. As
/// for proxies, the environment (`SSL_CERT_FILE`) does not count: `ca_file` states it where it can be seen.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// The certificates of the public authorities that the program brings. Packages are built without them,
/// since the system has a bundle that its distribution keeps fresh.
#[cfg(feature = "embedded-roots")]
const EMBEDDED: &[TrustAnchor<'_>] = webpki_roots::TLS_SERVER_ROOTS;
#[cfg(not(feature = "embedded-roots"))]
const EMBEDDED: &[TrustAnchor<'_>] = &[];

const NO_ROOTS: &str = "no certificates of authorities; install ca-bundle (OpenWrt), \
                        ca-certificates-bundle (Alpine) or ca-certificates (Debian), or give ca_file";

/// Builds the settings of a handshake, only when there is one. Fails as [`Failure::Setup`] if `ca_file` cannot
/// be used, and as [`Failure::Unwritten`] if no authority is known: the bundle may be there later.
pub(super) fn settings(trust: &Trust<'_>) -> Result<Arc<ClientConfig>, Failure> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Failure::Setup("TLS cannot be set up"))?;
    let believes = match trust {
        Trust::Roots { ca_file } => {
            let (roots, own) = roots(*ca_file, EMBEDDED, &SYSTEM_BUNDLES)?;
            Believes::Roots { roots, own }
        }
        Trust::Anybody => Believes::Anybody,
    };
    let mut settings = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { provider, believes }))
        .with_no_client_auth();
    settings.resumption = Resumption::disabled();
    Ok(Arc::new(settings))
}

/// Checks that [`settings`] can be built, without the parts that cannot fail: the program and the system
/// have many roots.
pub(super) fn check(trust: &Trust<'_>) -> Result<(), Failure> {
    match trust {
        Trust::Roots {
            ca_file: Some(file),
        } => add_file(&mut RootCertStore::empty(), file).map(drop),
        Trust::Roots { ca_file: None } if EMBEDDED.is_empty() => {
            roots(None, EMBEDDED, &SYSTEM_BUNDLES).map(drop)
        }
        Trust::Roots { ca_file: None } | Trust::Anybody => Ok(()),
    }
}

/// Returns all roots, and the certificates of `ca_file` once more.
fn roots(
    ca_file: Option<&Path>,
    embedded: &[TrustAnchor<'static>],
    bundles: &[&str],
) -> Result<(RootCertStore, Certificates), Failure> {
    let mut roots = RootCertStore {
        roots: embedded.to_vec(),
    };
    for bundle in bundles {
        // If a bundle is missing or broken, the embedded roots remain.
        if let Ok(pem) = read_bounded(Path::new(bundle)) {
            add_new(&mut roots, &pem);
            break;
        }
    }
    let own = match ca_file {
        Some(file) => add_file(&mut roots, file)?,
        None => Vec::new(),
    };
    match roots.is_empty() {
        true => Err(Failure::Unwritten(NO_ROOTS)),
        false => Ok((roots, own)),
    }
}

/// Adds the certificates that are not among the roots yet. One certificate is in memory at a time: a bundle is
/// mostly the roots that we have, and what a connection leaves in the heap stays there between polls.
fn add_new(roots: &mut RootCertStore, pem: &[u8]) {
    for certificate in certificates(pem).filter_map(Result::ok) {
        let before = roots.roots.len();
        if roots.add(certificate).is_ok()
            && let Some((added, known)) = roots.roots.split_last()
            && known.contains(added)
        {
            roots.roots.truncate(before);
        }
    }
}

type Certificates = Vec<CertificateDer<'static>>;

fn add_file(roots: &mut RootCertStore, ca_file: &Path) -> Result<Certificates, Failure> {
    let pem = read_bounded(ca_file).map_err(|_| Failure::Setup("ca_file cannot be read"))?;
    let own: Certificates = certificates(&pem).filter_map(Result::ok).collect();
    match roots.add_parsable_certificates(own.clone()).0 {
        0 => Err(Failure::Setup("ca_file holds no certificate")),
        _ => Ok(own),
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let bytes_max = usize::try_from(PEM_BYTES_MAX).unwrap_or(usize::MAX);
    let file = File::open(path)?;
    let bytes_said = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let pem = files::read_rest(&file, bytes_said, bytes_max)?;
    match pem.len() > bytes_max {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(pem),
    }
}

// ---- Handshake ------------------------------------------------------------------------------

/// Puts TLS on a connection.
pub(super) fn connect(
    transport: Box<dyn Transport>,
    settings: &Arc<ClientConfig>,
    details: &ConnectionDetails,
) -> Result<Box<dyn Transport>, Error> {
    let name = server_name(details.uri.host().unwrap_or_default())?;
    let connection = ClientConnection::new(Arc::clone(settings), name)
        .map_err(|_| Error::Tls("TLS cannot be set up"))?;
    let mut socket = TransportAdapter::new(transport, details.current_time.clone());
    socket.set_timeout(details.timeout);
    let mut tls = TlsTransport {
        buffers: LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        ),
        connection,
        socket,
    };
    while tls.connection.is_handshaking() {
        complete(&mut tls.connection, &mut tls.socket).map_err(handshake_error)?;
    }
    Ok(Box::new(tls))
}

/// A connection that rustls reads and writes. It is one type for all of them, because each type would add a
/// copy of rustls's code to the program.
pub(super) trait Socket: Read + Write {}

impl<T: Read + Write> Socket for T {}

/// Writes and reads until the connection wants no more.
pub(super) fn complete(
    connection: &mut ClientConnection,
    mut socket: &mut dyn Socket,
) -> io::Result<()> {
    connection.complete_io(&mut socket).map(drop)
}

pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    let bare = host.strip_prefix('[').unwrap_or(host);
    let bare = bare.strip_suffix(']').unwrap_or(bare);
    ServerName::try_from(bare)
        .map(|name| name.to_owned())
        .map_err(|_| Error::Tls("no certificate can name this host"))
}

pub(super) fn handshake_error(error: io::Error) -> Error {
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref());
    match fault {
        Some(rustls::Error::InvalidCertificate(fault)) => Error::Tls(certificate_phrase(fault)),
        Some(rustls::Error::AlertReceived(_)) => {
            Error::Tls("the other side ended the TLS handshake")
        }
        Some(_) => Error::Tls("TLS handshake failed"),
        None => Error::from(error),
    }
}

fn certificate_phrase(fault: &CertificateError) -> &'static str {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, InvalidPurpose, InvalidPurposeContext,
        NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, Revoked,
        UnknownIssuer,
    };
    match fault {
        Expired | ExpiredContext { .. } => "TLS certificate has expired",
        NotValidYet | NotValidYetContext { .. } => {
            "TLS certificate is not valid yet (is the clock right?)"
        }
        UnknownIssuer => "TLS certificate is of an unknown issuer",
        NotValidForName | NotValidForNameContext { .. } => "TLS certificate is for another name",
        Revoked => "TLS certificate was revoked",
        BadSignature => "TLS certificate has a wrong signature",
        InvalidPurpose | InvalidPurposeContext { .. } => "TLS certificate is not for a server",
        fault if is_of_authority(fault) => {
            "TLS certificate is that of an authority, not of a server"
        }
        _ => "TLS certificate is not valid",
    }
}

/// Whether a server shows a certificate that may sign others, as `openssl req -x509` makes them.
fn is_of_authority(fault: &CertificateError) -> bool {
    // rustls has no name for this fault of webpki.
    let CertificateError::Other(OtherError(fault)) = fault else {
        return false;
    };
    matches!(fault.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// A TLS connection, adapted to ureq.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    connection: ClientConnection,
    socket: TransportAdapter,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.socket.set_timeout(timeout);
        let mut output = self.buffers.output().get(..amount).unwrap_or_default();
        while !output.is_empty() {
            let taken = self.connection.writer().write(output)?;
            output = output.get(taken..).unwrap_or_default();
            // All bytes are written: a request counts as "written" only when the socket has all of it.
            while self.connection.wants_write() {
                self.connection.write_tls(&mut self.socket)?;
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.socket.set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let mut socket: &mut dyn Socket = &mut self.socket;
        let amount = Stream::new(&mut self.connection, &mut socket).read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.socket.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// The certificates that a handshake trusts. Its signatures are checked in any case.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    believes: Believes,
}

#[derive(Debug)]
enum Believes {
    /// Every certificate is accepted (`tls_verify = no`).
    Anybody,
    /// Certificates signed by the roots are accepted, and a server's certificate that stands in `ca_file`.
    Roots {
        roots: RootCertStore,
        own: Certificates,
    },
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Believes::Roots { roots, own } = &self.believes else {
            return Ok(ServerCertVerified::assertion());
        };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            roots,
            intermediates,
            now,
            algorithms,
        );
        match signed {
            // webpki looks at the time before it looks at who may sign (RFC 5280 §6.1.3), so only the name
            // remains to be checked.
            Err(rustls::Error::InvalidCertificate(fault))
                if is_of_authority(&fault) && own.contains(end_entity) => {}
            signed => signed?,
        }
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "embedded-roots")]
    fn without_any_root_nothing_is_sent_and_the_package_is_named() {
        let found =
            |embedded, bundles: &[&str]| roots(None, embedded, bundles).map(|it| it.0.len());
        let none = Err(Failure::Unwritten(NO_ROOTS));
        assert_eq!(found(&[], &["/nonexistent/bundle"]), none);
        // A file without a certificate brings none either, whatever the next would hold.
        assert_eq!(
            found(&[], &["/dev/null", "/etc/ssl/certs/ca-certificates.crt"]),
            none
        );
        for package in ["ca-bundle", "ca-certificates-bundle", "ca-certificates "] {
            assert!(NO_ROOTS.contains(package), "{package}");
        }
        let embedded = &webpki_roots::TLS_SERVER_ROOTS[..1];
        assert_eq!(found(embedded, &["/nonexistent/bundle"]), Ok(1));
    }

    #[test]
    fn a_root_of_a_bundle_is_added_once() {
        let pem = include_bytes!("../../../tests/tls/ca.pem");
        let mut roots = RootCertStore::empty();
        for _ in 0..2 {
            add_new(&mut roots, pem);
            assert_eq!(roots.len(), 1);
        }
        // What is no certificate costs none of the others.
        let bad = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let mut roots = RootCertStore::empty();
        add_new(&mut roots, &[bad, pem.as_slice()].concat());
        assert_eq!(roots.len(), 1);
    }
}
