//! Makes the URL of the next page from the provider's value, or says why it is not followed.
//!
//! Invariant: the result has the scheme, host and port of the URL that was asked before, so no answer can
//! send our credentials elsewhere.

use alloc::string::String;

use crate::limits::POLL_NEXT_BYTES_MAX;

/// Why a next page is not asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadNext {
    /// It is longer than any URL that is followed.
    TooLong,
    /// It holds a blank, a control byte or a byte outside ASCII.
    Bytes,
    /// It is on another host, port or scheme.
    Elsewhere,
    /// It is the page that was just read.
    Same,
}

impl BadNext {
    /// Returns the phrase for the log.
    pub fn phrase(self) -> &'static str {
        match self {
            BadNext::TooLong => "the next page has a URL of more than 2048 bytes, refused",
            BadNext::Bytes => "the next page has a URL with bytes that none has, refused",
            BadNext::Elsewhere => "the next page is on another host, refused",
            BadNext::Same => "the next page is the one before, refused",
        }
    }
}

/// Resolves `next` against the URL that was asked.
pub fn follow(asked: &str, next: &[u8]) -> Result<String, BadNext> {
    if next.len() > POLL_NEXT_BYTES_MAX {
        return Err(BadNext::TooLong);
    }
    let next = core::str::from_utf8(next).map_err(|_| BadNext::Bytes)?;
    if next.is_empty() || !next.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadNext::Bytes);
    }
    let (scheme, rest) = asked.split_once("://").ok_or(BadNext::Elsewhere)?;
    let (authority, path) = split_authority(rest);
    let other = match (absolute(next), next.strip_prefix("//")) {
        (None, rest) => rest.map(|rest| (scheme, rest)),
        (absolute, _) => absolute,
    };
    // The part of the path between the authority and `target`.
    let mut kept = "";
    let mut target = next;
    if let Some((other_scheme, other_rest)) = other {
        let (other_authority, other_target) = split_authority(other_rest);
        if !is_same((scheme, authority), (other_scheme, other_authority)) {
            return Err(BadNext::Elsewhere);
        }
        target = other_target;
    } else if !next.starts_with('/') {
        kept = path.split('#').next().unwrap_or_default();
        kept = kept.split('?').next().unwrap_or_default();
        if !next.starts_with('?') {
            let folder = kept.rfind('/').map_or(0, |at| at.saturating_add(1));
            kept = kept.get(..folder).unwrap_or_default();
        }
        kept = if kept.is_empty() { "/" } else { kept };
    }
    let url = [scheme, "://", authority, kept, target].concat();
    match url == asked {
        true => Err(BadNext::Same),
        false => Ok(url),
    }
}

/// Returns the scheme of an absolute URL and the part behind its `://`.
fn absolute(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    // Otherwise the `://` belongs to a path or a query.
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_scheme.then_some((scheme, rest))
}

/// Splits what stands behind `://` into the authority and the rest.
fn split_authority(rest: &str) -> (&str, &str) {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (authority, rest.get(authority.len()..).unwrap_or_default())
}

/// Whether two pairs of scheme and authority mean the same server. Our own URLs never have a user name.
fn is_same(ours: (&str, &str), theirs: (&str, &str)) -> bool {
    let is_plain = !theirs.1.contains('@');
    let [ours, theirs] = [ours, theirs].map(|(scheme, authority)| {
        let default = match scheme.eq_ignore_ascii_case("https") {
            true => ":443",
            false => ":80",
        };
        let host = authority.strip_suffix(default).unwrap_or(authority);
        (scheme, host)
    });
    is_plain && ours.0.eq_ignore_ascii_case(theirs.0) && ours.1.eq_ignore_ascii_case(theirs.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_followed_on_its_own_host_alone() {
        const ASKED: &str = "https://api.example.com/v1/messages?limit=50";
        fn check(next: &str, expected: Result<&str, BadNext>) {
            let found = follow(ASKED, next.as_bytes());
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{next}");
        }
        use BadNext::{Bytes, Elsewhere, Same};
        check("/v1/m?p=2", Ok("https://api.example.com/v1/m?p=2"));
        check("?p=2", Ok("https://api.example.com/v1/messages?p=2"));
        check("m?p=2", Ok("https://api.example.com/v1/m?p=2"));
        check("https://api.example.com/x", Ok("https://api.example.com/x"));
        check("HTTPS://API.example.com/x", Ok("https://api.example.com/x"));
        check(
            "https://api.example.com:443/x",
            Ok("https://api.example.com/x"),
        );
        check(
            "https://api.example.com?p=2",
            Ok("https://api.example.com?p=2"),
        );
        check("//api.example.com/x", Ok("https://api.example.com/x"));
        check(
            "/x?u=https://evil.example/",
            Ok("https://api.example.com/x?u=https://evil.example/"),
        );
        check(
            "https:evil.example/x",
            Ok("https://api.example.com/v1/https:evil.example/x"),
        );
        for elsewhere in [
            "http://api.example.com/x",
            "https://api.example.com:8443/x",
            "https://evil.example/x",
            "https://api.example.com.evil.example/x",
            "https://evil.example\\.api.example.com/x",
            "https://api.example.com\\@evil.example/x",
            "https://user@api.example.com/x",
            "https://api.example.com@evil.example/x",
            "//evil.example/x",
            "ftp://api.example.com/x",
            "file:///etc/passwd",
            "https:///x",
        ] {
            check(elsewhere, Err(Elsewhere));
        }
        for bytes in ["", " ", "/a b", "/a\r\nHost: x", "/\u{e4}", "/a\0", "/a\tb"] {
            check(bytes, Err(Bytes));
        }
        check(ASKED, Err(Same));
        check("/v1/messages?limit=50", Err(Same));
        for (bytes, expected) in [
            (POLL_NEXT_BYTES_MAX - 1, true),
            (POLL_NEXT_BYTES_MAX, true),
            (POLL_NEXT_BYTES_MAX + 1, false),
        ] {
            let long = format!("/{}", "a".repeat(bytes - 1));
            assert_eq!(follow(ASKED, long.as_bytes()).is_ok(), expected, "{bytes}");
        }
        assert_eq!(follow(ASKED, b"/\xff"), Err(Bytes));
        assert_eq!(
            follow("http://h:80/a", b"http://h/b").as_deref(),
            Ok("http://h:80/b")
        );
    }
}
