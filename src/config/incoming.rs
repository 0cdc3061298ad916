//! `[websmsd]` → who may deliver, and how webhooks are read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::proto::webhook::access::{Rules, Status};
use crate::proto::webhook::interface::{Decode, Gate, Interface, Media, Webhook};
use crate::proto::webhook::verify::{Algorithm, PublicKey, Scheme, twilio};
use crate::proto::wire::json;
use crate::proto::wire::mac::Hash;
use crate::proto::wire::number::NumberFormat;

use super::lookup::{Reader, Table};
use super::notes::Notes;
use super::preset::Presets;
use super::values::Choices;
use super::{url, values};

/// The rules, with one interface without an index, or one an index, in file order.
pub fn read(table: &Table<'_>, presets: &Presets<'_>, notes: &mut Notes) -> Rules {
    let indices = candidates(table, notes);
    let mut interfaces = Vec::new();
    for index in &indices {
        let mut reader = Reader {
            table,
            index,
            preset: presets.find(table, index),
            notes,
        };
        interfaces.push(Interface {
            name: index.clone(),
            gate: gate(&mut reader),
            webhook: webhook(&mut reader),
        });
    }
    let mut reader = Reader::once(table, notes);
    Rules {
        status: status(&mut reader, &interfaces),
        interfaces,
        proxies: reader.read("proxy_addr", values::cidrs),
        proxy_header: reader.read("proxy_header", values::cgi_header),
    }
}

/// The status page, where there is one.
fn status(reader: &mut Reader<'_, '_>, interfaces: &[Interface]) -> Option<Status> {
    let permit = reader.read("status_addr", values::cidrs);
    let Some(path) = reader.read("status_path", values::status_path) else {
        if reader.table.gives("status_addr") && !reader.table.gives("status_path") {
            let text = "stands without a status_path, so there is no status page; give one";
            reader.warn("status_addr", text);
        }
        return None;
    };
    let serves = |entry: &Vec<u8>| {
        let rest = entry.strip_prefix(path.as_slice());
        matches!(rest, Some([] | [b'?', ..]))
    };
    let mut paths = interfaces
        .iter()
        .filter_map(|interface| interface.gate.paths.as_deref());
    if paths.any(|paths| paths.iter().any(serves)) {
        reader.warn(
            "status_path",
            "is in url_path too: the status page has it, and no SMS is taken there; give it a path \
             of its own",
        );
    }
    if reader.table.gives("status_addr") && !reader.table.gives("proxy_addr") {
        reader.warn("status_addr", NO_PROXY_ADDR);
    }
    Some(Status { path, permit })
}

const NO_PROXY_ADDR: &str = "stands without a proxy_addr, so whoever is in 172.16.0.0/12 may claim \
                             any address; give proxy_addr your proxies, or leave its value empty if \
                             there are none";

/// The interfaces that can match (spec §4): the indices of `permit_addr`, else of `url_path`, else
/// the one without an index.
fn candidates(table: &Table<'_>, notes: &mut Notes) -> Vec<String> {
    let mut indices = table.indices_of("permit_addr");
    if indices.is_empty() {
        indices = table.indices_of("url_path");
    }
    table.check_indices(&indices, notes);
    if indices.is_empty() {
        indices.push(String::new());
    }
    indices
}

/// Apart, as the interfaces of `outgoing` are.
#[inline(never)]
fn gate(reader: &mut Reader<'_, '_>) -> Gate {
    let gate = Gate {
        permit: reader.read("permit_addr", |value| values::cidrs(value).map(Some)),
        paths: reader.read("url_path", |value| values::paths(value).map(Some)),
        scheme: scheme(reader),
        public_url: reader.read("public_url", url::public_url),
        key_echo: reader.bytes("key_echo"),
    };
    let public_url_is_bad = gate.public_url.is_none() && !reader.raw("public_url").is_empty();
    if gate.scheme.covers_url() && gate.public_url.is_none() && !public_url_is_bad {
        let method = gate.scheme.name();
        let text = format!(
            "is {method}, which signs the URL; give public_url, where the provider sends to"
        );
        reader.fault("auth_method", &text);
    }
    if gate.permit.is_none() && gate.scheme == Scheme::None {
        let text = "is not given and auth_method neither, so anybody may deliver; give one";
        reader.warn_of_index("permit_addr", text);
    }
    let permits_some = gate.permit.as_ref().is_some_and(|list| !list.is_empty());
    if permits_some && !reader.table.gives("proxy_addr") {
        reader.warn("permit_addr", NO_PROXY_ADDR);
    }
    gate
}

