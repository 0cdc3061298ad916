//! Bytes ⇄ parameters, with PHP's names: urlencoded, multipart, query; `http_build_query`,
//! `rawurlencode`, `ksort`.

mod encode;

pub use encode::{encode_pairs, ksort, percent_decode, rawurlencode, urlencode};
