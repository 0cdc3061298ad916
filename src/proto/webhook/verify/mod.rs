//! A request's credentials or signature against a secret.
//!
//! One file a scheme; the formulas stand there. What all of them keep to:
//!
//! * Both sides of a comparison are hashed and the digests compared without an early end, so that
//!   the time of a refusal says nothing of how much was right.
//! * A header or parameter of the proof that is given twice is refused, and so is a parameter that
//!   hides another one: what was signed must be what is read.
//! * What a signature does not cover is not read (`Coverage`). A scheme that covers nothing of a
//!   request, as Plivo's V2, is none.
//! * A time in a signature is judged after the signature itself, so that only the provider can
//!   learn that our clock is wrong.
//!
//! Invariant: nothing of a secret is in an error, and nothing of a request chooses the algorithm.

mod gatewayapi;
mod jwt;
mod messagebird;
mod plivo;
mod prove;
mod public;
mod sha2;
mod sinch;
mod telesign;
mod telnyx;
pub mod twilio;
mod vonage;
mod vonage_jwt;
mod zadarma;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::limits::{NONCE_BYTES_MAX, SIGNATURE_AGE_S_MAX};
use crate::proto::wire::request::Request;

pub use jwt::Algorithm;
pub use prove::{Proof, prove};
pub use public::PublicUrl;
pub use telnyx::PublicKey;
pub use vonage::Hash;
pub use vonage::signature as vonage_signature;

/// Parameters of which a proof may cover the inside (`Coverage::Inside`).
pub const INSIDE: [&[u8]; 1] = [zadarma::SIGNED];

