//! Bytes ⇄ parameters, with PHP's names: urlencoded, multipart, query; `http_build_query`,
//! `rawurlencode`, `ksort`.
