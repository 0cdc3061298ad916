//! Defines the file of a refused request (spec §8.7), and decides which refused requests have a place.
//!
//! The file is readable with `cat`: version, one field per line, an empty line, then the claims if the
//! proof covers nothing else, then the body. Of the header fields only the content type is kept: it says
//! how to read the body, and no other field is certain to hold no credential. Bytes from outside are
//! escaped (see [`escape`]), so that they do nothing to a terminal; the lengths are those of the escaped
//! text. A file of version 1, which is not escaped, can be read as well.
//!
//! The coverage of the request's proof is kept too, so that a replay reads nothing else.

mod allowance;
mod escape;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::num::NonZeroU64;

use crate::limits::KEPT_BYTES_MAX;
use crate::proto::record::fields::{self, BadRecord, Fields, number};
use crate::proto::record::seen::{self, digest};
use crate::proto::webhook::proof::Coverage;
use crate::proto::webhook::verify;
use crate::proto::wire::request::{Field, Request, Version};
pub use allowance::Allowance;
use allowance::share;
use escape::{LineFeed, escape, unescape};

/// A request that passed every check and was no acceptable message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The time at which it came, seconds since 1970; 0 if the clock was not sane.
    pub time_s: u64,
    /// The address of its sender, if it was known.
    pub address: Option<IpAddr>,
    /// The interface that it was for; empty if that has no index.
    pub interface: String,
    /// The parts that its proof covered.
    pub coverage: Coverage,
    /// The digest of its signature (see [`seen::proof`](crate::proto::record::seen::proof)), if it had one
    /// that must not come again.
    pub proof: Option<NonZeroU64>,
    /// The messages in it that were refused.
    pub items: Items,
    /// Its method.
    pub method: Method,
    /// Its target, query included.
    pub target: Vec<u8>,
    /// Its content type; empty if it had none.
    pub content_type: Vec<u8>,
    /// Its body, without framing.
    pub body: Vec<u8>,
}

/// A method that delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The parameters are in the target.
    Get,
    /// The parameters are in the body, or in the target.
    Post,
}

/// The messages of a request that were refused. The others were delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Items {
    /// Every message was refused, or there was none.
    #[default]
    All,
    /// Some messages were refused.
    Some {
        /// The places of the refused messages in the request's list, from 1, ascending.
        places: Vec<usize>,
        /// The length of that list.
        of: usize,
    },
}

/// The first line of files that are written.
const VERSION: &[u8] = b"websms request 2\n";

/// The first line of a file in which nothing is escaped.
const VERSION_1: &[u8] = b"websms request 1\n";

impl Method {
    /// Returns the method as it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

impl Kept {
    /// Returns the request as it came, with this one header field.
    pub fn request(&self) -> Request<'_> {
        let field = Field {
            name: "Content-Type",
            value: &self.content_type,
        };
        Request {
            method: self.method.as_str(),
            target: &self.target,
            version: Version::Http11,
            fields: Some(field)
                .filter(|field| !field.value.is_empty())
                .into_iter()
                .collect(),
            body: &self.body,
        }
    }

    /// Returns the name of its file, which is the same for equal targets and bodies.
    pub fn name(&self) -> String {
        let claims = match &self.coverage {
            Coverage::Claims(json) | Coverage::Element(json) => json.as_slice(),
            _ => b"",
        };
        format!("{:016x}", digest(&[&self.target, &self.body, claims]))
    }

    /// Returns a digest of everything that a replay depends on.
    pub fn print(&self) -> u64 {
        let (kind, claims) = self.coverage_fields();
        digest(&[
            self.interface.as_bytes(),
            &kind,
            claims,
            self.items.text().as_bytes(),
            self.method.as_str().as_bytes(),
            &self.target,
            &self.content_type,
            &self.body,
        ])
    }

