//! Computes the digests by which an SMS is remembered.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use crate::message::Message;

/// The interface of records that were read from a file of version 1.
pub(super) const UNKNOWN: u32 = 0;

/// The record of one SMS, which consists of digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// The digest of the interface's name (see [`interface`]).
    pub interface: u32,
    /// The digest of the interface's name and the provider's id.
    pub id: Option<NonZeroU64>,
    /// The digest of destination, sender and text.
    pub content: u64,
    /// The digest of scheme, secret and signature (see [`proof`]).
    pub proof: Option<NonZeroU64>,
}

/// The interfaces at which a signature must not have been seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places<'a> {
    /// Every interface.
    All,
    /// Each of these interfaces.
    These(&'a [u32]),
}

/// Returns the digest of an interface's name.
pub fn interface(name: &str) -> u32 {
    let digest = digest(&[name.as_bytes()]) >> 32;
    u32::try_from(digest).unwrap_or(u32::MAX).max(UNKNOWN + 1)
}

/// Returns the digest of a signature.
pub fn proof(scheme: &str, secret: &[u8], signature: &[u8]) -> NonZeroU64 {
    not_zero(digest(&[scheme.as_bytes(), secret, signature]))
}

/// Replaces `&` and `=` with `_`, which Vonage signs alike. Otherwise somebody could change one of them in
/// a recorded SMS, which would then count as having other contents.
fn alike(value: &[u8]) -> Vec<u8> {
    let signed = |b: &u8| if matches!(b, b'&' | b'=') { b'_' } else { *b };
    value.iter().map(signed).collect()
}

pub(super) fn not_zero(digest: u64) -> NonZeroU64 {
    NonZeroU64::new(digest).unwrap_or(NonZeroU64::MIN)
}

impl Print {
    /// Returns the record of a message that came in by an interface.
    pub fn of(
        name: &str,
        id: Option<&[u8]>,
        message: &Message,
        proof: Option<NonZeroU64>,
    ) -> Print {
        let (to, from) = (message.to.as_str(), message.from.as_str());
        let [from, text] = [from.as_bytes(), message.text.as_bytes()].map(alike);
        Print {
            interface: interface(name),
            id: id.map(|id| not_zero(digest(&[name.as_bytes(), id]))),
            content: digest(&[to.as_bytes(), &from, &text]),
            proof,
        }
    }

    /// Adds to `marks` the digests that no two simultaneous requests may share.
    pub fn mark(&self, marks: &mut Vec<NonZeroU64>) {
        if let Some(id) = self.id {
            marks.push(id);
        }
        if let Some(proof) = self.proof {
            marks.push(proof);
        }
    }
}

/// Returns a digest as it is written in a file.
pub fn digits(digest: NonZeroU64) -> String {
    format!("{digest:016x}")
}

/// Reads a digest that [`digits`] wrote.
pub fn parse_digest(digits: &str) -> Option<NonZeroU64> {
    NonZeroU64::new(number(digits, 16)?)
}

/// Reads so many lower-case hexadecimal digits.
pub(super) fn number(digits: &str, width: usize) -> Option<u64> {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let whole = digits.len() == width && digits.bytes().all(hex);
    u64::from_str_radix(digits, 16).ok().filter(|_| whole)
}

/// Returns a 64-bit digest of fields. The borders between the fields matter.
pub fn digest(fields: &[&[u8]]) -> u64 {
    let mut sha1 = sha1_smol::Sha1::new();
    for field in fields {
        let bytes = u64::try_from(field.len()).unwrap_or(u64::MAX);
        sha1.update(&bytes.to_be_bytes());
        sha1.update(field);
    }
    let digest = sha1.digest().bytes();
    let start = digest.first_chunk::<8>();
    start.map_or(0, |start| u64::from_be_bytes(*start))
}

impl Places<'_> {
    pub(super) fn hold(&self, interface: u32) -> bool {
        match self {
            Places::All => true,
            Places::These(these) => these.contains(&interface),
        }
    }
}
