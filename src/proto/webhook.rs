//! A permit and its request → messages.

use crate::message::{BadMessage, Message};
use crate::proto::access::Permit;
use crate::proto::request::Request;

/// Which parameters of a webhook make an SMS, and what it is answered (one interface).
#[derive(Debug, Clone)]
pub struct Hook {
    /// The interface's index; empty where there is none.
    pub interface: String,
    /// Parameter names or JSON paths.
    pub key_to: Vec<u8>,
    /// The sender's.
    pub key_from: Vec<u8>,
    /// The text's.
    pub key_body: Vec<u8>,
    /// The provider's message id; empty: none.
    pub key_id: Vec<u8>,
    /// Only requests with this key and value are messages.
    pub accept_if: Option<(Vec<u8>, Vec<u8>)>,
    /// Path of the list whose elements are one message each; empty: none.
    pub each: Vec<u8>,
    /// Body of the answer to an accepted SMS.
    pub report_success: Vec<u8>,
    /// Its content type, settled by `config` from `report_type` or the look of the body.
    pub report_type: String,
    /// Status for requests that are no acceptable message.
    pub reject_status: u16,
}

/// What a request that was let in says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Messages: one, or with `each` one an element, acceptable or not.
    Messages(Vec<Item>),
    /// No message (`accept_if`): acknowledged, logged, nothing else.
    Filtered,
}

/// One element of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The SMS, or why it is none. Without `each` always the former.
    pub message: Result<Message, BadMessage>,
    /// The provider's id, not empty.
    pub id: Option<Vec<u8>>,
}

/// Why a request holds no message. The peer's fault, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadWebhook {
    /// More parameters, JSON values, nesting, messages or parts than the limits allow: 413.
    TooMuch(&'static str),
    /// A parameter that is missing or not acceptable: `reject_status`.
    Message(BadMessage),
    /// No list where `each` says: `reject_status`.
    NoList,
}

/// Reads the messages of a request, body included. Pure; consumes the permit.
pub fn read(_permit: Permit, _request: &Request<'_>, _hook: &Hook) -> Result<Reading, BadWebhook> {
    unimplemented!()
}

/// The value of a top-level parameter, the body's before the query's; for signatures that cover
/// one (zadarma's `result`).
pub fn parameter(_request: &Request<'_>, _name: &[u8]) -> Option<Vec<u8>> {
    unimplemented!()
}
