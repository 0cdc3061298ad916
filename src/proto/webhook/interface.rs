//! One interface of `[websmsd]`: whom it lets in, and how its webhooks are read and answered.
//!
//! These are the values that a configuration gives. [`access`](super::access) decides by a [`Gate`] which
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

/// All that one index says.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its index, which no other interface has; empty where there is none.
    pub name: String,
    /// Whom it lets in.
    pub gate: Gate,
    /// How its webhooks are read and answered.
    pub webhook: Webhook,
    /// How an element of the provider's list is read, where the provider is asked for SMS (`poll`).
    pub polled: Option<Webhook>,
}

/// What one interface asks of a request.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Blocks let in; `None`: everybody, empty: nobody.
    pub permit: Option<Vec<Cidr>>,
    /// Request paths served, undecoded; one with `?` is compared with the whole target.
    /// `None`: every path, empty: none.
    pub paths: Option<Vec<Vec<u8>>>,
    /// How the provider proves itself.
    pub credentials: Credentials,
    /// How old a signed time may be, seconds (`auth_age`); `None`: of any age.
    pub auth_age_s: Option<u64>,
    /// Where the provider sends to (`public_url`), for schemes that sign it.
    pub public_url: Option<PublicUrl>,
    /// The query parameter whose value is echoed (`key_echo`).
    pub key_echo: Alternatives,
}

impl Gate {
    /// Whether the address may enter; `None` is an address that could not be found out.
    pub fn permits(&self, address: Option<IpAddr>) -> bool {
        match (&self.permit, address) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(blocks), Some(address)) => blocks.iter().any(|block| block.contains(address)),
        }
    }

    /// Which requests may not have the signature of an earlier one (spec §8.6): none where it may be so old
    /// that somebody could have recorded it.
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

    /// Whether the path is served, bytewise and undecoded.
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

/// Which parameters of a webhook make an SMS, and what it is answered.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Parameter names or JSON paths of the destination.
    pub key_to: Alternatives,
    /// The sender's.
    pub key_from: Alternatives,
    /// The text's.
    pub key_body: Alternatives,
    /// The text's where a message has none of those names: of an MMS.
    pub key_caption: Alternatives,
    /// The provider's message id.
    pub key_id: Alternatives,
    /// The provider's reference of a text that comes in parts.
    pub key_part_ref: Alternatives,
    /// Which part a message is.
    pub key_part_number: Alternatives,
    /// Of how many.
    pub key_part_total: Alternatives,
    /// How long a text waits for its parts.
    pub part_wait: Duration,
    /// Only requests of which all these hold are messages.
    pub accept_if: Conditions,
    /// Path of the list whose elements are one message each; empty: none.
    pub each: Vec<u8>,
    /// Our numbers: of several destinations of one SMS these get it. None: the first gets it.
    pub own_numbers: Vec<Number>,
    /// Who gets an SMS that names no destination: our only number, of a list that is asked for.
    pub to: Option<Number>,
    /// What happens to both numbers.
    pub number_format: NumberFormat,
    /// What the text is written in.
    pub text_decode: Decode,
    /// Where an MMS has its links: a path, `a[].b` for every element of a list, `a*` for `a`, `a0`,
    /// `a1` and so on.
    pub key_media: Alternatives,
    /// What happens to them.
    pub media: Media,
    /// Body of the answer to an accepted SMS.
    pub report_success: Vec<u8>,
    /// Its content type, settled by `config` from `report_type` or the look of the body.
    pub report_type: String,
    /// Status for requests that are no acceptable message.
    pub reject_status: u16,
    /// How delivery reports are read.
    pub dlr: Dlr,
}

/// Which requests are delivery reports, and what they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dlr {
    /// Only requests of which all these hold are reports; none: those that `accept_if` refuses and that have an
    /// id and a status.
    pub only_if: Conditions,
    /// The provider's id of the SMS.
    pub id: Alternatives,
    /// A word for how it goes.
    pub status: Alternatives,
    /// Why it failed.
    pub reason: Alternatives,
    /// The words that mean a failure, as `a,b`.
    pub failed: Vec<u8>,
    /// Those that mean it has arrived.
    pub delivered: Vec<u8>,
    /// Where these hold, any other word means a failure.
    pub last: Conditions,
    /// Reasons and what to call them.
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

    /// The keys whose values are what they look like: nothing is sought inside them.
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

/// `text_decode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decode {
    /// As it is.
    None,
    /// `percent`: where all of it is percent-encoded, `+` for a blank.
    Percent,
    /// `base64`: where all of it is.
    Base64,
}

/// `media`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `link`: each stands behind the text, on a line of its own.
    Link,
    /// `drop`: the text alone arrives.
    Drop,
}

#[cfg(test)]
impl Webhook {
    /// As a `[websmsd]` without keys says it.
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
