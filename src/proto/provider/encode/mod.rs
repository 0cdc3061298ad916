//! Encodes a message for an account as the request that carries it (spec §6.2 to §6.4).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::account::{Account, Call, Charset, Format, Space};
use super::fill::{Placeholder, fill};
use super::sign::{Auth, ToSign};
use crate::message::{Message, Text};
use crate::proto::wire::form::{encode_pairs, ksort, rawurlencode};
use crate::proto::wire::text::{Alphabet, segments};
use crate::proto::wire::{json, number};

/// One request parameter: its name and its value.
pub(super) type Parameter = (Vec<u8>, Vec<u8>);

/// Why no request can be made for an account. This is always the configuration's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadAccount {
    /// `host` and `path` together are no URL.
    Url,
    /// `host` contains a user name, which would be lost.
    UserInUrl,
    /// A header cannot be sent, or only the program may set it.
    Header {
        /// The header's name, if it is fit to be shown.
        name: String,
    },
    /// A key is no path, or two keys contradict each other.
    KeyPath,
    /// `zadarma` and `vonage` sign a form; they define no signature for other bodies.
    SignedFormat,
}

impl fmt::Display for BadAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadAccount::Url => f.write_str("host and path make no valid URL"),
            BadAccount::UserInUrl => {
                f.write_str("host holds a user name: auth_user and auth_passwd are for that")
            }
            BadAccount::Header { name } => write!(f, "headers: {name} cannot be sent so"),
            BadAccount::KeyPath => f.write_str("the keys of the request make no JSON object"),
            BadAccount::SignedFormat => {
                f.write_str("auth_method zadarma needs format form or query, and so does vonage")
            }
        }
    }
}

/// Encodes the whole request; only a signature uses `now_s`. `headers` replace our own Accept, User-Agent
/// and Content-Type, but the header of `auth_method` replaces theirs.
pub fn encode(message: &Message, account: &Account, now_s: u64) -> Result<Call, BadAccount> {
    let request = filled(message, account);
    assemble(&request, request.parameters.clone(), account, now_s)
}

/// Encodes a GET of `check_path` with the account's credentials. It holds no number and no text and sends
/// nothing. Returns `None` if the account has no such path.
pub fn encode_check(account: &Account, now_s: u64) -> Option<Result<Call, BadAccount>> {
    if account.check_path.is_empty() {
        return None;
    }
    let in_url = |name: Placeholder| rawurlencode(account.values.of(name)).into_bytes();
    let path = fill(account.check_path.as_bytes(), in_url);
    let path = String::from_utf8_lossy(&path).into_owned();
    Some(encode_bare(account, None, path, Vec::new(), now_s))
}

/// Returns the credentials that are sent as parameters.
fn credentials(account: &Account) -> Vec<Parameter> {
    let all = account.auth.parameters().into_iter();
    all.map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// Encodes a request that carries no SMS, with the account's credentials and headers. Parameters are sent
/// in the account's format. Without parameters the request is a GET, or has the given method and an empty
/// body. A path that begins with a scheme is a complete URL.
pub(super) fn encode_bare(
    account: &Account,
    method: Option<&'static str>,
    path: String,
    parameters: Vec<Parameter>,
    now_s: u64,
) -> Result<Call, BadAccount> {
    let value = |name: Placeholder| account.values.of(name).to_vec();
    let format = match parameters.is_empty() {
        true => Format::Query,
        false => account.format,
    };
    let headers = account.headers.iter();
    let headers = headers.filter(|(name, _)| format != Format::Query || !is(name, "Content-Type"));
    let request = Filled {
        method,
        format,
        path,
        headers: headers
            .map(|(name, template)| (name.clone(), fill(template.as_bytes(), value)))
            .collect(),
        parameters: Vec::new(),
    };
    let parameters = [parameters, credentials(account)].concat();
    assemble(&request, parameters, account, now_s)
}

/// An account with every placeholder filled in for one SMS.
pub(super) struct Filled {
    /// The method, if it differs from the format's own.
    method: Option<&'static str>,
    format: Format,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    /// The parameters in the order of spec §6.2: charset, number format, static parameters, authentication.
    pub(super) parameters: Vec<Parameter>,
}

pub(super) fn filled(message: &Message, account: &Account) -> Filled {
    let format = |number, format| number::format(number, format).into_owned().into_bytes();
    let to = format(message.to.as_str(), account.number_format);
    let from = format(message.from.as_str(), account.number_format_from);
    let value = |name: Placeholder| match name {
        Placeholder::To => to.clone(),
        Placeholder::From => from.clone(),
        name => account.values.of(name).to_vec(),
    };
    let in_url = |name: Placeholder| rawurlencode(&value(name)).into_bytes();
    let path = fill(account.path.as_bytes(), in_url);
    let headers = account.headers.iter();
    Filled {
        method: None,
        format: account.format,
        path: String::from_utf8_lossy(&path).into_owned(),
        headers: headers
            .map(|(name, template)| (name.clone(), fill(template.as_bytes(), value)))
            .collect(),
        parameters: parameters(message, account, &to, &from, value),
    }
}

fn parameters(
    message: &Message,
    account: &Account,
    to: &[u8],
    from: &[u8],
    value: impl Fn(Placeholder) -> Vec<u8>,
) -> Vec<Parameter> {
    let mut list = Vec::new();
    let mut put = |key: &[u8], value: Vec<u8>| put(&mut list, key, value, account.format);
    put(&account.key_to, to.to_vec());
    put(&account.key_from, from.to_vec());
    put(
        &account.key_body,
        in_charset(&message.text, &account.charset),
    );
    if let Charset::Parameter(key, value) = &account.charset
        && message.text.to_utf8().chars().any(is_astral)
    {
        put(key, value.clone());
    }
    let unicode = match account.unicode_statics.is_empty() {
        true => false,
        false => segments(&message.text.to_utf8()).0 == Alphabet::Ucs2,
    };
    let long = match account.is_long(&message.text) {
        true => account.long_statics.as_slice(),
        false => &[],
    };
    let is_replaced = |key: &Vec<u8>| long.iter().any(|(name, _)| name == key);
    let usual = account.statics.iter().filter(|(key, _)| !is_replaced(key));
    let more = account.unicode_statics.iter().filter(|_| unicode);
    for (key, template) in usual.chain(long).chain(more) {
        put(key, fill(template, &value));
    }
    for (key, value) in &account.dlr_statics {
        put(key, value.clone());
    }
    for (key, value) in account.auth.parameters() {
        put(key, value.to_vec());
    }
    list
}

/// Sets a parameter as a PHP array does: an existing name keeps its place and gets the new value. Where
/// names may be paths, a name that ends in `[]` appends. A parameter without a name is dropped.
fn put(list: &mut Vec<Parameter>, key: &[u8], value: Vec<u8>, format: Format) {
    if key.is_empty() {
        return;
    }
    let appends = format != Format::Form && key.ends_with(b"[]");
    match list.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) if !appends => *old = value,
        _ => list.push((key.to_vec(), value)),
    }
}

