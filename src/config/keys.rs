//! Every key of `websms.conf`: the one table of names, second spellings and defaults.

use super::nearest::Nearest;

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Sending.
    Websms,
    /// Receiving.
    Websmsd,
    /// Call files.
    Astqueue,
    /// The outbound queue and all our state.
    Queue,
}

impl Section {
    /// All sections, in the order of the documentation.
    pub const ALL: [Section; 4] = [
        Section::Websms,
        Section::Websmsd,
        Section::Astqueue,
        Section::Queue,
    ];

    /// Returns the section's name without the brackets.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Websms => "websms",
            Section::Websmsd => "websmsd",
            Section::Astqueue => "astqueue",
            Section::Queue => "queue",
        }
    }
}

/// The value of a key that is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The key counts as given with this value, which is mostly empty.
    Value(&'static str),
    /// The effect cannot be written as a value; these words describe it.
    Unlike(&'static str),
}

/// Whether a key may be given per index (spec §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The key may also be written as `key [index] = value`.
    Interface,
    /// The key is given once for the whole program.
    Program,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The section of the key.
    pub section: Section,
    /// The name of the key.
    pub name: &'static str,
    /// The later PHP program's name for it.
    pub also: Option<&'static str>,
    /// The value of the key if it is not given.
    pub default: Absent,
    /// Whether it takes an index.
    pub scope: Scope,
}

impl Key {
    /// Whether the key takes on, off, or automatic.
    pub fn is_switch(&self) -> bool {
        matches!(self.default, Absent::Value("yes" | "no" | "auto"))
    }

    /// Returns the default as documentation writes it: `-` for an empty one.
    pub fn default_shown(&self) -> &'static str {
        match self.default {
            Absent::Value("") => "-",
            Absent::Value(text) | Absent::Unlike(text) => text,
        }
    }
}

const fn out(name: &'static str, also: Option<&'static str>, default: &'static str) -> Key {
    Key {
        section: Section::Websms,
        name,
        also,
        default: Absent::Value(default),
        scope: Scope::Interface,
    }
}

const fn webhook(name: &'static str, also: Option<&'static str>, default: Absent) -> Key {
    Key {
        section: Section::Websmsd,
        name,
        also,
        default,
        scope: Scope::Interface,
    }
}

const fn once(section: Section, name: &'static str, default: &'static str) -> Key {
    Key {
        section,
        name,
        also: None,
        default: Absent::Value(default),
        scope: Scope::Program,
    }
}

const fn proxy(name: &'static str, also: &'static str, default: &'static str) -> Key {
    Key {
        section: Section::Websmsd,
        name,
        also: Some(also),
        default: Absent::Value(default),
        scope: Scope::Program,
    }
}

use Absent::{Unlike, Value};
use Section::{Astqueue, Queue, Websms, Websmsd};

