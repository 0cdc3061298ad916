//! Reads the bytes of one request from a stream, within a budget that all connections share.
//!
//! A buffer begins small, doubles while a request needs it, and shrinks after that, so that a connection
//! that only waits costs little. Its first bytes belong to the connection; further ones are taken from the
//! budget, and no peer gets all of it: half-sent bodies of one peer hold up nobody else.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, REQUEST_FIRST_BYTES};
use crate::sys::clock::Deadline;
use crate::sys::listener::Peer;
use crate::sys::stream::Stream;

/// The budget of bytes that all buffers together may take beyond the first bytes of each.
pub struct Memory {
    account: Mutex<Account>,
    peer_max: usize,
}

struct Account {
    left: usize,
    /// The peers that hold some of it, and how much.
    peers: Vec<(Peer, usize)>,
}

/// The bytes of one connection that have arrived and belong to no finished request.
pub struct Buffer<'m> {
    memory: &'m Memory,
    /// The peer this counts against; `None` if exempt from the per-peer limit.
    peer: Option<Peer>,
    /// The storage; its length beyond [`REQUEST_FIRST_BYTES`] was taken from `memory`.
    bytes: Vec<u8>,
    filled: usize,
}

/// The reason why no more bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillError {
    /// The peer sends no more.
    Ended,
    /// The deadline is over.
    Slow,
    /// There is no room: [`Memory`], or this peer's share of it, is used up.
    NoRoom,
    /// The connection broke.
    Broken,
}

/// The length of the longest request, with room to read framing or the start of the next request behind it.
const BUFFER_BYTES_MAX: usize = HEAD_BYTES_MAX + BODY_BYTES_MAX + 1024;

impl Memory {
    /// Returns a budget of so many bytes in all, and so many for one peer.
    pub fn new(bytes: usize, peer_max: usize) -> Memory {
        let account = Account {
            left: bytes,
            peers: Vec::new(),
        };
        Memory {
            account: Mutex::new(account),
            peer_max,
        }
    }

    fn take(&self, peer: Option<Peer>, bytes: usize) -> bool {
        let mut account = self.account();
        let Some(left) = account.left.checked_sub(bytes) else {
            return false;
        };
        if let Some(peer) = peer {
            let held = account.peers.iter_mut().find(|(key, _)| *key == peer);
            let before = held.as_ref().map_or(0, |(_, held)| *held);
            let after = before.saturating_add(bytes);
            if after > self.peer_max {
                return false;
            }
            match held {
                Some((_, held)) => *held = after,
                None => account.peers.push((peer, after)),
            }
        }
        account.left = left;
        true
    }

    fn give_back(&self, peer: Option<Peer>, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut account = self.account();
        account.left = account.left.saturating_add(bytes);
        let position = account.peers.iter().position(|(key, _)| Some(*key) == peer);
        let Some(position) = position else {
            return;
        };
        match account.peers.get_mut(position) {
            Some((_, held)) if *held > bytes => *held = held.saturating_sub(bytes),
            _ => drop(account.peers.swap_remove(position)),
        }
    }

