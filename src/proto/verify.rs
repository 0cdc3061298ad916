//! A request's credentials or signature against a secret.
//!
//! Both sides are hashed and the digests compared without an early end, so that the time of a
//! refusal says nothing of how much was right.

use crate::proto::request::Request;

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
}

/// Says the method and nothing of the secret.
impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scheme::None => "None",
            Scheme::Basic { .. } => "Basic",
            Scheme::Bearer { .. } => "Bearer",
        })
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

/// Why a request proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Credentials or signature missing or wrong: 401.
    Wrong,
    /// A time-windowed signature under a clock that is not sane: 503.
    Clock,
}

/// Whether `request`, body included, was sent by who knows the secret of `scheme`, and what that
/// proves. `now_s` is `None` while the clock is not sane.
pub fn check(scheme: &Scheme, request: &Request, _now_s: Option<u64>) -> Result<Coverage, Denied> {
    match scheme {
        Scheme::None => Ok(Coverage::Whole),
        Scheme::Basic { user, passwd } => {
            use base64::Engine as _;
            let mut pair = Vec::with_capacity(user.len().saturating_add(passwd.len()));
            pair.extend_from_slice(user);
            pair.push(b':');
            pair.extend_from_slice(passwd);
            let expected = base64::engine::general_purpose::STANDARD.encode(pair);
            authorization(request, "basic", expected.as_bytes())
        }
        Scheme::Bearer { token } => authorization(request, "bearer", token),
    }
}

/// The one `Authorization` field, its scheme compared without case, its token in constant time.
fn authorization(request: &Request, scheme: &str, expected: &[u8]) -> Result<Coverage, Denied> {
    let mut fields = request.headers("authorization");
    let (Some(value), None) = (fields.next(), fields.next()) else {
        return Err(Denied::Wrong);
    };
    let (name, token) = value.split_at_checked(scheme.len()).ok_or(Denied::Wrong)?;
    let blanks = token.iter().take_while(|b| **b == b' ').count();
    let token = token.get(blanks..).unwrap_or_default();
    if blanks > 0 && name.eq_ignore_ascii_case(scheme.as_bytes()) && same(token, expected) {
        Ok(Coverage::Whole)
    } else {
        Err(Denied::Wrong)
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::request::{Field, Version};

    fn check_row(scheme: &Scheme, fields: &[&str], expected: Result<Coverage, Denied>) {
        let request = Request {
            method: "POST",
            target: b"/",
            version: Version::Http11,
            fields: fields
                .iter()
                .map(|value| Field {
                    name: "authorization",
                    value: value.as_bytes(),
                })
                .collect(),
            body: b"",
        };
        assert_eq!(check(scheme, &request, None), expected, "{fields:?}");
    }

    #[test]
    fn credentials() {
        let yes = || Ok(Coverage::Whole);
        let no = || Err(Denied::Wrong);
        check_row(&Scheme::None, &[], yes());
        check_row(&Scheme::None, &["whatever"], yes());

        // printf 'Aladdin:open sesame' | base64 (RFC 7617 §2)
        let basic = Scheme::Basic {
            user: b"Aladdin".to_vec(),
            passwd: b"open sesame".to_vec(),
        };
        check_row(&basic, &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], yes());
        check_row(&basic, &["bASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], yes());
        check_row(&basic, &[], no());
        check_row(&basic, &[""], no());
        check_row(&basic, &["Basic"], no());
        check_row(&basic, &["Basic "], no());
        check_row(&basic, &["BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ=="], no());
        check_row(&basic, &["Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], no());
        check_row(&basic, &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ="], no());
        check_row(&basic, &["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==x"], no());
        let twice = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        check_row(&basic, &[twice, twice], no());

        let bearer = Scheme::Bearer {
            token: b"t0ken".to_vec(),
        };
        check_row(&bearer, &["Bearer t0ken"], yes());
        check_row(&bearer, &["bearer t0ken"], yes());
        check_row(&bearer, &["Bearer T0ken"], no());
        check_row(&bearer, &["Bearer t0ke"], no());
        check_row(&bearer, &["Bearer t0ken2"], no());
        check_row(&bearer, &["Basic t0ken"], no());
    }

    #[test]
    fn no_secret_in_debug() {
        let scheme = Scheme::Bearer {
            token: b"t0ken".to_vec(),
        };
        assert_eq!(format!("{scheme:?}"), "Bearer");
    }
}
