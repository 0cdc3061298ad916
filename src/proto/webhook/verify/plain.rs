//! `none`, `basic` and `bearer`: no proof at all, or the secret itself in `Authorization`.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::scheme::{Covers, Credentials, Needs, Scheme, Subject, Tells, bearer};
use crate::proto::webhook::proof::{Denied, holds, token};
use crate::proto::wire::mac::same;

/// `none`: no proof is asked for.
pub(super) const NONE: Scheme = Scheme {
    name: "none",
    needs: Needs::Nothing,
    covers: Covers::Request,
    tells: Tells::Unsigned,
    joins: false,
    headers: &[],
    check: |_, _| Ok(Vec::new()),
    sign: Some(|_, _, _| Some(String::new())),
};

/// `basic`: `Authorization: Basic` (RFC 7617).
pub(super) const BASIC: Scheme = Scheme {
    name: "basic",
    needs: Needs::UserAndPasswd,
    covers: Covers::Request,
    tells: Tells::Unsigned,
    joins: false,
    headers: &["Authorization"],
    check: |credentials, subject| check(subject, "basic", pair(credentials).as_bytes()),
    sign: Some(|credentials, _, _| Some(["Basic ", &pair(credentials)].concat())),
};

/// `bearer`: `Authorization: Bearer` (RFC 6750 §2.1).
pub(super) const BEARER: Scheme = Scheme {
    name: "bearer",
    needs: Needs::Passwd("the token"),
    covers: Covers::Request,
    tells: Tells::Unsigned,
    joins: false,
    headers: &["Authorization"],
    check: |credentials, subject| check(subject, "bearer", &credentials.secret),
    sign: Some(|credentials, _, _| Some(bearer(str::from_utf8(&credentials.secret).ok()?))),
};

/// Whether an `Authorization` field has this `user:password`.
pub fn is_basic(given: &[u8], pair: &[u8]) -> bool {
    let expected = BASE64_STANDARD.encode(pair);
    token(given, "basic").is_ok_and(|given| same(given, expected.as_bytes()))
}

fn check(subject: &Subject, kind: &str, expected: &[u8]) -> Result<Vec<u8>, Denied> {
    holds(same(token(subject.given, kind)?, expected))?;
    Ok(Vec::new())
}

fn pair(credentials: &Credentials) -> String {
    let pair = [&credentials.user, b":".as_slice(), &credentials.secret].concat();
    BASE64_STANDARD.encode(pair)
}
