//! What comes in: a provider's request becomes messages, and messages become call files.
//!
//! In the order in which a request passes: [`access`] lets it in, [`verify`] checks its [`proof`],
//! `read` finds the messages in it, [`callfile`] writes them for Asterisk. What each of them must know of
//! an interface stands in [`interface`].

pub mod interface;

pub mod access;
pub mod proof;
pub mod verify;

mod read;

pub mod callfile;

pub use read::{BadWebhook, Item, Reading, Report, State, names_any, read};
