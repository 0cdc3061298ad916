//! A request and a secret → the proof that the provider would send with it, for a self-test.
//!
//! The other half of [`super::check`], by the same formulas. What holds a public key only cannot be
//! made.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::public::PublicUrl;
use super::scheme::Scheme;
use super::{jwt, plivo, twilio, zadarma};
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::{self, hmac_sha256_base64, sha256_hex};
use crate::proto::wire::parameters;
use crate::proto::wire::request::Request;

/// What is added to a request.
#[derive(Default)]
pub struct Proof {
    /// Header fields.
    pub fields: Vec<(&'static str, String)>,
    /// Parameters of the body.
    pub parameters: Vec<Pair>,
}

/// No dot and no blank: a nonce stands between dots.
const NONCE: &str = "websms-selftest";

/// Seconds that a token holds.
const TOKEN_S: u64 = 60;

/// The proof of a POST, body included, made at `now_s`. `None` where it cannot be made: the scheme
/// needs a private key, or a part that the request or the configuration has not.
pub fn prove(
    scheme: &Scheme,
    public_url: Option<&PublicUrl>,
    request: &Request,
    now_s: u64,
) -> Option<Proof> {
    let url = || public_url?.of(request);
    let body = request.body;
    let mut proof = Proof::default();
    let (name, value) = match scheme {
        Scheme::None => return Some(proof),
        Scheme::Basic { user, passwd } => {
            let pair = BASE64_STANDARD.encode([user, b":".as_slice(), passwd].concat());
            ("Authorization", ["Basic ", &pair].concat())
        }
        Scheme::Bearer { token } => ("Authorization", bearer(str::from_utf8(token).ok()?)),
        Scheme::Zadarma { secret } => {
            let result = parameters::parameter(request, zadarma::SIGNED)?;
            ("Signature", zadarma::signature(secret, &result))
        }
        Scheme::Twilio { token, header } => {
            let mut pairs = parameters::form_pairs(request)?;
            pairs.sort_unstable();
            let name = match header {
                twilio::Header::Twilio => "X-Twilio-Signature",
                twilio::Header::SignalWire => "X-SignalWire-Signature",
            };
            (name, twilio::signature(token, &url()?, &pairs))
        }
        Scheme::Telnyx { .. } => return None,
        Scheme::Vonage { secret, hash } => {
            let mut pairs = parameters::form_pairs(request)?;
            let time = (b"timestamp".to_vec(), now_s.to_string().into_bytes());
            pairs.push(time.clone());
            let signature = mac::of_parameters(*hash, secret, pairs).into_bytes();
            proof.parameters = vec![time, (b"sig".to_vec(), signature)];
            return Some(proof);
        }
        Scheme::VonageJwt { secret, algorithm } => {
            let hash = sha256_hex(body);
            let claims = format!(r#"{{"iat":{now_s},"payload_hash":"{hash}"}}"#);
            let token = jwt::encode(claims.as_bytes(), secret, *algorithm);
            ("Authorization", bearer(&token))
        }
        Scheme::Plivo { token } => {
            let url = url()?;
            let path = url.split(|b| *b == b'?').next().unwrap_or_default();
            let query = parameters::distinct_pairs(request.query())?;
            let signed = plivo::signed(path, query, parameters::form_pairs(request)?);
            proof.add("X-Plivo-Signature-V3-Nonce", NONCE.to_owned());
            let signature = hmac_sha256_base64(token, &[&signed, b".", NONCE.as_bytes()]);
            ("X-Plivo-Signature-V3", signature)
        }
        Scheme::MessageBird { key, algorithm } => {
            let (url_hash, payload_hash) = (sha256_hex(&url()?), sha256_hex(body));
            let end_s = now_s.saturating_add(TOKEN_S);
            let claims = format!(
                r#"{{"iss":"MessageBird","nbf":{now_s},"exp":{end_s},"url_hash":"{url_hash}","payload_hash":"{payload_hash}"}}"#
            );
            let token = jwt::encode(claims.as_bytes(), key, *algorithm);
            ("MessageBird-Signature-JWT", token)
        }
        Scheme::GatewayApi { secret, algorithm } => {
            ("X-Gwapi-Signature", jwt::encode(body, secret, *algorithm))
        }
        Scheme::Sinch { secret } => {
            let time = now_s.to_string();
            let parts = [body, b".", NONCE.as_bytes(), b".", time.as_bytes()];
            let signature = hmac_sha256_base64(secret, &parts);
            let algorithm = "HmacSHA256".to_owned();
            proof.add("x-sinch-webhook-signature-algorithm", algorithm);
            proof.add("x-sinch-webhook-signature-nonce", NONCE.to_owned());
            proof.add("x-sinch-webhook-signature-timestamp", time);
            ("x-sinch-webhook-signature", signature)
        }
        Scheme::Telesign { key } => ("Authorization", hmac_sha256_base64(key, &[body])),
    };
    proof.add(name, value);
    Some(proof)
}

impl Proof {
    fn add(&mut self, name: &'static str, value: String) {
        self.fields.push((name, value));
    }
}

fn bearer(token: &str) -> String {
    ["Bearer ", token].concat()
}
