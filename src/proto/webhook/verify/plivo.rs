//! Plivo V3: `base64(HMAC-SHA256(token, URL + parameters + "." + nonce))`.
//!
//! In `X-Plivo-Signature-V3`, which may list several, and `X-Plivo-Signature-V3-Nonce`. Signed is
//! the URL with its query sorted, `?a=1&b=2`, and behind a dot the body's names and values, sorted,
//! with nothing between. With a body the `?` stands even without a query, and the dot does not.
//!
//! V2 signs URL and nonce, and neither query nor body: whoever has seen one such request could send
//! any text, so it is not taken, and a request that has both is judged by V3 alone. No time is
//! signed in either; `key_id = MessageUUID` makes a repetition harmless.

use crate::proto::webhook::proof::{Coverage, Denied, nonce, proved, the_one};
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::{hmac_sha256_base64, same};
use crate::proto::wire::parameters;
use crate::proto::wire::request::Request;

pub(super) fn check(token: &[u8], url: &[u8], request: &Request) -> Result<Coverage, Denied> {
    let given = the_one(request, "x-plivo-signature-v3")?;
    let nonce = nonce(request, "x-plivo-signature-v3-nonce")?;
    let query = parameters::distinct_pairs(request.query()).ok_or(Denied::Wrong)?;
    let form = parameters::form_pairs(request).ok_or(Denied::Wrong)?;
    let path = url.split(|b| *b == b'?').next().unwrap_or_default();
    let expected = hmac_sha256_base64(token, &[&signed(path, query, form), b".", nonce]);
    let holds = given
        .split(|b| *b == b',')
        .map(|one| same(one.trim_ascii(), expected.as_bytes()))
        .fold(false, |any, one| any | one);
    proved(holds, Coverage::Whole)
}

/// The URL without its query, then the query's and the form's parameters.
pub(super) fn signed(path: &[u8], mut query: Vec<Pair>, mut form: Vec<Pair>) -> Vec<u8> {
    query.sort_unstable();
    form.sort_unstable();
    let mut out = path.to_vec();
    if !query.is_empty() || !form.is_empty() {
        out.push(b'?');
    }
    for (at, (name, value)) in query.iter().enumerate() {
        if at > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
    if !query.is_empty() && !form.is_empty() {
        out.push(b'.');
    }
    for (name, value) in form {
        out.extend_from_slice(&name);
        out.extend_from_slice(&value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed() {
        fn check(query: &str, form: &str, expected: &str) {
            let pairs = |text: &str| crate::proto::wire::form::pairs(text.as_bytes());
            let found = signed(b"https://h/p", pairs(query), pairs(form));
            assert_eq!(String::from_utf8_lossy(&found), expected, "{query} {form}");
        }
        check("", "", "https://h/p");
        check("b=2&a=1+%26", "", "https://h/p?a=1 &&b=2");
        check("", "b=2&a=1", "https://h/p?a1b2");
        check("b=2&a=1", "d=4&c=3", "https://h/p?a=1&b=2.c3d4");
    }
}
