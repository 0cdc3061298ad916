//! MessageBird: `MessageBird-Signature-JWT`, whose claims have digests of URL and body.
//!
//! `iss` is `MessageBird`, `nbf` and `exp` limit the time in which the token holds, `url_hash` is the
//! SHA-256 of the whole URL, and `payload_hash` that of the body. The latter is there exactly if there is a
//! body.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::jwt;
use super::scheme::{Covers, Credentials, Needs, Proof, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, holds};
use crate::proto::wire::mac::sha256_hex;

pub(super) const SCHEME: Scheme = Scheme {
    name: "messagebird",
    needs: Needs::PasswdAndHash("the signing key", jwt::HASHES),
    covers: Covers::Url,
    tells: Tells::Until,
    joins: false,
    headers: &["MessageBird-Signature-JWT"],
    check,
    sign: Some(sign),
};

/// The number of seconds for which a sample's token holds.
const SAMPLE_S: u64 = 60;

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let body = subject.request.body;
    let claims = jwt::read(subject.given, credentials)?;
    claims.has_hash("url_hash", subject.url)?;
    match body.is_empty() {
        false => claims.has_hash("payload_hash", body)?,
        true => holds(claims.text("payload_hash").is_none())?,
    }
    holds(claims.text("iss").as_deref() == Some(b"MessageBird"))?;
    holds(claims.seconds("nbf")?.is_some() && claims.seconds("exp")?.is_some())?;
    claims.holds(subject.now_s)?;
    Ok(claims.signature)
}

fn sign(credentials: &Credentials, subject: &Subject, _: &mut Proof) -> Option<String> {
    let (url_hash, body_hash) = (sha256_hex(subject.url), sha256_hex(subject.request.body));
    let now_s = subject.now_s?;
    let end_s = now_s.saturating_add(SAMPLE_S);
    let claims = format!(
        r#"{{"iss":"MessageBird","nbf":{now_s},"exp":{end_s},"url_hash":"{url_hash}","payload_hash":"{body_hash}"}}"#
    );
    jwt::encode(claims.as_bytes(), credentials)
}
