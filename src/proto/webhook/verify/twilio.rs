//! Twilio and SignalWire: `base64(HMAC-SHA1(token, URL + the form's names and values))`.
//!
//! The form's parameters stand behind the URL, sorted by name, each decoded name and value without anything
//! between them. A body that is no form is signed by its digest, `bodySHA256` in the query; without the
//! digest it is not taken. The URL is tried unchanged, without its port, and with its scheme's port,
//! because the spelling that Twilio signs depends on the account's age. If the URL holds a user and a
//! password, it is also tried without these: Twilio leaves them out, but its own and SignalWire's libraries
//! do not.
//!
//! No time is signed, so a recorded request holds for ever. Nothing separates names from values either, so
//! somebody who has recorded a request can move the borders between them. Therefore a signature delivers
//! once, and numbers must be whole.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::scheme::{Covers, Credentials, Needs, Proof, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, holds};
use crate::proto::wire::form::{self, Pair};
use crate::proto::wire::mac::{hmac_sha1, same, sha256_hex};
use crate::proto::wire::parameters;
use crate::proto::wire::request::Request;

pub(super) const TWILIO: Scheme = Scheme {
    name: "twilio",
    needs: Needs::Passwd("the account's auth token"),
    covers: Covers::Url,
    tells: Tells::Id,
    joins: true,
    headers: &["X-Twilio-Signature"],
    check,
    sign: Some(sign),
};

/// SignalWire's scheme: Twilio's signature in a header of its own, or in Twilio's if that is missing.
pub(super) const SIGNALWIRE: Scheme = Scheme {
    name: "signalwire",
    needs: Needs::Passwd("the project's signing key"),
    covers: Covers::Url,
    tells: Tells::Id,
    joins: true,
    headers: &["X-SignalWire-Signature", "X-Twilio-Signature"],
    check,
    sign: Some(sign),
};

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let request = subject.request;
    let mut pairs = match parameters::form_pairs(request) {
        Some(pairs) => pairs,
        None if body_is_in_query(request) => Vec::new(),
        None => return Err(Denied::Wrong),
    };
    pairs.sort_unstable();
    // All URLs are tried, so that the time does not tell which one matched.
    let bare = without_user(subject.url);
    let mut any = false;
    for url in [subject.url, bare.as_deref().unwrap_or(subject.url)] {
        for url in with_and_without_port(url) {
            let expected = signature(&credentials.secret, &url, &pairs);
            any |= same(subject.given, expected.as_bytes());
        }
    }
    holds(any)?;
    Ok(subject.given.to_vec())
}

fn sign(credentials: &Credentials, subject: &Subject, _: &mut Proof) -> Option<String> {
    let mut pairs = parameters::form_pairs(subject.request)?;
    pairs.sort_unstable();
    Some(signature(&credentials.secret, subject.url, &pairs))
}

/// Whether the query has the body's digest exactly once.
fn body_is_in_query(request: &Request) -> bool {
    let pairs = form::pairs(request.query());
    let mut digests = pairs
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"bodySHA256"));
    match (digests.next(), digests.next()) {
        (Some((_, digest)), None) => {
            let digest = digest.to_ascii_lowercase();
            same(&digest, sha256_hex(request.body).as_bytes())
        }
        _ => false,
    }
}

/// Returns the signature over the URL and pairs that are sorted already.
pub(super) fn signature(token: &[u8], url: &[u8], pairs: &[Pair]) -> String {
    let fields = pairs.iter().flat_map(|(name, value)| [name, value]);
    let parts: Vec<&[u8]> = core::iter::once(url)
        .chain(fields.map(Vec::as_slice))
        .collect();
    BASE64_STANDARD.encode(hmac_sha1(token, &parts))
}

/// Returns the URL without the user and the password before its host; `None` if it has none.
fn without_user(url: &[u8]) -> Option<Vec<u8>> {
    let start = url
        .windows(3)
        .position(|three| three == b"://")?
        .saturating_add(3);
    let (scheme, rest) = url.split_at_checked(start)?;
    let mut authority = rest.split(|b| matches!(b, b'/' | b'?'));
    let at = authority.next()?.iter().rposition(|b| *b == b'@')?;
    Some([scheme, rest.get(at.saturating_add(1)..)?].concat())
}

/// Returns the URL unchanged, without a port, and with the port of its scheme.
fn with_and_without_port(url: &[u8]) -> [Cow<'_, [u8]>; 3] {
    let as_it_is = || [Cow::Borrowed(url), Cow::Borrowed(url), Cow::Borrowed(url)];
    let split = |at: Option<usize>, bytes| -> Option<(&[u8], &[u8])> {
        <[u8]>::split_at_checked(bytes, at.unwrap_or(bytes.len()))
    };
    let Some(((scheme, rest), port)) = [(&b"https://"[..], &b":443"[..]), (b"http://", b":80")]
        .into_iter()
        .find_map(|(scheme, port)| {
            let rest = url.strip_prefix(scheme)?;
            Some(((scheme, rest), port))
        })
    else {
        return as_it_is();
    };
    let path = rest.iter().position(|b| matches!(b, b'/' | b'?'));
    let Some((authority, path)) = split(path, rest) else {
        return as_it_is();
    };
    // The port stands behind the last colon, after the brackets of IPv6 and after credentials.
    let colon = authority.iter().rposition(|b| *b == b':');
    let host_end = authority.iter().rposition(|b| matches!(b, b']' | b'@'));
    let colon = colon.filter(|colon| host_end.is_none_or(|end| *colon > end));
    let Some((host, _)) = split(colon, authority) else {
        return as_it_is();
    };
    [
        Cow::Borrowed(url),
        Cow::Owned([scheme, host, path].concat()),
        Cow::Owned([scheme, host, port, path].concat()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users() {
        fn check(url: &str, expected: Option<&str>) {
            let found = without_user(url.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{url}");
        }
        check("https://u:p@h:1/p?a@b", Some("https://h:1/p?a@b"));
        check("https://u@v@h", Some("https://h"));
        check("https://u@h?a", Some("https://h?a"));
        check("https://h/a@b", None);
        check("https://h?a@b", None);
        check("h", None);
    }

    #[test]
    fn ports() {
        fn check(url: &str, without: &str, with: &str) {
            let found = with_and_without_port(url.as_bytes());
            let expected = [url, without, with].map(|url| Cow::Borrowed(url.as_bytes()));
            assert_eq!(found, expected, "{url}");
        }
        check("https://h/p?a:1", "https://h/p?a:1", "https://h:443/p?a:1");
        check("https://h:8443/p", "https://h/p", "https://h:443/p");
        check("http://h", "http://h", "http://h:80");
        check("http://h?a", "http://h?a", "http://h:80?a");
        check("https://u:p@h/", "https://u:p@h/", "https://u:p@h:443/");
        check("https://u:p@h:1/", "https://u:p@h/", "https://u:p@h:443/");
        check("https://[::1]/", "https://[::1]/", "https://[::1]:443/");
        check("https://[::1]:1/", "https://[::1]/", "https://[::1]:443/");
        check("ftp://h:1/", "ftp://h:1/", "ftp://h:1/");
    }
}
