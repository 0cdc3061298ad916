//! Listens on the addresses of websmsd, and gives each connection a slot and a thread, or a refusal.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use super::{EXIT_SYSTEM, Fault, Options};
use crate::config::Config;
use crate::inbound::{self, Service};
use crate::limits::{CONNECTION_STACK_BYTES, HANDSHAKE_WAIT, TLS_STACK_BYTES};
use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::Interface;
use crate::proto::wire::response::{self, After, HANDSHAKE, Refusal};
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::listener::{self, Arrival, Parting, Share, Slot};
use crate::sys::log::{self, Level};
use crate::sys::stream::Tcp;
use crate::sys::threads;
use crate::sys::tls::certificate::Certificate;
use crate::sys::tls::server::Secure;

/// Returns the addresses to listen on: `-l`, else `listen`, else the environment's port, else port 80, or
/// none if every interface is polled.
pub fn addresses(options: &Options, config: &Config) -> Vec<SocketAddr> {
    let listen = &config.listening.addresses;
    if !options.listen.is_empty() {
        options.listen.clone()
    } else if !listen.is_empty() {
        listen.clone()
    } else if options.port.is_none() && asks_everywhere(config) {
        Vec::new()
    } else {
        let port = options.port.unwrap_or(PORT_DEFAULT);
        vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]
    }
}

/// Whether every interface is polled, so that nobody needs to call us.
pub(super) fn asks_everywhere(config: &Config) -> bool {
    let polled = |it: &Interface| it.polled.is_some();
    config.rules.interfaces.iter().all(polled)
}

/// The port on which providers expect a web server.
pub(super) const PORT_DEFAULT: u16 = 80;

pub(super) fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Fault> {
    let mut listeners = Vec::new();
    let mut lines = Vec::new();
    for address in addresses {
        match listener::bind(*address, addresses) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let (fact, remedy) = bind_fault(*address, &error);
                lines.push(match remedy {
                    "" => fact,
                    _ => [&fact, ": ", remedy].concat(),
                });
            }
        }
    }
    match lines.is_empty() {
        true => Ok(listeners),
        false => Err(Fault {
            lines,
            exit: EXIT_SYSTEM,
        }),
    }
}

