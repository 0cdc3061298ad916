//! Binds sockets, accepts connections, and limits how many are served, in all and per peer.
//!
//! Invariant: the accepting thread waits only for the next connection.

use std::io::{self, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use heapless::Deque;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, getrlimit};

use crate::limits::{ACCEPT_PAUSE, CONNECTIONS_PER_PEER_MAX};

/// An event of a listening socket.
pub enum Arrival {
    /// A connection and its peer's address; an IPv4-mapped address is given as IPv4.
    Connection(TcpStream, IpAddr),
    /// Accepting has failed for the first time in a row; it is tried again.
    Trouble(io::Error),
}

/// Accepts for ever. If that fails (`EMFILE`, `ENFILE`, `ENOMEM`, `ECONNABORTED`, a network that is down)
/// it pauses and goes on, because these faults are temporary, and a daemon that has ended helps nobody.
pub fn accept(listener: &TcpListener, mut take: impl FnMut(Arrival)) -> ! {
    let mut failing = false;
    loop {
        match listener.accept() {
            Ok((socket, peer)) => {
                failing = false;
                take(Arrival::Connection(socket, peer.ip().to_canonical()));
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                if !failing {
                    take(Arrival::Trouble(e));
                }
                failing = true;
                thread::sleep(ACCEPT_PAUSE);
            }
        }
    }
}

/// Returns how many connections the file limit permits, at least one: each has its socket and, at times, a
/// file and a folder open.
pub fn connections_allowed(wanted: usize) -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let allowed = files.saturating_sub(FILES_RESERVED) / FILES_PER_CONNECTION;
    wanted.min(allowed).max(1)
}

/// The number of other open descriptors: standard streams, syslog, listening sockets, refused ones.
const FILES_RESERVED: usize = 32;
const FILES_PER_CONNECTION: usize = 3;

/// The connections that are being served, in all and by peer.
pub struct Slots {
    table: Mutex<Table>,
}

struct Table {
    max: usize,
    taken: usize,
    /// The peers that have connections, with their number. The list is as short as that of the connections.
    peers: Vec<(Peer, usize)>,
}

/// The place of one connection. Dropping it frees the place.
pub struct Slot {
    slots: Arc<Slots>,
    peer: Option<Peer>,
}

/// The unit that counts as one peer: an IPv4 address, or the /64 of an IPv6 one, which is the least that
/// one customer of a provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(u128);

/// Whether one peer may fill all slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// A stranger may have [`CONNECTIONS_PER_PEER_MAX`], and no more than half of all.
    Limited,
    /// A proxy or this machine itself may have all, because it stands for many peers.
    Whole,
}

impl Slots {
    /// Returns slots for so many connections at once.
    pub fn new(max: usize) -> Arc<Slots> {
        Arc::new(Slots {
            table: Mutex::new(Table {
                max,
                taken: 0,
                peers: Vec::new(),
            }),
        })
    }

    /// Takes a slot; `None` if all, or all of this peer, are taken.
    pub fn take(self: &Arc<Slots>, peer: IpAddr, share: Share) -> Option<Slot> {
        let peer = (share == Share::Limited).then(|| Peer::at(peer));
        let mut table = self.table();
        if table.taken >= table.max {
            return None;
        }
        let of_one = CONNECTIONS_PER_PEER_MAX.min(table.max / 2).max(1);
        if let Some(peer) = peer {
            match table.peers.iter_mut().find(|(key, _)| *key == peer) {
                Some((_, count)) if *count >= of_one => return None,
                Some((_, count)) => *count = count.saturating_add(1),
                None => table.peers.push((peer, 1)),
            }
        }
        table.taken = table.taken.saturating_add(1);
        drop(table);
        Some(Slot {
            slots: Arc::clone(self),
            peer,
        })
    }

    /// Whether three quarters are taken, so that no connection should be kept open for later requests.
    pub fn are_short(&self) -> bool {
        let table = self.table();
        table.taken.saturating_mul(4) >= table.max.saturating_mul(3)
    }

    /// Returns how many are taken, and how many may be.
    pub fn taken(&self) -> (u64, u64) {
        let table = self.table();
        let number = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        (number(table.taken), number(table.max))
    }

    /// Sets the number of connections. Those beyond it are still served to their end.
    pub fn set_max(&self, max: usize) {
        self.table().max = max;
    }

    /// Locks the counts. They are consistent at every instant, so a panic elsewhere has not damaged them.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The peer this counts against; `None` if exempt from the per-peer limit.
    pub fn peer(&self) -> Option<Peer> {
        self.peer
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.slots.table();
        table.taken = table.taken.saturating_sub(1);
        let Some(peer) = self.peer else {
            return;
        };
        let position = table.peers.iter().position(|(key, _)| *key == peer);
        let Some(position) = position else {
            return;
        };
        match table.peers.get_mut(position) {
            Some((_, count)) if *count > 1 => *count = count.saturating_sub(1),
            _ => drop(table.peers.swap_remove(position)),
        }
    }
}

impl Peer {
    /// Returns the peer at this address.
    pub fn at(address: IpAddr) -> Peer {
        match address.to_canonical() {
            IpAddr::V4(v4) => Peer(u128::from(v4.to_ipv6_mapped())),
            IpAddr::V6(v6) => Peer(u128::from(v6) >> 64 << 64),
        }
    }
}

/// Connections that were answered unread and wait for their peers to close.
///
/// Closing a socket with unread bytes resets it, and then the answer may be lost. So the last few stay open
/// until others come; no thread waits for them.
#[derive(Default)]
pub struct Parting {
    sockets: Deque<TcpStream, PARTING_MAX>,
}