/// Encodes and authenticates parameters that are final.
pub(super) fn assemble(
    request: &Filled,
    mut parameters: Vec<Parameter>,
    account: &Account,
    now_s: u64,
) -> Result<Call, BadAccount> {
    let signed = matches!(account.auth, Auth::Zadarma { .. } | Auth::Vonage { .. });
    parameters.extend(account.auth.signature(&parameters, now_s));
    let host = match request.path.starts_with('/') || !request.path.contains("://") {
        true => account.host.as_str(),
        false => "",
    };
    let mut url = check_url(host, &request.path)?;
    if request.format != Format::Json {
        // Names in a JSON object have no order, but the elements of a list keep theirs.
        ksort(&mut parameters);
    }
    let mut query = Vec::new();
    let of_multipart;
    // The type is empty if there is no body.
    let (content_type, body) = match request.format {
        Format::Form => {
            query = encoded(&parameters, account.space);
            ("application/x-www-form-urlencoded", query.clone())
        }
        Format::Query => {
            query = encoded(&parameters, account.space);
            if !query.is_empty() {
                url.push(if url.contains('?') { '&' } else { '?' });
            }
            url.push_str(&String::from_utf8_lossy(&query));
            ("", Vec::new())
        }
        Format::Json | Format::Multipart if signed => return Err(BadAccount::SignedFormat),
        Format::Json => {
            let body = json::encode(&parameters).map_err(|_| BadAccount::KeyPath)?;
            ("application/json", body)
        }
        Format::Multipart => {
            let (boundary, body) = multipart(&parameters);
            of_multipart = ["multipart/form-data; boundary=", &boundary].concat();
            (of_multipart.as_str(), body)
        }
    };
    let method = match (request.method, request.format) {
        (Some(method), _) => method,
        (None, Format::Query) => "GET",
        (None, Format::Form | Format::Json | Format::Multipart) => "POST",
    };
    let proof = account.auth.headers(&ToSign {
        method,
        url: &url,
        path: &request.path,
        query: &query,
        body: &body,
        now_s,
    });
    let headers = headers(proof, &request.headers, request.format, content_type)?;
    Ok(Call {
        method,
        url,
        headers,
        body,
    })
}

/// Encodes parameters as a form or a query.
fn encoded(parameters: &[Parameter], space: Space) -> Vec<u8> {
    let pairs = encode_pairs(parameters);
    if space == Space::Plus {
        return pairs;
    }
    let mut out = Vec::with_capacity(pairs.len());
    for byte in pairs {
        match byte {
            // A `+` that belongs to a name or a value is %2B already.
            b'+' => out.extend_from_slice(b"%20"),
            byte => out.push(byte),
        }
    }
    out
}

