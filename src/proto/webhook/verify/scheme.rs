//! The schemes by which a provider can prove itself, with their secrets.

use super::jwt::Algorithm;
use super::telnyx::PublicKey;
use super::twilio;
use crate::proto::wire::mac::Hash;

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
