//! Passes the engine's bytes to [`websms_fuzz::ini`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websms_fuzz::ini(bytes));
