//! Makes well-formed URLs of `host` and `path`, `proxy` and `public_url`.
//!
//! Invariant: no error quotes a URL, which may hold credentials.

use std::net::IpAddr;

use crate::proto::webhook::verify::PublicUrl;

use super::values::{Parsed, number, text};

/// A request's URL in the two parts of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The `host`, with a scheme in small letters.
    pub host: String,
    /// The `path`, unchanged.
    pub path: String,
    /// Whether others on the network can read the request.
    pub exposure: Exposure,
    /// The part in which the host's name ends.
    pub seam: Seam,
}

/// Whether others can read a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Nobody can: it uses `https`, or stays on this machine.
    Safe,
    /// Others can: it uses `http` to another machine.
    Readable,
}

/// The part in which the host's name ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seam {
    /// It ends in `host`.
    Host,
    /// It ends in `path`, which is hardly meant.
    Path,
}

/// Joins `host` and `path` unchanged.
pub fn target(host: &[u8], path: &[u8]) -> Parsed<Target> {
    let host = url_text(host)?;
    let path = url_text(path).map_err(|text| ["with path ", &text].concat())?;
    if host.is_empty() {
        return Err("is empty; write https:// and the provider's host".into());
    }
    let (scheme, rest) = split_scheme(&host, "https")?;
    let in_host = authority(rest).len();
    let joined = [rest, &path].concat();
    let authority = authority(&joined);
    let name = host_name(authority)?;
    Ok(Target {
        exposure: match scheme == "http" && !is_loopback(name) {
            true => Exposure::Readable,
            false => Exposure::Safe,
        },
        seam: match in_host > 0 && authority.len() > in_host {
            true => Seam::Path,
            false => Seam::Host,
        },
        host: [scheme, "://", rest].concat(),
        path,
    })
}

/// Returns a URL of visible ASCII characters.
fn url_text(value: &[u8]) -> Parsed<String> {
    match value.iter().all(|byte| matches!(byte, b'!'..=b'~')) {
        true => text(value),
        false => Err(
            "holds a blank, a control byte or a byte outside ASCII; write it as %HH, and a host \
             of other letters in its xn-- form"
                .into(),
        ),
    }
}

/// Returns the scheme in small letters and the text behind its `://`; without a scheme, the default.
fn split_scheme<'a>(url: &'a str, default: &'static str) -> Parsed<(&'static str, &'a str)> {
    match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Ok(("https", rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok(("http", rest)),
        Some((scheme, _)) if authority(scheme).len() == scheme.len() => {
            Err("has a scheme that is neither http:// nor https://".into())
        }
        _ => Ok((default, url)),
    }
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

/// Returns the host of an authority that is well formed and holds no credentials.
fn host_name(authority: &str) -> Parsed<&str> {
    if authority.contains('@') {
        return Err("holds credentials; give them as auth_user and auth_passwd".into());
    }
    let (name, port) = split_port(authority);
    let port_fits = port.is_none_or(|port| number(port.as_bytes(), 1, 65_535).is_ok());
    let name_fits = match in_brackets(name) {
        Some(v6) => v6.parse().is_ok_and(|address: IpAddr| address.is_ipv6()),
        None => {
            let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            !name.is_empty() && name.bytes().all(letter)
        }
    };
    match name_fits && port_fits {
        true => Ok(name),
        false => Err(
            "is no host; write https://api.example.com or https://[2001:db8::1]:8443, say".into(),
        ),
    }
}

/// Splits `name:port`, without a check of the port's digits.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    }
}

fn in_brackets(name: &str) -> Option<&str> {
    name.strip_prefix('[')?.strip_suffix(']')
}

fn is_loopback(name: &str) -> bool {
    let bare = in_brackets(name).unwrap_or(name);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

/// Parses the URL of an HTTP proxy, which may have credentials; empty means none.
pub fn proxy(value: &[u8]) -> Parsed<Option<String>> {
    let url = url_text(value)?;
    if url.is_empty() {
        return Ok(None);
    }
    // TLS to a proxy needs an explicit scheme.
    let (scheme, rest) = split_scheme(&url, "http")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let after_credentials = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if authority(rest).len() != rest.len() {
        return Err("has a path, which no proxy has; write http://host:port".into());
    }
    host_name(after_credentials)?;
    Ok(Some([scheme, "://", rest].concat()))
}

/// Parses `public_url`: absolute, without a query, and with a path if the provider calls another one than
/// the one that arrives here; empty means none.
pub fn public_url(value: &[u8]) -> Parsed<Option<PublicUrl>> {
    let url = url_text(value)?;
    if url.is_empty() {
        return Ok(None);
    }
    if !url.contains("://") {
        return Err("is no URL; write it as the provider calls it, https:// and all".into());
    }
    let (_, rest) = split_scheme(&url, "https")?;
    host_name(authority(rest).rsplit('@').next().unwrap_or(""))?;
    match PublicUrl::parse(&url) {
        Some(url) => Ok(Some(url)),
        None => {
            Err("has a query or a fragment; leave it out, a request's own query is taken".into())
        }
    }
}
