//! Gives bytes meaning. This part is pure: no file, socket, clock, thread, randomness or environment. The
//! compiler checks this: the crate `tests/pure` builds these files without `std`.
//!
//! There are four rooms. [`wire`] reads and writes the formats of others. Above it, [`webhook`] judges what
//! a provider sends to us and [`provider`] makes what we send to a provider; neither knows the other. Above
//! all three, [`record`] reads and writes our own files. [`sorted`] is a container that any of them may
//! use, and [`grammar`] is the one way in which keys name places and conditions.
//!
//! Nothing points the other way, and no two files use each other: code that a parent and its children share
//! has a file beside the children.

pub mod sorted;

pub mod wire;

pub mod grammar;

pub mod webhook;

pub mod provider;

pub mod record;
