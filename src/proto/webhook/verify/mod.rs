//! Checks a request's credentials or signature against a secret.
//!
//! Each scheme has a file of its own, with its formula and its row of [`SCHEMES`]. All of them keep these
//! rules:
//!
//! * Both sides of a comparison are hashed and the digests compared without an early end, so that the time
//!   of a refusal does not tell how much was right.
//! * A header or parameter of the proof that occurs twice is refused, and so is a parameter that hides
//!   another one: the reader must see what was signed.
//! * Parts that a signature does not cover are not read (`Coverage`). A scheme that covers nothing of a
//!   request, such as Plivo's V2, is not supported.
//! * A time in a signature is judged after the signature itself, so that only the provider can learn that
//!   our clock is wrong.
//!
//! Invariant: no error holds any part of a secret, and nothing in a request chooses the algorithm.

mod public;
mod scheme;

mod gatewayapi;
mod jwt;
mod messagebird;
mod plain;
mod plivo;
mod sinch;
mod telesign;
mod telnyx;
mod twilio;
mod vonage;
mod vonage_jwt;
mod zadarma;

pub use plain::is_basic;
pub use public::PublicUrl;
pub use scheme::{
    Covers, Credentials, Needs, Once, Proof, Scheme, Signer, Subject, Tells, Unsigned,
};

use alloc::vec::Vec;

use crate::proto::webhook::proof::{Coverage, Denied, Proven, the_one};
use crate::proto::wire::mac::Hash;
use crate::proto::wire::request::Request;

/// Every scheme, in the order of the documentation. A new one needs a file beside this one, a row here and
/// vectors of its provider in the tests.
pub static SCHEMES: &[Scheme] = &[
    plain::NONE,
    plain::BASIC,
    plain::BEARER,
    zadarma::SCHEME,
    twilio::TWILIO,
    twilio::SIGNALWIRE,
    telnyx::SCHEME,
    vonage::SCHEME,
    vonage_jwt::SCHEME,
    plivo::SCHEME,
    plivo::V2,
    messagebird::SCHEME,
    gatewayapi::SCHEME,
    sinch::SCHEME,
    telesign::SCHEME,
];

impl Credentials {
    /// Returns the credentials of an interface that asks for no proof.
    pub fn none() -> Credentials {
        Credentials {
            scheme: &plain::NONE,
            user: Vec::new(),
            secret: Vec::new(),
            hash: Hash::Sha256,
        }
    }

    /// Checks what a request proves, body included. A scheme that covers the URL proves nothing without
    /// `public_url`. `now_s` is `None` while the clock is not sane, and `age_s` is `auth_age`.
    pub fn check(
        &self,
        public_url: Option<&PublicUrl>,
        request: &Request,
        now_s: Option<u64>,
        age_s: Option<u64>,
    ) -> Result<Proven, Denied> {
        let url = self.url(public_url, request).ok_or(Denied::Wrong)?;
        let subject = Subject {
            request,
            url: &url,
            given: self.given(request)?,
            now_s,
            age_s,
        };
        let signature = (self.scheme.check)(self, &subject)?;
        let coverage = match self.scheme.covers {
            Covers::Request | Covers::Url => Coverage::Whole,
            Covers::Parameters => match request.method {
                "GET" | "HEAD" => Coverage::Whole,
                _ => Coverage::Body,
            },
            Covers::Body => Coverage::Body,
            Covers::Inside(parameter) => Coverage::Inside(parameter),
            Covers::Claims => Coverage::Claims(jwt::claims(subject.given)?),
        };
        Ok(Proven {
            coverage,
            signature,
        })
    }

    /// Makes the proof that a provider would add to a POST, body included.
    pub fn sign(
        &self,
        public_url: Option<&PublicUrl>,
        request: &Request,
        now_s: u64,
    ) -> Result<Proof, Unsigned> {
        let sign = self.scheme.sign.ok_or(Unsigned::PrivateKey)?;
        let url = self.url(public_url, request).ok_or(Unsigned::Missing)?;
        let subject = Subject {
            request,
            url: &url,
            given: b"",
            now_s: Some(now_s),
            age_s: None,
        };
        let mut proof = Proof::default();
        let value = sign(self, &subject, &mut proof).ok_or(Unsigned::Missing)?;
        if let Some(header) = self.scheme.headers.first() {
            proof.add(header, value);
        }
        Ok(proof)
    }

    /// Returns the value of the signature's header field.
    fn given<'a>(&self, request: &Request<'a>) -> Result<&'a [u8], Denied> {
        let mut headers = self.scheme.headers.iter();
        match headers.find(|header| request.header(header).is_some()) {
            Some(header) => the_one(request, header),
            None if self.scheme.headers.is_empty() => Ok(b""),
            None => Err(Denied::Missing),
        }
    }

    /// Returns the URL that the provider called; empty if the scheme does not cover it.
    fn url(&self, public_url: Option<&PublicUrl>, request: &Request) -> Option<Vec<u8>> {
        match self.scheme.covers {
            Covers::Url => public_url?.of(request),
            _ => Some(Vec::new()),
        }
    }

    /// Whether no proof is asked for.
    pub fn is_none(&self) -> bool {
        self.scheme.name == plain::NONE.name
    }
}

/// Returns the parameter of this name if a proof may cover its value alone.
pub fn inside(name: &[u8]) -> Option<&'static [u8]> {
    SCHEMES.iter().find_map(|scheme| match scheme.covers {
        Covers::Inside(signed) if signed == name => Some(signed),
        _ => None,
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
pub(super) mod tests;
