//! Requests as providers sign them → accepted, and refused as soon as a byte differs.

mod ambiguity;
mod golden;
mod near;

use super::*;
use crate::proto::request::{Field, Version};

/// A request with a body.
pub(in crate::proto::verify) fn request<'a>(
    method: &'a str,
    target: &'a str,
    fields: &[(&'a str, &'a str)],
    body: &'a [u8],
) -> Request<'a> {
    Request {
        method,
        target: target.as_bytes(),
        version: Version::Http11,
        fields: fields
            .iter()
            .map(|(name, value)| Field {
                name,
                value: value.as_bytes(),
            })
            .collect(),
        body,
    }
}

#[track_caller]
fn check_credentials(scheme: &Scheme, fields: &[&str], expected: Result<Coverage, Denied>) {
    let fields: Vec<(&str, &str)> = fields.iter().map(|v| ("authorization", *v)).collect();
    let request = request("POST", "/", &fields, b"");
    assert_eq!(check(scheme, None, &request, None), expected, "{fields:?}");
}

#[test]
fn credentials_of_a_header() {
    let check_row = check_credentials;
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
    assert_eq!(format!("{scheme:?}"), "bearer");
}
