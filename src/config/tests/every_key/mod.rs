//! Tests every key of the table: not given, given, empty and bad, in both spellings and per index.

use super::*;
use crate::message::Number;
use crate::proto::grammar::{Alternatives, Condition, Conditions};
use crate::proto::provider::poll::lister::Paging;
use crate::proto::provider::{AnswerPlace, NO_LENGTH};

mod program;
mod websms;
mod websmsd;

/// One key: its values when it is not given, given or given empty, and values that are faults.
struct Row {
    section: Section,
    name: &'static str,
    /// Lines that the key needs beside it.
    with: &'static str,
    default: &'static str,
    /// The texts behind the `=`, and their values.
    values: &'static [(&'static str, &'static str)],
    /// The value of an empty text; `None` if that is a fault.
    empty: Option<&'static str>,
    /// The texts that are faults.
    bad: &'static [&'static str],
}

const fn row(section: Section, name: &'static str) -> Row {
    Row {
        section,
        name,
        with: "",
        default: "",
        values: &[],
        empty: Some(""),
        bad: &[],
    }
}

use Section::{Astqueue, Queue as QueueSection, Websms, Websmsd};

/// All rows, in the order of the table of keys.
fn rows() -> impl Iterator<Item = &'static Row> {
    [websms::ROWS, websmsd::ROWS, program::ROWS]
        .into_iter()
        .flatten()
}

fn length(length: usize) -> String {
    match length {
        NO_LENGTH => "none".into(),
        length => length.to_string(),
    }
}

fn show_pairs(pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let pairs = pairs.iter();
    let pairs: Vec<String> = pairs
        .map(|(k, v)| format!("{}={}", text(k), text(v)))
        .collect();
    pairs.join("|")
}

fn show_conditions(conditions: &Conditions) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let show = |condition: &Condition| {
        let values = condition.values().collect::<Vec<_>>().join(&b'|');
        format!("{}={}", text(&condition.key), text(&values))
    };
    let shown: Vec<String> = conditions.iter().map(show).collect();
    shown.join(" and ")
}

