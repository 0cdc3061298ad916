//! Resolves a host name to addresses before the deadline.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

use super::{Progress, Step};
use crate::limits::{RESOLVER_STACK_BYTES, RESOLVERS_MAX};
use crate::sys::threads::{self, channel};

/// The number of look-ups under way. A look-up that hangs outlives its caller, because the system's
/// resolver cannot be interrupted; so look-ups are counted, not joined.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// The system's resolver, on a thread of its own so that a deadline can be kept.
pub(super) struct Names {
    pub(super) progress: Arc<Progress>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.progress.enter(Step::Resolve);
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("https")) => 443,
            (None, _) => 80,
        };
        let mut addresses = self.empty();
        match host.parse::<IpAddr>() {
            Ok(address) => addresses.push(SocketAddr::new(address, port)),
            Err(_) => {
                let most = addresses_max(&addresses);
                for address in look_up(host, port, *timeout.after, timeout.reason)?
                    .into_iter()
                    .take(most)
                {
                    addresses.push(address);
                }
            }
        }
        if addresses.is_empty() {
            return Err(Error::HostNotFound);
        }
        self.progress.enter(Step::Connect);
        Ok(addresses)
    }
}

/// The capacity of ureq's array; a push beyond it panics.
fn addresses_max<const N: usize>(
    _: &ureq::unversioned::resolver::ArrayVec<SocketAddr, N>,
) -> usize {
    N
}

pub(super) fn look_up(
    host: &str,
    port: u16,
    wait: Duration,
    reason: Timeout,
) -> Result<Vec<SocketAddr>, Error> {
    let slot = Slot::take().ok_or(Error::HostNotFound)?;
    let (sender, receiver) = channel();
    let name = host.to_owned();
    let run = move || {
        let _slot = slot;
        let found = (name.as_str(), port).to_socket_addrs();
        // After the deadline nobody listens any more.
        sender.send(found.map(Iterator::collect).unwrap_or_default());
    };
    threads::spawn("resolver", RESOLVER_STACK_BYTES, run).map_err(Error::Io)?;
    receiver.wait(wait).ok_or(Error::Timeout(reason))
}

/// One of [`RESOLVERS_MAX`] places.
struct Slot;

impl Slot {
    fn take() -> Option<Slot> {
        RUNNING
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
                running.checked_add(1).filter(|more| *more <= RESOLVERS_MAX)
            })
            .ok()
            .map(|_| Slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_are_counted() {
        let slots: Vec<_> = (0..RESOLVERS_MAX).map_while(|_| Slot::take()).collect();
        assert_eq!(slots.len(), RESOLVERS_MAX);
        assert!(Slot::take().is_none());
        drop(slots);
        assert!(Slot::take().is_some());
    }
}
