//! Sinch: `base64(HMAC-SHA256(secret, body + "." + nonce + "." + time))`.
//!
//! The signature, the nonce and the time are in headers that begin with `x-sinch-webhook-signature`. The
//! query is not signed. Neither nonce nor time holds a dot, so that the end of the body is unambiguous.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::scheme::{Covers, Credentials, Needs, Proof, SAMPLE_NONCE, Scheme, Subject, Tells};
use crate::proto::webhook::proof::{Denied, equal, fresh, nonce, seconds, the_one};
use crate::proto::wire::mac::hmac_sha256_base64;

pub(super) const SCHEME: Scheme = Scheme {
    name: "sinch",
    needs: Needs::Passwd("the webhook's secret"),
    covers: Covers::Body,
    tells: Tells::Time,
    joins: false,
    headers: &["x-sinch-webhook-signature"],
    check,
    sign: Some(sign),
};

const ALGORITHM: &str = "x-sinch-webhook-signature-algorithm";
const NONCE: &str = "x-sinch-webhook-signature-nonce";
const TIMESTAMP: &str = "x-sinch-webhook-signature-timestamp";

fn check(credentials: &Credentials, subject: &Subject) -> Result<Vec<u8>, Denied> {
    let request = subject.request;
    if the_one(request, ALGORITHM)? != b"HmacSHA256" {
        return Err(Denied::Wrong);
    }
    let nonce = nonce(request, NONCE)?;
    let time = the_one(request, TIMESTAMP)?;
    let signed_s = seconds(time)?;
    let signature = equal(subject.given, signature(credentials, subject, nonce, time))?;
    fresh(signed_s, subject.now_s, subject.age_s)?;
    Ok(signature)
}

fn sign(credentials: &Credentials, subject: &Subject, proof: &mut Proof) -> Option<String> {
    let time = subject.now_s?.to_string();
    let nonce = SAMPLE_NONCE.as_bytes();
    let signature = signature(credentials, subject, nonce, time.as_bytes());
    proof.add(ALGORITHM, "HmacSHA256".to_owned());
    proof.add(NONCE, SAMPLE_NONCE.to_owned());
    proof.add(TIMESTAMP, time);
    Some(signature)
}

fn signature(credentials: &Credentials, subject: &Subject, nonce: &[u8], time: &[u8]) -> String {
    let parts = [subject.request.body, b".", nonce, b".", time];
    hmac_sha256_base64(&credentials.secret, &parts)
}
