//! Telnyx: `telnyx-signature-ed25519: base64(Ed25519(telnyx-timestamp + "|" + body))`.
//!
//! The query is not signed. The time is signed and holds no bar, so the border to the body is unambiguous.

use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::scheme::{Covers, Credentials, Needs, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, fresh, holds, seconds, the_one};

pub(super) const SCHEME: Scheme = Scheme {
    name: "telnyx",
    needs: Needs::Decoded("the account's public key", key),
    covers: Covers::Body,
    tells: Tells::Time,
    joins: false,
    headers: &["telnyx-signature-ed25519"],
    check,
    sign: None,
};

/// Reads an Ed25519 public key, 32 bytes, from base64 as the portal shows it.
fn key(base64: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key = BASE64_STANDARD.decode(base64).ok();
    key.filter(|key| key.len() == 32)
        .ok_or("is no public key; write the 44 characters of base64 that the portal shows")
}

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let request = subject.request;
    let signature = BASE64_STANDARD.decode(subject.given);
    let signature = signature.map_err(|_| Denied::Wrong)?;
    let time = the_one(request, "telnyx-timestamp")?;
    let signed_s = seconds(time)?;
    let message = [time, b"|", request.body].concat();
    holds(verifies(&credentials.secret, &message, &signature))?;
    fresh(signed_s, subject.now_s, subject.age_s)?;
    Ok(signature)
}

/// Whether the signature (64 bytes) belongs to this message.
fn verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, key);
    key.verify(message, signature).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16);
        digits.chunks(2).map(|two| pair(two).unwrap()).collect()
    }

    #[test]
    fn ed25519_is_that_of_rfc_8032() {
        // These are tests 1 to 3 of RFC 8032 §7.1.
        fn check(key: &str, message: &str, signature: &str) {
            let key = bytes(key);
            let (message, signature) = (bytes(message), bytes(signature));
            assert!(verifies(&key, &message, &signature));
            for at in 0..signature.len() {
                let mut wrong = signature.clone();
                *wrong.get_mut(at).unwrap() ^= 1;
                assert!(!verifies(&key, &message, &wrong), "byte {at}");
            }
            assert!(!verifies(
                &key,
                &[message.as_slice(), b"x"].concat(),
                &signature
            ));
            assert!(!verifies(&key, &message, signature.get(1..).unwrap()));
            assert!(!verifies(&key, &message, &[]));
        }
        check(
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        check(
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        check(
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        );
    }

    #[test]
    fn keys() {
        let check = |bytes: usize, expected: bool| {
            let text = BASE64_STANDARD.encode(vec![7; bytes]);
            assert_eq!(key(text.as_bytes()).is_ok(), expected, "{bytes}");
        };
        check(31, false);
        check(32, true);
        check(33, false);
        assert!(key(b"").is_err());
        assert!(key(&[b'!'; 44]).is_err());
    }
}
