//! Remembers the elements of a list that a provider is asked for, and decides when it is asked again (spec
//! §15).
//!
//! [`known`] holds the elements that were dealt with, as lines of a file; [`held`] those that will not be
//! shown again and are not stored yet. [`walk`] goes from page to page, and [`schedule`] decides when. None
//! of them reads a clock: callers pass the time.

pub mod held;
pub mod known;
pub mod schedule;
pub mod walk;
