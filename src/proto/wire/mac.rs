//! Computes MACs and digests, and compares secrets.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::digest::block_api::BlockSizeUser;
use hmac::digest::consts::{U20, U64};
use hmac::digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update};
use hmac::{KeyInit, Mac, SimpleHmac};
use md5::{Digest, Md5};
use ring::digest;
use ring::hmac::{Algorithm, Context, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key, Tag};

use super::form::Pair;

/// Whether two secrets are equal. The time does not depend on where they differ.
pub fn same(given: &[u8], expected: &[u8]) -> bool {
    let given = sha1_smol::Sha1::from(given).digest().bytes();
    let expected = sha1_smol::Sha1::from(expected).digest().bytes();
    let differing = given
        .iter()
        .zip(&expected)
        .fold(0, |bits, (a, b)| bits | (a ^ b));
    core::hint::black_box(differing) == 0
}

/// Returns the bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| DIGITS.get(usize::from(nibble)))
        .collect()
}

/// Returns the HMAC-SHA1 (RFC 2104) of the concatenated parts.
pub fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length (RFC 2104 §2)"
    )]
    let mut mac = <SimpleHmac<Sha1> as KeyInit>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        Mac::update(&mut mac, part);
    }
    mac.finalize().into_bytes().into()
}

/// Returns the HMAC (RFC 2104) with one of the SHA-2 family over the concatenated parts, computed by the
/// TLS library's code.
pub fn hmac_sha2(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Tag {
    let mut context = Context::with_key(&Key::new(algorithm, key));
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// Returns the HMAC-SHA256 of the concatenated parts in base64.
pub fn hmac_sha256_base64(key: &[u8], parts: &[&[u8]]) -> String {
    BASE64_STANDARD.encode(hmac_sha2(HMAC_SHA256, key, parts))
}

/// Returns the SHA-256 in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The function that makes a signature from a secret and the signed text (`auth_hash`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// The MD5 of text and secret.
    Md5Hash,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA384.
    Sha384,
    /// HMAC-SHA512.
    Sha512,
}

/// The hashes that Vonage takes for [`of_parameters`], by the words of `auth_hash`.
pub const PARAMETER_HASHES: &[(&str, Hash)] = &[
    ("md5hash", Hash::Md5Hash),
    ("md5", Hash::Md5),
    ("sha1", Hash::Sha1),
    ("sha256", Hash::Sha256),
    ("sha512", Hash::Sha512),
];

/// Returns Vonage's `sig`, a hash of parameters in lower-case hexadecimal digits. The text is `&name=value`
/// for each, sorted by name, with `_` for `&` and `=` in values. Depending on `hash`, the secret is
/// appended and the result hashed, or the secret is the key of an HMAC.
pub fn of_parameters(hash: Hash, secret: &[u8], mut pairs: Vec<Pair>) -> String {
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
    let algorithm = match hash {
        Hash::Md5Hash => {
            text.extend_from_slice(secret);
            return hex(&Md5::digest(text));
        }
        Hash::Md5 => return hex(&hmac_md5(secret, &text)),
        Hash::Sha1 => return hex(&hmac_sha1(secret, &[&text])),
        Hash::Sha256 => HMAC_SHA256,
        Hash::Sha384 => HMAC_SHA384,
        Hash::Sha512 => HMAC_SHA512,
    };
    hex(hmac_sha2(algorithm, secret, &[&text]).as_ref())
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

/// Adapts `sha1_smol` to the traits that `hmac` needs.
#[derive(Clone, Default)]
struct Sha1(sha1_smol::Sha1);

impl HashMarker for Sha1 {}

impl OutputSizeUser for Sha1 {
    type OutputSize = U20;
}

impl BlockSizeUser for Sha1 {
    type BlockSize = U64;
}

impl Update for Sha1 {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

impl FixedOutput for Sha1 {
    fn finalize_into(self, out: &mut Output<Self>) {
        out.copy_from_slice(&self.0.digest().bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_sha1_is_that_of_rfc_2202() {
        fn check(key: &[u8], data: &[u8], expected: &str) {
            assert_eq!(hex(&hmac_sha1(key, &[data])), expected);
            let (head, tail) = data.split_at(data.len() / 2);
            assert_eq!(hex(&hmac_sha1(key, &[head, tail])), expected);
        }
        // These are the cases 1, 2, 3 and 6 of RFC 2202 §3.
        check(
            &[0x0b; 20],
            b"Hi There",
            "b617318655057264e28bc0b6fb378c8ef146be00",
        );
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        );
        check(
            &[0xaa; 20],
            &[0xdd; 50],
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
        );
        check(
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        );
    }

    #[test]
    fn hmac_sha2_is_that_of_rfc_4231() {
        fn check(algorithm: Algorithm, expected: &str) {
            // This is test case 2 of RFC 4231 §4.3.
            let tag = hmac_sha2(algorithm, b"Jefe", &[b"what do ya want ", b"for nothing?"]);
            assert_eq!(hex(tag.as_ref()), expected);
        }
        check(
            HMAC_SHA256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            HMAC_SHA384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
             8e2240ca5e69e2c78b3239ecfab21649",
        );
        check(
            HMAC_SHA512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        );
    }

    #[test]
    fn sha256_is_that_of_fips_180() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
