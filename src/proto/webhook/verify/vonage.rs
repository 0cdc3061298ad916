//! Vonage's SMS API: the parameter `sig`, a hash of all other parameters.
//!
//! `&name=value` of each, sorted by name, `&` and `=` in values as `_`. By the account's signature
//! method that text is followed by the secret and hashed with MD5, or is HMACed with it. The
//! parameter `timestamp` says when. Of a POST the body alone is signed, of a GET the query.

use hmac::{KeyInit, Mac, SimpleHmac};
use md5::{Digest, Md5};
use ring::hmac::{HMAC_SHA256, HMAC_SHA512};

use super::sha2;
use super::{Coverage, Denied, fresh, same, seconds};
use crate::proto::provider::sign::{hex, hmac_sha1};
use crate::proto::webhook::{self, Pair};
use crate::proto::wire::request::Request;

/// The account's signature method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// MD5 of text and secret, what old accounts have.
    Md5Hash,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

pub(super) fn check(
    secret: &[u8],
    hash: Hash,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let is_get = matches!(request.method, "GET" | "HEAD");
    let (pairs, coverage) = match is_get {
        true => (webhook::distinct_pairs(request.query()), Coverage::Whole),
        false => {
            let pairs = webhook::form_pairs(request).or_else(|| webhook::json_pairs(request));
            (pairs, Coverage::Body)
        }
    };
    let mut pairs = pairs.ok_or(Denied::Wrong)?;
    let given = pairs.iter().position(|(name, _)| name == b"sig");
    let (_, given) = pairs.swap_remove(given.ok_or(Denied::Wrong)?);
    let time = pairs.iter().find(|(name, _)| name == b"timestamp");
    let signed_s = time.map(|(_, time)| seconds(time)).ok_or(Denied::Wrong)??;
    let given = given.to_ascii_lowercase();
    if !same(&given, signature(hash, secret, pairs).as_bytes()) {
        return Err(Denied::Wrong);
    }
    fresh(signed_s, now_s)?;
    Ok(coverage)
}

/// `sig` of these parameters, in lower-case hexadecimal digits.
pub fn signature(hash: Hash, secret: &[u8], mut pairs: Vec<Pair>) -> String {
    pairs.sort_unstable();
    let mut text = Vec::new();
    for (name, value) in &pairs {
        text.push(b'&');
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend(value.iter().map(|b| match b {
            b'&' | b'=' => b'_',
            b => *b,
        }));
    }
    match hash {
        Hash::Md5Hash => hex(&Md5::new()
            .chain_update(text)
            .chain_update(secret)
            .finalize()),
        Hash::Md5 => hex(&hmac_md5(secret, &text)),
        Hash::Sha1 => hex(&hmac_sha1(secret, &[&text])),
        Hash::Sha256 => hex(sha2::hmac(HMAC_SHA256, secret, &[&text]).as_ref()),
        Hash::Sha512 => hex(sha2::hmac(HMAC_SHA512, secret, &[&text]).as_ref()),
    }
}

fn hmac_md5(key: &[u8], text: &[u8]) -> [u8; 16] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length (RFC 2104 §2)"
    )]
    let mut mac = <SimpleHmac<Md5> as KeyInit>::new_from_slice(key).expect("a key of any length");
    Mac::update(&mut mac, text);
    mac.finalize().into_bytes().into()
}
