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
mod scheme;
mod sinch;
mod telesign;
mod telnyx;
pub mod twilio;
mod vonage;
mod vonage_jwt;
mod zadarma;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::proto::webhook::proof::{Coverage, Denied, credentials, proved};
use crate::proto::wire::mac::same;
use crate::proto::wire::request::Request;

pub use jwt::Algorithm;
pub use prove::{Proof, prove};
pub use public::PublicUrl;
pub use scheme::Scheme;
pub use telnyx::PublicKey;

/// Parameters of which a proof may cover the inside (`Coverage::Inside`).
pub const INSIDE: [&[u8]; 1] = [zadarma::SIGNED];

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

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
mod tests;
