//! Checks a JSON Web Token with a secret and returns its claims (RFC 7515, RFC 7519).
//!
//! The configuration decides the algorithm. The token must name the same one, but nothing depends on that:
//! a token can never choose its algorithm, least of all `none`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac::{Algorithm, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512};

use super::scheme::Credentials;
use crate::limits::TOKEN_SLIP_S_MAX;
use crate::proto::webhook::proof::{Denied, equal, seconds};
use crate::proto::wire::json;
use crate::proto::wire::mac::{Hash, hmac_sha2, sha256_hex};

/// The hashes for signing tokens, by the words of `auth_hash`.
pub(super) const HASHES: &[(&str, Hash)] = &[
    ("sha256", Hash::Sha256),
    ("sha384", Hash::Sha384),
    ("sha512", Hash::Sha512),
];

/// The claims of a token.
pub(super) struct Claims {
    /// The claims as a JSON object, as they were signed.
    json: Vec<u8>,
    /// The signature in base64, as in the token.
    pub(super) signature: Vec<u8>,
}

/// Returns the claims of a token after checking its signature.
pub(super) fn read(token: &[u8], credentials: &Credentials) -> Result<Claims, Denied> {
    let (name, algorithm) = named(credentials.hash).ok_or(Denied::Wrong)?;
    let mut parts = token.split(|b| *b == b'.');
    let (Some(header), Some(claims), Some(given), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Denied::Wrong);
    };
    let expected = hmac_sha2(algorithm, &credentials.secret, &[header, b".", claims]);
    let signature = equal(given, BASE64_URL_SAFE_NO_PAD.encode(expected))?;
    let header = decoded(header)?;
    let header = json::parse(&header).map_err(|_| Denied::Wrong)?;
    let named = header.child(b"alg").and_then(|alg| alg.scalar());
    // `crit` lists extensions that must be understood (RFC 7515 §4.1.11). None is.
    if named.as_deref() != Some(name.as_bytes()) || header.child(b"crit").is_some() {
        return Err(Denied::Wrong);
    }
    let claims = Claims {
        json: decoded(claims)?,
        signature,
    };
    match json::parse(&claims.json) {
        Ok(value) if value.is_object() => Ok(claims),
        _ => Err(Denied::Wrong),
    }
}

/// Returns the claims of a token that has been checked before.
pub(super) fn claims(token: &[u8]) -> Result<Vec<u8>, Denied> {
    let claims = token.split(|b| *b == b'.').nth(1);
    decoded(claims.unwrap_or_default())
}

/// Encodes a token with these claims.
pub(super) fn encode(claims: &[u8], credentials: &Credentials) -> Option<String> {
    let (name, algorithm) = named(credentials.hash)?;
    let header = format!(r#"{{"alg":"{name}","typ":"JWT"}}"#);
    let header = BASE64_URL_SAFE_NO_PAD.encode(header);
    let claims = BASE64_URL_SAFE_NO_PAD.encode(claims);
    let tag = hmac_sha2(
        algorithm,
        &credentials.secret,
        &[header.as_bytes(), b".", claims.as_bytes()],
    );
    let tag = BASE64_URL_SAFE_NO_PAD.encode(tag);
    Some([&header, ".", &claims, ".", &tag].concat())
}

/// Returns the token's name of a hash and the algorithm; `None` for a hash that signs no token here.
fn named(hash: Hash) -> Option<(&'static str, Algorithm)> {
    match hash {
        Hash::Sha256 => Some(("HS256", HMAC_SHA256)),
        Hash::Sha384 => Some(("HS384", HMAC_SHA384)),
        Hash::Sha512 => Some(("HS512", HMAC_SHA512)),
        Hash::Md5Hash | Hash::Md5 | Hash::Sha1 => None,
    }
}

fn decoded(part: &[u8]) -> Result<Vec<u8>, Denied> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part);
    bytes.map_err(|_| Denied::Wrong)
}

impl Claims {
    /// Returns a claim that is neither object nor list; `None` if it is missing.
    pub(super) fn text(&self, name: &str) -> Option<Vec<u8>> {
        let claims = json::parse(&self.json).ok()?;
        claims.child(name.as_bytes())?.scalar()
    }

