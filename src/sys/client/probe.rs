//! Tries how far a connection to a URL comes: name, TCP, TLS. No request is sent.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::ClientConnection;
use ureq::http::Uri;
use ureq::{Error, Timeout};

use super::{Failure, parse_proxy, resolve, tcp, tls};
use crate::sys::clock::Deadline;

/// The steps of a connection. A failed step has a phrase of this folder, and later steps were not tried.
#[derive(Debug)]
pub struct Probe {
    /// The host and the port that were tried: those of the proxy if there is one.
    pub place: (String, u16),
    /// The addresses of the name.
    pub addresses: Result<Vec<SocketAddr>, &'static str>,
    /// The address that took the connection.
    pub connected: Option<Result<SocketAddr, &'static str>>,
    /// The provider's certificates in DER, its own first. `None` without TLS, or behind a proxy.
    pub chain: Option<Result<Vec<Vec<u8>>, &'static str>>,
}

/// Tries the host of `url`, or of the proxy. Fails if the settings cannot be used.
pub fn probe(
    url: &str,
    settings: &super::Settings<'_>,
    deadline: &Deadline,
) -> Result<Probe, &'static str> {
    let (place, https) = match settings.proxy {
        Some(proxy) => {
            let proxy = parse_proxy(proxy).map_err(Failure::phrase)?;
            ((proxy.host().to_owned(), proxy.port()), false)
        }
        None => {
            let uri: Uri = url.parse().map_err(|_| "host is no URL")?;
            let https = uri.scheme_str() == Some("https");
            let host = uri.host().ok_or("host is no URL")?;
            let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
            ((host.to_owned(), port), https)
        }
    };
    let mut probe = Probe {
        addresses: look_up(&place, deadline),
        place,
        connected: None,
        chain: None,
    };
    let Ok(addresses) = &probe.addresses else {
        return Ok(probe);
    };
    let (address, socket) = match tcp::connect(addresses, *deadline) {
        Ok(connected) => connected,
        Err(error) => {
            probe.connected = Some(Err(match error.kind() {
                std::io::ErrorKind::TimedOut => "timeout while connecting",
                std::io::ErrorKind::ConnectionRefused => "connection refused",
                _ => "connection failed",
            }));
            return Ok(probe);
        }
    };
    probe.connected = Some(Ok(address));
    if https {
        probe.chain = Some(handshake(&probe.place.0, socket, settings, deadline));
    }
    Ok(probe)
}

fn look_up(
    (host, port): &(String, u16),
    deadline: &Deadline,
) -> Result<Vec<SocketAddr>, &'static str> {
    let bare = host.strip_prefix('[').unwrap_or(host);
    let bare = bare.strip_suffix(']').unwrap_or(bare);
    if let Ok(address) = bare.parse() {
        return Ok(vec![SocketAddr::new(address, *port)]);
    }
    const SLOW: &str = "timeout in name resolution";
    let left = deadline.left().ok_or(SLOW)?;
    match resolve::look_up(bare, *port, left, Timeout::Resolve) {
        Ok(found) if !found.is_empty() => Ok(found),
        Err(Error::Timeout(_)) => Err(SLOW),
        _ => Err("name resolution failed"),
    }
}

fn handshake(
    host: &str,
    mut socket: TcpStream,
    settings: &super::Settings<'_>,
    deadline: &Deadline,
) -> Result<Vec<Vec<u8>>, &'static str> {
    const SLOW: &str = "timeout in the TLS handshake";
    let name = tls::server_name(host).map_err(phrase)?;
    let settings = tls::settings(&settings.trust).map_err(Failure::phrase)?;
    let connection = ClientConnection::new(Arc::clone(&settings), name);
    let mut connection = connection.map_err(|_| "TLS cannot be set up")?;
    while connection.is_handshaking() {
        let left = deadline.left().ok_or(SLOW)?;
        let timed = socket
            .set_read_timeout(Some(left))
            .and_then(|()| socket.set_write_timeout(Some(left)));
        timed.map_err(|_| "TLS cannot be set up")?;
        let done = tls::complete(&mut connection, &mut socket);
        done.map_err(|error| phrase(tls::handshake_error(error)))?;
    }
    let chain = connection.peer_certificates().unwrap_or_default();
    Ok(chain.iter().map(|one| one.to_vec()).collect())
}

fn phrase(error: Error) -> &'static str {
    match error {
        Error::Tls(phrase) => phrase,
        _ => "TLS handshake failed",
    }
}
