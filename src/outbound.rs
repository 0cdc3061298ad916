//! Story 2: one message → provider → verdict.
