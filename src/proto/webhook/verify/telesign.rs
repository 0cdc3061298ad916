//! Telesign: `Authorization: base64(HMAC-SHA256(API key, body))`, with or without `TSA` and the customer's
//! id before it.
//!
//! The key is the decoded base64. Neither query nor time is signed.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::scheme::{Covers, Credentials, Needs, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, equal};
use crate::proto::wire::mac::hmac_sha256_base64;

pub(super) const SCHEME: Scheme = Scheme {
    name: "telesign",
    needs: Needs::Decoded("the API key", key),
    covers: Covers::Body,
    tells: Tells::Id,
    joins: false,
    headers: &["Authorization"],
    check,
    sign: Some(|credentials, subject, _| Some(signature(credentials, subject))),
};

fn key(base64: &[u8]) -> Result<Vec<u8>, &'static str> {
    let key = BASE64_STANDARD.decode(base64);
    key.map_err(|_| "is no base64; write the API key as the portal shows it")
}

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let value = subject.given;
    // Base64 holds no colon.
    let given = match value.strip_prefix(b"TSA ") {
        Some(rest) => {
            let colon = rest.iter().rposition(|b| *b == b':').ok_or(Denied::Wrong)?;
            rest.get(colon.saturating_add(1)..).unwrap_or_default()
        }
        None => value,
    };
    equal(given, signature(credentials, subject))
}

fn signature(credentials: &Credentials, subject: &Subject) -> String {
    hmac_sha256_base64(&credentials.secret, &[subject.request.body])
}
