//! Story 3: what waits is worked off. One process drains the queue, tries what is due, and gives up
//! what is too old; `websms --queue` lists it and `--flush` tries it now.
//!
//! ```text
//! folder ─ read ─▶ message ─ schedule ─▶ due ─ attempt ─▶ verdict ─┬─ sent: removed
//!    ▲                                                             ├─ later: waits, its tries noted
//!    └─────────────────────────────────────────────────────────────┴─ given up: failed/, hook, notice
//! ```

mod bell;
mod ends;
mod flush;
mod listing;
mod notice;
mod pass;
mod schedule;
mod tries;

pub use bell::Bell;
pub use flush::{Flushed, flush};
pub use listing::{Look, listing};
pub use pass::{Source, drain};