/// How a provider proves that a webhook is its own (`[websmsd] auth_method`).
#[derive(Clone, PartialEq, Eq)]
pub enum Scheme {
    /// It does not.
    None,
    /// `Authorization: Basic`.
    Basic {
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Bearer`, the token being `auth_passwd`.
    Bearer {
        /// The token.
        token: Vec<u8>,
    },
    /// HMAC-SHA1 of the parameter `result`.
    Zadarma {
        /// The API secret.
        secret: Vec<u8>,
    },
    /// HMAC-SHA1 of the URL and the form's parameters, or of the URL with the body's digest.
    Twilio {
        /// The account's auth token.
        token: Vec<u8>,
        /// Whose header it stands in.
        header: twilio::Header,
    },
    /// Ed25519 over time and body.
    Telnyx {
        /// The account's public key.
        key: PublicKey,
    },
    /// A hash of all parameters in the parameter `sig`.
    Vonage {
        /// The signature secret.
        secret: Vec<u8>,
        /// The account's signature method.
        hash: Hash,
    },
    /// A JWT with the body's digest (Vonage's Messages API).
    VonageJwt {
        /// The signature secret.
        secret: Vec<u8>,
        /// The only algorithm taken.
        algorithm: Algorithm,
    },
    /// HMAC-SHA256 of URL, parameters and a nonce (V3).
    Plivo {
        /// The account's auth token.
        token: Vec<u8>,
    },
    /// A JWT with digests of URL and body.
    MessageBird {
        /// The signing key.
        key: Vec<u8>,
        /// The only algorithm taken.
        algorithm: Algorithm,
    },
    /// A JWT that repeats the body.
    GatewayApi {
        /// The webhook's secret.
        secret: Vec<u8>,
        /// The only algorithm taken.
        algorithm: Algorithm,
    },
    /// HMAC-SHA256 of body, nonce and time.
    Sinch {
        /// The webhook's secret.
        secret: Vec<u8>,
    },
    /// HMAC-SHA256 of the body.
    Telesign {
        /// The API key, decoded.
        key: Vec<u8>,
    },
}

impl Scheme {
    /// Its name in `auth_method`.
    pub fn name(&self) -> &'static str {
        match self {
            Scheme::None => "none",
            Scheme::Basic { .. } => "basic",
            Scheme::Bearer { .. } => "bearer",
            Scheme::Zadarma { .. } => "zadarma",
            Scheme::Twilio { header, .. } => header.scheme_name(),
            Scheme::Telnyx { .. } => "telnyx",
            Scheme::Vonage { .. } => "vonage",
            Scheme::VonageJwt { .. } => "vonage-jwt",
            Scheme::Plivo { .. } => "plivo",
            Scheme::MessageBird { .. } => "messagebird",
            Scheme::GatewayApi { .. } => "gatewayapi",
            Scheme::Sinch { .. } => "sinch",
            Scheme::Telesign { .. } => "telesign",
        }
    }

    /// Whether it covers the URL that the provider called, so that `public_url` must be given.
    pub fn covers_url(&self) -> bool {
        matches!(
            self,
            Scheme::Twilio { .. } | Scheme::Plivo { .. } | Scheme::MessageBird { .. }
        )
    }
}

/// Says the method and nothing of the secret.
impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What of a request its proof covers. Nothing else of it may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Query and body.
    Whole,
    /// The body, not the query.
    Body,
    /// What stands inside this parameter (zadarma's `result`).
    Inside(&'static [u8]),
    /// Nothing of the request; these bytes instead, a JSON object (the claims of gatewayapi's
    /// JWT).
    Claims(Vec<u8>),
}

/// Why a request proves nothing. All but the last are 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Credentials or signature wrong, or something in the request that they cannot cover.
    Wrong,
    /// The proof's header field is not there, or twice.
    Missing,
    /// A right signature, of another time than now: perhaps recorded.
    Time,
    /// A time-windowed signature under a clock that is not sane: 503.
    Clock,
}

impl Denied {
    /// For the log: the operator's first question is which of them it was.
    pub fn phrase(self) -> &'static str {
        match self {
            Denied::Wrong => "signature wrong",
            Denied::Missing => "signature missing or given twice",
            Denied::Time => "signature of another time",
            Denied::Clock => "clock not set",
        }
    }
}

/// Whether `request`, body included, was sent by who knows the secret of `scheme`, and what that
/// proves. `public_url` is where the provider sends to; a scheme that covers the URL proves nothing
/// without it. `now_s` is `None` while the clock is not sane.
pub fn check(
    scheme: &Scheme,
    public_url: Option<&PublicUrl>,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let url = || {
        let url = public_url.and_then(|public_url| public_url.of(request));
        url.ok_or(Denied::Wrong)
    };
    match scheme {
        Scheme::None => Ok(Coverage::Whole),
        Scheme::Basic { user, passwd } => {
            let pair = [user, b":".as_slice(), passwd].concat();
            let expected = BASE64_STANDARD.encode(pair);
            authorization(request, "basic", expected.as_bytes())
        }
        Scheme::Bearer { token } => authorization(request, "bearer", token),
        Scheme::Zadarma { secret } => zadarma::check(secret, request),
        Scheme::Twilio { token, header } => twilio::check(token, *header, &url()?, request),
        Scheme::Telnyx { key } => telnyx::check(key, request, now_s),
        Scheme::Vonage { secret, hash } => vonage::check(secret, *hash, request, now_s),
        Scheme::VonageJwt { secret, algorithm } => {
            vonage_jwt::check(secret, *algorithm, request, now_s)
        }
        Scheme::Plivo { token } => plivo::check(token, &url()?, request),
        Scheme::MessageBird { key, algorithm } => {
            messagebird::check(key, *algorithm, &url()?, request, now_s)
        }
        Scheme::GatewayApi { secret, algorithm } => {
            gatewayapi::check(secret, *algorithm, request, now_s)
        }
        Scheme::Sinch { secret } => sinch::check(secret, request, now_s),
        Scheme::Telesign { key } => telesign::check(key, request),
    }
}

/// The one `Authorization` field, its scheme compared without case, its token in constant time.
fn authorization(request: &Request, scheme: &str, expected: &[u8]) -> Result<Coverage, Denied> {
    proved(
        same(credentials(request, scheme)?, expected),
        Coverage::Whole,
    )
}

/// What stands behind the scheme's name in the one `Authorization` field.
fn credentials<'a>(request: &Request<'a>, scheme: &str) -> Result<&'a [u8], Denied> {
    let value = the_one(request, "authorization")?;
    let (name, token) = value.split_at_checked(scheme.len()).ok_or(Denied::Wrong)?;
    let blanks = token.iter().take_while(|b| **b == b' ').count();
    match blanks > 0 && name.eq_ignore_ascii_case(scheme.as_bytes()) {
        true => Ok(token.get(blanks..).unwrap_or_default()),
        false => Err(Denied::Wrong),
    }
}

/// The value of a header field that must be there, and once.
fn the_one<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let mut fields = request.headers(name);
    match (fields.next(), fields.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Denied::Missing),
    }
}

/// A nonce that can be told from what stands before and behind it: providers join it to the rest
/// with a dot.
fn nonce<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let value = the_one(request, name)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match (1..=NONCE_BYTES_MAX).contains(&value.len()) && value.iter().all(plain) {
        true => Ok(value),
        false => Err(Denied::Wrong),
    }
}

/// Seconds since 1970, as digits and nothing else.
fn seconds(text: &[u8]) -> Result<u64, Denied> {
    // What a number's own parser takes besides digits is no time.
    let digits = (1..=12).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(Denied::Wrong)
}

/// Whether a signature of that time may still be taken.
fn fresh(signed_s: u64, now_s: Option<u64>) -> Result<(), Denied> {
    let now_s = now_s.ok_or(Denied::Clock)?;
    match signed_s.abs_diff(now_s) {
        0..=SIGNATURE_AGE_S_MAX => Ok(()),
        _ => Err(Denied::Time),
    }
}

fn proved(holds: bool, coverage: Coverage) -> Result<Coverage, Denied> {
    match holds {
        true => Ok(coverage),
        false => Err(Denied::Wrong),
    }
}

/// Whether two secrets are the same, in a time that does not depend on where they differ.
pub fn same(given: &[u8], expected: &[u8]) -> bool {
    let given = sha1_smol::Sha1::from(given).digest().bytes();
    let expected = sha1_smol::Sha1::from(expected).digest().bytes();
    let differing = given
        .iter()
        .zip(&expected)
        .fold(0, |bits, (a, b)| bits | (a ^ b));
    std::hint::black_box(differing) == 0
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
mod tests;
