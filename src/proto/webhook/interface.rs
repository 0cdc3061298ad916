//! The settings of one interface of `[websmsd]`: who is let in, and how webhooks are read and answered.
//!
//! These are plain values of the configuration. [`access`](super::access) decides by a [`Gate`] which
//! interface a request belongs to, `read` finds its messages by a [`Webhook`].

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::limits::SIGNATURE_AGE_S_MAX;
use crate::message::Number;
use crate::proto::grammar::{Alternatives, Conditions};
use crate::proto::webhook::verify::{Credentials, Once, PublicUrl, Tells};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::number::NumberFormat;
use crate::proto::wire::request::Request;

/// All settings of one index.
#[derive(Debug, Clone)]
pub struct Interface {
    /// The index, which no other interface has; empty if it has none.
    pub name: String,
    /// The conditions under which a request is let in.
    pub gate: Gate,
    /// The way in which webhooks are read and answered.
    pub webhook: Webhook,
    /// The way in which an element of the provider's list is read if the provider is asked for SMS
    /// (`poll`).
    pub polled: Option<Webhook>,
}

/// The conditions under which an interface lets a request in.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The blocks of addresses that are let in. `None` lets everybody in, an empty list nobody.
    pub permit: Option<Vec<Cidr>>,
    /// The undecoded request paths that are served; one with `?` is compared with the whole target. `None`
    /// serves every path, an empty list none.
    pub paths: Option<Vec<Vec<u8>>>,
    /// The credentials by which the provider proves itself.
    pub credentials: Credentials,
    /// The greatest age of a signed time, in seconds (`auth_age`); `None` if any age is taken.
    pub auth_age_s: Option<u64>,
    /// The URL that the provider sends to (`public_url`), for schemes that sign it.
    pub public_url: Option<PublicUrl>,
    /// The query parameter whose value is echoed (`key_echo`).
    pub key_echo: Alternatives,
}

impl Gate {
    /// Whether the address may enter; `None` stands for an address that could not be found out.
    pub fn permits(&self, address: Option<IpAddr>) -> bool {
        match (&self.permit, address) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(blocks), Some(address)) => blocks.iter().any(|block| block.contains(address)),
        }
    }

    /// Returns which requests may not repeat the signature of an earlier one (spec §8.6). No request may if
    /// the signed time may be so old that somebody could have recorded it.
    pub fn once(&self) -> Once {
        let scheme = self.credentials.scheme;
        let is_recent = self
            .auth_age_s
            .is_some_and(|age_s| age_s <= SIGNATURE_AGE_S_MAX);
        match scheme.tells {
            Tells::Time if !is_recent => Once::Everywhere,
            _ => scheme.once(),
        }
    }

    /// Whether the path is served. The bytes are compared undecoded.
    pub(super) fn serves(&self, request: &Request) -> bool {
        let Some(paths) = &self.paths else {
            return true;
        };
        paths.iter().any(|path| match path.contains(&b'?') {
            true => path == request.target,
            false => path == request.path(),
        })
    }
}

