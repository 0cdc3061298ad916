//! Vonage's Messages API: `Authorization: Bearer`, a JWT with the body's digest.
//!
//! `iat` says when it was made and `payload_hash` is the SHA-256 of the body, in hexadecimal digits.
//! A token without it proves who called and nothing of what was said, so it is not enough. The
//! query is not signed.

use super::jwt::{self, Algorithm};
use crate::proto::webhook::proof::{Coverage, Denied, credentials, fresh};
use crate::proto::wire::mac::{same, sha256_hex};
use crate::proto::wire::request::Request;

pub(super) fn check(
    secret: &[u8],
    algorithm: Algorithm,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let token = credentials(request, "bearer")?;
    let claims = jwt::read(token, secret, algorithm)?;
    let hash = claims.text("payload_hash").ok_or(Denied::Wrong)?;
    let hash = hash.to_ascii_lowercase();
    if !same(&hash, sha256_hex(request.body).as_bytes()) {
        return Err(Denied::Wrong);
    }
    let made_s = claims.seconds("iat")?.ok_or(Denied::Wrong)?;
    fresh(made_s, now_s)?;
    claims.holds(now_s)?;
    Ok(Coverage::Body)
}
