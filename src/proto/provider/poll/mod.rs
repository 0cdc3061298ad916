//! Asks a provider for the SMS it received: encodes the request for the list and reads the answer (spec
//! §15).
//!
//! [`lister`] holds the configuration of the list, `request` makes the calls, `page` takes an answer apart
//! without trusting it, and `next` decides whether another page may be asked for.
//! [`webhook`](crate::proto::webhook) defines what an element of the list means.

pub mod lister;
pub mod next;
pub mod page;
pub mod request;
