//! A stream → the bytes of one request, within a budget that all connections share.
//!
//! A buffer begins small, doubles while a request needs it, and shrinks behind it, so that a
//! connection that only waits costs little.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX};
use crate::sys::clock::Deadline;
use crate::sys::stream::Stream;

/// Bytes that all buffers together may still take.
pub struct Memory {
    left: AtomicUsize,
}

/// The bytes of one connection that have arrived and belong to no finished request.
pub struct Buffer<'m> {
    memory: &'m Memory,
    /// Storage; its length is what was taken from `memory`.
    bytes: Vec<u8>,
    filled: usize,
}

/// Why no more bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dry {
    /// The peer sends no more.
    Ended,
    /// The deadline is over.
    Slow,
    /// No room: [`Memory`] is used up.
    NoRoom,
    /// The connection broke.
    Broken,
}

/// What a connection begins with: most webhooks are shorter.
const FIRST_BYTES: usize = 2 * 1024;

/// The longest request, and room to read framing or the next request's begin behind it.
const BUFFER_BYTES_MAX: usize = HEAD_BYTES_MAX + BODY_BYTES_MAX + 1024;

impl Memory {
    /// So many bytes in all.
    pub fn new(bytes: usize) -> Memory {
        Memory {
            left: AtomicUsize::new(bytes),
        }
    }

    fn take(&self, bytes: usize) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl<'m> Buffer<'m> {
    /// Nothing is taken before the first byte is awaited.
    pub fn new(memory: &'m Memory) -> Buffer<'m> {
        Buffer {
            memory,
            bytes: Vec::new(),
            filled: 0,
        }
    }

    /// All that has arrived.
    pub fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// All that has arrived, behind its first `start` bytes.
    pub fn filled_behind(&mut self, start: usize) -> &mut [u8] {
        self.bytes.get_mut(start..self.filled).unwrap_or_default()
    }

    /// Waits for more.
    pub fn fill(&mut self, stream: &mut dyn Stream, deadline: Deadline) -> Result<(), Dry> {
        if self.filled == self.bytes.len() {
            self.grow()?;
        }
        let room = self.bytes.get_mut(self.filled..).unwrap_or_default();
        match stream.read(room, deadline) {
            Ok(0) => Err(Dry::Ended),
            Ok(read) => {
                self.filled = self.filled.saturating_add(read).min(self.bytes.len());
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Err(Dry::Slow),
            Err(_) => Err(Dry::Broken),
        }
    }

    /// Takes bytes out; what stands behind them moves up.
    pub fn remove(&mut self, range: Range<usize>) {
        let Range { start, end } = range;
        if start < end && end <= self.filled {
            self.bytes.copy_within(end..self.filled, start);
            self.filled = self.filled.saturating_sub(end.saturating_sub(start));
        }
    }

    /// Gives back what a long request has taken and the rest does not need.
    pub fn shrink(&mut self) {
        let wanted = FIRST_BYTES.max(self.filled);
        if self.bytes.len() > wanted {
            self.memory
                .give_back(self.bytes.len().saturating_sub(wanted));
            self.bytes.truncate(wanted);
            self.bytes.shrink_to_fit();
        }
    }

    fn grow(&mut self) -> Result<(), Dry> {
        let wanted = match self.bytes.len() {
            0 => FIRST_BYTES,
            some => some.saturating_mul(2).min(BUFFER_BYTES_MAX),
        };
        let more = wanted.saturating_sub(self.bytes.len());
        // Nothing more to be had is the end of a request that every limit should have ended.
        if more == 0 || !self.memory.take(more) {
            return Err(Dry::NoRoom);
        }
        self.bytes.reserve_exact(more);
        self.bytes.resize(wanted, 0);
        Ok(())
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        self.memory.give_back(self.bytes.len());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Gives as much as is asked for, for ever.
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

    /// Fills a buffer until it takes no more; how many bytes it holds then.
    fn filled(buffer: &mut Buffer) -> usize {
        let deadline = Deadline::after(Duration::from_secs(60));
        while buffer.fill(&mut Endless, deadline).is_ok() {}
        buffer.filled().len()
    }

    #[test]
    fn memory_bounds_all_buffers_together() {
        for (room, expected) in [
            (FIRST_BYTES - 1, 0),
            (FIRST_BYTES, FIRST_BYTES),
            (FIRST_BYTES * 2 - 1, FIRST_BYTES),
            (FIRST_BYTES * 2, FIRST_BYTES * 2),
            (BUFFER_BYTES_MAX, BUFFER_BYTES_MAX),
            (BUFFER_BYTES_MAX * 4, BUFFER_BYTES_MAX),
        ] {
            let memory = Memory::new(room);
            let mut first = Buffer::new(&memory);
            assert_eq!(filled(&mut first), expected, "{room}");
            let mut second = Buffer::new(&memory);
            assert!(filled(&mut second) <= room - expected);
            drop(first);
            drop(second);
            assert_eq!(memory.left.load(Ordering::Relaxed), room);
        }
    }

    #[test]
    fn bytes_are_taken_out_and_room_given_back() {
        let memory = Memory::new(BUFFER_BYTES_MAX);
        let mut buffer = Buffer::new(&memory);
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
        assert_eq!(
            memory.left.load(Ordering::Relaxed),
            BUFFER_BYTES_MAX - FIRST_BYTES
        );
        // Out of range is not done.
        buffer.remove(0..7);
        assert_eq!(buffer.filled(), b"abcghi");
    }
}
