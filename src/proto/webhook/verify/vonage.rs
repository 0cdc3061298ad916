//! Vonage's SMS API: the parameter `sig`, a hash of all other parameters.
//!
//! The signed text holds `&name=value` for each parameter, sorted by name, with `_` for `&` and `=` in
//! values. Depending on the account's signature method, the secret is appended and the text hashed with
//! MD5, or the secret is the key of an HMAC over it. The parameter `timestamp` holds the time. A POST has
//! only its body signed, a GET its query. A name with `&` or `=` in it would be signed like several
//! parameters, so none is taken.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::scheme::{Covers, Credentials, Needs, Proof, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, equal, fresh, holds, is_one_name, seconds};
use crate::proto::wire::mac;
use crate::proto::wire::parameters;

pub(super) const SCHEME: Scheme = Scheme {
    name: "vonage",
    needs: Needs::PasswdAndHash("the signature secret", mac::PARAMETER_HASHES),
    covers: Covers::Parameters,
    tells: Tells::Time,
    joins: false,
    headers: &[],
    check,
    sign: Some(sign),
};

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let request = subject.request;
    let pairs = match request.method {
        "GET" | "HEAD" => parameters::distinct_pairs(request.query()),
        _ => parameters::form_pairs(request).or_else(|| parameters::json_pairs(request)),
    };
    let mut pairs = pairs.ok_or(Denied::Wrong)?;
    holds(pairs.iter().all(|(name, _)| is_one_name(name)))?;
    let given = pairs.iter().position(|(name, _)| name == b"sig");
    let (_, given) = pairs.swap_remove(given.ok_or(Denied::Wrong)?);
    let time = pairs.iter().find(|(name, _)| name == b"timestamp");
    let signed_s = time.map(|(_, time)| seconds(time)).ok_or(Denied::Wrong)??;
    let given = given.to_ascii_lowercase();
    let expected = mac::of_parameters(credentials.hash, &credentials.secret, pairs);
    let signature = equal(&given, expected)?;
    fresh(signed_s, subject.now_s, subject.age_s)?;
    Ok(signature)
}

fn sign(credentials: &Credentials, subject: &Subject, proof: &mut Proof) -> Option<String> {
    let mut pairs = parameters::form_pairs(subject.request)?;
    let time = subject.now_s?.to_string().into_bytes();
    let time = (b"timestamp".to_vec(), time);
    pairs.push(time.clone());
    let signature = mac::of_parameters(credentials.hash, &credentials.secret, pairs);
    proof.parameters = vec![time, (b"sig".to_vec(), signature.into_bytes())];
    Some(String::new())
}
