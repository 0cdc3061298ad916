//! MessageBird: `MessageBird-Signature-JWT`, whose claims have digests of URL and body.
//!
//! `iss` is `MessageBird`, `nbf` and `exp` say when it holds, `url_hash` is the SHA-256 of the whole
//! URL, and `payload_hash` that of the body, there exactly when there is a body.

use super::jwt::{self, Algorithm};
use crate::proto::webhook::proof::{Coverage, Denied, the_one};
use crate::proto::wire::mac::{same, sha256_hex};
use crate::proto::wire::request::Request;

pub(super) fn check(
    key: &[u8],
    algorithm: Algorithm,
    url: &[u8],
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let token = the_one(request, "messagebird-signature-jwt")?;
    let claims = jwt::read(token, key, algorithm)?;
    let is_hash_of = |given: &[u8], bytes| same(given, sha256_hex(bytes).as_bytes());
    let url_hash = claims.text("url_hash").ok_or(Denied::Wrong)?;
    let body_holds = match claims.text("payload_hash") {
        Some(hash) => !request.body.is_empty() && is_hash_of(&hash, request.body),
        None => request.body.is_empty(),
    };
    let issued = claims.text("iss").as_deref() == Some(b"MessageBird");
    if !is_hash_of(&url_hash, url) || !body_holds || !issued {
        return Err(Denied::Wrong);
    }
    if claims.seconds("nbf")?.is_none() || claims.seconds("exp")?.is_none() {
        return Err(Denied::Wrong);
    }
    claims.holds(now_s)?;
    Ok(Coverage::Whole)
}
