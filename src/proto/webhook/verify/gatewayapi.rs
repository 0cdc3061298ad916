//! GatewayAPI: `X-Gwapi-Signature`, a JWT whose claims repeat the body.
//!
//! Its header does not say which body it belongs to, so the claims are read in the body's place.
//! They hold no time of sending; where there is an `exp` or `nbf` it counts.

use super::jwt::{self, Algorithm};
use crate::proto::webhook::proof::{Coverage, Denied, the_one};
use crate::proto::wire::request::Request;

pub(super) fn check(
    secret: &[u8],
    algorithm: Algorithm,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let token = the_one(request, "x-gwapi-signature")?;
    let claims = jwt::read(token, secret, algorithm)?;
    claims.holds(now_s)?;
    Ok(Coverage::Claims(claims.0))
}
