//! Reads `[websmsd]`: who may deliver, and how webhooks are read.

use crate::limits::{PART_WAIT_S_MAX, SIGNATURE_AGE_S_MAX};
use crate::proto::grammar::Alternatives;
use crate::proto::webhook::access::{Rules, StatusPage};
use crate::proto::webhook::interface::{Decode, Dlr, Gate, Interface, Media, Webhook};
use crate::proto::webhook::verify::{Covers, Credentials, Needs, SCHEMES, Tells};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::json;
use crate::proto::wire::mac::Hash;
use crate::proto::wire::number::NumberFormat;

use super::lookup::{Reader, Table};
use super::notes::Notes;
use super::preset::Presets;
use super::{lists, url, values};

/// Reads the rules, with one interface without an index, or one for each index, in file order.
pub fn read(table: &Table<'_>, presets: &Presets<'_>, notes: &mut Notes) -> Rules {
    let (indices, polled_alone) = candidates(table, notes);
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
            gate: match takes_webhooks(&reader) && !polled_alone.contains(index) {
                true => gate(&mut reader),
                false => closed(),
            },
            webhook: webhook(&mut reader),
            polled: None,
        });
    }
    let mut reader = Reader::once(table, notes);
    Rules {
        status: status(&mut reader, &interfaces),
        interfaces,
        proxies: reader.read("proxy_addr", lists::cidrs),
        proxy_header: proxy_header(&mut reader),
    }
}

/// Reads the header in which proxies name the caller. With one that has another syntax, or another meaning,
/// nobody behind a proxy gets in.
fn proxy_header(reader: &mut Reader<'_, '_>) -> String {
    let header = reader.read("proxy_header", values::cgi_header);
    let is_list = header.ends_with("FORWARDED_FOR");
    if header.contains("FORWA") && !is_list || matches!(&header[..], "HTTP_VIA" | "HTTP_HOST") {
        let text = "names a header that is no list of addresses, so nobody behind a proxy gets in; let the \
                    proxy set X-Forwarded-For or X-Real-IP, and write HTTP_X_FORWARDED_FOR or HTTP_X_REAL_IP";
        reader.warn("proxy_header", text);
    }
    header
}

/// Refuses a long `auth_age` if there is no folder: signatures are then remembered only while the program
/// runs, so none may be so old that a recorded one would be of use. A preset's longer age applies only if
/// there is a folder.
pub fn check_ages(table: &Table<'_>, rules: &mut Rules, notes: &mut Notes) {
    for (value, line) in table.values_of("auth_age") {
        let is_long = |age_s: &Option<u64>| age_s.is_none_or(|it| it > SIGNATURE_AGE_S_MAX);
        if values::age(value).as_ref().is_ok_and(is_long) {
            let text = format!(
                "[websmsd] auth_age above {SIGNATURE_AGE_S_MAX}s remembers each signature in [queue] \
                 dir, which is empty; name a folder there"
            );
            notes.fault(line, text);
        }
    }
    for interface in &mut rules.interfaces {
        let age_s = &mut interface.gate.auth_age_s;
        *age_s = Some(age_s.map_or(SIGNATURE_AGE_S_MAX, |it| it.min(SIGNATURE_AGE_S_MAX)));
    }
}

/// The status page, where there is one.
fn status(reader: &mut Reader<'_, '_>, interfaces: &[Interface]) -> Option<StatusPage> {
    let permit = reader.read("status_addr", lists::cidrs);
    let Some(path) = reader.read("status_path", lists::status_path) else {
        if reader.table.gives("status_addr") && !reader.table.gives("status_path") {
            reader.warn("status_addr", NO_STATUS_PATH);
        }
        if reader.table.gives("status_auth") && !reader.table.gives("status_path") {
            reader.warn("status_auth", NO_STATUS_PATH);
        }
        return None;
    };
    let login = reader.read("status_auth", values::status_auth);
    let is_local = |block: &Cidr| block.first_address().is_loopback();
    if !login.is_empty() && !reader.table.gives("tls_cert") && !permit.iter().all(is_local) {
        reader.warn("status_auth", IN_PLAIN_VIEW);
    }
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
    Some(StatusPage {
        path,
        permit,
        login,
    })
}

const NO_STATUS_PATH: &str = "stands without a status_path, so there is no status page; give one";

const IN_PLAIN_VIEW: &str = "goes over HTTP, where anybody on the way can read it: give tls_cert and tls_key, \
                             or have a proxy of yours add TLS";

const NO_PROXY_ADDR: &str = "stands without a proxy_addr, so whoever is in 172.16.0.0/12 may claim \
                             any address; give proxy_addr your proxies, or leave its value empty if \
                             there are none";