/// The reason why an address cannot be listened on: kind of error, fact and remedy.
pub type BindFault = (io::ErrorKind, String, &'static str);

/// Checks that an address can be listened on now; `all` of them are needed to know what `[::]` means.
pub fn try_address(address: SocketAddr, all: &[SocketAddr]) -> Result<(), BindFault> {
    match listener::bind(address, all) {
        Ok(_) => Ok(()),
        Err(error) => {
            let (fact, remedy) = bind_fault(address, &error);
            Err((error.kind(), fact, remedy))
        }
    }
}

/// Explains why an address cannot be listened on, and the remedy if one is known.
pub(super) fn bind_fault(address: SocketAddr, error: &io::Error) -> (String, &'static str) {
    let said = Cause(error).to_string();
    let (words, remedy) = match error.kind() {
        io::ErrorKind::PermissionDenied => (
            "not permitted",
            "a port below 1024 needs root or CAP_NET_BIND_SERVICE; choose another with -l or listen",
        ),
        io::ErrorKind::AddrInUse => (
            "in use",
            "another program, another websmsd or another listen of this one has it; stop it or choose \
             another port with -l or listen",
        ),
        io::ErrorKind::AddrNotAvailable => (
            "no such address on this machine",
            "give one of its own, or 0.0.0.0 or [::] for all",
        ),
        _ => (said.as_str(), ""),
    };
    (format!("cannot listen on {address}: {words}"), remedy)
}

/// Returns `max_connections`, or the lower number that the file limit allows.
pub(super) fn connections_max(config: &Config) -> usize {
    let wanted = config.listening.connections_max;
    let allowed = listener::connections_allowed(wanted);
    if allowed < wanted {
        log::event(
            Level::Warning,
            format_args!(
                "max_connections is {wanted}, the file limit allows {allowed}: raise it (ulimit -n)"
            ),
        );
    }
    allowed
}

/// Accepts connections on one address for ever. A connection that is refused gets its answer here, without a
/// thread.
pub(super) fn accept(service: &Arc<Service>, listener: &TcpListener) {
    let mut parting = Parting::default();
    listener::accept(listener, |arrival| match arrival {
        Arrival::Connection(socket, peer) => {
            if let Err((socket, refusal)) = admit(service, socket, peer) {
                let words = (refusal.status(), refusal.phrase());
                service.count_refusal(refusal.reason());
                log::refusal(format_args!("{peer}: {}, {}", words.0, words.1));
                if service.setup().certificate.is_some() {
                    // An answer would need a TLS handshake, and no thread is here to wait for it.
                    return;
                }
                let (answer, _) = response::encode(&refusal.answer(), After::Close, "");
                if let Some(socket) = Arc::into_inner(socket) {
                    parting.turn_away(socket, &answer);
                }
            }
        }
        Arrival::Trouble(error) => {
            parting.clear();
            log::event(
                Level::Error,
                format_args!("cannot accept connections: {}; trying on", Cause(&error)),
            );
        }
    })
}

/// Gives a connection a slot and a thread, or returns it with the reason for the refusal.
pub(super) fn admit(
    service: &Arc<Service>,
    socket: TcpStream,
    peer: IpAddr,
) -> Result<(), (Arc<TcpStream>, Refusal)> {
    let socket = Arc::new(socket);
    let setup = service.setup();
    let rules = &setup.config.rules;
    if rules.is_stranger(peer) {
        return Err((socket, Refusal::Address));
    }
    let Some(slot) = service.slots.take(peer, share(rules, peer)) else {
        return Err((socket, Refusal::Busy));
    };
    let (service, shared) = (Arc::clone(service), Arc::clone(&socket));
    let certificate = setup.certificate.clone();
    let stack_bytes = match certificate {
        Some(_) => TLS_STACK_BYTES,
        None => CONNECTION_STACK_BYTES,
    };
    let spawned = threads::spawn("connection", stack_bytes, move || {
        let tcp = Tcp::new(shared);
        match certificate {
            Some(certificate) => serve_tls(&service, tcp, &certificate, peer, &slot),
            None => inbound::serve(&service, &mut { tcp }, peer, &slot),
        }
        drop(slot);
        // Closes the spool's folders while nobody delivers, so that their filesystem can be unmounted.
        if service.slots.taken().0 == 0 {
            service.setup().spool.rest();
        }
    });
    spawned.map_err(|_| (socket, Refusal::Busy))
}

/// Does the TLS handshake and serves the connection. A peer whose handshake fails is closed without an answer,
/// because a TLS client understands none in the clear.
pub(super) fn serve_tls(
    service: &Service,
    tcp: Tcp,
    certificate: &Certificate,
    peer: IpAddr,
    slot: &Slot,
) {
    let deadline = Deadline::after(HANDSHAKE_WAIT);
    match Secure::accept(tcp, &certificate.identity(), deadline) {
        Ok(mut secure) => inbound::serve(service, &mut secure, peer, slot),
        Err(error) => {
            let what = match error.kind() {
                io::ErrorKind::TimedOut => "too slow",
                io::ErrorKind::InvalidData => "no TLS that we speak",
                _ => "cut off",
            };
            service.count_refusal(HANDSHAKE);
            log::refusal(format_args!("{peer}: closed, TLS handshake: {what}"));
        }
    }
}

/// Decides which share of the slots a peer may have. A proxy speaks for many, and this machine is trusted.
pub(super) fn share(rules: &Rules, peer: IpAddr) -> Share {
    match peer.is_loopback() || rules.is_proxy(peer) {
        true => Share::Whole,
        false => Share::Limited,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config;
    use std::path::PathBuf;

    fn config(conf: &str) -> Config {
        config::read(conf.as_bytes(), &|_| None).config.unwrap()
    }

    #[test]
    fn where_it_listens() {
        let check = |listen: &[&str], conf: &str, port: Option<u16>, expected: &[&str]| {
            let options = Options {
                config: PathBuf::new(),
                listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
                port,
                verbose: false,
            };
            let found = addresses(&options, &config(&format!("[websmsd]\n{conf}\n")));
            let found: Vec<String> = found.iter().map(SocketAddr::to_string).collect();
            assert_eq!(found, expected, "{listen:?} {conf:?} {port:?}");
        };
        let poll = "poll = 60s\npoll_path = /m\npoll_id = id";
        check(&[], poll, None, &[]);
        check(&[], poll, Some(80), &["0.0.0.0:80"]);
        check(&["[::]:1"], poll, None, &["[::]:1"]);
        check(
            &[],
            &format!("{poll}\nlisten = 127.0.0.1:81"),
            None,
            &["127.0.0.1:81"],
        );
        let other = format!("poll [a] = 60s\n{poll}\npermit_addr [b] = 192.0.2.1\npoll [b] =");
        check(&[], &other, None, &["0.0.0.0:80"]);
        let conf = "listen = \"127.0.0.1:81,[::1]:82\"";
        check(&[], "", None, &["0.0.0.0:80"]);
        check(&[], "", Some(8080), &["0.0.0.0:8080"]);
        check(&[], conf, Some(8080), &["127.0.0.1:81", "[::1]:82"]);
        check(
            &["[::]:1", "0.0.0.0:1"],
            conf,
            Some(8080),
            &["[::]:1", "0.0.0.0:1"],
        );
    }

    #[test]
    fn who_may_take_all_slots() {
        let config = config("[websmsd]\nproxy_addr = 192.0.2.0/24\n");
        let check = |peer: &str, expected: Share| {
            assert_eq!(
                share(&config.rules, peer.parse().unwrap()),
                expected,
                "{peer}"
            );
        };
        check("127.0.0.1", Share::Whole);
        check("127.1.2.3", Share::Whole);
        check("::1", Share::Whole);
        check("192.0.2.7", Share::Whole);
        check("192.0.3.7", Share::Limited);
        check("2001:db8::1", Share::Limited);
    }
}