/// Returns the value of a key as text; with several interfaces, that of the first.
fn look(config: &Config, section: Section, name: &str) -> String {
    let outgoing = &config.outgoing[0];
    let account = &outgoing.account;
    let Interface { gate, webhook, .. } = &config.rules.interfaces[0];
    let (route, spool, queue) = (&config.route, &config.spool, &config.queue);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match (section, name) {
        (Websms, "host") => account.host.clone(),
        (Websms, "path") => account.path.clone(),
        (Websms, "key_to") => text(&account.key_to),
        (Websms, "key_from") => text(&account.key_from),
        (Websms, "key_body") => text(&account.key_body),
        (
            Websms,
            "auth_method" | "auth_user" | "auth_passwd" | "auth_hash" | "key_user" | "key_secret",
        ) => show_auth(&account.auth),
        (Websms, "response_check") => show_check(account.response_check.as_ref()),
        (Websms, "later_check") => show_check(account.later_check.as_ref()),
        (Websms, "number_format") => format!("{:?}", account.number_format),
        (Websms, "auth_extra") => text(&account.values.auth_extra),
        (Websms, "account") => format!("{} {}", text(&account.values.account), account.host),
        (Websms, "status_check") => format!("{:?}", account.status_check),
        (Websms, "key_message_id") => show_place(&account.message_id),
        (Websms, "key_reason") => show_place(&account.reason),
        (Websms, "check_path") => account.check_path.clone(),
        (Websms, "number_format_from") => format!("{:?}", account.number_format_from),
        (Websms, "long_bytes") => length(account.long_bytes),
        (Websms, "long_key_message_id") => match &account.long_message_id {
            Some(place) => show_place(place),
            None => "as key_message_id".into(),
        },
        (Websms, "text_chars_max") => length(account.text_chars_max),
        (Websms, "unicode_static") => show_pairs(&account.unicode_statics),
        (Websms, "long_static") => show_pairs(&account.long_statics),
        (Websms, "charset") => format!("{:?}", account.charset),
        (Websms, "val_static") => show_pairs(&account.statics),
        (Websms, "dlr_static") => show_pairs(&account.dlr_statics),
        (Websms, "provider") => format!("{} {}", account.host, text(&account.key_to)),
        (Websms, "format") => format!("{:?}", account.format),
        (Websms, "space") => format!("{:?}", account.space),
        (Websms, "headers") => {
            let headers = account.headers.iter();
            let headers: Vec<String> = headers.map(|(n, v)| format!("{n}:{v}")).collect();
            headers.join("|")
        }
        (Websms, "timeout") => format!("{:?}", outgoing.client.timeout),
        (Websms, "proxy") => format!("{:?}", outgoing.client.proxy),
        (Websms, "tls_verify" | "ca_file") => format!("{:?}", outgoing.client.trust),
        (Websms, "fallback") => format!("{:?}", outgoing.fallback),
        (Websms, "rate") => match outgoing.quota.rate {
            Some(rate) => rate.to_string(),
            None => "-".into(),
        },
        (Websms, "limit") => format!("{:?}", outgoing.quota.limit),
        (Websmsd, "key_to" | "provider") => text(webhook.key_to.as_bytes()),
        (Websmsd, "key_from") => text(webhook.key_from.as_bytes()),
        (Websmsd, "key_body") => text(webhook.key_body.as_bytes()),
        (Websmsd, "key_echo") => text(gate.key_echo.as_bytes()),
        (Websmsd, "key_account") => String::new(),
        (Websmsd, "public_url") => {
            let url = gate.public_url.as_ref();
            url.map_or(String::new(), |url| url.text())
        }
        (Websmsd, "auth_hash") => format!("{:?}", gate.credentials.hash),
        (Websmsd, "auth_age") => format!("{:?}", gate.auth_age_s),
        (Websmsd, "key_id") => text(webhook.key_id.as_bytes()),
        (Websmsd, "key_part_ref") => text(webhook.key_part_ref.as_bytes()),
        (Websmsd, "key_part_number") => text(webhook.key_part_number.as_bytes()),
        (Websmsd, "key_part_total") => text(webhook.key_part_total.as_bytes()),
        (Websmsd, "part_wait") => format!("{:?}", webhook.part_wait),
        (Websmsd, "accept_if") => show_conditions(&webhook.accept_if),
        (Websmsd, "dlr_if") => show_conditions(&webhook.dlr.only_if),
        (Websmsd, "dlr_id") => text(webhook.dlr.id.as_bytes()),
        (Websmsd, "dlr_status") => text(webhook.dlr.status.as_bytes()),
        (Websmsd, "dlr_reason") => text(webhook.dlr.reason.as_bytes()),
        (Websmsd, "dlr_failed") => text(&webhook.dlr.failed),
        (Websmsd, "dlr_delivered") => text(&webhook.dlr.delivered),
        (Websmsd, "dlr_final") => show_conditions(&webhook.dlr.last),
        (Websmsd, "dlr_reasons") => show_pairs(&webhook.dlr.words),
        (Websmsd, "number_format") => format!("{:?}", webhook.number_format),
        (Websmsd, "text_decode") => format!("{:?}", webhook.text_decode),
        (Websmsd, "key_caption") => text(webhook.key_caption.as_bytes()),
        (Websmsd, "key_media") => text(webhook.key_media.as_bytes()),
        (Websmsd, "media") => format!("{:?}", webhook.media),
        (Websmsd, "own_numbers") => {
            let own: Vec<&str> = webhook.own_numbers.iter().map(Number::as_str).collect();
            own.join(" ")
        }
        (Websmsd, "each") => text(&webhook.each),
        (Websmsd, "report_success") => text(&webhook.report_success),
        (Websmsd, "report_type") => webhook.report_type.clone(),
        (Websmsd, "reject_status") => webhook.reject_status.to_string(),
        (Websmsd, "permit_addr") => gate.permit.as_deref().map_or("all".into(), show_cidrs),
        (Websmsd, "proxy_addr") => show_cidrs(&config.rules.proxies),
        (Websmsd, "proxy_header") => config.rules.proxy_header.clone(),
        (Websmsd, "url_path") => match gate.paths.as_deref() {
            None => "all".into(),
            Some([]) => "none".into(),
            Some(paths) => text(&paths.join(&b' ')),
        },
        (Websmsd, "auth_method" | "auth_user" | "auth_passwd") => {
            let credentials = &gate.credentials;
            let words = [&credentials.user, &credentials.secret].map(|word| text(word));
            let words = words.iter().filter(|word| !word.is_empty());
            let words = words.map(String::as_str);
            let words: Vec<&str> = [credentials.scheme.name].into_iter().chain(words).collect();
            words.join(" ")
        }
        (Websmsd, "poll") => match config.polls.first() {
            None => "none".into(),
            Some(poll) => format!("{:?}", poll.every),
        },
        (Websmsd, name) if name.starts_with("poll_") => look_at_poll(config, name),
        (Websmsd, "listen") => format!("{:?}", config.listening.addresses),
        (Websmsd, "tls_cert" | "tls_key") => {
            let tls = config.listening.tls.as_ref().unwrap();
            format!("{} {}", tls.cert.display(), tls.key.display())
        }
        (Websmsd, "max_connections") => config.listening.connections_max.to_string(),
        (Websmsd, "keep_rejected") => config.listening.rejected_max.to_string(),
        (Astqueue, "outgoingdir") => spool.outgoing.display().to_string(),
        (Astqueue, "stagingdir") => spool.staging.display().to_string(),
        (Astqueue, "waittime") => route.waittime.clone(),
        (Astqueue, "maxretries") => route.maxretries.clone(),
        (Astqueue, "retrytime") => route.retrytime.clone(),
        (Astqueue, "archive") => format!("{:?}", route.archive),
        (Astqueue, "channel_context") => route.channel_context.clone(),
        (Astqueue, "context") => route.context.clone(),
        (Astqueue, "priority") => route.priority.clone(),
        (Astqueue, "account") => route.account.clone(),
        (Astqueue, "application") => route.application.clone(),
        (Astqueue, "data") => route.data.clone(),
        (Astqueue, "message_encode") => format!("{:?}", route.encoding),
        (Astqueue, "filemode") => format!("{:o}", spool.mode),
        (Astqueue, "fileowner") => format!("{:?}", spool.owner),
        (Astqueue, "sync") => format!("{:?}", spool.sync),
        (Astqueue, "max") => spool.files_max.to_string(),
        (Astqueue, "inbox") => format!("{:?}", spool.inbox),
        (Astqueue, "inbox_rate") => format!("{:?}", spool.inbox_rate),
        (QueueSection, "dir") => format!("{:?}", queue.dir),
        (QueueSection, "retry") => format!("{:?}", queue.retry),
        (QueueSection, "expire") => format!("{:?}", queue.expire),
        (QueueSection, "max") => queue.messages_max.to_string(),
        (QueueSection, "first") => format!("{:?}", queue.first),
        (Websmsd, "on_message") => format!("{:?}", config.listening.on_message),
        (Websmsd, "status_path") => match &config.rules.status {
            Some(status) => text(&status.path),
            None => "none".into(),
        },
        (Websmsd, "status_addr") => show_cidrs(&config.rules.status.as_ref().unwrap().permit),
        (Websmsd, "status_auth") => text(&config.rules.status.as_ref().unwrap().login),
        (QueueSection, "on_failure") => format!("{:?}", queue.on_failure),
        (QueueSection, "reports") => queue.reports.to_string(),
        (Websms, "log_numbers") => format!("{:?}", config.log_numbers),
        (QueueSection, "notify") => format!("{:?}", queue.notify),
        _ => panic!("no look at {name}"),
    }
}

