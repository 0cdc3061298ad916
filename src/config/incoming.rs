//! `[websmsd]` → who may deliver, and how webhooks are read.

use crate::proto::access::{Gate, Rules};
use crate::proto::verify::Scheme;
use crate::proto::webhook::Hook;

use super::lookup::{Notes, Reader, Table};
use super::preset::Presets;
use super::{url, values};

/// The rules and, one a gate, the hooks.
pub fn read(table: &Table<'_>, presets: &Presets<'_>, notes: &mut Notes) -> (Rules, Vec<Hook>) {
    let indices = candidates(table, notes);
    let mut gates = Vec::new();
    let mut hooks = Vec::new();
    for index in &indices {
        let mut reader = Reader {
            table,
            index,
            preset: presets.find(table, index),
            notes,
        };
        gates.push(gate(&mut reader));
        hooks.push(hook(&mut reader));
    }
    let mut reader = Reader::once(table, notes);
    let rules = Rules {
        gates,
        proxies: reader.read("proxy_addr", values::cidrs).unwrap_or_default(),
        proxy_header: reader
            .read("proxy_header", values::cgi_header)
            .unwrap_or_default(),
    };
    (rules, hooks)
}

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

fn gate(reader: &mut Reader<'_, '_>) -> Gate {
    let gate = Gate {
        permit: reader.read("permit_addr", values::cidrs),
        paths: reader.read("url_path", values::paths),
        scheme: scheme(reader),
        key_echo: reader.raw("key_echo").to_vec(),
    };
    // What it is compared with is a matter of the scheme.
    let _ = reader.read("public_url", url::public_url);
    if gate.permit.is_none() && gate.scheme == Scheme::None {
        let text = match reader.index {
            "" => "is not given and auth_method neither, so anybody may deliver; give one".into(),
            index => format!(
                "[{index}] is not given and auth_method neither, so anybody may deliver; give one"
            ),
        };
        reader.warn("permit_addr", &text);
    }
    let permits_some = gate.permit.as_ref().is_some_and(|list| !list.is_empty());
    if permits_some && !reader.table.gives("proxy_addr") {
        reader.warn(
            "permit_addr",
            "stands without a proxy_addr, so whoever is in 172.16.0.0/12 may claim any address; \
             give proxy_addr your proxies, or leave its value empty if there are none",
        );
    }
    gate
}

/// `auth_method` as a word.
#[derive(Clone, Copy)]
enum Method {
    None,
    Basic,
    Bearer,
}

fn scheme(reader: &mut Reader<'_, '_>) -> Scheme {
    let method = reader.read("auth_method", |value| {
        values::choice(
            value,
            &[
                ("", Method::None),
                ("none", Method::None),
                ("basic", Method::Basic),
                ("bearer", Method::Bearer),
            ],
        )
    });
    let user = reader.raw("auth_user").to_vec();
    let passwd = reader.raw("auth_passwd").to_vec();
    match method {
        None | Some(Method::None) => Scheme::None,
        Some(Method::Basic) => {
            if user.is_empty() || passwd.is_empty() {
                reader.fault(
                    "auth_method",
                    "is basic and needs auth_user and auth_passwd",
                );
            }
            Scheme::Basic { user, passwd }
        }
        Some(Method::Bearer) => {
            if passwd.is_empty() {
                reader.fault("auth_method", "is bearer and needs auth_passwd, the token");
            }
            Scheme::Bearer { token: passwd }
        }
    }
}

fn hook(reader: &mut Reader<'_, '_>) -> Hook {
    let report_success = reader.raw("report_success").to_vec();
    let report_type = match reader.raw("report_type") {
        [] => by_its_look(&report_success).into(),
        _ => reader
            .read("report_type", values::content_type)
            .unwrap_or_default(),
    };
    Hook {
        interface: reader.index.into(),
        key_to: reader
            .read("key_to", values::needed_name)
            .unwrap_or_default(),
        key_from: reader
            .read("key_from", values::needed_name)
            .unwrap_or_default(),
        key_body: reader
            .read("key_body", values::needed_name)
            .unwrap_or_default(),
        key_id: reader.raw("key_id").to_vec(),
        accept_if: reader.read("accept_if", values::condition).flatten(),
        each: reader.raw("each").to_vec(),
        report_success,
        report_type,
        reject_status: reader
            .read("reject_status", values::status)
            .unwrap_or_default(),
    }
}

fn by_its_look(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        Some(b'<') => "text/xml",
        Some(b'{' | b'[') => "application/json",
        _ => "text/plain",
    }
}
