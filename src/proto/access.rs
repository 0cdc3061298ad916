//! Rules + peer + request → a [`Permit`], or who must stay outside.
//!
//! Invariant: a `Permit` is made here only, so that no message is read from a request that was
//! not let in.

use crate::proto::verify::Scheme;

/// An address block, IPv4 or IPv6; host bits are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    /// IPv4 as its IPv4-mapped IPv6 address.
    pub address: u128,
    /// Of 128.
    pub prefix_bits: u8,
}

/// All that decides who may deliver.
#[derive(Debug, Clone)]
pub struct Rules {
    /// One a candidate interface, in file order; of those that match, the last is used (spec §4).
    pub gates: Vec<Gate>,
    /// Trusted reverse proxies.
    pub proxies: Vec<Cidr>,
    /// CGI spelling of the field they set, `HTTP_X_FORWARDED_FOR`; empty: none.
    pub proxy_header: String,
}

/// What one interface asks of a request.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Blocks let in; `None`: everybody, empty: nobody.
    pub permit: Option<Vec<Cidr>>,
    /// Request paths served, undecoded; one with `?` is compared with the whole target.
    /// `None`: every path, empty: none.
    pub paths: Option<Vec<Vec<u8>>>,
    /// How the provider proves itself.
    pub scheme: Scheme,
    /// The parameter whose value is echoed (`key_echo`); empty: none.
    pub key_echo: Vec<u8>,
}

/// Leave to read messages from one request. Consumed by `webhook::read`.
#[derive(Debug)]
pub struct Permit {
    #[expect(dead_code, reason = "filled by the owner of this module")]
    gate: usize,
}
