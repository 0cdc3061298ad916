//! Reads `[websms]` as outbound interfaces.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{TEXT_LENGTH_MAX, TIMEOUT_S_MAX};
use crate::message::{Message, Number, Sender, Text};
use crate::proto::provider::fill::{self, Placeholder, Values};
use crate::proto::provider::sign::Auth;
use crate::proto::provider::tells_a_secret;
use crate::proto::provider::{
    self, Account, AnswerPlace, BadAccount, Charset, Format, NO_LENGTH, Space,
};
use crate::proto::record::quota;
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::{Hash, PARAMETER_HASHES};
use crate::proto::wire::number::NumberFormat;

use super::check;
use super::lists;
use super::lookup::{Reader, Table};
use super::notes::Notes;
use super::preset::Presets;
use super::url::{self, Exposure, Seam, Target};
use super::values::{self, Choices, Parsed};

/// One outbound interface (`[websms]`).
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The account, which shapes the request.
    pub account: provider::Account,
    /// The settings of the connection.
    pub client: Client,
    /// The index of the interface to try if this one fails temporarily. It exists, and the chain of
    /// fallbacks comes to an end.
    pub fallback: Option<String>,
    /// The limits on the number of SMS. With a `rate` or a `limit` there is a `[queue] dir`.
    pub quota: quota::Limits,
}

/// The settings for reaching a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The time limit for the whole run of `websms`.
    pub timeout: Duration,
    /// The URL of the HTTP proxy.
    pub proxy: Option<String>,
    /// The certificates that are trusted.
    pub trust: Trust,
}

/// The certificates that a TLS client trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The embedded roots, the system's bundle, and this PEM file are trusted.
    Roots {
        /// `ca_file`.
        ca_file: Option<PathBuf>,
    },
    /// Every certificate is accepted (`tls_verify = no`).
    Anybody,
}

/// Reads one interface without an index, or one for each index, in file order.
pub fn read(table: &Table<'_>, presets: &Presets<'_>, notes: &mut Notes) -> Vec<Outgoing> {
    let mut indices = table.indices();
    if indices.is_empty() {
        indices.push(String::new());
    }
    let mut list = Vec::new();
    let mut lines = Vec::new();
    for index in &indices {
        let mut reader = Reader {
            table,
            index,
            preset: presets.find(table, index),
            notes,
        };
        lines.push(reader.line("fallback"));
        list.push(interface(&mut reader));
    }
    check_fallbacks(&list, &lines, notes);
    list
}

/// Reads one interface. Inside the loop, the compiler would load all addresses of its texts first, which
/// costs 1 KiB on MIPS.
#[inline(never)]
fn interface(reader: &mut Reader<'_, '_>) -> Outgoing {
    let faults = reader.notes.faults();
    let values = Values {
        account: reader.bytes("account"),
        auth_user: reader.bytes("auth_user"),
        auth_passwd: reader.bytes("auth_passwd"),
        auth_extra: reader.bytes("auth_extra"),
    };
    let target = target(reader, &values);
    let auth = auth(reader);
    let headers = reader.read("headers", lists::headers);
    let statics = reader.read("val_static", lists::statics);
    let unicode_statics = reader.read("unicode_static", lists::statics);
    let long_statics = reader.read("long_static", lists::statics);
    let dlr_statics = reader.read("dlr_static", lists::statics);
    for key in [
        "host",
        "path",
        "headers",
        "val_static",
        "unicode_static",
        "long_static",
        "check_path",
    ] {
        check_placeholders(reader, key, &values);
    }
    check_headers(reader, &auth, &headers);
    let pairs = [&statics, &unicode_statics, &long_statics];
    let is_credential = |(name, value): &Pair| is_secret(name, value);
    let has_secret = carries_secret(&auth, &headers)
        || pairs.iter().any(|pairs| pairs.iter().any(is_credential))
        || path_has_secret(target.path.as_bytes());
    if target.exposure == Exposure::Readable && has_secret {
        reader.warn(
            "host",
            "sends credentials over http://, where everybody on the way can read them; use https://",
        );
    }
    let formats = values::NUMBER_FORMATS;
    let number_format = reader.choose("number_format", formats, NumberFormat::AsIs);
    let mut account = Account {
        interface: reader.index.into(),
        host: target.host,
        path: target.path,
        key_to: reader.read("key_to", values::needed_name),
        key_from: reader.bytes("key_from"),
        key_body: reader.read("key_body", values::needed_name),
        auth,
        format: reader.choose("format", values::FORMATS, Format::Form),
        space: reader.choose("space", values::SPACES, Space::Plus),
        values,
        number_format,
        number_format_from: reader.choose("number_format_from", formats, number_format),
        charset: reader.read_or("charset", values::charset, Charset::AsIs),
        statics,
        unicode_statics,
        long_bytes: reader.read_or("long_bytes", text_length, NO_LENGTH),
        long_statics,
        long_message_id: long_message_id(reader),
        text_chars_max: reader.read_or("text_chars_max", text_length, NO_LENGTH),
        // `reports` decides later whether these are sent.
        dlr_statics,
        dlr_secrets: Vec::new(),
        headers,
        status_check: reader.read("status_check", lists::statuses),
        response_check: reader.read("response_check", check::parse),
        later_check: reader.read("later_check", check::parse),
        message_id: reader.read_or("key_message_id", check::answer_place, AnswerPlace::Usual),
        reason: reader.read_or("key_reason", check::answer_place, AnswerPlace::Usual),
        check_path: reader.read("check_path", values::check_path),
    };
    // A part that could not be read has its fault already.
    if reader.notes.faults() == faults {
        check_account(reader, &mut account);
    }
    Outgoing {
        account,
        client: client(reader),
        fallback: fallback(reader),
        quota: quota::Limits {
            rate: reader.read("rate", values::rate),
            limit: reader.read("limit", values::limit),
        },
    }
}

