//! A call → a reply, over ureq and rustls.
