//! A provider that is asked for the SMS it received: how its list is asked for, and what an answer is
//! (spec §15).
//!
//! [`lister`] holds what a configuration says of the list, `request` makes the calls, `page` takes an answer
//! apart without believing it, `next` says whether another page may be asked for. What an element of the list
//! means is the matter of [`webhook`](crate::proto::webhook).

pub mod lister;
pub mod next;
pub mod page;
pub mod request;
