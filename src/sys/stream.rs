//! A TCP stream under one total deadline.
