//! Telesign: `Authorization: base64(HMAC-SHA256(API key, body))`, with `TSA` and the customer's id
//! before it or without.
//!
//! The key is what its base64 says. Neither query nor time is signed.

use crate::proto::webhook::proof::{Coverage, Denied, proved, the_one};
use crate::proto::wire::mac::{hmac_sha256_base64, same};
use crate::proto::wire::request::Request;

pub(super) fn check(key: &[u8], request: &Request) -> Result<Coverage, Denied> {
    let value = the_one(request, "authorization")?;
    // Base64 has no colon.
    let given = match value.strip_prefix(b"TSA ") {
        Some(rest) => {
            let colon = rest.iter().rposition(|b| *b == b':').ok_or(Denied::Wrong)?;
            rest.get(colon.saturating_add(1)..).unwrap_or_default()
        }
        None => value,
    };
    let expected = hmac_sha256_base64(key, &[request.body]);
    proved(same(given, expected.as_bytes()), Coverage::Body)
}
