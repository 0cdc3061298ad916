//! Reads and writes the formats of others: HTTP, JSON, forms, INI, AGI, addresses, dates, MACs.
//!
//! Nothing here knows what an SMS, a provider or an interface is. Every parser is bounded by `limits`.

pub mod form;
pub mod ini;
pub mod json;

pub mod parameters;
pub mod request;
pub mod response;

pub mod accept;
pub mod address;
pub mod agi;
pub mod certificate;
pub mod cidr;
pub mod date;
pub mod mac;
pub mod number;
pub mod text;
