//! Vonage's Messages API: `Authorization: Bearer`, a JWT with the body's digest.
//!
//! `iat` is the time at which the token was made, and `payload_hash` is the SHA-256 of the body, in
//! hexadecimal digits. A token without it proves the caller but not the contents, so it is refused. The
//! query is not signed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::jwt;
use super::scheme::{Covers, Credentials, Needs, Proof, Scheme, Subject, Tells, bearer};
use crate::proto::webhook::proof::{Denied, fresh, token};
use crate::proto::wire::mac::sha256_hex;

pub(super) const SCHEME: Scheme = Scheme {
    name: "vonage-jwt",
    needs: Needs::PasswdAndHash("the signature secret", jwt::HASHES),
    covers: Covers::Body,
    tells: Tells::Time,
    joins: false,
    headers: &["Authorization"],
    check,
    sign: Some(sign),
};

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let claims = jwt::read(token(subject.given, "bearer")?, credentials)?;
    claims.has_hash("payload_hash", subject.request.body)?;
    let made_s = claims.seconds("iat")?.ok_or(Denied::Wrong)?;
    fresh(made_s, subject.now_s, subject.age_s)?;
    claims.holds(subject.now_s)?;
    Ok(claims.signature)
}

fn sign(credentials: &Credentials, subject: &Subject, _: &mut Proof) -> Option<String> {
    let (now_s, hash) = (subject.now_s?, sha256_hex(subject.request.body));
    let claims = format!(r#"{{"iat":{now_s},"payload_hash":"{hash}"}}"#);
    let token = jwt::encode(claims.as_bytes(), credentials)?;
    Some(bearer(&token))
}