/// Parses `long_bytes` or `text_chars_max`.
fn text_length(value: &[u8]) -> Parsed<usize> {
    match value {
        [] => Ok(NO_LENGTH),
        value => values::count(value, 1, TEXT_LENGTH_MAX),
    }
}

/// Reads where the answer to a long text has the id, if that differs from the usual place.
fn long_message_id(reader: &mut Reader<'_, '_>) -> Option<AnswerPlace> {
    let name = "long_key_message_id";
    let place = reader.read_or(name, check::answer_place, AnswerPlace::Usual);
    let is_used = reader.given("long_bytes") || reader.table.gives("long_bytes");
    for name in ["long_static", name] {
        if !is_used && reader.given(name) {
            reader.warn(
                name,
                "is for texts of more than long_bytes, which is not given",
            );
        }
    }
    reader.given(name).then_some(place)
}

/// Refuses limits without a folder, because nothing could be counted.
pub fn check_quotas(table: &Table<'_>, notes: &mut Notes) {
    for name in ["rate", "limit"] {
        for (value, line) in table.values_of(name) {
            if !value.is_empty() {
                let text = format!(
                    "[websms] {name} counts SMS in [queue] dir, which is empty; name a folder there"
                );
                notes.fault(line, text);
            }
        }
    }
}

fn target(reader: &mut Reader<'_, '_>, values: &Values) -> Target {
    let filled = filled_host(reader.raw("host"), values);
    let target = filled.and_then(|host| url::target(&host, reader.raw("path")));
    let target = target.unwrap_or_else(|text| {
        reader.fault("host", &text);
        Target {
            host: String::new(),
            path: String::new(),
            exposure: Exposure::Safe,
            seam: Seam::Host,
        }
    });
    if !reader.index.is_empty() && !reader.given("host") {
        reader.warn_of_index("host", "is not given, so this machine itself is asked");
    }
    if target.seam == Seam::Path {
        reader.warn(
            "path",
            "continues the name of the host, since both are joined as they stand; begin it with /",
        );
    }
    target
}

/// Fills in a host. Only values of the configuration can be a part of it, and only of the host's name.
fn filled_host(host: &[u8], values: &Values) -> Parsed<Vec<u8>> {
    let in_a_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    for name in &fill::names(host) {
        if !matches!(name, Placeholder::Account | Placeholder::User) {
            return Err("takes no placeholders but {account} and {auth_user}".into());
        }
        if !values.of(*name).iter().all(in_a_name) {
            let name = name.text();
            return Err(format!(
                "has {name} in it, whose value is no part of a host's name"
            ));
        }
    }
    Ok(fill::fill(host, |name| values.of(name).to_vec()))
}

/// Checks that the values of a key's placeholders are given.
fn check_placeholders(reader: &mut Reader<'_, '_>, key: &'static str, values: &Values) {
    for name in &fill::names(reader.raw(key)) {
        let missing = match name {
            Placeholder::Account => "account",
            Placeholder::User => "auth_user",
            Placeholder::Passwd => "auth_passwd",
            Placeholder::Extra => "auth_extra",
            Placeholder::To | Placeholder::From => continue,
        };
        if values.of(*name).is_empty() {
            let text = name.text();
            reader.fault(
                missing,
                &format!("is not given, but {key} has {text} in it"),
            );
        }
    }
}

/// The words of `auth_method`.
#[derive(Clone, Copy)]
enum Method {
    None,
    Plain,
    Basic,
    Bearer,
    Header,
    Zadarma,
    Ovh,
    Vonage,
}

