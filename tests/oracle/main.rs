//! Compares our parsers with PHP itself, case by case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    missing_docs,
    reason = "a test that panics has failed, which is its job; what it prints is its report"
)]

mod dice;
mod form;
mod ini;
mod ini_files;
mod php;