    /// Returns the coverage of its proof in words, and the claims if there are any.
    fn coverage_fields(&self) -> (Vec<u8>, &[u8]) {
        match &self.coverage {
            Coverage::Whole => (b"whole".to_vec(), b""),
            Coverage::Body => (b"body".to_vec(), b""),
            Coverage::Inside(name) => ([b"inside ", *name].concat(), b""),
            Coverage::Claims(claims) => (b"claims".to_vec(), claims),
            Coverage::Element(element) => (b"element".to_vec(), element),
        }
    }

    /// Encodes the file.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, claims) = self.coverage_fields();
        let items = self.items.text();
        let address = self.address.map_or("-".to_owned(), |it| it.to_string());
        let time_s = self.time_s.to_string();
        let proof = self.proof.map_or("-".to_owned(), seen::digits);
        let line = |value: &[u8]| escape(value, LineFeed::Escaped);
        let [claims, body] = [claims, &self.body].map(|it| escape(it, LineFeed::Kept));
        let lengths = [&claims, &body].map(|it| it.len().to_string());
        let [claims_bytes, body_bytes] = &lengths;
        let lines: [(&str, &[u8]); 11] = [
            ("time", time_s.as_bytes()),
            ("address", address.as_bytes()),
            ("interface", &line(self.interface.as_bytes())),
            ("coverage", &kind),
            ("signature", proof.as_bytes()),
            ("items", items.as_bytes()),
            ("method", self.method.as_str().as_bytes()),
            ("target", &line(&self.target)),
            ("content-type", &line(&self.content_type)),
            ("claims", claims_bytes.as_bytes()),
            ("body", body_bytes.as_bytes()),
        ];
        let mut file = VERSION.to_vec();
        for (name, value) in lines {
            // An escaped value always fits its line.
            let _ = fields::push(&mut file, name, value);
        }
        file.push(b'\n');
        file.extend_from_slice(&claims);
        file.extend_from_slice(&body);
        file
    }

    /// Reads a file. Every byte of it must be valid.
    pub fn parse(file: &[u8]) -> Result<Kept, BadRecord> {
        type Plain = fn(&[u8], LineFeed) -> Option<Vec<u8>>;
        let (rest, is_old, plain): (_, _, Plain) = match file.strip_prefix(VERSION) {
            Some(rest) => (rest, false, unescape),
            None => {
                let rest = file.strip_prefix(VERSION_1).ok_or(BadRecord::Version)?;
                (rest, true, |text, _| Some(text.to_vec()))
            }
        };
        let mut lines = Fields::new(rest);
        let line = |lines: &mut Fields, name| {
            let value = plain(lines.value(name), LineFeed::Escaped);
            lines.known(name, value)
        };
        let time_s = lines.number("time");
        let address = lines.optional("address", |text| text.parse().ok());
        let interface = String::from_utf8(line(&mut lines, "interface"));
        let interface = lines.known("interface", interface.ok());
        let kind = lines.value("coverage");
        let proof = match is_old {
            true => None,
            false => lines.optional("signature", seen::parse_digest),
        };
        let items = Items::parse(lines.text("items"));
        let items = lines.known("items", items);
        let method = match lines.value("method") {
            b"GET" => Method::Get,
            b"POST" => Method::Post,
            _ => {
                lines.refuse("method");
                Method::Get
            }
        };
        let target = line(&mut lines, "target");
        let content_type = line(&mut lines, "content-type");
        let claims_bytes = lines.number("claims");
        let body_bytes = lines.number("body");
        lines.end()?;
        let rest = lines.rest.strip_prefix(b"\n").ok_or(BadRecord::Cut)?;
        let (claims, rest) = rest.split_at_checked(claims_bytes).ok_or(BadRecord::Cut)?;
        let (body, rest) = rest.split_at_checked(body_bytes).ok_or(BadRecord::Cut)?;
        if !rest.is_empty() {
            return Err(BadRecord::Leftover("the body"));
        }
        let text = |text| plain(text, LineFeed::Kept).ok_or(BadRecord::Escape);
        Ok(Kept {
            time_s,
            address,
            interface,
            coverage: coverage(kind, text(claims)?).ok_or(BadRecord::Field("coverage"))?,
            proof,
            items,
            method,
            target,
            content_type,
            body: text(body)?,
        })
    }
}

