//! A scheme, by which a provider proves that a webhook is its own; and one interface's settings for it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::proto::webhook::proof::Denied;
use crate::proto::wire::form::Pair;
use crate::proto::wire::mac::Hash;
use crate::proto::wire::request::Request;

/// One scheme: a row of [`SCHEMES`](super::SCHEMES), from which configuration, check, self-test and
/// documentation read.
pub struct Scheme {
    /// Its name in `auth_method`.
    pub name: &'static str,
    /// The settings that it needs.
    pub needs: Needs,
    /// What its proof covers, and so what of the request is read.
    pub covers: Covers,
    /// What of that tells one message from another.
    pub tells: Tells,
    /// Whether names and values of parameters are signed without anything between them, so that the
    /// borders can be moved.
    pub joins: bool,
    /// The header fields that may have the signature. The first of them that is there counts, and must
    /// be there once.
    pub headers: &'static [&'static str],
    /// The signature of a request that has its proof, written in one way only; empty where the scheme
    /// signs nothing.
    pub check: fn(&Credentials, &Subject) -> Result<Vec<u8>, Denied>,
    /// Signs a POST for a self-test; `None` where only the provider has the key.
    pub sign: Option<Signer>,
}

/// Makes the value of the first of [`Scheme::headers`], and adds to the proof what else a provider would.
/// `None` where a part of what is signed is missing.
pub type Signer = fn(&Credentials, &Subject, &mut Proof) -> Option<String>;

/// The settings that a scheme needs.
pub enum Needs {
    /// None.
    Nothing,
    /// `auth_user` and `auth_passwd`.
    UserAndPasswd,
    /// `auth_passwd`; the text says what that is.
    Passwd(&'static str),
    /// `auth_passwd`, from which the function makes the secret. Its error continues the sentence
    /// "auth_passwd ...".
    Decoded(&'static str, fn(&[u8]) -> Result<Vec<u8>, &'static str>),
    /// `auth_passwd` and `auth_hash`, which is one of these words; without it, `sha256` holds.
    PasswdAndHash(&'static str, &'static [(&'static str, Hash)]),
    /// The name is known, and the scheme is not taken. The text continues the sentence
    /// "auth_method is NAME, ...".
    Refused(&'static str),
}

/// What the proofs of a scheme cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// Query and body, since the secret itself is sent.
    Request,
    /// The URL that the provider called, query included, and the body: `public_url` is needed.
    Url,
    /// Of a GET the query, of a POST the body.
    Parameters,
    /// The body.
    Body,
    /// What stands inside this parameter.
    Inside(&'static [u8]),
    /// Nothing but the claims of its own token.
    Claims,
}

/// What tells the signature of one message from that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// There is no signature: the secret itself is sent.
    Unsigned,
    /// Nothing: two equal SMS of one sender have the same signature.
    Nothing,
    /// The provider's id of the message, or a nonce. No time is signed, or none is judged.
    Id,
    /// The time of sending, which `auth_age` judges.
    Time,
    /// The time until which it holds.
    Until,
}

/// Which requests may not have the signature of an earlier one (spec §8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// Any: there is no signature, or it says where and when it is good.
    Never,
    /// Those at another interface with the same scheme and secret.
    Elsewhere,
    /// None at all.
    Everywhere,
}

/// A scheme and one interface's settings for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The scheme.
    pub scheme: &'static Scheme,
    /// `auth_user`, where the scheme needs it.
    pub user: Vec<u8>,
    /// `auth_passwd`, decoded where the scheme says so.
    pub secret: Vec<u8>,
    /// `auth_hash`, where the scheme needs it.
    pub hash: Hash,
}

/// What a proof speaks of.
pub struct Subject<'a> {
    /// The request, body included.
    pub request: &'a Request<'a>,
    /// The URL that the provider called, where the scheme covers it.
    pub url: &'a [u8],
    /// What stands in the scheme's header field; empty where it has none.
    pub given: &'a [u8],
    /// When; `None` while the clock is not sane.
    pub now_s: Option<u64>,
    /// How far from that the time of a signature may be (`auth_age`); `None`: by any time.
    pub age_s: Option<u64>,
}

/// What a signature adds to a request.
#[derive(Default)]
pub struct Proof {
    /// Header fields.
    pub fields: Vec<(&'static str, String)>,
    /// Parameters of the body.
    pub parameters: Vec<Pair>,
}

/// Why a self-test cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// Only the provider has the key.
    PrivateKey,
    /// The request or the settings lack a part of what is signed.
    Missing,
}

impl Scheme {
    /// Whether `auth_method` may name it.
    pub fn is_taken(&self) -> bool {
        !matches!(self.needs, Needs::Refused(_))
    }

    /// Which requests may not have the signature of an earlier one, where a signed time must be that of
    /// the last minutes.
    pub fn once(&self) -> Once {
        match (self.tells, self.joins, self.covers) {
            (Tells::Unsigned, _, _) => Once::Never,
            (_, true, _) | (Tells::Id, _, _) => Once::Everywhere,
            (Tells::Nothing | Tells::Time | Tells::Until, false, Covers::Url) => Once::Never,
            (Tells::Nothing | Tells::Time | Tells::Until, false, _) => Once::Elsewhere,
        }
    }

    /// Whether a refused request is asked for a user's name and password.
    pub fn asks_for_user(&self) -> bool {
        matches!(self.needs, Needs::UserAndPasswd)
    }
}

/// By name: no two rows have the same.
impl PartialEq for Scheme {
    fn eq(&self, other: &Scheme) -> bool {
        self.name == other.name
    }
}

impl Eq for Scheme {}

/// Says the scheme and nothing of the secret.
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

/// The value of `Authorization` for a token.
pub(super) fn bearer(token: &str) -> String {
    ["Bearer ", token].concat()
}

/// A nonce for samples: without a dot, since it stands between dots.
pub(super) const SAMPLE_NONCE: &str = "websms-selftest";
