//! Pure: bytes in, values out. No file, socket, clock, thread, randomness or environment here.

pub mod form;
pub mod ini;
pub mod json;

pub mod access;
pub mod request;
pub mod response;
pub mod verify;
pub mod webhook;

pub mod envelope;
pub mod fields;
pub mod hook;
pub mod kept;
pub mod metrics;
pub mod notice;
pub mod quota;
pub mod schedule;
pub mod seen;
pub mod sorted;

pub mod callfile;

pub mod address;
pub mod agi;
pub mod certificate;
pub mod date;
pub mod number;
pub mod provider;
pub mod sign;
pub mod text;
