//! A permit and its request → messages.

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
