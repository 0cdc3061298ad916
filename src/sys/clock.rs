//! now() as seconds since 1970; whether the clock is sane; monotonic deadlines.
