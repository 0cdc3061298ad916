//! What is remembered of a list that is asked for, and when it is asked again (spec §15).
//!
//! [`known`] holds the elements that were dealt with and is written to a file, [`held`] those that will not be
//! shown again and are not stored yet, [`walk`] goes from page to page,
//! [`schedule`] says when. None of them knows a clock: they are told the time.

pub mod held;
pub mod known;
pub mod schedule;
pub mod walk;
