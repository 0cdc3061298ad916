//! Vonage's SMS API: the parameter `sig`, a hash of all other parameters.
//!
//! `&name=value` of each, sorted by name, `&` and `=` in values as `_`. By the account's signature
//! method that text is followed by the secret and hashed with MD5, or is HMACed with it. The
//! parameter `timestamp` says when. Of a POST the body alone is signed, of a GET the query.

use crate::proto::webhook::proof::{Coverage, Denied, fresh, seconds};
use crate::proto::wire::mac::{self, Hash, same};
use crate::proto::wire::parameters;
use crate::proto::wire::request::Request;

pub(super) fn check(
    secret: &[u8],
    hash: Hash,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let is_get = matches!(request.method, "GET" | "HEAD");
    let (pairs, coverage) = match is_get {
        true => (parameters::distinct_pairs(request.query()), Coverage::Whole),
        false => {
            let pairs = parameters::form_pairs(request).or_else(|| parameters::json_pairs(request));
            (pairs, Coverage::Body)
        }
    };
    let mut pairs = pairs.ok_or(Denied::Wrong)?;
    let given = pairs.iter().position(|(name, _)| name == b"sig");
    let (_, given) = pairs.swap_remove(given.ok_or(Denied::Wrong)?);
    let time = pairs.iter().find(|(name, _)| name == b"timestamp");
    let signed_s = time.map(|(_, time)| seconds(time)).ok_or(Denied::Wrong)??;
    let given = given.to_ascii_lowercase();
    if !same(&given, mac::of_parameters(hash, secret, pairs).as_bytes()) {
        return Err(Denied::Wrong);
    }
    fresh(signed_s, now_s)?;
    Ok(coverage)
}
