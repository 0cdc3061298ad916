//! Compresses bytes with gzip (RFC 1952), for a page whose rows are much alike.
//!
//! It uses one block of fixed codes of DEFLATE (RFC 1951), and only the latest earlier place of each three
//! bytes. This makes a page a quarter as long, with 2 KB of program.

use alloc::vec;
use alloc::vec::Vec;

/// Returns a gzip file of one member without a name and a time.
pub fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2);
    out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut bits = Bits {
        out,
        held: 0,
        count: 0,
    };
    // This begins the last block, with fixed codes.
    bits.push(0b011, 3);
    blocks(bytes, &mut bits);
    bits.symbol(END);
    let mut out = bits.finish();
    out.extend_from_slice(&crc(bytes).to_le_bytes());
    // The format asks for the length modulo 2^32.
    let length = u32::try_from(bytes.len() & 0xffff_ffff).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out
}

const END: u16 = 256;
const MATCH_BYTES_MIN: usize = 3;
const MATCH_BYTES_MAX: usize = 258;
const WINDOW_BYTES: usize = 32 * 1024;
/// The size of the table of earlier places.
const PLACES: usize = 2048;

fn blocks(bytes: &[u8], bits: &mut Bits) {
    // The table has the place after the latest three bytes of each hash; 0 if there are none.
    let mut places = vec![0_usize; PLACES];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut length = 1;
        if let Some(place) = hash(rest).and_then(|hash| places.get_mut(hash)) {
            let before = *place;
            *place = at.saturating_add(1);
            let distance = at.saturating_add(1).saturating_sub(before);
            if before > 0 && distance <= WINDOW_BYTES {
                let earlier = bytes.get(before.saturating_sub(1)..).unwrap_or_default();
                let same = earlier.iter().zip(rest).take(MATCH_BYTES_MAX);
                let same = same.take_while(|(a, b)| a == b).count();
                if same >= MATCH_BYTES_MIN {
                    bits.length(same);
                    bits.distance(distance);
                    length = same;
                }
            }
        }
        if length == 1 {
            bits.symbol(u16::from(*byte));
        }
        at = at.saturating_add(length);
    }
}

/// Returns a place for the first three bytes.
fn hash(rest: &[u8]) -> Option<usize> {
    let [a, b, c] = rest.first_chunk::<3>()?;
    let three = u32::from_le_bytes([*a, *b, *c, 0]);
    let mixed = three.wrapping_mul(0x9e37_79b1) >> 21;
    usize::try_from(mixed).ok()
}

/// Bits packed into bytes, from the least significant bit of each byte.
struct Bits {
    out: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.held |= bits.wrapping_shl(self.count);
        self.count = self.count.saturating_add(count);
        while self.count >= 8 {
            self.out.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count = self.count.saturating_sub(8);
        }
    }

    /// Adds a code, which begins with its most significant bit.
    fn code(&mut self, code: u16, count: u32) {
        let turned = code
            .reverse_bits()
            .wrapping_shr(16_u32.saturating_sub(count));
        self.push(u32::from(turned), count);
    }

    /// Adds a literal, a length or the end (RFC 1951 §3.2.6).
    fn symbol(&mut self, symbol: u16) {
        let (first, code, count) = match symbol {
            0..=143 => (0, 0x30, 8),
            144..=255 => (144, 0x190, 9),
            256..=279 => (256, 0, 7),
            _ => (280, 0xc0, 8),
        };
        let code = symbol.saturating_sub(first).saturating_add(code);
        self.code(code, count);
    }

    /// Adds the number of bytes that equal earlier ones (RFC 1951 §3.2.5).
    fn length(&mut self, bytes: usize) {
        let over = bytes.saturating_sub(MATCH_BYTES_MIN);
        let over = u16::try_from(over).unwrap_or_default();
        match (bytes, over) {
            (MATCH_BYTES_MAX, _) => self.symbol(285),
            (_, 0..8) => self.symbol(over.saturating_add(257)),
            (_, over) => {
                let extra = over.ilog2().saturating_sub(2);
                let group = u16::try_from(extra).unwrap_or_default().saturating_add(1);
                let symbol = group
                    .saturating_mul(4)
                    .saturating_add(over.wrapping_shr(extra) & 3);
                self.symbol(symbol.saturating_add(257));
                self.extra(over, extra);
            }
        }
    }

    /// Adds the distance of these earlier bytes (RFC 1951 §3.2.5).
    fn distance(&mut self, bytes: usize) {
        let over = u16::try_from(bytes.saturating_sub(1)).unwrap_or_default();
        if over < 4 {
            return self.code(over, 5);
        }
        let extra = over.ilog2().saturating_sub(1);
        let group = u16::try_from(extra).unwrap_or_default().saturating_add(1);
        let code = group
            .saturating_mul(2)
            .saturating_add(over.wrapping_shr(extra) & 1);
        self.code(code, 5);
        self.extra(over, extra);
    }

    fn extra(&mut self, value: u16, count: u32) {
        let mask = 1_u32.wrapping_shl(count).saturating_sub(1);
        self.push(u32::from(value) & mask, count);
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.out
    }
}

/// Returns the checksum of gzip.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let mask = 0_u32.wrapping_sub(crc & 1);
            crc = (crc >> 1) ^ (0xedb8_8320 & mask);
        }
    }
    !crc
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// Decompresses it with the system's own `gzip`.
    fn check(bytes: &[u8]) -> usize {
        let packed = encode(bytes);
        let mut child = Command::new("gzip")
            .arg("-dc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let sent = packed.clone();
        let writer = std::thread::spawn(move || input.write_all(&sent).unwrap());
        let found = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(found.status.success());
        assert!(found.stdout == bytes, "{} bytes", bytes.len());
        packed.len()
    }

    #[test]
    fn what_is_packed_comes_back() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        check(b"");
        check(b"a");
        check(b"abcabcabcabc");
        let all: Vec<u8> = (0..=255).collect();
        check(&all);
        check(&all.repeat(3));
        for bytes in [2, 3, 4, 257, 258, 259, 260, 32_768, 70_000] {
            check(&vec![b'x'; bytes]);
        }
        // These have distances around the window's end, and every length.
        let mut state = 1_u32;
        let mut noise = |bytes: usize| -> Vec<u8> {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_le_bytes()[3]
            };
            (0..bytes).map(|_| next()).collect()
        };
        for gap in [32_000, 32_765, 32_766, 32_767, 32_768, 32_769] {
            let (start, between) = (noise(300), noise(gap));
            check(&[start.as_slice(), &between, &start].concat());
        }
        let mut text = Vec::new();
        let start = noise(300);
        for length in 1..=260 {
            text.extend_from_slice(start.get(..length).unwrap());
            text.extend(noise(length % 50));
        }
        check(&text);
    }
}
