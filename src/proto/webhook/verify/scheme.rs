//! Defines a scheme, by which a provider proves that a webhook is its own, and one interface's settings for
//! it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::proto::webhook::proof::Denied;
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::Hash;
use crate::proto::wire::request::Request;

/// One scheme, a row of [`SCHEMES`](super::SCHEMES). The configuration, `--check`, the self-test and the
/// documentation are derived from it.
pub struct Scheme {
    /// The scheme's name in `auth_method`.
    pub name: &'static str,
    /// The settings that the scheme needs.
    pub needs: Needs,
    /// The parts of a request that the proof covers, which are the parts that are read.
    pub covers: Covers,
    /// The covered part that makes the signature of each message differ.
    pub tells: Tells,
    /// Whether names and values of parameters are signed without anything between them, so that the borders
    /// can be moved.
    pub joins: bool,
    /// The header fields that may have the signature. The first of them that the request has counts, and it
    /// must occur once.
    pub headers: &'static [&'static str],
    /// Checks a request's proof and returns the signature in its canonical spelling; empty if the scheme
    /// signs nothing.
    pub check: fn(&Credentials, &Subject) -> Result<Vec<u8>, Denied>,
    /// Signs a POST for a self-test; `None` if only the provider has the key.
    pub sign: Option<Signer>,
}

/// Makes the value of the first of [`Scheme::headers`], and adds the provider's other fields to the proof.
/// Returns `None` if a part of what is signed is missing.
pub type Signer = fn(&Credentials, &Subject, &mut Proof) -> Option<String>;

/// The settings that a scheme needs.
pub enum Needs {
    /// The scheme needs no settings.
    Nothing,
    /// `auth_user` and `auth_passwd`.
    UserAndPasswd,
    /// `auth_passwd`; the text describes its contents.
    Passwd(&'static str),
    /// `auth_passwd`, from which the function makes the secret. Its error continues the sentence
    /// "auth_passwd ...".
    Decoded(&'static str, fn(&[u8]) -> Result<Vec<u8>, &'static str>),
    /// `auth_passwd` and `auth_hash`, which is one of these words and `sha256` by default.
    PasswdAndHash(&'static str, &'static [(&'static str, Hash)]),
    /// The scheme is known but not supported. The text continues the sentence "auth_method is NAME, ...".
    Refused(&'static str),
}

/// The parts of a request that the proofs of a scheme cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// The query and the body, because the secret itself is sent.
    Request,
    /// The URL that the provider called, query included, and the body. This needs `public_url`.
    Url,
    /// The query of a GET, the body of a POST.
    Parameters,
    /// The body.
    Body,
    /// The value of this parameter.
    Inside(&'static [u8]),
    /// The claims of its own token and nothing else.
    Claims,
}

/// The signed part that makes the signatures of two messages differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// There is no signature: the secret itself is sent.
    Unsigned,
    /// Nothing differs: two equal SMS of one sender have the same signature.
    Nothing,
    /// The provider's id of the message, or a nonce. No time is signed, or the signed time is not judged.
    Id,
    /// The time of sending, which `auth_age` judges.
    Time,
    /// The time until which the signature holds.
    Until,
}

/// The requests that may not repeat the signature of an earlier one (spec §8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// Every request may. There is no signature, or the signature itself limits where and when it holds.
    Never,
    /// A request at another interface with the same scheme and secret may not.
    Elsewhere,
    /// No request may.
    Everywhere,
}

/// A scheme and one interface's settings for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The scheme.
    pub scheme: &'static Scheme,
    /// `auth_user`, if the scheme needs it.
    pub user: Vec<u8>,
    /// `auth_passwd`, decoded if the scheme asks for it.
    pub secret: Vec<u8>,
    /// `auth_hash`, if the scheme needs it.
    pub hash: Hash,
}

/// The data that a proof is checked against.
pub struct Subject<'a> {
    /// The request, body included.
    pub request: &'a Request<'a>,
    /// The URL that the provider called, if the scheme covers it.
    pub url: &'a [u8],
    /// The value of the scheme's header field; empty if the scheme has none.
    pub given: &'a [u8],
    /// The time, seconds since 1970; `None` while the clock is not sane.
    pub now_s: Option<u64>,
    /// The permitted distance of a signed time from that, in seconds (`auth_age`); `None` if any time is
    /// taken.
    pub age_s: Option<u64>,
}

/// The additions to a request that a signature makes.
#[derive(Default)]
pub struct Proof {
    /// The header fields.
    pub fields: Vec<(&'static str, String)>,
    /// The parameters of the body.
    pub parameters: Vec<Pair>,
}

/// The reason why a self-test cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// Only the provider has the key.
    PrivateKey,
    /// The request or the settings lack a part of what is signed.
    Missing,
}

impl Scheme {
    /// Whether `auth_method` may name the scheme.
    pub fn is_taken(&self) -> bool {
        !matches!(self.needs, Needs::Refused(_))
    }

    /// Returns which requests may not repeat the signature of an earlier one if signed times must be within
    /// the last minutes.
    pub fn once(&self) -> Once {
        match (self.tells, self.joins, self.covers) {
            (Tells::Unsigned, _, _) => Once::Never,
            (_, true, _) | (Tells::Id, _, _) => Once::Everywhere,
            (Tells::Nothing | Tells::Time | Tells::Until, false, Covers::Url) => Once::Never,
            (Tells::Nothing | Tells::Time | Tells::Until, false, _) => Once::Elsewhere,
        }
    }

    /// Whether the answer to a refused request asks for a user's name and password.
    pub fn asks_for_user(&self) -> bool {
        matches!(self.needs, Needs::UserAndPasswd)
    }
}

/// Compares schemes by name, because no two rows have the same name.
impl PartialEq for Scheme {
    fn eq(&self, other: &Scheme) -> bool {
        self.name == other.name
    }
}

impl Eq for Scheme {}

/// Shows the scheme and nothing of the secret.
impl core::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.scheme.name)
    }
}

impl Proof {
    /// Adds a header field.
    pub(super) fn add(&mut self, name: &'static str, value: String) {
        self.fields.push((name, value));
    }
}

/// Returns the value of `Authorization` for a token.
pub(super) fn bearer(token: &str) -> String {
    ["Bearer ", token].concat()
}

/// A nonce for samples. It holds no dot, because it stands between dots.
pub(super) const SAMPLE_NONCE: &str = "websms-selftest";