/// The number of sockets kept open this way for each listening thread. They are a part of
/// [`FILES_RESERVED`].
const PARTING_MAX: usize = 8;

impl Parting {
    /// Sends an answer without reading or waiting. Bytes that do not fit at once are not sent.
    pub fn turn_away(&mut self, socket: TcpStream, answer: &[u8]) {
        let sent = socket
            .set_nonblocking(true)
            .and_then(|()| (&socket).write(answer))
            .and_then(|_| socket.shutdown(Shutdown::Write));
        if sent.is_err() {
            return;
        }
        if self.sockets.is_full() {
            self.sockets.pop_front();
        }
        let _ = self.sockets.push_back(socket);
    }

    /// Closes them all, because descriptors run short.
    pub fn clear(&mut self) {
        self.sockets.clear();
    }
}

/// Opens a listening socket. `all` are the addresses that are to be listened on together.
///
/// `[::]:80` takes IPv4 as well if that is the system's default; but not beside an IPv4 address of the same
/// port, or each would take it from the other.
pub fn bind(address: SocketAddr, all: &[SocketAddr]) -> io::Result<TcpListener> {
    let beside = |other: &SocketAddr| other.is_ipv4() && other.port() == address.port();
    match address {
        SocketAddr::V6(v6) if all.iter().any(beside) => bind_v6_only(v6),
        _ => TcpListener::bind(address),
    }
}

fn bind_v6_only(address: SocketAddrV6) -> io::Result<TcpListener> {
    let socket = net::socket_with(
        AddressFamily::INET6,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_ipv6_v6only(&socket, true)?;
    net::bind(&socket, &address)?;
    net::listen(&socket, BACKLOG)?;
    Ok(TcpListener::from(socket))
}

/// The number of connections that wait to be accepted, as in the standard library.
const BACKLOG: i32 = 128;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use std::io::Read;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Checks how many of so many slots one peer gets, and how many are left once it has gone.
    fn check_share(max: usize, share: Share, expected: usize) {
        let slots = Slots::new(max);
        let peer = ip("1.1.1.1");
        let taken: Vec<Slot> = std::iter::from_fn(|| slots.take(peer, share)).collect();
        assert_eq!(taken.len(), expected, "{max} {share:?}");
        drop(taken);
        let again: Vec<Slot> = std::iter::from_fn(|| slots.take(peer, share)).collect();
        assert_eq!(again.len(), expected, "{max} {share:?}");
        drop(again);
        assert_eq!(slots.table().taken, 0);
        assert!(slots.table().peers.is_empty());
    }

    #[test]
    fn slots_are_taken_and_given_back() {
        check_share(1, Share::Whole, 1);
        check_share(64, Share::Whole, 64);
        check_share(64, Share::Limited, 16);
        check_share(32, Share::Limited, 16);
        check_share(31, Share::Limited, 15);
        check_share(2, Share::Limited, 1);
        check_share(1, Share::Limited, 1);
    }

    #[test]
    fn a_peer_is_an_address_or_a_64() {
        let check = |first: &str, second: &str, same: bool| {
            let slots = Slots::new(64);
            let peer = ip(first);
            let first: Vec<Slot> =
                std::iter::from_fn(|| slots.take(peer, Share::Limited)).collect();
            let second = slots.take(ip(second), Share::Limited);
            assert_eq!(second.is_none(), same, "{peer}");
            drop(first);
        };
        check("1.1.1.1", "1.1.1.1", true);
        check("1.1.1.1", "::ffff:1.1.1.1", true);
        check("1.1.1.1", "1.1.1.2", false);
        check("2001:db8::1", "2001:db8::ffff:0:0:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }

    #[test]
    fn slots_are_short_at_three_quarters() {
        for (max, enough) in [(64, 47), (16, 11), (4, 2), (1, 0)] {
            let slots = Slots::new(max);
            let mut taken = Vec::new();
            for _ in 0..enough {
                taken.push(slots.take(ip("1.1.1.1"), Share::Whole).unwrap());
            }
            assert!(!slots.are_short(), "{max}");
            taken.push(slots.take(ip("1.1.1.1"), Share::Whole).unwrap());
            assert!(slots.are_short(), "{max}");
        }
    }

    #[test]
    fn file_limit() {
        assert_eq!(connections_allowed(1), 1);
        assert_eq!(connections_allowed(0), 1);
        let most = connections_allowed(usize::MAX);
        assert_eq!(connections_allowed(most), most);
        assert_eq!(connections_allowed(most - 1), (most - 1).max(1));
    }

    #[test]
    fn ipv4_and_ipv6_share_a_port() {
        let v4 = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = v4.local_addr().unwrap().port();
        let v4_address = v4.local_addr().unwrap();
        let v6_address: SocketAddr = format!("[::]:{port}").parse().unwrap();
        let v6 = bind(v6_address, &[v6_address, v4_address]).unwrap();
        for (address, listener) in [("127.0.0.1", &v4), ("::1", &v6)] {
            let _peer = TcpStream::connect((ip(address), port)).unwrap();
            assert_eq!(listener.accept().unwrap().1.ip(), ip(address));
        }
        // Beside an address of another port the system's default holds.
        let other = bind("[::1]:0".parse().unwrap(), &[v4_address]).unwrap();
        assert!(other.local_addr().unwrap().is_ipv6());
    }

    #[test]
    fn who_is_turned_away_gets_the_answer() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), &[]).unwrap();
        let mut parting = Parting::default();
        // There are more than are kept: the oldest are closed.
        for _ in 0..PARTING_MAX + 2 {
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            parting.turn_away(listener.accept().unwrap().0, b"no");
            peer.write_all(b"a request that nobody reads").unwrap();
            let mut answer = String::new();
            peer.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "no");
        }
    }
}
