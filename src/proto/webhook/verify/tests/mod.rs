//! Checks that requests signed as providers sign them are accepted, and refused as soon as a byte differs.

mod ambiguity;
mod golden;
mod near;

use super::*;
use crate::limits::SIGNATURE_AGE_S_MAX;
use crate::proto::wire::mac::hmac_sha256_base64;
use crate::proto::wire::request::{Field, Request, Version};

/// Returns a request with a body.
pub(in crate::proto::webhook::verify) fn request<'a>(
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

/// Returns the credentials of a scheme with a secret.
pub(in crate::proto::webhook) fn with_secret(name: &str, secret: &[u8]) -> Credentials {
    let scheme = SCHEMES.iter().find(|scheme| scheme.name == name).unwrap();
    Credentials {
        scheme,
        secret: secret.to_vec(),
        ..Credentials::none()
    }
}

/// Checks a request, and counts every reason for 401 as one.
fn check(
    credentials: &Credentials,
    public_url: Option<&PublicUrl>,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Coverage, Denied> {
    let found = credentials.check(public_url, request, now_s, Some(SIGNATURE_AGE_S_MAX));
    found
        .map(|proven| proven.coverage)
        .map_err(|denied| match denied {
            Denied::Clock => Denied::Clock,
            _ => Denied::Wrong,
        })
}

#[test]
fn what_the_operator_reads() {
    let credentials = with_secret("sinch", b"s");
    let check_row = |signatures: &[&str], now_s: Option<u64>, expected: &str| {
        let mut fields = vec![
            ("x-sinch-webhook-signature-algorithm", "HmacSHA256"),
            ("x-sinch-webhook-signature-nonce", "n"),
            ("x-sinch-webhook-signature-timestamp", "1000"),
        ];
        let name = "x-sinch-webhook-signature";
        fields.extend(signatures.iter().map(|value| (name, *value)));
        let request = request("POST", "/", &fields, b"");
        let found = credentials.check(None, &request, now_s, Some(SIGNATURE_AGE_S_MAX));
        assert_eq!(found.unwrap_err().phrase(), expected, "{signatures:?}");
    };
    let good = &*hmac_sha256_base64(b"s", &[b".n.1000"]);
    let missing = "signature missing or given twice";
    check_row(&[], Some(1000), missing);
    check_row(&[good, good], Some(1000), missing);
    check_row(&["x"], Some(1000), "signature wrong");
    check_row(&["x"], Some(1301), "signature wrong");
    check_row(&["x"], None, "signature wrong");
    check_row(&[good], Some(1301), "signature of another time");
    check_row(&[good], None, "clock not set");
}

#[track_caller]
fn check_credentials(
    credentials: &Credentials,
    fields: &[&str],
    expected: Result<Coverage, Denied>,
) {
    let fields: Vec<(&str, &str)> = fields.iter().map(|v| ("authorization", *v)).collect();
    let request = request("POST", "/", &fields, b"");
    let found = check(credentials, None, &request, None);
    assert_eq!(found, expected, "{fields:?}");
}

#[test]
fn credentials_of_a_header() {
    let check_row = check_credentials;
    let yes = || Ok(Coverage::Whole);
    let no = || Err(Denied::Wrong);
    check_row(&Credentials::none(), &[], yes());
    check_row(&Credentials::none(), &["whatever"], yes());

    // The value is the output of printf 'Aladdin:open sesame' | base64 (RFC 7617 §2).
    let basic = Credentials {
        user: b"Aladdin".to_vec(),
        ..with_secret("basic", b"open sesame")
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

    let bearer = with_secret("bearer", b"t0ken");
    check_row(&bearer, &["Bearer t0ken"], yes());
    check_row(&bearer, &["bearer t0ken"], yes());
    check_row(&bearer, &["Bearer T0ken"], no());
    check_row(&bearer, &["Bearer t0ke"], no());
    check_row(&bearer, &["Bearer t0ken2"], no());
    check_row(&bearer, &["Basic t0ken"], no());
}

#[test]
fn no_secret_in_debug() {
    let bearer = with_secret("bearer", b"t0ken");
    assert_eq!(format!("{bearer:?}"), "bearer");
}

#[test]
fn a_signature_is_known_however_it_is_written() {
    let check = |name: &str, secret: &[u8], header: &str, values: &[&str], more: (&str, &str)| {
        let credentials = with_secret(name, secret);
        let public_url = PublicUrl::parse("https://h");
        for value in values {
            let fields = [(header, *value), more];
            let request = request("POST", "/", &fields, b"");
            let found = credentials
                .check(public_url.as_ref(), &request, None, None)
                .unwrap();
            assert_eq!(found.signature, values[0].as_bytes(), "{name} {value}");
        }
    };
    let none = ("X-None", "");
    let signature = hmac_sha256_base64(b"s", &[b"https://h/.1"]);
    let (header, nonce) = ("X-Plivo-Signature-V3", ("X-Plivo-Signature-V3-Nonce", "1"));
    let lists = [
        format!("wrong, {signature}"),
        format!(" {signature} ,{signature},"),
    ];
    check(
        "plivo",
        b"s",
        header,
        &[&signature, &lists[0], &lists[1]],
        nonce,
    );
    let signature = hmac_sha256_base64(b"s", &[b""]);
    let with_id = format!("TSA customer:{signature}");
    check(
        "telesign",
        b"s",
        "Authorization",
        &[&signature, &with_id],
        none,
    );
    let signature = twilio::signature(b"s", b"https://h/", &[]);
    for header in ["X-SignalWire-Signature", "X-Twilio-Signature"] {
        check("signalwire", b"s", header, &[&signature], none);
    }
    // The secret itself is no token.
    let request = request("POST", "/", &[("Authorization", "Bearer t")], b"");
    let found = with_secret("bearer", b"t")
        .check(None, &request, None, None)
        .unwrap();
    assert!(found.signature.is_empty());
}
