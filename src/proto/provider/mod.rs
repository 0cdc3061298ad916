//! What goes out: a message and an account become a call to the provider, its reply a verdict.
//!
//! [`account`] holds the values; `encode` makes the call with the help of `fill` and [`sign`], `judge`
//! reads the reply, `preview` shows the call with its secrets masked.

pub mod account;
pub mod fill;
pub mod sign;

mod encode;
mod judge;
mod preview;

pub use account::{
    Account, BodyEnd, Call, Charset, Check, Format, IdPlace, Reason, Reply, Verdict,
};
pub use encode::{BadAccount, encode, encode_check};
pub use judge::judge;
pub use preview::{preview, tells_a_secret};
