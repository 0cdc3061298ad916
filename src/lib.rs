//! WebSMS: an SMS bridge between Asterisk and the web APIs of telephony providers (ITSP).
//!
//! > `proto` gives bytes meaning. `sys` moves bytes. Three stories join them: a request comes in, an SMS
//! > goes out, waiting SMS are tried again. Where no provider can call us, `poll` asks it, and its SMS come in.
//!
//! ```text
//!              argv / AGI stdin                      TCP peer     provider's list
//!                    │                                  │              │
//!  main.rs ── cli/ ──┼────────── daemon/ ───────────────┤              │
//!  surroundings.rs   │              │                   │              │
//!  privileges.rs     │              ▼                   ▼              ▼
//!                    │           queue/ ─ notices ─▶ inbound/ ◀─ SMS ─ poll/
//!                    ▼              │                   │            stories: all control flow
//!                outbound/ ◀─ tries ┘                   │
//!                    │                                  │
//!        ┌───────────┴──────┬──────────────┬────────────┴─┬──────────────┐
//!        ▼                  ▼              ▼              ▼              ▼
//!     proto/  pure       message/       config/        state.rs         sys/
//!     wire webhook       limits.rs      providers/     the one state    sockets, files,
//!     provider record                   one preset     folder           clock, log
//!                                       a file
//! ```
//!
//! A module imports only modules before it in this order: `limits`, `message`, `proto`, `config`, `state`,
//! the stories (`outbound` and `inbound`, then `queue` and `poll`), `daemon`, `cli`, `main`. `sys` uses
//! `std`, its one crate and `limits`, and in `client` the plain values `Call` and `Reply`. `limits`,
//! `message` and `proto` touch no file, socket, clock, thread or environment: the crate `tests/pure`
//! compiles them without `std`. Two modules stand between the stories and their callers: [`surroundings`]
//! reads a configuration file and checks the folders and files around it, and [`privileges`] lets root
//! become the owner of the folders before anything is done in them. `tests/house.rs` fails on an import
//! that breaks this, on a circle in `proto`, and on a map that does not match the tree.
//!
//! As a result, a parser bug is reproducible from a file of bytes, and a disk or network bug never needs an
//! SMS to reproduce.
//!
//! # Panics
//! Invariant: no panic is reachable from outside data.

extern crate alloc;

pub mod limits;
pub mod message;

pub mod proto;
pub mod sys;

pub mod config;
pub mod providers;

pub mod state;

pub mod outbound;

pub mod inbound;

pub mod queue;

pub mod poll;

pub mod privileges;
pub mod surroundings;

pub mod daemon;

pub mod cli;
