//! One line an event → syslog (local0) or stderr, escaped and cut.
