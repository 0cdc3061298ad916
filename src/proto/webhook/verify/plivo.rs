//! Plivo V3: `base64(HMAC-SHA256(token, URL + parameters + "." + nonce))`.
//!
//! `X-Plivo-Signature-V3` is made with the token of the account or subaccount to which the request belongs,
//! and `X-Plivo-Signature-Ma-V3` with that of the main account. Incoming SMS have been seen to be signed
//! rightly in the second alone, so one of both must be right. Each may list several signatures; the nonce
//! is in `X-Plivo-Signature-V3-Nonce`. The signed text is the URL with its query sorted, `?a=1&b=2`, and
//! behind a dot the body's names and values, sorted, with nothing between. With a body there is a `?` even
//! without a query, and then no dot.
//!
//! A name in the query with `&` or `=` in it would be signed like several parameters, and so would a value
//! with `&`; they are not taken. Nothing separates names from values in the body, so somebody who has
//! recorded a request can move the borders between them. Therefore a signature delivers once, and numbers
//! must be whole.
//!
//! V2 signs URL and nonce, and neither query nor body: somebody who has seen one such request could send
//! any text, so V2 is not taken, and a request that has both is judged by V3 alone. No time is signed in
//! either. Each repetition by Plivo has a new nonce and so a new signature; `key_id = MessageUUID` still
//! recognises it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::scheme::{Covers, Credentials, Needs, Proof, SAMPLE_NONCE, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, holds, is_one_name, nonce, the_one};
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::{hmac_sha256_base64, same};
use crate::proto::wire::parameters;

pub(super) const SCHEME: Scheme = Scheme {
    name: "plivo",
    needs: Needs::Passwd("the account's auth token"),
    covers: Covers::Url,
    tells: Tells::Id,
    joins: true,
    headers: &["X-Plivo-Signature-V3", MAIN],
    check,
    sign: Some(sign),
};

/// Plivo's V2, which is refused with a reason for the operator.
pub(super) const V2: Scheme = Scheme {
    name: "plivo-v2",
    needs: Needs::Refused(
        "whose signature covers neither query nor body, so that nothing of a message could be read; \
         write plivo, which is V3",
    ),
    covers: Covers::Url,
    tells: Tells::Id,
    joins: true,
    headers: &["X-Plivo-Signature-V2"],
    check: |_, _| Err(Denied::Wrong),
    sign: None,
};

const MAIN: &str = "X-Plivo-Signature-Ma-V3";

const NONCE: &str = "X-Plivo-Signature-V3-Nonce";

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let nonce = nonce(subject.request, NONCE)?;
    let expected = signature(credentials, subject, nonce).ok_or(Denied::Wrong)?;
    let main = match subject.request.header(MAIN) {
        Some(_) => the_one(subject.request, MAIN)?,
        None => b"",
    };
    let given = [subject.given, main];
    let any = given
        .iter()
        .flat_map(|list| list.split(|b| *b == b','))
        .map(|one| same(one.trim_ascii(), expected.as_bytes()))
        .fold(false, |any, one| any | one);
    holds(any)?;
    Ok(expected.into_bytes())
}

fn sign(credentials: &Credentials, subject: &Subject, proof: &mut Proof) -> Option<String> {
    let signature = signature(credentials, subject, SAMPLE_NONCE.as_bytes())?;
    proof.add(NONCE, SAMPLE_NONCE.to_owned());
    Some(signature)
}

fn signature(credentials: &Credentials, subject: &Subject, nonce: &[u8]) -> Option<String> {
    let query = parameters::distinct_pairs(subject.request.query())?;
    let is_one = |(name, value): &Pair| is_one_name(name) && !value.contains(&b'&');
    let query = query.iter().all(is_one).then_some(query)?;
    let form = parameters::form_pairs(subject.request)?;
    let path = subject.url.split(|b| *b == b'?').next().unwrap_or_default();
    let parts = [&signed(path, query, form), b".".as_slice(), nonce];
    Some(hmac_sha256_base64(&credentials.secret, &parts))
}

/// Returns the signed text: the URL without its query, then the parameters of the query and of the form.
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
