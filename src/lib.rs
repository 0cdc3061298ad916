//! WebSMS: an SMS bridge between Asterisk and the web APIs of telephony providers (ITSP).
//!
//! > `sys` moves bytes. `proto` gives bytes meaning. The two stories, [`inbound`] and
//! > [`outbound`], join them, each in one file, read top to bottom.
//!
//! ```text
//!             argv / AGI stdin                      TCP peer
//!                    │                                 │
//!  main.rs ── applet.rs ──┬── send, agi, queue ──┐     │
//!                         └── daemon.rs ─────────┼─────┤
//!                                                ▼     ▼
//!                                         outbound.rs  inbound.rs        stories: all control flow
//!                                                │     │
//!                        ┌───────────────────────┴──┬──┴───────────┐
//!                        ▼                          ▼              ▼
//!         proto/  pure: bytes ⇄ values       message.rs      sys/  thin: sockets, files, clock
//!         ini form json request response     config.rs       listener stream spool queue client
//!         access verify webhook callfile     limits.rs       journal kept tally clock log
//!         provider sign text agi envelope
//!         seen kept quota metrics
//! ```
//!
//! Who may import whom: `limits` ← `message` ← `proto` ← `config` ← stories (`inbound`,
//! `outbound`) ← `daemon`, `applet` ← `main`. `sys` uses `std`, its one crate and `limits`, and in
//! `client` the plain values `Call` and `Reply`. `proto` touches no file, socket, clock, thread or
//! environment. [`check`] stands between the stories and their callers: it reads a configuration file
//! and looks at what stands around it. [`selftest`] walks both stories on a live installation, between
//! `daemon` and `applet`. A test reads `src/` and fails on an import that breaks this.
//!
//! What follows: a parser bug is reproducible from a file of bytes; a disk or network bug never
//! needs an SMS to reproduce.
//!
//! # Panics
//! Invariant: no panic is reachable from outside data.

pub mod limits;
pub mod message;

pub mod proto;
pub mod sys;

pub mod config;
pub mod providers;

pub mod inbound;
pub mod outbound;

pub mod check;

pub mod daemon;
pub mod selftest;

pub mod applet;
