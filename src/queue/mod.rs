//! Story 3: SMS that wait are tried again. One process drains the queue, tries what is due, and gives up
//! what is too old. `websms --queue` lists it, `--flush` tries it now, `--show`, `--retry` and `--drop`
//! work on one SMS. The results of delivery reports are announced from here, too.
//!
//! ```text
//! folder ─ read ─▶ message ─ schedule ─▶ due ─ attempt ─▶ verdict ─┬─ sent: removed
//!    ▲                                                             ├─ later: waits, its tries noted
//!    └─────────────────────────────────────────────────────────────┴─ given up: failed/, hook, notice
//! ```

mod ends;
mod flush;
mod listing;
mod manage;
mod notice;
mod pass;
mod reported;
mod schedule;
mod standing;
mod tries;
mod waker;

pub use flush::{Flushed, flush};
pub use listing::{Look, listing, sections};
pub use manage::{Refusal, drop, retry, show};
pub use pass::{CurrentConfig, drain};
pub use reported::reported;
pub use waker::Waker;
