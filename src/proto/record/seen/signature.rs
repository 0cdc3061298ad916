//! Decides at which interfaces no earlier request may have had a request's signature (spec §8.6).

use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::print::{Places, interface, proof};
use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::verify::Once;

/// A signature that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The digest of the signature.
    pub proof: NonZeroU64,
    counts: Counts,
}

/// The interfaces at which no earlier request may have had the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Counts {
    /// Every interface.
    Everywhere,
    /// These interfaces (see [`interface`]).
    At(Vec<u32>),
}

impl Signature {
    /// Returns the signature of a request to an interface, as the scheme computes it; `None` if it may come
    /// again.
    pub fn of(rules: &Rules, to: &Interface, signature: &[u8]) -> Option<Signature> {
        let counts = counts(rules, to)?;
        let credentials = &to.gate.credentials;
        let proof = proof(credentials.scheme.name, &credentials.secret, signature);
        Some(Signature { proof, counts })
    }

    /// Returns the signature of a request that was kept, as its file has it.
    pub fn kept(rules: &Rules, to: &Interface, proof: NonZeroU64) -> Option<Signature> {
        let counts = counts(rules, to)?;
        Some(Signature { proof, counts })
    }

    /// Returns the interfaces at which it counts.
    pub fn places(&self) -> Places<'_> {
        match &self.counts {
            Counts::Everywhere => Places::All,
            Counts::At(these) => Places::These(these),
        }
    }
}

/// Whether the SMS of an interface are remembered.
pub fn remembers(rules: &Rules, interface: &Interface) -> bool {
    let has_ids = !interface.webhook.key_id.is_empty() || interface.polled.is_some();
    has_ids || counts(rules, interface).is_some()
}

fn counts(rules: &Rules, to: &Interface) -> Option<Counts> {
    let credentials = &to.gate.credentials;
    match to.gate.once() {
        Once::Never => None,
        Once::Everywhere => Some(Counts::Everywhere),
        Once::Elsewhere => {
            let mut others = Vec::new();
            for it in &rules.interfaces {
                if it.name != to.name && it.gate.credentials == *credentials {
                    others.push(interface(&it.name));
                }
            }
            (!others.is_empty()).then_some(Counts::At(others))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::config;

    /// Returns the interfaces that count for signatures of the first interface.
    fn first(conf: &str) -> Option<Counts> {
        let conf = format!("[websmsd]\npublic_url = https://h\n{conf}\n");
        let config = config::read(conf.as_bytes(), &|_| None).config.unwrap();
        let to = &config.rules.interfaces[0];
        let found = counts(&config.rules, to);
        assert_eq!(found.is_some(), remembers(&config.rules, to), "{conf}");
        found
    }

    #[test]
    fn where_a_signature_counts() {
        let one = |method: &str| first(&format!("auth_method = {method}\nauth_passwd = AAAA"));
        let two = |method: &str, secrets: &str| {
            first(&format!(
                "auth_user = u\nauth_method = {method}\nurl_path[a] = /a\nurl_path[b] = /b\n{secrets}"
            ))
        };
        let key = "auth_passwd = \"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"";
        for method in ["twilio", "signalwire", "plivo", "telesign", "gatewayapi"] {
            assert_eq!(one(method), Some(Counts::Everywhere), "{method}");
            assert_eq!(two(method, key), Some(Counts::Everywhere), "{method}");
        }
        let other = Some(Counts::At(vec![interface("b")]));
        for method in ["zadarma", "telnyx", "vonage", "vonage-jwt", "sinch"] {
            if method != "telnyx" {
                assert_eq!(one(method), None, "{method}");
                let differ = "auth_passwd[a] = x\nauth_passwd[b] = y";
                assert_eq!(two(method, differ), None, "{method}");
            }
            assert_eq!(two(method, key), other, "{method}");
        }
        for method in ["none", "basic", "bearer", "messagebird"] {
            assert_eq!(two(method, key), None, "{method}");
        }
        let mixed = "auth_method[a] = vonage\nauth_method[b] = sinch\nurl_path[a] = /a\n\
                     url_path[b] = /b\nauth_passwd = x";
        assert_eq!(first(mixed), None);
    }
}
