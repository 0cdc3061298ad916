//! Compiles `limits`, `message` and `proto` without `std`: the compiler refuses a file, a clock, an
//! environment.
#![no_std]
extern crate alloc;
#[path = "../../src/limits.rs"]
pub mod limits;
#[path = "../../src/message/mod.rs"]
pub mod message;
#[path = "../../src/proto/mod.rs"]
pub mod proto;