fn look_at_poll(config: &Config, name: &str) -> String {
    let poll = &config.polls[0];
    let lister = &poll.lister;
    let polled = config.rules.interfaces[0].polled.as_ref().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let places = |places: &Alternatives| text(places.as_bytes());
    match name {
        "poll_timeout" => format!("{:?}", poll.timeout),
        "poll_path" => lister.path.clone(),
        "poll_static" => {
            let pairs = lister.statics.iter();
            let pairs = pairs.map(|(k, v)| format!("{}={}", text(k), text(v)));
            pairs.collect::<Vec<String>>().join("|")
        }
        "poll_each" => text(&lister.each),
        "poll_if" => show_conditions(&polled.accept_if),
        "poll_to" => places(&polled.key_to),
        "poll_from" => places(&polled.key_from),
        "poll_body" => places(&polled.key_body),
        "poll_id" => places(&polled.key_id),
        "poll_media" => places(&polled.key_media),
        "poll_empty" => show_conditions(&lister.empty),
        "poll_order" => format!("{:?}", lister.order),
        "poll_next" | "poll_page" => match &lister.paging {
            Paging::Url(next) => format!("Url({})", places(next)),
            Paging::Value(next) => format!("Value({})", places(next)),
            other => format!("{other:?}"),
        },
        "poll_done" => match &lister.done {
            None => "none".into(),
            Some(done) => format!("{} {}", done.method, done.path),
        },
        "poll_consumes" => lister.consumes.to_string(),
        _ => panic!("no look at {name}"),
    }
}

