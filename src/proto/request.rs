//! Bytes → an HTTP/1.1 request: first how long it is, then what it says.