/// The parameters of a webhook that make an SMS, and the answers to it.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The parameter names or JSON paths of the destination.
    pub key_to: Alternatives,
    /// The parameter names or JSON paths of the sender.
    pub key_from: Alternatives,
    /// The parameter names or JSON paths of the text.
    pub key_body: Alternatives,
    /// The names or paths of the text for a message that has none under `key_body`, as an MMS.
    pub key_caption: Alternatives,
    /// The names or paths of the provider's message id.
    pub key_id: Alternatives,
    /// The names or paths of the provider's reference for a text that comes in parts.
    pub key_part_ref: Alternatives,
    /// The names or paths of the part's number.
    pub key_part_number: Alternatives,
    /// The names or paths of the number of parts.
    pub key_part_total: Alternatives,
    /// The time for which a text waits for its parts.
    pub part_wait: Duration,
    /// Conditions that must all hold for a request to be a message.
    pub accept_if: Conditions,
    /// The path of the list whose elements are one message each; empty if there is none.
    pub each: Vec<u8>,
    /// Our own numbers: if one SMS names several destinations, these get it. Empty if the first one gets
    /// it.
    pub own_numbers: Vec<Number>,
    /// The destination of an SMS that names none: our only number, for a list that is asked for.
    pub to: Option<Number>,
    /// The form into which both numbers are converted.
    pub number_format: NumberFormat,
    /// The encoding of the text.
    pub text_decode: Decode,
    /// The place of an MMS's links: a path, `a[].b` for every element of a list, or `a*` for `a`, `a0`,
    /// `a1` and so on.
    pub key_media: Alternatives,
    /// The treatment of these links.
    pub media: Media,
    /// The body of the answer to an accepted SMS.
    pub report_success: Vec<u8>,
    /// The content type of that answer; `config` takes it from `report_type` or from the look of the body.
    pub report_type: String,
    /// The status of the answer to requests that are no acceptable message.
    pub reject_status: u16,
    /// The way in which delivery reports are read.
    pub dlr: Dlr,
}

/// Tells which requests are delivery reports, and where their parts are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dlr {
    /// Conditions that must all hold for a request to be a report. Without any, a request is a report if
    /// `accept_if` refuses it and it has an id and a status.
    pub only_if: Conditions,
    /// The names or paths of the provider's id of the SMS.
    pub id: Alternatives,
    /// The names or paths of the status, a word.
    pub status: Alternatives,
    /// The names or paths of the reason for a failure.
    pub reason: Alternatives,
    /// The statuses that mean a failure, as `a,b`.
    pub failed: Vec<u8>,
    /// The statuses that mean that the SMS has arrived.
    pub delivered: Vec<u8>,
    /// Conditions under which any other status means a failure.
    pub last: Conditions,
    /// Reasons and the words that replace them.
    pub words: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Dlr {
    /// Whether any report can be read.
    pub fn reads(&self) -> bool {
        !self.id.is_empty() && !self.status.is_empty()
    }
}

impl Webhook {
    /// Whether texts may come in parts.
    pub fn has_parts(&self) -> bool {
        let keys = [
            &self.key_part_ref,
            &self.key_part_number,
            &self.key_part_total,
        ];
        keys.iter().all(|key| !key.is_empty())
    }

    /// Returns the keys whose values are taken whole: no key is looked for inside them.
    pub(super) fn named(&self) -> Vec<&[u8]> {
        let keys = [
            &self.key_to,
            &self.key_from,
            &self.key_body,
            &self.key_caption,
            &self.key_id,
            &self.key_part_ref,
        ];
        keys.iter().flat_map(|key| key.iter()).collect()
    }
}

/// The encoding of an incoming text (`text_decode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// The text is taken unchanged.
    None,
    /// `percent`: the text is decoded if all of it is percent-encoded, with `+` for a blank.
    Percent,
    /// `base64`: the text is decoded if all of it is base64.
    Base64,
}

/// The treatment of an MMS's links (`media`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `link`: each link is added behind the text, on a line of its own.
    Link,
    /// `drop`: the links are dropped, and only the text arrives.
    Drop,
}

#[cfg(test)]
impl Webhook {
    /// Returns the settings of a `[websmsd]` without keys.
    pub(super) fn by_default() -> Webhook {
        Webhook {
            key_to: "To".into(),
            key_from: "From".into(),
            key_body: "Body".into(),
            key_id: "".into(),
            key_part_ref: "".into(),
            key_part_number: "".into(),
            key_part_total: "".into(),
            part_wait: Duration::from_secs(120),
            accept_if: "".into(),
            each: Vec::new(),
            own_numbers: Vec::new(),
            to: None,
            number_format: NumberFormat::AsIs,
            text_decode: Decode::None,
            key_caption: "".into(),
            key_media: "".into(),
            media: Media::Link,
            report_success: Vec::new(),
            report_type: String::new(),
            reject_status: 422,
            dlr: Dlr::default(),
        }
    }
}
