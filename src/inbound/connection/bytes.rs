//! Reads the bytes of one request from the socket, the head and then the body.

use super::{Connection, Stop, Wait};
use crate::inbound::buffer::FillError;
use crate::limits::{FIRST_BYTE_WAIT, IDLE_WAIT, REQUEST_WAIT};
use crate::proto::wire::request::{Chunks, Framing, Measure};
use crate::sys::clock::Deadline;

impl Connection<'_> {
    /// Reads until the head is complete. Returns its length, and the time by which the whole request must
    /// be there.
    pub(super) fn read_head(&mut self) -> Result<(usize, Deadline), Stop> {
        let mut measure = Measure::default();
        let mut deadline = Deadline::after(match self.wait {
            Wait::First => FIRST_BYTE_WAIT,
            Wait::Idle => IDLE_WAIT,
        });
        let mut begun = false;
        loop {
            // An empty line left over from the previous request is no beginning.
            if !begun && self.buffer.filled().iter().any(|b| !b"\r\n".contains(b)) {
                begun = true;
                deadline = Deadline::after(REQUEST_WAIT);
            }
            if let Some(head_bytes) = measure.head(self.buffer.filled())? {
                return Ok((head_bytes, deadline));
            }
            match self.buffer.fill(self.stream, deadline) {
                Ok(()) => {}
                Err(FillError::Slow) if !begun && self.wait == Wait::Idle => {
                    return Err(Stop::Silent);
                }
                Err(FillError::Ended) if !begun => return Err(Stop::Silent),
                Err(dry) => return Err(dry.into()),
            }
        }
    }

    /// Reads the body behind the head and removes its framing. Returns the length of both.
    pub(super) fn read_body(
        &mut self,
        head_bytes: usize,
        framing: Framing,
        deadline: Deadline,
    ) -> Result<usize, Stop> {
        let mut end = head_bytes;
        match framing {
            Framing::Length(body_bytes) => {
                end = end.saturating_add(body_bytes);
                while self.buffer.filled().len() < end {
                    self.buffer.fill(self.stream, deadline)?;
                }
            }
            Framing::Chunked => {
                let mut chunks = Chunks::new(head_bytes);
                loop {
                    let decoded = chunks.decode(self.buffer.filled_behind(end))?;
                    let body_end = end.saturating_add(decoded.body);
                    self.buffer
                        .remove(body_end..end.saturating_add(decoded.used));
                    end = body_end;
                    if decoded.done {
                        break;
                    }
                    self.buffer.fill(self.stream, deadline)?;
                }
            }
        }
        Ok(end)
    }
}
