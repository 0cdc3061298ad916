//! Zadarma: `Signature: base64(hex(HMAC-SHA1(API secret, result)))`.
//!
//! `result` is the parameter's value as the form has it, percent-encoding taken off once. It alone
//! is signed, and no time, so a recorded request holds for ever: `key_id` has nothing to go by
//! either, since Zadarma sends no id.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::proto::webhook::proof::{Coverage, Denied, proved, the_one};
use crate::proto::wire::mac::{hex, hmac_sha1, same};
use crate::proto::wire::parameters;
use crate::proto::wire::request::Request;

/// The parameter that is signed.
pub(super) const SIGNED: &[u8] = b"result";

pub(super) fn check(secret: &[u8], request: &Request) -> Result<Coverage, Denied> {
    let given = the_one(request, "signature")?;
    let result = parameters::parameter(request, SIGNED).ok_or(Denied::Wrong)?;
    let expected = signature(secret, &result);
    proved(same(given, expected.as_bytes()), Coverage::Inside(SIGNED))
}

/// Of the forty hexadecimal digits, not of the twenty bytes.
pub(super) fn signature(secret: &[u8], text: &[u8]) -> String {
    BASE64_STANDARD.encode(hex(&hmac_sha1(secret, &[text])))
}
