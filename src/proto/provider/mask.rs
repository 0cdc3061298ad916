//! Lists the secrets of an account in every spelling, and removes them from bytes.

use alloc::vec::Vec;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::account::Account;
use super::sign::Auth;
use crate::proto::wire::form::{rawurlencode, urlencode};
use crate::proto::wire::json;

/// The text that replaces a secret.
pub const MASK: &[u8] = b"***";

/// Parts of names that mark a value as secret.
const TELLING: [&[u8]; 6] = [
    b"authorization",
    b"key",
    b"secret",
    b"pass",
    b"token",
    b"sig",
];

/// Whether the name of a parameter or header says that its value is a secret.
pub fn tells_a_secret(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    TELLING
        .iter()
        .any(|part| name.windows(part.len()).any(|window| window == *part))
}

/// Returns the credentials of an account in every spelling that a request may give them.
pub fn secrets(account: &Account) -> Vec<Vec<u8>> {
    let values = &account.values;
    let (user, passwd): (&[u8], &[u8]) = match &account.auth {
        Auth::None => (b"", b""),
        Auth::Plain { user, passwd, .. } | Auth::Basic { user, passwd } => (user, passwd),
        Auth::Vonage { user, secret, .. } => (user, secret),
        Auth::Bearer { token } => (b"", token),
        Auth::Header { value, .. } => (b"", value.as_bytes()),
        Auth::Zadarma { user, secret } | Auth::Ovh { user, secret, .. } => {
            (user.as_bytes(), secret)
        }
    };
    let pair = [user, b":", passwd].concat();
    let mut forms = Vec::new();
    for secret in [
        user,
        passwd,
        &pair,
        &values.auth_user,
        &values.auth_passwd,
        &values.auth_extra,
    ] {
        spell(secret, 1, &mut forms);
    }
    for secret in &account.dlr_secrets {
        spell(secret, 1, &mut forms);
    }
    forms
}

/// Returns the values of `headers` and `val_static` that may be secrets, in every spelling. Values that are
/// too short to be secrets are left out, because they would mask half of any sentence.
pub fn other_secrets(account: &Account) -> Vec<Vec<u8>> {
    const SECRET_BYTES_MIN: usize = 4;
    let mut forms = Vec::new();
    for (_, value) in &account.headers {
        spell(value.as_bytes(), SECRET_BYTES_MIN, &mut forms);
    }
    for pairs in [
        &account.statics,
        &account.unicode_statics,
        &account.long_statics,
    ] {
        for (name, value) in pairs {
            if tells_a_secret(name) {
                spell(value, SECRET_BYTES_MIN, &mut forms);
            }
        }
    }
    forms
}

/// Adds a secret in each spelling: unchanged, as in a URL, in base64 and in JSON. One that is shorter than
/// `bytes_min`, or the colon of an empty pair, is left out.
fn spell(secret: &[u8], bytes_min: usize, forms: &mut Vec<Vec<u8>>) {
    if secret.len() < bytes_min || secret == b":" {
        return;
    }
    forms.push(secret.to_vec());
    forms.push(urlencode(secret).into_bytes());
    forms.push(rawurlencode(secret).into_bytes());
    let encoded = BASE64_STANDARD.encode(secret);
    forms.push(urlencode(encoded.as_bytes()).into_bytes());
    forms.push(encoded.into_bytes());
    // Encodes {"k":"…"} and removes everything around the value.
    if let Ok(object) = json::encode(&[(b"k".to_vec(), secret.to_vec())])
        && let Some(value) = object.strip_prefix(br#"{"k":""#)
        && let Some(value) = value.strip_suffix(br#""}"#)
    {
        forms.push(value.to_vec());
    }
}

/// Returns the bytes with [`MASK`] in place of each secret.
pub fn mask(bytes: &[u8], secrets: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        // Of several secrets that begin here the longest counts, because it leaves the fewest bytes behind.
        let found = secrets
            .iter()
            .filter_map(|secret| rest.strip_prefix(secret.as_slice()))
            .min_by_key(|behind| behind.len());
        match found {
            Some(behind) => {
                out.extend_from_slice(MASK);
                rest = behind;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}
