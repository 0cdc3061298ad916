//! What is remembered of a list that is asked for, and when it is asked again (spec §15).
//!
//! [`known`] holds the elements that were dealt with and is written to a file, [`walk`] goes from page to page,
//! [`schedule`] says when. None of them knows a clock: they are told the time.

pub mod known;
pub mod schedule;
pub mod walk;
