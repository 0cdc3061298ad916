//! Story 1: one connection, socket bytes → answers.
