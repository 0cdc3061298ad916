//! Reads from a certificate's DER when it is valid (RFC 5280 §4.1).
//!
//! Only the fields up to `validity` are read. Nothing is verified; that is the TLS library's task.

use alloc::format;

use super::date;

/// The period in which a certificate is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before_s: u64,
    /// The last second.
    pub not_after_s: u64,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns when a certificate is valid. Returns `None` if the bytes are no certificate, or it is from
/// before 1970.
pub fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = skip(fields)?;
    }
    // These are the serial number, the signature algorithm and the issuer.
    for _ in 0..3 {
        fields = skip(fields)?;
    }
    let (times, _) = element(fields, SEQUENCE)?;
    let (not_before_s, times) = time(times)?;
    let (not_after_s, _) = time(times)?;
    Some(Validity {
        not_before_s,
        not_after_s,
    })
}

fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

fn skip(der: &[u8]) -> Option<&[u8]> {
    any(der).map(|(_, _, rest)| rest)
}

/// Returns the tag and the content of an element, and the bytes behind it. A length has at most four bytes.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let mut length = 0_usize;
            for digit in digits {
                length = length.checked_mul(256)?.checked_add(usize::from(*digit))?;
            }
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// Reads a UTCTime `YYMMDDHHMMSSZ`, with years from 1950, or a GeneralizedTime `YYYYMMDDHHMMSSZ`.
fn time(der: &[u8]) -> Option<(u64, &[u8])> {
    let (tag, content, rest) = any(der)?;
    let digits = core::str::from_utf8(content.strip_suffix(b"Z")?).ok()?;
    let seconds = match tag {
        UTC_TIME => {
            let century = if digits < "50" { "20" } else { "19" };
            date::parse_compact(&format!("{century}{digits}"))?
        }
        GENERALIZED_TIME => date::parse_compact(digits)?,
        _ => return None,
    };
    Some((seconds, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    fn der(pem: &str) -> Vec<u8> {
        let lines = pem
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN"));
        let lines = lines.skip(1).take_while(|line| !line.starts_with('-'));
        BASE64_STANDARD.decode(lines.collect::<String>()).unwrap()
    }

    /// Compares with the output of `openssl x509 -dates` for the same files.
    #[test]
    fn dates_are_those_that_openssl_reads() {
        fn check(pem: &str, not_before_s: u64, not_after_s: u64) {
            let expected = Validity {
                not_before_s,
                not_after_s,
            };
            assert_eq!(validity(&der(pem)), Some(expected));
        }
        let good = include_str!("../../../tests/tls/good.pem");
        check(good, 946_684_800, 4_102_444_799);
        let expired = include_str!("../../../tests/tls/expired.pem");
        check(expired, 946_684_800, 978_307_200);
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        let whole = der(include_str!("../../../tests/tls/good.pem"));
        for end in 0..whole.len() {
            assert_eq!(validity(&whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0x00, 0x7f, 0x80, 0xff] {
                let mut bent = whole.clone();
                bent[at] = byte;
                let _ = validity(&bent);
            }
        }
        assert_eq!(validity(b"\x30\x84\xff\xff\xff\xff\x00"), None);
    }
}