/// `auth_method` as a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    None,
    Basic,
    Bearer,
    Zadarma,
    Twilio(twilio::Header),
    Telnyx,
    Vonage,
    VonageJwt,
    Plivo,
    PlivoV2,
    MessageBird,
    GatewayApi,
    Sinch,
    Telesign,
}

const METHODS: &Choices<Method> = &[
    ("", Method::None),
    ("none", Method::None),
    ("basic", Method::Basic),
    ("bearer", Method::Bearer),
    ("zadarma", Method::Zadarma),
    ("twilio", Method::Twilio(twilio::Header::Twilio)),
    ("signalwire", Method::Twilio(twilio::Header::SignalWire)),
    ("telnyx", Method::Telnyx),
    ("vonage", Method::Vonage),
    ("vonage-jwt", Method::VonageJwt),
    ("plivo", Method::Plivo),
    ("plivo-v2", Method::PlivoV2),
    ("messagebird", Method::MessageBird),
    ("gatewayapi", Method::GatewayApi),
    ("sinch", Method::Sinch),
    ("telesign", Method::Telesign),
];

fn scheme(reader: &mut Reader<'_, '_>) -> Scheme {
    let method = reader.choose("auth_method", METHODS, Method::None);
    let secret = reader.bytes("auth_passwd");
    // What must be given, beside what `basic` needs.
    let what = match method {
        Method::None | Method::Basic | Method::PlivoV2 => None,
        Method::Bearer => Some("is bearer and needs auth_passwd, the token"),
        Method::Zadarma => Some("is zadarma and needs auth_passwd, the API secret"),
        Method::Twilio(twilio::Header::Twilio) => {
            Some("is twilio and needs auth_passwd, the account's auth token")
        }
        Method::Twilio(twilio::Header::SignalWire) => {
            Some("is signalwire and needs auth_passwd, the space's signing key")
        }
        Method::Telnyx => Some("is telnyx and needs auth_passwd, the account's public key"),
        Method::Vonage => Some("is vonage and needs auth_passwd, the signature secret"),
        Method::VonageJwt => Some("is vonage-jwt and needs auth_passwd, the signature secret"),
        Method::Plivo => Some("is plivo and needs auth_passwd, the account's auth token"),
        Method::MessageBird => Some("is messagebird and needs auth_passwd, the signing key"),
        Method::GatewayApi => Some("is gatewayapi and needs auth_passwd, the webhook's secret"),
        Method::Sinch => Some("is sinch and needs auth_passwd, the webhook's secret"),
        Method::Telesign => Some("is telesign and needs auth_passwd, the API key"),
    };
    if let Some(what) = what.filter(|_| secret.is_empty()) {
        reader.fault("auth_method", what);
        return Scheme::None;
    }
    match method {
        Method::None => Scheme::None,
        Method::Basic => basic(reader, secret),
        Method::Bearer => Scheme::Bearer { token: secret },
        Method::Zadarma => Scheme::Zadarma { secret },
        Method::Twilio(header) => Scheme::Twilio {
            token: secret,
            header,
        },
        Method::Telnyx => telnyx(reader, &secret),
        Method::Vonage => Scheme::Vonage {
            secret,
            hash: reader.choose("auth_hash", values::VONAGE_HASHES, Hash::Sha256),
        },
        Method::VonageJwt => Scheme::VonageJwt {
            secret,
            algorithm: algorithm(reader),
        },
        Method::Plivo => Scheme::Plivo { token: secret },
        Method::PlivoV2 => {
            reader.fault(
                "auth_method",
                "is plivo-v2, whose signature covers neither query nor body, so that nothing of a \
                 message could be read; write plivo, which is V3",
            );
            Scheme::None
        }
        Method::MessageBird => Scheme::MessageBird {
            key: secret,
            algorithm: algorithm(reader),
        },
        Method::GatewayApi => Scheme::GatewayApi {
            secret,
            algorithm: algorithm(reader),
        },
        Method::Sinch => Scheme::Sinch { secret },
        Method::Telesign => telesign(reader, &secret),
    }
}

