//! GatewayAPI: `X-Gwapi-Signature`, a JWT whose claims repeat the body.
//!
//! The token's header does not say which body it belongs to, so the claims are read instead of the body.
//! They hold no time of sending; an `exp` or `nbf` counts if there is one.

use alloc::vec::Vec;

use super::jwt;
use super::scheme::{Covers, Credentials, Needs, Scheme, Subject, Tells};
use crate::proto::webhook::proof::Denied;

pub(super) const SCHEME: Scheme = Scheme {
    name: "gatewayapi",
    needs: Needs::PasswdAndHash("the webhook's secret", jwt::HASHES),
    covers: Covers::Claims,
    tells: Tells::Id,
    joins: false,
    headers: &["X-Gwapi-Signature"],
    check,
    sign: Some(|credentials, subject, _| jwt::encode(subject.request.body, credentials)),
};

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let claims = jwt::read(subject.given, credentials)?;
    claims.holds(subject.now_s)?;
    Ok(claims.signature)
}