fn coverage(kind: &[u8], claims: Vec<u8>) -> Option<Coverage> {
    let found = match kind {
        b"whole" => Coverage::Whole,
        b"body" => Coverage::Body,
        b"claims" => return Some(Coverage::Claims(claims)),
        b"element" => return Some(Coverage::Element(claims)),
        _ => {
            let name = kind.strip_prefix(b"inside ")?;
            Coverage::Inside(verify::inside(name)?)
        }
    };
    claims.is_empty().then_some(found)
}

impl Items {
    /// Returns `all`, or for example `2,5 of 7`.
    fn text(&self) -> String {
        match self {
            Items::All => "all".to_owned(),
            Items::Some { places, of } => {
                let places: Vec<String> = places.iter().map(usize::to_string).collect();
                format!("{} of {of}", places.join(","))
            }
        }
    }

    fn parse(text: &str) -> Option<Items> {
        if text == "all" {
            return Some(Items::All);
        }
        let (places, of) = text.split_once(" of ")?;
        let of = number(of)?;
        let places: Option<Vec<usize>> = places.split(',').map(number).collect();
        let places = places?;
        let ascend = places.is_sorted_by(|a, b| a < b);
        let fit = places.iter().all(|place| (1..=of).contains(place));
        (ascend && fit).then_some(Items::Some { places, of })
    }
}

// ---- Who has a place ------------------------------------------------------------------------

/// The kept files, oldest first.
#[derive(Debug, Default)]
pub struct Shelf {
    entries: Vec<KeptFile>,
}

/// One kept file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// The name of the file.
    pub name: String,
    /// Its [`Kept::print`]; `None` if it is not known.
    pub print: Option<u64>,
    /// The address of the request's sender.
    pub address: Option<IpAddr>,
    /// The length of the file in bytes.
    pub bytes: usize,
}

impl Shelf {
    /// Whether the shelf holds a file with this name and print.
    pub fn holds(&self, name: &str, print: u64) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.name == name && entry.print == Some(print))
    }

    /// Gives `entry` the newest of `places` places. Returns the names of the files that must go, so that
    /// all together have at most [`KEPT_BYTES_MAX`] bytes and one address has at most its share of the
    /// places. A file with the same name is replaced and not returned.
    pub fn place(&mut self, entry: KeptFile, places: usize) -> Vec<String> {
        let mut gone = Vec::new();
        self.entries.retain(|other| other.name != entry.name);
        let share = share(places);
        let own_network = entry.address.map(network);
        let is_same = |other: &KeptFile| other.address.map(network) == own_network;
        self.entries.push(entry);
        let mut own = self.entries.iter().filter(|other| is_same(other)).count();
        while own > share
            && let Some(at) = self.entries.iter().position(is_same)
        {
            gone.push(self.entries.remove(at).name);
            own = own.saturating_sub(1);
        }
        gone.extend(self.shrink(places));
        gone
    }

    /// Removes the oldest until all fit, and returns their names.
    pub fn shrink(&mut self, places: usize) -> Vec<String> {
        let mut bytes = self
            .entries
            .iter()
            .fold(0_usize, |sum, entry| sum.saturating_add(entry.bytes));
        let mut gone = Vec::new();
        while self.entries.len() > places || bytes > KEPT_BYTES_MAX {
            if self.entries.is_empty() {
                break;
            }
            let oldest = self.entries.remove(0);
            bytes = bytes.saturating_sub(oldest.bytes);
            gone.push(oldest.name);
        }
        gone
    }

    /// Adds a file that was found, at the newest end.
    pub fn push(&mut self, entry: KeptFile) {
        self.entries.push(entry);
    }
}

/// Returns the network that counts as one address: for IPv6 the /64, all of which one user has.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6) & (u128::MAX << 64),
    }
}

#[cfg(test)]
mod tests;
