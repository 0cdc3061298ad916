//! Bytes → a file in Asterisk's `outgoing/`, whole or not at all.
