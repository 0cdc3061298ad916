//! Passes the engine's bytes to [`websms_fuzz::inbound`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websms_fuzz::inbound(bytes));