fn show_place(place: &AnswerPlace) -> String {
    match place {
        AnswerPlace::Usual => "usual".into(),
        AnswerPlace::Keys(keys) => String::from_utf8_lossy(keys.as_bytes()).into_owned(),
        AnswerPlace::Regex(regex) => format!("regex {regex}"),
    }
}

#[test]
fn every_key_has_a_row_and_every_row_a_key() {
    let rows: Vec<_> = rows().map(|row| (row.section, row.name)).collect();
    let keys: Vec<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
    assert_eq!(rows, keys);
}

#[test]
fn every_key_by_default_given_empty_and_bad() {
    for row in rows() {
        let key = keys::find(row.section, row.name.as_bytes()).unwrap();
        let head = format!("[{}]\n{}\n", row.section.name(), row.with);
        let check = |line: &str, expected: Option<&str>| {
            let text = format!("{head}{line}\n");
            let reading = read_text(&text);
            let became = reading
                .config
                .as_ref()
                .map(|c| look(c, row.section, row.name));
            assert_eq!(became.as_deref(), expected, "{text}\n{:?}", reading.notes);
        };
        check("", Some(row.default).filter(|text| *text != "fault"));
        check(&format!("{} =", row.name), row.empty);
        for name in std::iter::once(key.name).chain(key.also) {
            for (value, became) in row.values {
                check(&format!("{name} = {value}"), Some(became));
            }
            for value in row.bad {
                check(&format!("{name} = {value}"), None);
            }
        }
        if key.scope == Scope::Program {
            check(&format!("{} [a] = 1", row.name), None);
            continue;
        }
        // For interfaces, the index must be one that exists for `[websmsd]`.
        let gates = ["permit_addr", "url_path"].contains(&row.name) || row.section == Websms;
        let door = if gates { "" } else { "permit_addr [a] =\n" };
        for (value, became) in row.values {
            // An interface with an index needs a host.
            let line = format!("{door}{} [a] = {value}", row.name);
            check(&line, Some(became));
        }
        for value in row.bad {
            check(&format!("{door}{} [a] = {value}", row.name), None);
        }
    }
}

#[test]
fn defaults_are_values() {
    for key in KEYS {
        if let Absent::Value(default) = key.default {
            let row = rows().find(|row| (row.section, row.name) == (key.section, key.name));
            let row = row.unwrap();
            let text = format!(
                "[{}]\n{}\n{} = \"{default}\"\n",
                key.section.name(),
                row.with,
                key.name
            );
            let became = read_text(&text)
                .config
                .map(|c| look(&c, key.section, key.name));
            let expected = Some(row.default.to_string()).filter(|text| text != "fault");
            assert_eq!(became, expected, "{text}");
        }
    }
}

#[test]
fn defaults_as_documentation_writes_them() {
    let shown = |section, name: &str| {
        keys::find(section, name.as_bytes())
            .unwrap()
            .default_shown()
    };
    assert_eq!(shown(Websms, "host"), "http://localhost");
    assert_eq!(shown(Websms, "auth_user"), "-");
    assert_eq!(shown(Websmsd, "permit_addr"), "all");
    assert_eq!(shown(Websmsd, "report_type"), "by its look");
}

#[test]
fn nothing_given() {
    for text in [
        "",
        "[websms]\n[websmsd]\n[astqueue]\n[queue]\n",
        "; a comment\n",
    ] {
        let config = config(text);
        assert_eq!(config.outgoing.len(), 1, "{text}");
        assert_eq!(config.rules.interfaces.len(), 1, "{text}");
    }
}
