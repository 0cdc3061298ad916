//! Sinch: `base64(HMAC-SHA256(secret, body + "." + nonce + "." + time))`.
//!
//! In headers that begin `x-sinch-webhook-signature`. The query is not signed. Neither nonce nor
//! time holds a dot, so that the body ends in one place only.

use crate::proto::webhook::proof::{Coverage, Denied, fresh, nonce, seconds, the_one};
use crate::proto::wire::mac::{hmac_sha256_base64, same};
use crate::proto::wire::request::Request;

pub(super) fn check(
    secret: &[u8],
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let given = the_one(request, "x-sinch-webhook-signature")?;
    if the_one(request, "x-sinch-webhook-signature-algorithm")? != b"HmacSHA256" {
        return Err(Denied::Wrong);
    }
    let nonce = nonce(request, "x-sinch-webhook-signature-nonce")?;
    let time = the_one(request, "x-sinch-webhook-signature-timestamp")?;
    let signed_s = seconds(time)?;
    let expected = hmac_sha256_base64(secret, &[request.body, b".", nonce, b".", time]);
    if !same(given, expected.as_bytes()) {
        return Err(Denied::Wrong);
    }
    fresh(signed_s, now_s)?;
    Ok(Coverage::Body)
}
