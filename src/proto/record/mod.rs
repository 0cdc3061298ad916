//! Defines the contents of our own files: the messages of queue and inbox, counts, remembered ids, kept
//! requests, and the figures of the status page.
//!
//! Each format begins with its version, holds one field a line and is readable with `cat`. Leftover
//! bytes are an error.

pub mod fields;

pub mod envelope;
pub mod inbox;
pub mod kept;
pub mod notice;
pub mod parts;
pub mod poll;
pub mod quota;
pub mod seen;
pub mod sent;

pub mod schedule;

pub mod event;
pub mod hook;
pub mod metrics;
pub mod page;
pub mod sheet;
