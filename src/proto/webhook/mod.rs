//! Handles incoming SMS: makes messages from a provider's request, and call files from messages.
//!
//! A request passes these in order: [`access`] lets it in, [`verify`] checks its [`proof`], `read` finds
//! its messages, and [`callfile`] writes them for Asterisk. [`interface`] holds the settings that these
//! need.

pub mod interface;

pub mod access;
pub mod proof;
pub mod verify;

mod read;

pub mod callfile;

pub use read::{BadWebhook, Item, Reading, Report, State, names_any, read};
