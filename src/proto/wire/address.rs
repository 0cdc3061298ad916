//! Reduces a SIP or tel address to its user part (spec §6.1).
//!
//! Asterisk passes `MESSAGE(from)` as `"Ann" <sip:+12025550160@pbx;x=y>`.
//! [`Number`](crate::message::Number) and [`Sender`](crate::message::Sender) decide whether the result is a
//! number.

use alloc::vec::Vec;

use crate::proto::wire::form::percent_decode;

/// Returns the user part of `"Ann" <sip:+12025550160@pbx;x=y>`, `sip:…`, `sips:…`, `tel:…` or `pjsip:…`,
/// and anything else unchanged.
///
/// The last `<…>` counts, because a display name may hold others. A user part ends at `@`, `;`, `?` or `:`
/// (a password, RFC 3261 §25.1) and is percent-decoded. In a `pjsip:` address it stands behind `ENDPOINT/`
/// if an endpoint is named.
pub fn reduce(address: &[u8]) -> Vec<u8> {
    let inner = bracketed(address).unwrap_or(address).trim_ascii();
    let Some((scheme, rest)) = scheme(inner) else {
        return match bracketed(address) {
            Some(_) => inner.to_vec(),
            None => address.to_vec(),
        };
    };
    let ends: &[u8] = match scheme {
        Scheme::Tel => b";?",
        Scheme::Sip | Scheme::Pjsip => b"@;?:",
    };
    let mut rest = rest;
    if scheme == Scheme::Pjsip {
        // PJSIP/endpoint/sip:user@host is a message destination.
        let behind = rest.iter().rposition(|b| *b == b'/');
        rest = behind
            .and_then(|at| rest.get(at.saturating_add(1)..))
            .unwrap_or(rest);
        if let Some((_, uri)) = self::scheme(rest) {
            rest = uri;
        }
    }
    let user = rest.split(|b| ends.contains(b)).next().unwrap_or_default();
    percent_decode(user)
}

/// Returns the contents of the last `<…>`.
fn bracketed(address: &[u8]) -> Option<&[u8]> {
    let start = address.iter().rposition(|b| *b == b'<')?;
    let inner = address.get(start.saturating_add(1)..)?;
    inner.get(..inner.iter().position(|b| *b == b'>')?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Sip,
    Tel,
    Pjsip,
}

/// Returns the scheme, in any case, and the text behind its colon.
fn scheme(address: &[u8]) -> Option<(Scheme, &[u8])> {
    let colon = address.iter().position(|b| *b == b':')?;
    let (name, rest) = address.split_at_checked(colon)?;
    let known = [
        (&b"sip"[..], Scheme::Sip),
        (b"sips", Scheme::Sip),
        (b"tel", Scheme::Tel),
        (b"pjsip", Scheme::Pjsip),
    ];
    let (_, scheme) = known
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    Some((*scheme, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_parts() {
        let check = |address: &str, expected: &str| {
            let got = reduce(address.as_bytes());
            assert_eq!(got, expected.as_bytes(), "{address}");
        };
        check("+12025550160", "+12025550160");
        check("", "");
        check(" 1", " 1");
        check("Ann", "Ann");
        check("a@b", "a@b");
        check("mailto:a@b", "mailto:a@b");
        check("sip:+12025550160@pbx", "+12025550160");
        check("sip:+12025550160", "+12025550160");
        check("SIPS:+1@pbx:5061;transport=tls", "+1");
        check("sip:+1;phone-context=x@pbx", "+1");
        check("sip:+1?subject=x", "+1");
        check("sip:100:secret@pbx", "100");
        check("sip:", "");
        check("sip:@pbx", "");
        check("Tel:+1-202-555;ext=5", "+1-202-555");
        check("tel:+1", "+1");
        check("pjsip:+1@pbx", "+1");
        check("pjsip:trunk/sip:+1@pbx", "+1");
        check("PJSIP:trunk/+1", "+1");
        check("\"Ann\" <sip:+12025550160@pbx;x=y>", "+12025550160");
        check("\"Ann\" <sip:+12025550160@pbx>;tag=1", "+12025550160");
        check("Ann <sip:1@pbx>", "1");
        check("<sip:1@pbx>", "1");
        check("<tel:+1>", "+1");
        check("< sip:1@pbx >", "1");
        check("\"<sip:666@evil>\" <sip:1@pbx>", "1");
        check("\"a>b\" <sip:1@pbx>", "1");
        check("Ann <+12025550160>", "+12025550160");
        check("\"\" <>", "");
        check("a <sip:1@pbx", "a <sip:1@pbx");
        check("sip:1@pbx>", "1");
        check("sip:%2B1202@pbx", "+1202");
        check("sip:%2b1202@pbx", "+1202");
        check("sip:a%0D%0Ab@pbx", "a\r\nb");
        check("sip:1%402@pbx", "1@2");
        check("sip:1%@pbx", "1%");
        check("sip:1%zz@pbx", "1%zz");
        check("sip:1+2@pbx", "1+2");
        check("sip:sip:1@pbx", "sip");
        check("%2B1", "%2B1");
    }

    #[test]
    fn bytes_that_are_no_text() {
        assert_eq!(reduce(b"<sip:\xff\0@x>"), b"\xff\0");
        assert_eq!(reduce(b"\xff<\xfe"), b"\xff<\xfe");
    }
}
