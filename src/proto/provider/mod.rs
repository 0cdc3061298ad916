//! Handles outgoing SMS: makes a call to the provider from a message and an account, and a verdict from its
//! reply.
//!
//! [`account`] holds the values. `encode` makes the call with the help of `fill` and [`sign`]. `judge`
//! reads the reply, with the help of `reason` for the provider's words on a refusal. [`poll`] asks for the
//! SMS that the provider received. `preview` shows the call with its secrets masked.

pub mod account;
pub mod fill;
pub mod poll;
pub mod sign;

mod encode;
mod judge;
mod mask;
mod preview;
mod reason;

pub use account::{
    Account, AnswerPlace, Blame, BodyEnd, Call, Cause, Charset, Check, Format, NO_LENGTH, Reason,
    Reply, Space, Verdict,
};
pub use encode::{BadAccount, encode, encode_check};
pub use judge::{judge, retry_after_s};
pub use mask::tells_a_secret;
pub use preview::preview;
pub use reason::{Private, host, reported, said_of_list};
