//! Bytes of the engine → [`websms_fuzz::state`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| websms_fuzz::state(bytes));