/// Every key, in the order of the documentation.
pub const KEYS: &[Key] = &[
    out("host", Some("url_host"), "http://localhost"),
    out("path", Some("url_path"), "/"),
    out("key_to", None, "To"),
    out("key_from", None, "From"),
    out("key_body", None, "Body"),
    out("auth_method", None, "basic"),
    out("auth_user", None, ""),
    out("auth_passwd", Some("auth_secret"), ""),
    out("auth_extra", None, ""),
    out("auth_hash", None, "sha256"),
    out("account", None, ""),
    out("key_user", None, ""),
    out("key_secret", None, ""),
    out("response_check", Some("resp_check"), ""),
    out("later_check", None, ""),
    out("status_check", None, ""),
    Key {
        default: Unlike("by its name"),
        ..out("key_message_id", None, "")
    },
    Key {
        default: Unlike("by its name"),
        ..out("key_reason", None, "")
    },
    out("check_path", None, ""),
    out("number_format", Some("val_numform"), ""),
    Key {
        default: Unlike("as number_format"),
        ..out("number_format_from", None, "")
    },
    out("charset", Some("val_unicode"), ""),
    out("val_static", None, ""),
    out("unicode_static", None, ""),
    out("long_bytes", None, ""),
    out("long_static", None, ""),
    Key {
        default: Unlike("as key_message_id"),
        ..out("long_key_message_id", None, "")
    },
    out("text_chars_max", None, ""),
    out("dlr_static", None, ""),
    out("provider", None, ""),
    out("format", None, "form"),
    out("space", None, "+"),
    out("headers", None, ""),
    out("timeout", None, "10"),
    out("proxy", None, ""),
    out("tls_verify", None, "yes"),
    out("ca_file", None, ""),
    out("fallback", None, ""),
    out("rate", None, ""),
    out("limit", None, ""),
    once(Websms, "log_numbers", "whole"),
    webhook("key_to", None, Value("To")),
    webhook("key_from", None, Value("From")),
    webhook("key_body", None, Value("Body")),
    webhook("key_echo", None, Value("")),
    webhook("key_account", None, Value("")),
    webhook("key_id", None, Value("")),
    webhook("key_part_ref", None, Value("")),
    webhook("key_part_number", None, Value("")),
    webhook("key_part_total", None, Value("")),
    webhook("part_wait", None, Value("2m")),
    webhook("accept_if", None, Value("")),
    webhook("each", None, Value("")),
    webhook("own_numbers", None, Value("")),
    webhook("dlr_if", None, Value("")),
    webhook("dlr_id", None, Value("")),
    webhook("dlr_status", None, Value("")),
    webhook("dlr_reason", None, Value("")),
    webhook("dlr_failed", None, Value("")),
    webhook("dlr_delivered", None, Value("")),
    webhook("dlr_final", None, Value("")),
    webhook("dlr_reasons", None, Value("")),
    webhook("number_format", None, Value("")),
    webhook("text_decode", None, Value("none")),
    webhook("key_caption", None, Value("")),
    webhook("key_media", None, Value("")),
    webhook("media", None, Value("link")),
    webhook("report_success", Some("resp_ack"), Value("")),
    webhook("report_type", None, Unlike("by its look")),
    webhook("reject_status", None, Value("422")),
    webhook("permit_addr", Some("remt_addr"), Unlike("all")),
    proxy("proxy_addr", "prox_addr", "172.16.0.0/12"),
    proxy("proxy_header", "prox_header", "HTTP_X_FORWARDED_FOR"),
    webhook("url_path", None, Unlike("all")),
    webhook("auth_method", None, Value("none")),
    webhook("auth_user", None, Value("")),
    webhook("auth_passwd", Some("auth_secret"), Value("")),
    webhook("auth_hash", None, Value("sha256")),
    webhook("auth_age", None, Value("300s")),
    webhook("public_url", None, Value("")),
    webhook("provider", None, Value("")),
    webhook("poll", None, Value("")),
    webhook("poll_timeout", None, Value("30s")),
    webhook("poll_path", None, Value("")),
    webhook("poll_static", None, Value("")),
    webhook("poll_each", None, Value("")),
    webhook("poll_if", None, Value("")),
    webhook("poll_to", None, Unlike("as key_to")),
    webhook("poll_from", None, Unlike("as key_from")),
    webhook("poll_body", None, Unlike("as key_body")),
    webhook("poll_id", None, Unlike("as key_id")),
    webhook("poll_media", None, Unlike("as key_media")),
    webhook("poll_empty", None, Value("")),
    webhook("poll_order", None, Value("newest")),
    webhook("poll_next", None, Value("")),
    webhook("poll_page", None, Value("1")),
    webhook("poll_done", None, Value("")),
    webhook("poll_consumes", None, Value("no")),
    once(Websmsd, "listen", ""),
    once(Websmsd, "tls_cert", ""),
    once(Websmsd, "tls_key", ""),
    once(Websmsd, "max_connections", "64"),
    once(Websmsd, "keep_rejected", "32"),
    once(Websmsd, "on_message", ""),
    once(Websmsd, "status_path", ""),
    once(Websmsd, "status_addr", "127.0.0.0/8,::1"),
    once(Websmsd, "status_auth", ""),
    once(Astqueue, "outgoingdir", "/var/spool/asterisk/outgoing"),
    once(Astqueue, "stagingdir", "/var/spool/asterisk/staging"),
    once(Astqueue, "waittime", "45"),
    once(Astqueue, "maxretries", "0"),
    once(Astqueue, "retrytime", "300"),
    once(Astqueue, "archive", "no"),
    once(Astqueue, "channel_context", "default"),
    once(Astqueue, "context", "default"),
    once(Astqueue, "priority", "1"),
    once(Astqueue, "account", ""),
    once(Astqueue, "application", ""),
    once(Astqueue, "data", ""),
    once(Astqueue, "message_encode", "rfc3986"),
    once(Astqueue, "filemode", "0644"),
    once(Astqueue, "fileowner", ""),
    once(Astqueue, "sync", "yes"),
    once(Astqueue, "max", "1000"),
    once(Astqueue, "inbox", "auto"),
    once(Astqueue, "inbox_rate", "20/s"),
    once(Queue, "dir", "/var/spool/websms"),
    once(Queue, "retry", "10s,30s,2m,10m,30m,1h"),
    once(Queue, "expire", "2d"),
    once(Queue, "max", "1000"),
    once(Queue, "first", "no"),
    once(Queue, "notify", "no"),
    once(Queue, "on_failure", ""),
    once(Queue, "reports", "no"),
];