/// Returns the interfaces that can match (spec §4): the indices of `permit_addr`, else of `url_path`, else
/// the one without an index. The indices of `poll` follow them. The second list names those that take no
/// webhook.
fn candidates(table: &Table<'_>, notes: &mut Notes) -> (Vec<String>, Vec<String>) {
    let mut indices = table.indices_of("permit_addr");
    if indices.is_empty() {
        indices = table.indices_of("url_path");
    }
    let mut polled = Vec::new();
    for index in table.indices_of("poll") {
        if !indices.contains(&index) {
            polled.push(index);
        }
    }
    let takes_none = match indices.is_empty() {
        true => Vec::new(),
        false => polled.clone(),
    };
    indices.append(&mut polled);
    table.check_indices(&indices, notes);
    if indices.is_empty() {
        indices.push(String::new());
    }
    (indices, takes_none)
}

/// Whether an interface takes webhooks. One that is polled does so only if the file itself says who may
/// deliver; a preset's `auth_method` does not count without a secret in the file.
fn takes_webhooks(reader: &Reader<'_, '_>) -> bool {
    let is_own = |name| reader.given(name) && !reader.is_preset(name);
    let guards = ["permit_addr", "url_path", "auth_method", "auth_passwd"];
    reader.raw("poll").is_empty() || guards.into_iter().any(is_own)
}

/// Returns a gate that lets nobody in.
fn closed() -> Gate {
    Gate {
        permit: Some(Vec::new()),
        paths: Some(Vec::new()),
        credentials: Credentials::none(),
        auth_age_s: None,
        public_url: None,
        key_echo: Alternatives::default(),
    }
}

/// Reads who is let in. It is a function of its own for the same reason as that of `outgoing`.
#[inline(never)]
fn gate(reader: &mut Reader<'_, '_>) -> Gate {
    let gate = Gate {
        permit: reader.read("permit_addr", |value| lists::cidrs(value).map(Some)),
        paths: reader.read("url_path", |value| lists::paths(value).map(Some)),
        credentials: credentials(reader),
        public_url: reader.read("public_url", url::public_url),
        auth_age_s: reader.read_or("auth_age", values::age, Some(SIGNATURE_AGE_S_MAX)),
        key_echo: reader.read("key_echo", lists::alternatives),
    };
    let public_url_is_bad = gate.public_url.is_none() && !reader.raw("public_url").is_empty();
    let scheme = gate.credentials.scheme;
    if scheme.covers == Covers::Url && gate.public_url.is_none() && !public_url_is_bad {
        let text = format!(
            "is {}, which signs the URL; give public_url, where the provider sends to",
            scheme.name
        );
        reader.fault("auth_method", &text);
    }
    if scheme.tells != Tells::Time && reader.given("auth_age") && !reader.is_preset("auth_age") {
        let text = format!(
            "changes nothing, since auth_method {} signs no time",
            scheme.name
        );
        reader.warn("auth_age", &text);
    }
    // A key whose value was refused counts as given.
    let has_method = !matches!(reader.raw("auth_method"), b"" | b"none");
    if !reader.given("permit_addr") && !has_method {
        reader.warn_of_section(
            "neither permit_addr nor auth_method is set: anyone can deliver SMS; set one",
        );
    }
    let mut blocks = gate.permit.iter().flatten();
    if !has_method && blocks.any(Cidr::is_all) {
        let text = "has a block of all addresses: anyone can deliver SMS; give the provider's, or set auth_method";
        reader.warn("permit_addr", text);
    }
    let permits_some = gate.permit.as_ref().is_some_and(|list| !list.is_empty());
    if permits_some && !reader.table.gives("proxy_addr") {
        reader.warn("permit_addr", NO_PROXY_ADDR);
    }
    gate
}

/// Reads `auth_method` and the keys that its scheme needs.
fn credentials(reader: &mut Reader<'_, '_>) -> Credentials {
    let mut credentials = Credentials::none();
    let chosen = match reader.raw("auth_method") {
        [] => None,
        _ => reader.chosen("auth_method", &|nth| Some(SCHEMES.get(nth)?.name)),
    };
    let Some(scheme) = chosen.and_then(|nth| SCHEMES.get(nth)) else {
        return credentials;
    };
    let (name, passwd) = (scheme.name, reader.bytes("auth_passwd"));
    match scheme.needs {
        Needs::Nothing => {}
        Needs::Refused(why) => {
            reader.fault("auth_method", &format!("is {name}, {why}"));
            return credentials;
        }
        Needs::Passwd(what) | Needs::Decoded(what, _) | Needs::PasswdAndHash(what, _)
            if passwd.is_empty() =>
        {
            let text = format!("is {name} and needs auth_passwd, {what}");
            reader.fault("auth_method", &text);
            return credentials;
        }
        Needs::UserAndPasswd => {
            credentials.user = reader.bytes("auth_user");
            if credentials.user.is_empty() || passwd.is_empty() {
                let text = format!("is {name} and needs auth_user and auth_passwd");
                reader.fault("auth_method", &text);
            }
            credentials.secret = passwd;
        }
        Needs::Passwd(_) => credentials.secret = passwd,
        Needs::Decoded(_, decode) => match decode(&passwd) {
            Ok(secret) => credentials.secret = secret,
            Err(text) => {
                reader.fault("auth_passwd", text);
                return credentials;
            }
        },
        Needs::PasswdAndHash(_, words) => {
            credentials.secret = passwd;
            credentials.hash = reader.choose("auth_hash", words, Hash::Sha256);
        }
    }
    credentials.scheme = scheme;
    credentials
}

