//! Bytes → SHA-2 digests and HMACs, by the TLS library's own code.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;
use ring::hmac::{self, Algorithm, HMAC_SHA256};

use crate::proto::provider::sign::hex;

/// HMAC (RFC 2104) of the parts one after another.
pub(super) fn hmac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// HMAC-SHA256 of the parts in base64.
pub(super) fn hmac_sha256_base64(key: &[u8], parts: &[&[u8]]) -> String {
    BASE64_STANDARD.encode(hmac(HMAC_SHA256, key, parts))
}

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::hmac::{HMAC_SHA384, HMAC_SHA512};

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        fn check(algorithm: Algorithm, expected: &str) {
            // RFC 4231 §4.3, test case 2.
            let tag = hmac(algorithm, b"Jefe", &[b"what do ya want ", b"for nothing?"]);
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
