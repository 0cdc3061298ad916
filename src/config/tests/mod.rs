//! Tests the settings and remarks that texts of `websms.conf` give, for every key and every rule.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::keys::{Absent, KEYS, Scope, Section, guards};
use super::*;
use crate::limits::RETRY_PAUSES_MAX;
use crate::proto::provider::Check;
use crate::proto::provider::sign::Auth;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::verify::{Covers, Credentials, Needs, SCHEMES};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::mac::Hash;

mod credentials;
mod every_key;
mod faults;
mod interfaces;
mod polling;
mod remarks;
mod reports;
mod slips;
mod whole;

fn preset(name: &str) -> Option<&'static str> {
    match name {
        "kiwi" => Some(
            "[websms]\nhost = https://kiwi.example\nkey_to = kiwi_to\nauth_method = bearer\n\
             [websmsd]\nkey_to = kiwi_in\npermit_addr = 192.0.2.0/24\nurl_path = /kiwi\n",
        ),
        "plum" => Some("[websms]\nhost = https://plum.example\n[websmsd]\nkey_to = plum_in\n"),
        _ => None,
    }
}

fn read_text(text: &str) -> Reading {
    read_with(text.as_bytes(), &|_| None, preset)
}

fn config(text: &str) -> Config {
    let reading = read_text(text);
    reading
        .config
        .unwrap_or_else(|| panic!("{text}\n{:?}", reading.notes))
}

/// Returns the lines and texts of the notes with one severity.
fn notes(text: &str, severity: Severity) -> Vec<(u32, String)> {
    let reading = read_text(text);
    let faulty = reading.notes.iter().any(|n| n.severity == Severity::Fault);
    assert_eq!(reading.config.is_none(), faulty, "{text}");
    let of = reading.notes.into_iter().filter(|n| n.severity == severity);
    of.map(|note| (note.line, note.text)).collect()
}

/// Checks that there is exactly one fault, on that line, with those words.
fn check_fault(text: &str, line: u32, words: &str) {
    let faults = notes(text, Severity::Fault);
    match faults.as_slice() {
        [(at, says)] => assert!(*at == line && says.contains(words), "{text}\n{faults:?}"),
        _ => panic!("{text}\n{faults:?}"),
    }
}

/// Checks that the configuration can be run, with a warning on that line with those words.
fn check_warning(text: &str, line: u32, words: &str) {
    assert_eq!(notes(text, Severity::Fault), [], "{text}");
    let warnings = notes(text, Severity::Warning);
    let hit = |(at, says): &(u32, String)| *at == line && says.contains(words);
    assert!(warnings.iter().any(hit), "{text}\n{warnings:?}");
}

/// Checks that there is no remark with those words.
fn check_silence(text: &str, words: &str) {
    let reading = read_text(text);
    let mut says = reading.notes.iter().map(|note| &note.text);
    assert!(
        says.all(|says| !says.contains(words)),
        "{text}\n{:?}",
        reading.notes
    );
}

fn show_auth(auth: &Auth) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match auth {
        Auth::None => "none".into(),
        Auth::Plain {
            key_user,
            key_secret,
            user,
            passwd,
        } => format!(
            "plain {}={} {}={}",
            text(key_user),
            text(user),
            text(key_secret),
            text(passwd)
        ),
        Auth::Basic { user, passwd } => format!("basic {} {}", text(user), text(passwd)),
        Auth::Bearer { token } => format!("bearer {}", text(token)),
        Auth::Header { name, value } => format!("header {name}: {value}"),
        Auth::Zadarma { user, secret } => format!("zadarma {user} {}", text(secret)),
        Auth::Vonage { user, secret, hash } => {
            format!("vonage {} {} {hash:?}", text(user), text(secret))
        }
        Auth::Ovh {
            user,
            secret,
            consumer,
        } => format!("ovh {user} {} {consumer}", text(secret)),
    }
}

fn show_check(check: Option<&Check>) -> String {
    match check {
        None => "none".into(),
        Some(Check::KeyValue(key, value)) => {
            format!(
                "{}={}",
                String::from_utf8_lossy(key),
                String::from_utf8_lossy(value)
            )
        }
        Some(Check::Regex(regex)) => format!("regex {regex}"),
    }
}

fn show_cidrs(list: &[Cidr]) -> String {
    let show = |cidr: &Cidr| {
        let address = std::net::IpAddr::V6(cidr.address.into()).to_canonical();
        format!("{address}/{}", cidr.prefix_bits)
    };
    match list {
        [] => "nobody".into(),
        list => list.iter().map(show).collect::<Vec<_>>().join(" "),
    }
}
