//! Authenticates outgoing requests with `plain`, `basic`, `bearer`, `header`, `zadarma`, `ovh` or `vonage`
//! (spec §6.3).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::{self, Hash, hex, hmac_sha1};

/// The method that authenticates requests to the provider (`[websms] auth_method`).
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// Requests are not authenticated.
    None,
    /// Two parameters hold the credentials.
    Plain {
        /// The name of the user's parameter; empty if it is not sent.
        key_user: Vec<u8>,
        /// The name of the secret's parameter; empty if it is not sent.
        key_secret: Vec<u8>,
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Basic`; without user and password there is no header.
    Basic {
        /// `auth_user`.
        user: Vec<u8>,
        /// `auth_passwd`.
        passwd: Vec<u8>,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// `auth_passwd`.
        token: Vec<u8>,
    },
    /// The header named `auth_user` with the value `auth_passwd`.
    Header {
        /// The header's name.
        name: String,
        /// The header's value.
        value: String,
    },
    /// Zadarma's signature, in a header.
    Zadarma {
        /// `auth_user`.
        user: String,
        /// `auth_passwd`.
        secret: Vec<u8>,
    },
    /// OVH's signature, in headers.
    Ovh {
        /// `auth_user`, the application key.
        user: String,
        /// `auth_passwd`, the application secret.
        secret: Vec<u8>,
        /// `auth_extra`, the consumer key.
        consumer: String,
    },
    /// Vonage's `sig`, which is a parameter.
    Vonage {
        /// `auth_user`, the API key.
        user: Vec<u8>,
        /// `auth_passwd`, the signature secret.
        secret: Vec<u8>,
        /// `auth_hash`.
        hash: Hash,
    },
}

/// The parts of a request that a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// `POST` or `GET`.
    pub method: &'static str,
    /// The URL that is called, parameters included.
    pub url: &'a str,
    /// The configuration's `path` with placeholders filled in.
    pub path: &'a str,
    /// The encoded parameters of a form or a query exactly as they are sent.
    pub query: &'a [u8],
    /// The request's body.
    pub body: &'a [u8],
    /// The time, in seconds since 1970.
    pub now_s: u64,
}

/// Shows the method and nothing of the credentials.
impl core::fmt::Debug for Auth {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Auth::None => "None",
            Auth::Plain { .. } => "Plain",
            Auth::Basic { .. } => "Basic",
            Auth::Bearer { .. } => "Bearer",
            Auth::Header { .. } => "Header",
            Auth::Zadarma { .. } => "Zadarma",
            Auth::Ovh { .. } => "Ovh",
            Auth::Vonage { .. } => "Vonage",
        })
    }
}

impl Auth {
    /// Returns the parameters that `plain` adds, as (name, value).
    pub fn parameters(&self) -> Vec<(&[u8], &[u8])> {
        match self {
            Auth::Plain {
                key_user,
                key_secret,
                user,
                passwd,
            } => vec![(key_user, user), (key_secret, passwd)],
            _ => Vec::new(),
        }
    }

    /// Returns the parameters that sign the others; empty for methods that have none.
    pub fn signature(&self, parameters: &[Pair], now_s: u64) -> Vec<Pair> {
        let Auth::Vonage { user, secret, hash } = self else {
            return Vec::new();
        };
        let timestamp = now_s.to_string().into_bytes();
        let mut added = vec![
            (b"api_key".to_vec(), user.clone()),
            (b"timestamp".to_vec(), timestamp),
        ];
        let signed = [parameters, &added].concat();
        let signature = mac::of_parameters(*hash, secret, signed);
        added.push((b"sig".to_vec(), signature.into_bytes()));
        added
    }

    /// Returns the headers that prove who we are, as (name, value).
    pub fn headers(&self, request: &ToSign) -> Vec<(&str, Vec<u8>)> {
        let value = match self {
            Auth::None | Auth::Plain { .. } | Auth::Vonage { .. } => return Vec::new(),
            Auth::Basic { user, passwd } if user.is_empty() && passwd.is_empty() => {
                return Vec::new();
            }
            Auth::Basic { user, passwd } => {
                let pair = [user, b":".as_slice(), passwd].concat();
                format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes()
            }
            Auth::Bearer { token } => [b"Bearer ", token.as_slice()].concat(),
            Auth::Header { name, value } => return vec![(name, value.as_bytes().to_vec())],
            Auth::Zadarma { user, secret } => {
                let signature = zadarma(secret, request.path.as_bytes(), request.query);
                format!("{user}:{signature}").into_bytes()
            }
            Auth::Ovh {
                user,
                secret,
                consumer,
            } => {
                let now = request.now_s.to_string();
                let signature = ovh(secret, consumer, request, &now);
                return vec![
                    ("X-Ovh-Application", user.as_bytes().to_vec()),
                    ("X-Ovh-Consumer", consumer.as_bytes().to_vec()),
                    ("X-Ovh-Timestamp", now.into_bytes()),
                    ("X-Ovh-Signature", signature.into_bytes()),
                ];
            }
        };
        vec![("Authorization", value)]
    }
}

/// Returns base64(hex(HMAC-SHA1(secret, path + query + hex(MD5(query))))). The base64 is made of the forty
/// hexadecimal digits, not of the twenty bytes.
fn zadarma(secret: &[u8], path: &[u8], query: &[u8]) -> String {
    let digest = hex(&Md5::digest(query));
    let mac = hmac_sha1(secret, &[path, query, digest.as_bytes()]);
    BASE64_STANDARD.encode(hex(&mac))
}

/// Returns `$1$` and hex(SHA1(secret+consumer+METHOD+URL+body+seconds)), with a `+` between the parts.
fn ovh(secret: &[u8], consumer: &str, request: &ToSign, now: &str) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    let (method, url) = (request.method.as_bytes(), request.url.as_bytes());
    let parts = [
        consumer.as_bytes(),
        method,
        url,
        request.body,
        now.as_bytes(),
    ];
    sha1.update(secret);
    for part in parts {
        sha1.update(b"+");
        sha1.update(part);
    }
    format!("$1${}", hex(&sha1.digest().bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to_sign<'a>(path: &'a str, query: &'a str) -> ToSign<'a> {
        ToSign {
            method: "POST",
            url: "https://eu.api.ovh.com/1.0/sms/s/jobs",
            path,
            query: query.as_bytes(),
            body: b"{}",
            now_s: 1_366_560_945,
        }
    }

    #[test]
    fn ovh_signs_secret_consumer_method_url_body_and_time() {
        let auth = Auth::Ovh {
            user: "app".to_owned(),
            secret: b"EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF".to_vec(),
            consumer: "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1".to_owned(),
        };
        let headers = auth.headers(&to_sign("/", ""));
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, str::from_utf8(value).unwrap()))
            .collect();
        assert_eq!(
            headers,
            [
                ("X-Ovh-Application", "app"),
                ("X-Ovh-Consumer", "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"),
                ("X-Ovh-Timestamp", "1366560945"),
                (
                    "X-Ovh-Signature",
                    "$1$06156bbc8d5bad2826515f3023cea2b84c23b0af"
                ),
            ]
        );
    }

    #[test]
    fn vonage_signs_the_parameters() {
        let auth = Auth::Vonage {
            user: b"k".to_vec(),
            secret: b"s3cret".to_vec(),
            hash: Hash::Md5Hash,
        };
        let given = [
            (b"to".to_vec(), b"1".to_vec()),
            (b"text".to_vec(), b"a&b=c".to_vec()),
        ];
        let expected = [
            ("api_key", "k"),
            ("timestamp", "1366560945"),
            ("sig", "91de7f06d49e53e14e39b02f7283f140"),
        ];
        let expected = expected.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(auth.signature(&given, 1_366_560_945), expected);
        assert_eq!(Auth::None.signature(&given, 1), []);
    }

    #[test]
    fn zadarma_signs_as_its_own_client_does() {
        fn check(path: &str, query: &str, expected: &str) {
            let auth = Auth::Zadarma {
                user: "user_key".to_owned(),
                secret: b"secret_key".to_vec(),
            };
            let headers = auth.headers(&to_sign(path, query));
            let expected = ("Authorization", expected.as_bytes().to_vec());
            assert_eq!(headers, [expected]);
        }
        // These were computed with the steps of zadarma/user-api-v1, lib/Client.php.
        check(
            "/v1/sms/send/",
            "format=json&message=Hello+World%21&number=46701234567&sender=46709876543",
            "user_key:YWE5MTUxZWY1NDQ3ZmI3M2VlNDdhNzE0NTlmMmNhZDU4MDBkMTFhNA==",
        );
        check(
            "/v1/info/balance/",
            "format=json",
            "user_key:YjBhM2NjZjMzNGY0MmUzZDEyOTJmMGM3ZmM3ZjMyM2E2MzU0MzViYg==",
        );
    }

    #[test]
    fn methods_set_their_header() {
        fn check(auth: Auth, expected: Option<(&str, &str)>) {
            let headers = auth.headers(&to_sign("/p", "q")).into_iter();
            let headers = headers.map(|(name, value)| (name, String::from_utf8(value).unwrap()));
            let expected = expected.map(|(name, value)| (name, value.to_owned()));
            assert_eq!(headers.collect::<Vec<_>>(), Vec::from_iter(expected));
        }
        fn basic(user: &str, passwd: &str) -> Auth {
            Auth::Basic {
                user: user.into(),
                passwd: passwd.into(),
            }
        }
        check(Auth::None, None);
        check(basic("", ""), None);
        // This is the example of RFC 7617 §2.
        check(
            basic("Aladdin", "open sesame"),
            Some(("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        );
        check(
            basic("token", ""),
            Some(("Authorization", "Basic dG9rZW46")),
        );
        check(basic("", "pw"), Some(("Authorization", "Basic OnB3")));
        check(
            Auth::Bearer {
                token: b"abc.def".to_vec(),
            },
            Some(("Authorization", "Bearer abc.def")),
        );
        check(
            Auth::Header {
                name: "X-Api-Key".to_owned(),
                value: "k".to_owned(),
            },
            Some(("X-Api-Key", "k")),
        );
        let plain = Auth::Plain {
            key_user: b"u".to_vec(),
            key_secret: b"s".to_vec(),
            user: b"me".to_vec(),
            passwd: b"pw".to_vec(),
        };
        assert_eq!(
            plain.parameters(),
            [(b"u".as_slice(), b"me".as_slice()), (b"s", b"pw")]
        );
        check(plain, None);
    }
}
