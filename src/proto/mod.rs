//! Gives bytes meaning. Pure: no file, socket, clock, thread, randomness or environment here, which the
//! compiler checks: the crate `tests/pure` has these files without `std`.
//!
//! Four rooms: [`wire`] reads and writes the formats of others. Above it, [`webhook`] judges what a
//! provider sends to us and [`provider`] makes what we send to a provider, and neither knows the other.
//! Above all three, [`record`] reads and writes the files of our own. [`sorted`] is a container that any
//! of them may use, [`grammar`] the one way in which keys name places and conditions.
//!
//! Nothing points the other way, and no file uses one that uses it: what a parent and its children
//! share stands in a file beside the children.

pub mod sorted;

pub mod wire;

pub mod grammar;

pub mod webhook;

pub mod provider;

pub mod record;
