//! Shows the request for a message as text, with its secrets masked (`--dry-run`).
//!
//! Secrets are masked twice: by place (parameters and headers whose names mark them) and by value (the
//! credentials, in every spelling). So neither a new place nor a new name can show one.

use alloc::vec::Vec;

use super::account::{Account, Format};
use super::encode::BadAccount;
use super::encode::{assemble, filled};
use super::mask::{MASK, mask, secrets, tells_a_secret};
use super::sign::Auth;
use crate::message::Message;

/// Headers that are shown. Their values hold no secret, whether the configuration or the program sets them.
const OPEN: [&str; 2] = ["Accept", "Content-Type"];
const OURS: [&str; 3] = ["Content-Length", "Host", "User-Agent"];

/// Returns the request line, the headers, an empty line and the body as they would be sent.
pub fn preview(message: &Message, account: &Account, now_s: u64) -> Result<Vec<u8>, BadAccount> {
    let request = filled(message, account);
    let real = assemble(&request, request.parameters.clone(), account, now_s)?;
    let mut list = request.parameters.clone();
    for (name, value) in &mut list {
        if tells_a_secret(name) || is_credential(name, &account.auth) {
            *value = MASK.to_vec();
        }
    }
    let call = assemble(&request, list, account, now_s)?;
    let secrets = secrets(account);
    let mut out = Vec::new();
    out.extend_from_slice(call.method.as_bytes());
    out.push(b' ');
    let target = mask_pairs(call.target().as_bytes());
    out.extend_from_slice(&mask(&target, &secrets));
    out.extend_from_slice(b" HTTP/1.1\r\n");
    // Content-Length counts the bytes of the real request.
    for (name, value) in real.fields() {
        let value = match is_open(name, account) {
            true => mask(value.as_bytes(), &secrets),
            false => mask_all_but_scheme(&value),
        };
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(&value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&match account.format {
        // A signature stands at the end of the form, where its value is masked too.
        Format::Form => mask(&mask_pairs(&call.body), &secrets),
        _ => mask(&call.body, &secrets),
    });
    Ok(out)
}

fn is_open(name: &str, account: &Account) -> bool {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    let is_given = || account.headers.iter().any(|(given, _)| is(given));
    OPEN.into_iter().any(is) || (OURS.into_iter().any(is) && !is_given())
}

/// Masks parameters whose names mark a secret: `/path?a=b&key=***`.
fn mask_pairs(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for piece in text.split_inclusive(|byte| matches!(byte, b'&' | b'?')) {
        let end = piece.last().filter(|last| matches!(last, b'&' | b'?'));
        let mut halves = piece.splitn(2, |byte| *byte == b'=');
        match (halves.next(), halves.next()) {
            (Some(name), Some(_)) if tells_a_secret(name) => {
                out.extend_from_slice(name);
                out.push(b'=');
                out.extend_from_slice(MASK);
                out.extend(end);
            }
            _ => out.extend_from_slice(piece),
        }
    }
    out
}

fn is_credential(name: &[u8], auth: &Auth) -> bool {
    auth.parameters().iter().any(|(key, _)| *key == name)
}

/// Masks a header's value but for its scheme: `Basic ***` shows that the header is there and its kind.
fn mask_all_but_scheme(value: &str) -> Vec<u8> {
    let scheme = ["Basic ", "Bearer "]
        .into_iter()
        .find(|scheme| value.starts_with(scheme));
    [scheme.unwrap_or("").as_bytes(), MASK].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::message::{Number, Sender, Text};
    use crate::proto::provider::account::tests::account;
    use crate::proto::provider::encode;
    use crate::proto::wire::mac::Hash;

    fn shown(account: &Account) -> String {
        let message = Message {
            to: Number::parse_outbound(b"1").unwrap(),
            from: Sender::parse_outbound(b"2").unwrap(),
            text: Text::parse_outbound(b"hello").unwrap(),
        };
        String::from_utf8(preview(&message, account, 0).unwrap()).unwrap()
    }

    #[test]
    fn a_request_without_secrets_is_shown_exactly() {
        let account = Account {
            auth: Auth::None,
            ..account()
        };
        assert_eq!(
            shown(&account),
            concat!(
                "POST /sms/send/ HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: websms/",
                env!("CARGO_PKG_VERSION"),
                "\r\nAccept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n",
                "Content-Length: 22\r\n\r\nBody=hello&From=2&To=1"
            )
        );
    }

    #[test]
    fn secrets_are_masked_however_they_are_written() {
        fn check(account: Account) {
            let text = shown(&account);
            for secret in [
                "p/w \"+~", "us er", "p%2Fw", "p\\/w", "us+er", "us%20er", "dXMgZXI6",
            ] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            assert!(text.contains("***"), "{text}");
        }
        let (user, passwd) = (b"us er".to_vec(), b"p/w \"+~".to_vec());
        let plain = || Auth::Plain {
            key_user: b"login".to_vec(),
            key_secret: b"code".to_vec(),
            user: user.clone(),
            passwd: passwd.clone(),
        };
        for format in [Format::Form, Format::Query, Format::Json, Format::Multipart] {
            let statics = vec![
                (b"copy".to_vec(), passwd.clone()),
                (b"pair".to_vec(), b"dXMgZXI6cC93ICIrfg==".to_vec()),
            ];
            check(Account {
                format,
                statics,
                auth: plain(),
                ..account()
            });
        }
        check(Account {
            auth: Auth::Basic {
                user: user.clone(),
                passwd: passwd.clone(),
            },
            ..account()
        });
        check(Account {
            path: "/us%20er/send".to_owned(),
            auth: plain(),
            ..account()
        });
        check(Account {
            auth: Auth::Header {
                name: "X-Api".to_owned(),
                value: "p/w \"+~".to_owned(),
            },
            ..account()
        });
    }

    #[test]
    fn names_that_tell_a_secret_are_masked() {
        fn check(name: &str, masked: bool) {
            let account = Account {
                statics: vec![(name.into(), b"tell-tale".to_vec())],
                auth: Auth::None,
                ..account()
            };
            let text = shown(&account);
            assert_eq!(!text.contains("tell-tale"), masked, "{name}");
        }
        for name in [
            "api_KEY",
            "client-secret",
            "Password",
            "tokens",
            "signature",
            "sig",
        ] {
            check(name, true);
        }
        for name in ["type", "sender", "si", "toke"] {
            check(name, false);
        }
    }

    #[test]
    fn headers_are_masked_but_the_harmless_ones() {
        let account = Account {
            headers: vec![
                ("X-Team".to_owned(), "blue".to_owned()),
                ("accept".to_owned(), "text/xml".to_owned()),
                ("User-Agent".to_owned(), "tok123".to_owned()),
            ],
            ..account()
        };
        let text = shown(&account);
        assert!(text.contains("X-Team: ***\r\n"), "{text}");
        assert!(text.contains("accept: text/xml\r\n"), "{text}");
        assert!(text.contains("Authorization: Basic ***\r\n"), "{text}");
        assert!(text.contains("User-Agent: ***\r\n"), "{text}");
    }

    #[test]
    fn secrets_in_the_path_and_signatures_are_masked() {
        let account = Account {
            path: "/send?Api_key=abc&to=1".to_owned(),
            auth: Auth::Vonage {
                user: b"0-me".to_vec(),
                secret: b"a-z-0".to_vec(),
                hash: Hash::Sha256,
            },
            ..account()
        };
        for format in [Format::Form, Format::Query] {
            let text = shown(&Account {
                format,
                ..account.clone()
            });
            assert!(text.contains("/send?Api_key=***&to=1"), "{text}");
            assert!(text.contains("&sig=***&"), "{text}");
        }
    }

    #[test]
    fn the_length_is_that_of_the_real_body() {
        let account = Account {
            statics: vec![(b"token".to_vec(), b"0123456789".to_vec())],
            ..account()
        };
        let message = Message {
            to: Number::parse_outbound(b"1").unwrap(),
            from: Sender::parse_outbound(b"2").unwrap(),
            text: Text::parse_outbound(b"hello").unwrap(),
        };
        let length = encode(&message, &account, 0).unwrap().body.len();
        assert!(shown(&account).contains(&format!("Content-Length: {length}\r\n")));
    }
}