const METHODS: &Choices<Method> = &[
    ("", Method::None),
    ("none", Method::None),
    ("plain", Method::Plain),
    ("basic", Method::Basic),
    ("bearer", Method::Bearer),
    ("header", Method::Header),
    ("zadarma", Method::Zadarma),
    ("ovh", Method::Ovh),
    ("vonage", Method::Vonage),
];

fn auth(reader: &mut Reader<'_, '_>) -> Auth {
    let method = reader.choose("auth_method", METHODS, Method::None);
    let (no_user, no_passwd) = (
        reader.raw("auth_user").is_empty(),
        reader.raw("auth_passwd").is_empty(),
    );
    let (lacks, what) = match method {
        Method::None | Method::Plain | Method::Basic => (false, ""),
        Method::Bearer => (no_passwd, "is bearer and needs auth_passwd, the token"),
        Method::Header => (
            no_user || no_passwd,
            "is header and needs auth_user, the header's name, and auth_passwd, its value",
        ),
        Method::Zadarma => (
            no_user || no_passwd,
            "is zadarma and needs auth_user and auth_passwd",
        ),
        Method::Vonage => (
            no_user || no_passwd,
            "is vonage and needs auth_user, the API key, and auth_passwd, the signature secret",
        ),
        Method::Ovh => (
            no_user || no_passwd || reader.raw("auth_extra").is_empty(),
            "is ovh and needs auth_user, auth_passwd and auth_extra, the consumer key",
        ),
    };
    if lacks {
        reader.fault("auth_method", what);
    }
    match method {
        Method::None => Auth::None,
        Method::Plain => plain(reader),
        Method::Basic => {
            // The preset knows which providers have users without a password.
            if no_user != no_passwd && !reader.is_preset("auth_passwd") {
                half_given(reader);
            }
            Auth::Basic {
                user: reader.bytes("auth_user"),
                passwd: reader.bytes("auth_passwd"),
            }
        }
        Method::Bearer => Auth::Bearer {
            token: reader.read("auth_passwd", values::header_text).into(),
        },
        // An empty name is no valid name either, and has its fault already.
        Method::Header if lacks => Auth::None,
        Method::Header => Auth::Header {
            name: reader.read("auth_user", values::header_name),
            value: reader.read("auth_passwd", values::header_text),
        },
        Method::Zadarma => Auth::Zadarma {
            user: reader.read("auth_user", values::header_text),
            secret: reader.bytes("auth_passwd"),
        },
        Method::Vonage => Auth::Vonage {
            user: reader.bytes("auth_user"),
            secret: reader.bytes("auth_passwd"),
            hash: reader.choose("auth_hash", PARAMETER_HASHES, Hash::Sha256),
        },
        Method::Ovh => Auth::Ovh {
            user: reader.read("auth_user", values::header_text),
            secret: reader.bytes("auth_passwd"),
            consumer: reader.read("auth_extra", values::header_text),
        },
    }
}

fn half_given(reader: &mut Reader<'_, '_>) {
    let (given, missing) = match reader.raw("auth_user").is_empty() {
        true => (
            "auth_passwd",
            "is given without an auth_user; give both or none",
        ),
        false => (
            "auth_user",
            "is given without an auth_passwd; give both or none",
        ),
    };
    reader.fault(given, missing);
}

/// Reads the secret with its parameter, and the user with its own or neither (an API key has no user).
fn plain(reader: &mut Reader<'_, '_>) -> Auth {
    let (key_user, key_secret) = (reader.bytes("key_user"), reader.bytes("key_secret"));
    let (user, passwd) = (reader.bytes("auth_user"), reader.bytes("auth_passwd"));
    if key_secret.is_empty() || passwd.is_empty() {
        reader.fault(
            "auth_method",
            "is plain and needs auth_passwd and key_secret, the parameter that carries it",
        );
    } else if key_user.is_empty() != user.is_empty() {
        reader.fault(
            "auth_method",
            "is plain and needs both auth_user and key_user, the parameter that carries it, or \
             neither",
        );
    }
    Auth::Plain {
        key_user,
        key_secret,
        user,
        passwd,
    }
}

fn check_headers(reader: &mut Reader<'_, '_>, auth: &Auth, headers: &[(String, String)]) {
    let set = match auth {
        Auth::None | Auth::Plain { .. } | Auth::Vonage { .. } => return,
        Auth::Basic { user, passwd } if user.is_empty() && passwd.is_empty() => return,
        Auth::Header { name, .. } => name.as_str(),
        _ => "Authorization",
    };
    if headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(set))
    {
        reader.warn(
            "headers",
            "has a header that auth_method sets too, and that one is sent; take one of them out",
        );
    }
}

