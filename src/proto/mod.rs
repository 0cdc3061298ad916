//! Gives bytes meaning. Pure: no file, socket, clock, thread, randomness or environment here.
//!
//! Four rooms, each above those before it: [`wire`] reads and writes the formats of others,
//! [`webhook`] judges what a provider sends to us, [`provider`] makes what we send to a provider, and
//! [`record`] reads and writes the files of our own.

pub mod sorted;

pub mod wire;

pub mod webhook;

pub mod provider;

pub mod record;
