//! Parses blocks of addresses and decides which addresses lie in them.

use core::net::{IpAddr, Ipv6Addr};

/// An address block, IPv4 or IPv6; host bits are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    /// The address; IPv4 as its IPv4-mapped IPv6 address.
    pub address: u128,
    /// The length of the prefix, out of 128 bits.
    pub prefix_bits: u8,
}

impl Cidr {
    /// Parses `1.2.3.4`, `1.2.3.0/24` or `2001:db8::/32`, without blanks around it. Host bits may be set.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        // The parser of numbers takes more than digits ("+8"), which is no prefix.
        if prefix.is_some_and(|p| p.len() > 3 || !p.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let address: IpAddr = address.parse().ok()?;
        let (bits_max, bits_before) = match address {
            IpAddr::V4(_) => (32_u8, 96_u8),
            IpAddr::V6(_) => (128, 0),
        };
        let bits = match prefix {
            None => bits_max,
            Some(prefix) => prefix.parse::<u8>().ok().filter(|bits| *bits <= bits_max)?,
        };
        Some(Cidr {
            address: mapped(address),
            prefix_bits: bits.checked_add(bits_before)?,
        })
    }

    /// Whether the address lies in the block. An IPv4 address, mapped or not, lies in IPv4 blocks only:
    /// `::/0` is all of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = mapped(address);
        let is_v4 = address >> 32 == 0xffff;
        if is_v4 && self.prefix_bits < 96 {
            return false;
        }
        let host_bits = 128_u32.saturating_sub(u32::from(self.prefix_bits));
        let network = |address: u128| address.checked_shr(host_bits).unwrap_or(0);
        network(address) == network(self.address)
    }
}

impl Cidr {
    /// Whether all of IPv4 or all of IPv6 lies in the block.
    pub fn is_all(&self) -> bool {
        let is_v4 = self.address >> 32 == 0xffff;
        self.prefix_bits == 0 || self.prefix_bits == 96 && is_v4
    }

    /// Returns the address that was given with the block, host bits included.
    pub fn first_address(&self) -> IpAddr {
        Ipv6Addr::from(self.address).to_canonical()
    }
}

/// Shows the block in the form in which it is parsed.
impl core::fmt::Display for Cidr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let address = self.first_address();
        let (bits, bits_max) = match address {
            IpAddr::V4(_) => (self.prefix_bits.saturating_sub(96), 32),
            IpAddr::V6(_) => (self.prefix_bits, 128),
        };
        match bits == bits_max {
            true => write!(f, "{address}"),
            false => write!(f, "{address}/{bits}"),
        }
    }
}

/// Returns an IPv6 address unchanged, and IPv4 as `::ffff:a.b.c.d`.
fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let check = |text: &str, expected: Option<(&str, u8)>| {
            let expected = expected.map(|(address, prefix_bits)| Cidr {
                address: mapped(address.parse().unwrap()),
                prefix_bits,
            });
            assert_eq!(Cidr::parse(text), expected, "{text:?}");
        };
        check("1.2.3.4", Some(("1.2.3.4", 128)));
        check("1.2.3.4/32", Some(("1.2.3.4", 128)));
        check("1.2.3.4/24", Some(("1.2.3.4", 120)));
        check("0.0.0.0/0", Some(("0.0.0.0", 96)));
        check("1.2.3.4/032", Some(("1.2.3.4", 128)));
        check("::1", Some(("::1", 128)));
        check("2001:db8::/32", Some(("2001:db8::", 32)));
        check("::/0", Some(("::", 0)));
        check("::/128", Some(("::", 128)));
        check("::ffff:1.2.3.4", Some(("1.2.3.4", 128)));
        for bad in [
            "",
            "/",
            "1.2.3",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/+8",
            "1.2.3.4/-1",
            "1.2.3.4/8/8",
            "1.2.3.04",
            "1.2.3.256",
            "::/129",
            "::/0128",
            "a",
            " 1.2.3.4",
            "1.2.3.4 ",
            "[::1]",
            "1.2.3.4:80",
            "1.2.3.0/255.255.255.0",
            "::1%lo",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn block_contains() {
        let check = |block: &str, address: &str, expected: bool| {
            let found = Cidr::parse(block)
                .unwrap()
                .contains(address.parse().unwrap());
            assert_eq!(found, expected, "{block} {address}");
        };
        check("1.2.3.4", "1.2.3.4", true);
        check("1.2.3.4", "1.2.3.5", false);
        check("1.2.3.4", "::ffff:1.2.3.4", true);
        check("::ffff:1.2.3.4", "1.2.3.4", true);
        check("1.2.3.4/24", "1.2.3.255", true);
        check("1.2.3.4/24", "1.2.4.0", false);
        check("1.2.3.4/31", "1.2.3.5", true);
        check("1.2.3.4/31", "1.2.3.6", false);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("0.0.0.0/0", "::1", false);
        check("0.0.0.0/0", "::ffff:1.2.3.4", true);
        check("::/0", "2001:db8::1", true);
        check("::/0", "1.2.3.4", false);
        check("::/0", "::ffff:1.2.3.4", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("2001:db8::8/125", "2001:db8::f", true);
        check("2001:db8::8/125", "2001:db8::10", false);
        check("::1.2.3.4", "1.2.3.4", false);
    }
}