/// Reads the parameters of webhooks. It is a function of its own for the same reason.
#[inline(never)]
fn webhook(reader: &mut Reader<'_, '_>) -> Webhook {
    let accept_if = reader.read("accept_if", lists::conditions);
    for condition in accept_if.iter() {
        check_path(reader, "accept_if", &condition.key, false);
    }
    let dlr = dlr(reader);
    let report_success = reader.bytes("report_success");
    let report_type = match reader.raw("report_type") {
        [] => by_its_look(&report_success).into(),
        _ => reader.read("report_type", values::content_type),
    };
    let formats = values::NUMBER_FORMATS;
    Webhook {
        key_to: places(reader, "key_to", lists::needed_alternatives),
        key_from: places(reader, "key_from", lists::needed_alternatives),
        key_body: places(reader, "key_body", lists::needed_alternatives),
        key_caption: places(reader, "key_caption", lists::alternatives),
        key_id: places(reader, "key_id", lists::alternatives),
        key_part_ref: places(reader, "key_part_ref", lists::alternatives),
        key_part_number: places(reader, "key_part_number", lists::alternatives),
        key_part_total: places(reader, "key_part_total", lists::alternatives),
        part_wait: reader.read("part_wait", |value| {
            values::duration(value, PART_WAIT_S_MAX)
        }),
        accept_if,
        each: reader.bytes("each"),
        own_numbers: reader.read("own_numbers", lists::numbers),
        to: None,
        number_format: reader.choose("number_format", formats, NumberFormat::AsIs),
        text_decode: reader.choose("text_decode", values::TEXT_DECODES, Decode::None),
        key_media: places(reader, "key_media", lists::alternatives),
        media: reader.choose("media", values::MEDIA, Media::Link),
        report_success,
        report_type,
        reject_status: reader.read("reject_status", values::status),
        dlr,
    }
}

/// Reads how delivery reports are recognised.
fn dlr(reader: &mut Reader<'_, '_>) -> Dlr {
    let dlr = Dlr {
        only_if: reader.read("dlr_if", lists::conditions),
        id: places(reader, "dlr_id", lists::alternatives),
        status: places(reader, "dlr_status", lists::alternatives),
        reason: places(reader, "dlr_reason", lists::alternatives),
        failed: reader.bytes("dlr_failed"),
        delivered: reader.bytes("dlr_delivered"),
        last: reader.read("dlr_final", lists::conditions),
        words: reader.read("dlr_reasons", lists::statics),
    };
    for (key, conditions) in [("dlr_if", &dlr.only_if), ("dlr_final", &dlr.last)] {
        for condition in conditions.iter() {
            check_path(reader, key, &condition.key, false);
        }
    }
    let is_empty = |name| reader.raw(name).is_empty();
    if is_empty("dlr_id") != is_empty("dlr_status") {
        let key = if is_empty("dlr_id") {
            "dlr_status"
        } else {
            "dlr_id"
        };
        reader.warn(
            key,
            "needs dlr_id and dlr_status both, or no delivery report can be read",
        );
    }
    dlr
}

/// Reads the names or paths of one key.
pub(super) fn places(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    parse: fn(&[u8]) -> values::Parsed<Alternatives>,
) -> Alternatives {
    let names = reader.read(key, parse);
    let is_list = matches!(
        key,
        "key_to" | "key_caption" | "key_media" | "poll_to" | "poll_media"
    );
    for name in names.iter() {
        check_path(reader, key, name, is_list);
    }
    names
}

/// Warns of a path that can match nothing. With `is_list`, `[]` means all elements.
pub(super) fn check_path(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    name: &[u8],
    is_list: bool,
) {
    let path = match is_list {
        true => with_a_place(name),
        false => name.to_vec(),
    };
    if json::is_path(&path) && json::steps(&path).is_none() {
        let text = "is no path, since a step is empty or a bracket has no partner: nothing in JSON \
                    has it";
        reader.warn(key, text);
    }
}

/// Replaces each `[]`, which means all elements of a list, with an index.
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