    /// Whether a claim is the SHA-256 of these bytes in hexadecimal digits.
    pub(super) fn has_hash(&self, name: &str, bytes: &[u8]) -> Result<(), Denied> {
        let hash = self.text(name).ok_or(Denied::Wrong)?;
        equal(&hash.to_ascii_lowercase(), sha256_hex(bytes)).map(drop)
    }

    /// Returns a claim that is a time; `None` if it is missing.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, Denied> {
        let claims = json::parse(&self.json).map_err(|_| Denied::Wrong)?;
        let Some(claim) = claims.child(name.as_bytes()) else {
            return Ok(None);
        };
        let text = claim.scalar().ok_or(Denied::Wrong)?;
        seconds(&text).map(Some)
    }

    /// Checks that the token holds now, by its `nbf` and `exp` if it has them.
    pub(super) fn holds(&self, now_s: Option<u64>) -> Result<(), Denied> {
        let (from_s, to_s) = (self.seconds("nbf")?, self.seconds("exp")?);
        if from_s.is_none() && to_s.is_none() {
            return Ok(());
        }
        let now_s = now_s.ok_or(Denied::Clock)?;
        let begun = from_s.is_none_or(|from_s| from_s <= now_s.saturating_add(TOKEN_SLIP_S_MAX));
        let over = to_s.is_some_and(|to_s| to_s.saturating_add(TOKEN_SLIP_S_MAX) < now_s);
        match begun && !over {
            true => Ok(()),
            false => Err(Denied::Time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_secret;
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        let tag = hmac_sha2(
            HMAC_SHA256,
            b"secret",
            &[header.as_bytes(), b".", claims.as_bytes()],
        );
        format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    }

    #[test]
    fn tokens() {
        fn check(token: &str, expected: Option<&str>) {
            let found = read(token.as_bytes(), &with_secret("gatewayapi", b"secret")).ok();
            let found = found.map(|claims| claims.json);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{token}");
        }
        let plain = r#"{"alg":"HS256"}"#;
        check(&token(plain, r#"{"a":1}"#), Some(r#"{"a":1}"#));
        check(&token(r#"{"typ":"JWT","alg":"HS256"}"#, "{}"), Some("{}"));
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","crit":["b64"]}"#,
            r#"{}"#,
            "",
            "HS256",
        ] {
            check(&token(header, "{}"), None);
        }
        for claims in ["", "[]", "1", "\"a\"", "{", "null"] {
            check(&token(plain, claims), None);
        }
        let good = token(plain, "{}");
        for bad in [
            "".to_owned(),
            ".".to_owned(),
            "..".to_owned(),
            format!("{good}="),
            format!("{good}."),
            format!("{good}A"),
            format!(" {good}"),
            good.rsplit_once('.')
                .map_or("", |(start, _)| start)
                .to_owned(),
            format!("{}.", good.rsplit_once('.').map_or("", |(start, _)| start)),
        ] {
            check(&bad, None);
        }
    }

    #[test]
    fn times() {
        fn check(claims: &str, now_s: Option<u64>, expected: Result<(), Denied>) {
            let claims = Claims {
                json: claims.as_bytes().to_vec(),
                signature: Vec::new(),
            };
            let found = claims.holds(now_s);
            assert_eq!(found, expected, "{now_s:?}");
        }
        let both = r#"{"nbf":1000,"exp":1060}"#;
        let late = || Err(Denied::Time);
        check(both, Some(998), late());
        check(both, Some(999), Ok(()));
        check(both, Some(1061), Ok(()));
        check(both, Some(1062), late());
        check(both, None, Err(Denied::Clock));
        check("{}", None, Ok(()));
        check("{}", Some(1), Ok(()));
        for bad in ["-1", "1.5", "1e3", "{}", "null", "\"\"", "9999999999999"] {
            let claims = format!(r#"{{"nbf":0,"exp":{bad}}}"#);
            check(&claims, Some(1), Err(Denied::Wrong));
        }
    }
}
