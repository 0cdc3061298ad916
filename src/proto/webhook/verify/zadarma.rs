//! Zadarma: `Signature: base64(hex(HMAC-SHA1(API secret, result)))`.
//!
//! `result` is the parameter's value in the form, percent-decoded once. It alone is signed, and no time, so
//! a recorded request holds for ever. `key_id` cannot help either, because Zadarma sends no id. Two equal
//! SMS of one sender have the same signature, and both must arrive, so a signature cannot be limited to one
//! use.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::scheme::{Covers, Credentials, Needs, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, equal};
use crate::proto::wire::mac::{hex, hmac_sha1};
use crate::proto::wire::parameters;

pub(super) const SCHEME: Scheme = Scheme {
    name: "zadarma",
    needs: Needs::Passwd("the API secret"),
    covers: Covers::Inside(SIGNED),
    tells: Tells::Nothing,
    joins: false,
    headers: &["Signature"],
    check,
    sign: Some(|credentials, subject, _| expected(credentials, subject)),
};

/// The parameter that is signed.
const SIGNED: &[u8] = b"result";

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let expected = expected(credentials, subject).ok_or(Denied::Wrong)?;
    equal(subject.given, expected)
}

fn expected(credentials: &Credentials, subject: &Subject) -> Option<String> {
    let result = parameters::parameter(subject.request, SIGNED)?;
    Some(signature(&credentials.secret, &result))
}

/// Computes the signature from the forty hexadecimal digits, not from the twenty bytes.
pub(super) fn signature(secret: &[u8], text: &[u8]) -> String {
    BASE64_STANDARD.encode(hex(&hmac_sha1(secret, &[text])))
}
