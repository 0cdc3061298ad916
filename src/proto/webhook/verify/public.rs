//! Makes the URL that the provider called from `public_url` and a request.
//!
//! Behind a proxy that ends TLS or changes the path, the request does not show the URL that the provider
//! signed. `public_url` has two forms:
//!
//! * `https://sms.example.com` (or with `/` behind it): the proxy passes the target on unchanged, so it is
//!   appended.
//! * `https://sms.example.com/hook/in`: this is the URL as it was entered at the provider. It replaces any
//!   path that arrives here, and the query that arrived is appended.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::proto::wire::request::Request;

/// The URL that the provider sends to: `scheme://[user:password@]host[:port]`, optionally with a path; no
/// query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    path: String,
}

impl PublicUrl {
    /// Reads an absolute URL. Returns `None` if it has no `://`, or a query or fragment.
    pub fn parse(url: &str) -> Option<PublicUrl> {
        let (scheme, rest) = url.split_once("://")?;
        if rest.contains(['?', '#']) {
            return None;
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at)?,
            None => (rest, ""),
        };
        Some(PublicUrl {
            origin: format!("{scheme}://{authority}"),
            path: match path {
                "/" => String::new(),
                path => path.to_owned(),
            },
        })
    }

    /// Returns the URL of one request. Returns `None` for a target that is no path, and for one with a
    /// fragment, which nobody sends and whose end could be read in two ways.
    pub fn of(&self, request: &Request) -> Option<Vec<u8>> {
        let target = request.target;
        if !target.starts_with(b"/") || target.contains(&b'#') {
            return None;
        }
        let query = target.iter().position(|b| *b == b'?');
        let query = query.and_then(|at| target.get(at..)).unwrap_or_default();
        let origin = self.origin.as_bytes();
        Some(match self.path.is_empty() {
            true => [origin, target].concat(),
            false => [origin, self.path.as_bytes(), query].concat(),
        })
    }

    /// Returns the address to which delivery reports go. It has `login` before the host, or its own user
    /// and password if `login` is empty, and `target`, the path served here, if the URL has no path. The
    /// query of `target`, which the interface asks for, is added in any case.
    pub fn report_address(&self, login: &str, target: &[u8]) -> String {
        let target = String::from_utf8_lossy(target);
        let query = target.find('?').and_then(|at| target.get(at..));
        let (scheme, mut authority) = self.origin.split_once("://").unwrap_or_default();
        if !login.is_empty() {
            authority = authority.rsplit('@').next().unwrap_or_default();
        }
        let rest = match self.path.is_empty() {
            true => ["", &target],
            false => [&self.path, query.unwrap_or_default()],
        };
        [scheme, "://", login, authority, &rest.concat()].concat()
    }

    /// Returns the URL as it was given, without user, password and a lone `/` at the end.
    pub fn text(&self) -> String {
        let (scheme, authority) = self.origin.split_once("://").unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}{}", self.path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::request;
    use super::*;

    #[test]
    fn a_target_joins_the_url() {
        fn check(url: &str, target: &str, expected: Option<&str>) {
            let request = request("POST", target, &[], b"");
            let found = PublicUrl::parse(url).unwrap().of(&request);
            let expected = expected.map(|url| url.as_bytes().to_vec());
            assert_eq!(found, expected, "{url} {target}");
        }
        let plain = "https://sms.example.com";
        check(plain, "/", Some("https://sms.example.com/"));
        check(plain, "/in?a=b", Some("https://sms.example.com/in?a=b"));
        check(plain, "/in?", Some("https://sms.example.com/in?"));
        check(plain, "/in?a#b", None);
        check(plain, "/in#?a", None);
        check(plain, "*", None);
        check(plain, "0/in", None);
        let slash = "https://sms.example.com:8443/";
        check(slash, "/in?a", Some("https://sms.example.com:8443/in?a"));
        let path = "http://sms.example.com/hook/in";
        check(path, "/", Some("http://sms.example.com/hook/in"));
        check(path, "/x", Some("http://sms.example.com/hook/in"));
        check(
            path,
            "/x?a=/b?",
            Some("http://sms.example.com/hook/in?a=/b?"),
        );
        check("https://h/a/", "/x", Some("https://h/a/"));
        check("https://u:p@h/a", "/x", Some("https://u:p@h/a"));
    }

    #[test]
    fn reports_have_an_address() {
        fn check(url: &str, login: &str, target: &str, expected: &str) {
            let found = PublicUrl::parse(url)
                .unwrap()
                .report_address(login, target.as_bytes());
            assert_eq!(found, expected, "{url} {target}");
        }
        check("https://h", "", "/", "https://h/");
        check("https://h/", "", "/in", "https://h/in");
        check("https://h", "", "/in?t=1", "https://h/in?t=1");
        check("https://h:8443/a/b", "", "/in", "https://h:8443/a/b");
        check("https://h/a", "", "/in?t=1", "https://h/a?t=1");
        check("https://h/a", "u:p@", "/in", "https://u:p@h/a");
        check("https://x:y@h/a", "u:p@", "/in", "https://u:p@h/a");
        check("https://x:y@h/a", "", "/in", "https://x:y@h/a");
    }

    #[test]
    fn what_is_no_public_url() {
        for bad in [
            "",
            "sms.example.com",
            "https://h/?",
            "https://h/a?b",
            "https://h#",
        ] {
            assert_eq!(PublicUrl::parse(bad), None, "{bad}");
        }
        let text = |url: &str| PublicUrl::parse(url).unwrap().text();
        assert_eq!(text("https://h/"), "https://h");
        assert_eq!(text("https://h/a/"), "https://h/a/");
        assert_eq!(text("https://u:p@h/a@b"), "https://h/a@b");
        assert_eq!(text("https://u@h:1"), "https://h:1");
    }
}