/// Joins `host` and `path` unchanged, and removes a fragment, which is never sent.
fn check_url(host: &str, path: &str) -> Result<String, BadAccount> {
    let joined = format!("{host}{path}");
    let url = joined.split('#').next().unwrap_or("");
    let (scheme, rest) = url.split_once("://").ok_or(BadAccount::Url)?;
    let known = ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    if !known || authority.is_empty() || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadAccount::Url);
    }
    if authority.contains('@') {
        return Err(BadAccount::UserInUrl);
    }
    Ok(url.to_owned())
}

// ---- Headers --------------------------------------------------------------------------------

/// The headers that the connection or the body's framing sets. Another value would break the request or
/// hide a second one in it. Accept-Encoding is among them because answers are not decompressed.
const OURS: [&str; 9] = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "TE",
    "Trailer",
    "Upgrade",
    "Accept-Encoding",
];

/// Collects the headers: first those that prove who we are, then our own, then the configuration's.
fn headers(
    proof: Vec<(&str, Vec<u8>)>,
    configured: &[(String, Vec<u8>)],
    format: Format,
    content_type: &str,
) -> Result<Vec<(String, String)>, BadAccount> {
    let mut list: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| list.push((name.to_owned(), value.to_owned()));
    for (name, value) in &proof {
        add(name, str::from_utf8(value).map_err(|_| bad_header(name))?);
    }
    let authenticated = proof.len();
    add("User-Agent", concat!("websms/", env!("CARGO_PKG_VERSION")));
    add("Accept", "*/*");
    if !content_type.is_empty() {
        add("Content-Type", content_type);
    }
    let ours = list.len();
    for (name, value) in configured {
        let framing = format == Format::Multipart && is(name, "Content-Type");
        if framing || OURS.iter().any(|ours| is(name, ours)) {
            return Err(bad_header(name));
        }
        let value = str::from_utf8(value).map_err(|_| bad_header(name))?;
        let place = list
            .iter()
            .take(ours)
            .position(|(known, _)| is(name, known));
        match place.and_then(|place| list.get_mut(place).map(|entry| (place, entry))) {
            Some((place, _)) if place < authenticated => {}
            Some((_, entry)) => *entry = (name.clone(), value.to_owned()),
            None => list.push((name.clone(), value.to_owned())),
        }
    }
    match list.iter().find(|(name, value)| !can_be_sent(name, value)) {
        Some((name, _)) => Err(bad_header(name)),
        None => Ok(list),
    }
}

fn is(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
}

fn bad_header(name: &str) -> BadAccount {
    let name = match is_token(name) {
        true => name.to_owned(),
        false => "a name that is no header's".to_owned(),
    };
    BadAccount::Header { name }
}

fn can_be_sent(name: &str, value: &str) -> bool {
    let value_fits = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    is_token(name) && value.bytes().all(value_fits)
}

/// Whether a name is a token (RFC 9110 §5.6.2).
fn is_token(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

// ---- Values ---------------------------------------------------------------------------------

fn in_charset(text: &Text, charset: &Charset) -> Vec<u8> {
    match charset {
        Charset::AsIs | Charset::Parameter(..) => text.as_bytes().to_vec(),
        Charset::Ucs2 => text
            .to_utf8()
            .chars()
            .map(|c| {
                if is_astral(c) {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect::<String>()
            .into_bytes(),
    }
}

/// Whether a character is above U+FFFF, which UCS-2 cannot express.
fn is_astral(c: char) -> bool {
    c > '\u{ffff}'
}

// ---- multipart/form-data --------------------------------------------------------------------

/// Returns the boundary and the body. Names stay unchanged, with PHP's brackets if the provider wants them.
fn multipart(parameters: &[Parameter]) -> (String, Vec<u8>) {
    let boundary = free_boundary(parameters);
    let mut body = Vec::new();
    for (name, value) in parameters {
        body.extend_from_slice(b"--");
        body.extend_from_slice(boundary.as_bytes());
        body.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"");
        for byte in name {
            // Escapes these bytes as browsers do (HTML, multipart/form-data encoding algorithm).
            match byte {
                b'"' => body.extend_from_slice(b"%22"),
                b'\r' => body.extend_from_slice(b"%0D"),
                b'\n' => body.extend_from_slice(b"%0A"),
                _ => body.push(*byte),
            }
        }
        body.extend_from_slice(b"\"\r\n\r\n");
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--");
    body.extend_from_slice(boundary.as_bytes());
    body.extend_from_slice(b"--\r\n");
    (boundary, body)
}

/// Returns the first of a series of boundaries that no value holds. A text of n bytes can hold fewer than n
/// of them, so the search ends.
fn free_boundary(parameters: &[Parameter]) -> String {
    let mut number: u64 = 0;
    loop {
        let boundary = format!("websms-{number:016x}");
        let taken = parameters.iter().any(|(_, value)| {
            value
                .windows(boundary.len())
                .any(|part| part == boundary.as_bytes())
        });
        if !taken {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