/// Returns the key of that name, in either spelling.
pub fn find(section: Section, name: &[u8]) -> Option<&'static Key> {
    let is = |known: &str| known.as_bytes() == name;
    KEYS.iter()
        .find(|key| key.section == section && (is(key.name) || key.also.is_some_and(is)))
}

/// Returns the known name of the section that is most similar to an unknown one.
pub fn nearest_key(section: Section, name: &[u8]) -> &'static str {
    let mut nearest = Nearest::to(name);
    for key in KEYS.iter().filter(|key| key.section == section) {
        nearest.offer(key.name);
        if let Some(also) = key.also {
            nearest.offer(also);
        }
    }
    nearest.name
}

/// Whether a key of this name restricts who may deliver, so that a misspelt one would leave a door open.
pub fn guards(section: Section, name: &str) -> bool {
    section == Section::Websmsd
        && (matches!(name, "permit_addr" | "remt_addr" | "url_path")
            || ["auth_", "proxy_", "prox_"]
                .iter()
                .any(|start| name.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_within_a_section() {
        for (i, key) in KEYS.iter().enumerate() {
            for name in std::iter::once(key.name).chain(key.also) {
                let found = find(key.section, name.as_bytes());
                assert_eq!(found, KEYS.get(i), "{name}");
            }
        }
    }

    #[test]
    fn nearest_names() {
        fn check(section: Section, unknown: &str, expected: &str) {
            assert_eq!(
                nearest_key(section, unknown.as_bytes()),
                expected,
                "{unknown}"
            );
        }
        check(Section::Websms, "hots", "host");
        check(Section::Websms, "Key-To", "key_to");
        check(Section::Websms, "auth_password", "auth_passwd");
        check(Section::Websms, "password", "auth_passwd");
        check(Section::Websmsd, "permit", "permit_addr");
        check(Section::Websmsd, "permit_adr", "permit_addr");
        check(Section::Websmsd, "permited_addr", "permit_addr");
        check(Section::Websmsd, "remote_addr", "remt_addr");
        check(Section::Websmsd, "proxy", "proxy_addr");
        check(Section::Websmsd, "proxy-header", "proxy_header");
        check(Section::Websmsd, "trusted_proxy", "proxy_addr");
        check(Section::Websmsd, "path", "url_path");
        check(Section::Websmsd, "secret", "auth_secret");
        check(Section::Websmsd, "auth", "auth_age");
        check(Section::Websmsd, "listn", "listen");
        check(Section::Websmsd, "colour", "poll");
        check(Section::Astqueue, "outgoing_dir", "outgoingdir");
        check(Section::Queue, "retries", "retry");
    }

    #[test]
    fn what_guards() {
        fn check(section: Section, name: &str, expected: bool) {
            assert_eq!(guards(section, name), expected, "{name}");
        }
        check(Section::Websmsd, "permit_addr", true);
        check(Section::Websmsd, "remt_addr", true);
        check(Section::Websmsd, "auth_method", true);
        check(Section::Websmsd, "auth_secret", true);
        check(Section::Websmsd, "proxy_header", true);
        check(Section::Websmsd, "prox_addr", true);
        check(Section::Websmsd, "url_path", true);
        check(Section::Websmsd, "key_to", false);
        check(Section::Websmsd, "provider", false);
        check(Section::Websms, "auth_method", false);
        check(Section::Websms, "url_path", false);
    }
}