    /// Locks the sums. They are consistent at every instant, so a panic elsewhere has not damaged them.
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'m> Buffer<'m> {
    /// Returns an empty buffer. Nothing is taken before the first byte is awaited.
    pub fn new(memory: &'m Memory, peer: Option<Peer>) -> Buffer<'m> {
        Buffer {
            memory,
            peer,
            bytes: Vec::new(),
            filled: 0,
        }
    }

    /// Returns all bytes that have arrived.
    pub fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Returns all bytes that have arrived, behind the first `start`.
    pub fn filled_behind(&mut self, start: usize) -> &mut [u8] {
        self.bytes.get_mut(start..self.filled).unwrap_or_default()
    }

    /// Waits for more bytes.
    pub fn fill(&mut self, stream: &mut dyn Stream, deadline: Deadline) -> Result<(), FillError> {
        if self.filled == self.bytes.len() {
            self.grow()?;
        }
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        match stream.read(room, deadline) {
            Ok(0) => Err(FillError::Ended),
            Ok(read) => {
                self.filled = self.filled.saturating_add(read).min(self.bytes.len());
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Err(FillError::Slow),
            Err(_) => Err(FillError::Broken),
        }
    }

    /// Removes bytes; those behind them move up.
    pub fn remove(&mut self, range: Range<usize>) {
        let Range { start, end } = range;
        if start < end && end <= self.filled {
            self.bytes.copy_within(end..self.filled, start);
            self.filled = self.filled.saturating_sub(end.saturating_sub(start));
        }
    }

    /// Gives back storage of a long request that the rest does not need.
    pub fn shrink(&mut self) {
        let wanted = REQUEST_FIRST_BYTES.max(self.filled);
        if self.bytes.len() > wanted {
            self.memory
                .give_back(self.peer, self.bytes.len().saturating_sub(wanted));
            self.bytes.truncate(wanted);
            self.bytes.shrink_to_fit();
        }
    }

    fn grow(&mut self) -> Result<(), FillError> {
        let is_first = self.bytes.is_empty();
        let wanted = match self.bytes.len() {
            0 => REQUEST_FIRST_BYTES,
            some => some.saturating_mul(2).min(BUFFER_BYTES_MAX),
        };
        let more = wanted.saturating_sub(self.bytes.len());
        // If a full buffer can get no more, a limit should have ended the request before.
        if more == 0 || !(is_first || self.memory.take(self.peer, more)) {
            return Err(FillError::NoRoom);
        }
        self.bytes.reserve_exact(more);
        self.bytes.resize(wanted, 0);
        Ok(())
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let taken = self.bytes.len().saturating_sub(REQUEST_FIRST_BYTES);
        self.memory.give_back(self.peer, taken);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A stream that gives as many bytes as are asked for, for ever.
    struct Endless;

    impl Stream for Endless {
        fn read(&mut self, buffer: &mut [u8], _deadline: Deadline) -> io::Result<usize> {
            buffer.fill(b'x');
            Ok(buffer.len())
        }
        fn write(&mut self, _bytes: &[u8], _deadline: Deadline) -> io::Result<()> {
            Ok(())
        }
        fn finish(&mut self) {}
    }

    /// Fills a buffer until it takes no more, and returns how many bytes it holds then.
    fn filled(buffer: &mut Buffer) -> usize {
        let deadline = Deadline::after(Duration::from_secs(60));
        while buffer.fill(&mut Endless, deadline).is_ok() {}
        buffer.filled().len()
    }

    const FIRST: usize = REQUEST_FIRST_BYTES;
    /// The greatest number of bytes that one buffer takes.
    const MOST: usize = BUFFER_BYTES_MAX - FIRST;

    #[test]
    fn memory_bounds_all_buffers_together() {
        for (room, expected) in [
            (0, FIRST),
            (FIRST - 1, FIRST),
            (FIRST, FIRST * 2),
            (FIRST * 3 - 1, FIRST * 2),
            (FIRST * 3, FIRST * 4),
            (MOST, BUFFER_BYTES_MAX),
            (MOST * 4, BUFFER_BYTES_MAX),
        ] {
            let memory = Memory::new(room, 0);
            let mut first = Buffer::new(&memory, None);
            assert_eq!(filled(&mut first), expected, "{room}");
            let mut second = Buffer::new(&memory, None);
            assert!(filled(&mut second) <= room + 2 * FIRST - expected);
            drop(first);
            drop(second);
            assert_eq!(memory.account().left, room);
        }
    }

    #[test]
    fn a_peer_has_its_share_and_leaves_the_rest() {
        let [one, other] = [1, 2].map(|last| Some(Peer::at([192, 0, 2, last].into())));
        for (share, expected) in [
            (0, [FIRST, FIRST]),
            (FIRST, [FIRST * 2, FIRST]),
            (MOST - 1, [FIRST * 32, FIRST * 8]),
            (MOST, [BUFFER_BYTES_MAX, FIRST]),
            (MOST + FIRST, [BUFFER_BYTES_MAX, FIRST * 2]),
        ] {
            let memory = Memory::new(MOST * 4, share);
            let mut both = [Buffer::new(&memory, one), Buffer::new(&memory, one)];
            assert_eq!(both.each_mut().map(filled), expected, "{share}");
            // Another peer has its own share, and a proxy has no limit.
            let mut others = [Buffer::new(&memory, other), Buffer::new(&memory, None)];
            assert_eq!(
                others.each_mut().map(filled),
                [expected[0], BUFFER_BYTES_MAX]
            );
            drop((both, others));
            assert_eq!(memory.account().left, MOST * 4);
            assert!(memory.account().peers.is_empty());
        }
    }

    #[test]
    fn bytes_are_taken_out_and_room_given_back() {
        let memory = Memory::new(MOST, 0);
        let mut buffer = Buffer::new(&memory, None);
        filled(&mut buffer);
        buffer
            .filled_behind(0)
            .get_mut(..9)
            .unwrap()
            .copy_from_slice(b"abcdefghi");
        buffer.remove(3..6);
        assert!(buffer.filled().starts_with(b"abcghixxx"));
        assert_eq!(buffer.filled().len(), BUFFER_BYTES_MAX - 3);
        buffer.remove(0..0);
        buffer.remove(6..BUFFER_BYTES_MAX - 3);
        assert_eq!(buffer.filled(), b"abcghi");
        buffer.shrink();
        assert_eq!(buffer.filled(), b"abcghi");
        assert_eq!(memory.account().left, MOST);
        // A range that exceeds the buffer removes nothing.
        buffer.remove(0..7);
        assert_eq!(buffer.filled(), b"abcghi");
    }
}