fn basic(reader: &mut Reader<'_, '_>, passwd: Vec<u8>) -> Scheme {
    let user = reader.bytes("auth_user");
    if user.is_empty() || passwd.is_empty() {
        reader.fault(
            "auth_method",
            "is basic and needs auth_user and auth_passwd",
        );
    }
    Scheme::Basic { user, passwd }
}

fn telnyx(reader: &mut Reader<'_, '_>, key: &[u8]) -> Scheme {
    match PublicKey::parse(key) {
        Some(key) => Scheme::Telnyx { key },
        None => {
            reader.fault(
                "auth_passwd",
                "is no public key; write the 44 characters of base64 that the portal shows",
            );
            Scheme::None
        }
    }
}

fn telesign(reader: &mut Reader<'_, '_>, key: &[u8]) -> Scheme {
    match BASE64_STANDARD.decode(key) {
        Ok(key) => Scheme::Telesign { key },
        Err(_) => {
            reader.fault(
                "auth_passwd",
                "is no base64; write the API key as the portal shows it",
            );
            Scheme::None
        }
    }
}

/// `auth_hash` of a token.
fn algorithm(reader: &mut Reader<'_, '_>) -> Algorithm {
    const WORDS: &Choices<Algorithm> = &[
        ("sha256", Algorithm::Hs256),
        ("sha384", Algorithm::Hs384),
        ("sha512", Algorithm::Hs512),
    ];
    reader.choose("auth_hash", WORDS, Algorithm::Hs256)
}

/// Keys that name a parameter, or by a path what lies in one.
const KEYS_OF_A_PLACE: [&str; 6] = [
    "key_to",
    "key_from",
    "key_body",
    "key_caption",
    "key_id",
    "key_media",
];

/// Apart likewise.
#[inline(never)]
fn webhook(reader: &mut Reader<'_, '_>) -> Webhook {
    for key in KEYS_OF_A_PLACE {
        let path = match key {
            "key_caption" | "key_media" => with_a_place(reader.raw(key)),
            key => reader.raw(key).to_vec(),
        };
        if json::is_path(&path) && json::steps(&path).is_none() {
            reader.warn(
                key,
                "is no path, since a step is empty or a bracket has no partner: nothing in JSON \
                 has it",
            );
        }
    }
    let report_success = reader.bytes("report_success");
    let report_type = match reader.raw("report_type") {
        [] => by_its_look(&report_success).into(),
        _ => reader.read("report_type", values::content_type),
    };
    let formats = values::NUMBER_FORMATS;
    Webhook {
        key_to: reader.read("key_to", values::needed_name),
        key_from: reader.read("key_from", values::needed_name),
        key_body: reader.read("key_body", values::needed_name),
        key_caption: reader.bytes("key_caption"),
        key_id: reader.bytes("key_id"),
        accept_if: reader.read("accept_if", values::condition),
        each: reader.bytes("each"),
        number_format: reader.choose("number_format", formats, NumberFormat::AsIs),
        text_decode: reader.choose("text_decode", values::TEXT_DECODES, Decode::None),
        key_media: reader.bytes("key_media"),
        media: reader.choose("media", values::MEDIA, Media::Link),
        report_success,
        report_type,
        reject_status: reader.read("reject_status", values::status),
    }
}

/// A path with a place in each list in the stead of `[]`, which means all of them.
fn with_a_place(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    for (at, byte) in path.iter().enumerate() {
        if *byte == b']' && at.checked_sub(1).and_then(|at| path.get(at)) == Some(&b'[') {
            out.push(b'0');
        }
        out.push(*byte);
    }
    out
}

fn by_its_look(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        Some(b'<') => "text/xml",
        Some(b'{' | b'[') => "application/json",
        _ => "text/plain",
    }
}
