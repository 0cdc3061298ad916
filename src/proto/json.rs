//! Bytes → a JSON value of bounded size; search by key or path.
