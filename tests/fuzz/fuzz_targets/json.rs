//! Passes the engine's bytes to [`websms_fuzz::json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websms_fuzz::json(bytes));