fn carries_secret(auth: &Auth, headers: &[(String, String)]) -> bool {
    let by_auth = match auth {
        Auth::None => false,
        Auth::Basic { user, passwd } => !user.is_empty() || !passwd.is_empty(),
        _ => true,
    };
    let mut headers = headers.iter();
    by_auth || headers.any(|(name, value)| is_secret(name.as_bytes(), value.as_bytes()))
}

/// Whether a path has a credential filled in, or a parameter behind its `?` whose name marks one.
fn path_has_secret(path: &[u8]) -> bool {
    let mut pieces = path.split(|byte| matches!(byte, b'?' | b'&'));
    let tells = |piece: &[u8]| {
        let at = piece.iter().position(|byte| *byte == b'=');
        at.and_then(|at| piece.get(..at))
            .is_some_and(tells_a_secret)
    };
    is_secret(b"", path) || pieces.any(tells)
}

/// Whether a value holds a credential, or its name marks one.
fn is_secret(name: &[u8], value: &[u8]) -> bool {
    let filled = fill::names(value);
    let mut filled = filled.iter();
    filled.any(|name| matches!(name, Placeholder::Passwd | Placeholder::Extra))
        || tells_a_secret(name)
}

/// Checks that a message can be made into a request at all, so that this is known at the start and not at
/// the first SMS.
fn check_account(reader: &mut Reader<'_, '_>, account: &mut Account) {
    let (Ok(to), Ok(from), Ok(text)) = (
        Number::parse_outbound(b"+12025550183"),
        Sender::parse_outbound(b"+12025550160"),
        // The text is beyond U+FFFF, so that the parameter of `charset` is used, too.
        Text::parse_outbound("\u{1F600}".as_bytes()),
    ) else {
        return;
    };
    let message = Message { to, from, text };
    // This encodes the message as configured, then as if every text were long.
    let long_bytes = account.long_bytes;
    let made = provider::encode(&message, account, 0);
    account.long_bytes = 0;
    let made = made.and_then(|_| provider::encode(&message, account, 0));
    account.long_bytes = long_bytes;
    let Err(bad) = made else {
        return;
    };
    let key = match bad {
        BadAccount::Url | BadAccount::UserInUrl => "host",
        BadAccount::Header { .. } => "headers",
        BadAccount::KeyPath => "format",
        BadAccount::SignedFormat => "auth_method",
    };
    reader.fault(key, &format!("makes no request: {bad}"));
}

fn client(reader: &mut Reader<'_, '_>) -> Client {
    let seconds = |value: &[u8]| values::number(value, 1, TIMEOUT_S_MAX).map(Duration::from_secs);
    let ca_file = reader.read("ca_file", values::path_or_none);
    let trust = match reader.read_or("tls_verify", values::switch, true) {
        true => Trust::Roots { ca_file },
        false => {
            reader.warn(
                "tls_verify",
                "is off, so anybody on the way can read and answer in the provider's name; give \
                 ca_file instead",
            );
            Trust::Anybody
        }
    };
    Client {
        timeout: reader.read("timeout", seconds),
        proxy: reader.read("proxy", url::proxy),
        trust,
    }
}

/// Returns the fallback. An interface that the key without an index names as the fallback of all has none
/// itself.
fn fallback(reader: &mut Reader<'_, '_>) -> Option<String> {
    let name = reader.read("fallback", values::text);
    let for_all = !reader.is_own("fallback");
    match name.is_empty() || (for_all && name == reader.index) {
        true => None,
        false => Some(name),
    }
}

/// Reports unknown names, and chains that come back to where they began.
fn check_fallbacks(list: &[Outgoing], lines: &[u32], notes: &mut Notes) {
    let find = |name: &str| {
        let mut all = list.iter();
        all.find(|outgoing| outgoing.account.interface == name)
    };
    for (outgoing, line) in list.iter().zip(lines) {
        let Some(first) = &outgoing.fallback else {
            continue;
        };
        let own = &outgoing.account.interface;
        if own.is_empty() || find(first).is_none() {
            let text = "[websms] fallback names an interface that there is not; name an index";
            notes.fault(*line, text.into());
            continue;
        }
        let mut next = Some(first);
        for _ in list {
            let Some(name) = next else {
                break;
            };
            if name == own {
                let shown = values::shown(own.as_bytes());
                let text =
                    format!("[websms] fallback leads from {shown} back to it; end the chain");
                notes.fault(*line, text);
                break;
            }
            next = find(name).and_then(|outgoing| outgoing.fallback.as_ref());
        }
    }
}
