//! Counts the SMS segments of a text, and recognises machine chatter (spec §6.7, §6.8).

use crate::limits::CHATTER_BYTES_MAX;

/// The alphabet in which a text is transmitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 03.38, with seven bits per character.
    Gsm,
    /// UCS-2 (UTF-16), with sixteen bits per character.
    Ucs2,
}

impl Alphabet {
    /// Returns the greatest number of units of a text in a single SMS, and of a part of several, which has
    /// a header (3GPP TS 23.040 §9.2.3.24). A unit is a septet or a UTF-16 unit.
    fn units_max(self) -> (usize, usize) {
        match self {
            Alphabet::Gsm => (160, 153),
            Alphabet::Ucs2 => (70, 67),
        }
    }
}

/// The basic table of GSM 03.38 (3GPP TS 23.038 §6.2.1), with one septet per character.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table (3GPP TS 23.038 §6.2.1.1), with two septets per character.
const EXTENSION: &str = "\x0c^{}\\[~]|€";

/// Returns the alphabet that `text` needs and the number of SMS it takes, which is 1 for an empty text.
///
/// A pair of units that must not be torn, an escaped GSM character or a surrogate pair, moves to the next
/// part as a whole.
pub fn segments(text: &str) -> (Alphabet, usize) {
    let septets = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => Some(1),
        c if BASIC.contains(c) => Some(1),
        c if EXTENSION.contains(c) => Some(2),
        _ => None,
    };
    match text.chars().all(|c| septets(c).is_some()) {
        true => {
            let units = text.chars().map(|c| septets(c).unwrap_or(1));
            (Alphabet::Gsm, parts(units, Alphabet::Gsm.units_max()))
        }
        false => {
            let units = text.chars().map(char::len_utf16);
            (Alphabet::Ucs2, parts(units, Alphabet::Ucs2.units_max()))
        }
    }
}

/// Returns the number of SMS for characters of so many units each.
fn parts(units: impl Iterator<Item = usize>, (alone, part): (usize, usize)) -> usize {
    let mut total = 0_usize;
    let mut parts = 1_usize;
    let mut filled = 0_usize;
    for character in units {
        total = total.saturating_add(character);
        filled = filled.saturating_add(character);
        if filled > part {
            parts = parts.saturating_add(1);
            filled = character;
        }
    }
    match total <= alone {
        true => 1,
        false => parts,
    }
}

/// The documents that SIP clients send each other and no person reads: delivery and reading notices (RFC
/// 5438), and "is typing" (RFC 3994).
const CHATTER: [(&[u8], &[u8]); 2] = [
    (b"imdn", b"urn:ietf:params:xml:ns:imdn"),
    (b"isComposing", b"urn:ietf:params:xml:ns:im-iscomposing"),
];

/// Whether a text is a delivery notice or a typing notice of a SIP client (spec §6.8).
///
/// Its root element must be one in its own namespace, and the element's tag must end within the first 512
/// bytes: a text that merely mentions such a notice is a text.
pub fn is_chatter(text: &[u8]) -> bool {
    let text = text.get(..CHATTER_BYTES_MAX).unwrap_or(text);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut text = text.trim_ascii_start();
    if let Some(declaration) = text.strip_prefix(b"<?xml") {
        let Some(end) = declaration.windows(2).position(|two| two == b"?>") else {
            return false;
        };
        let blank = declaration.first().is_some_and(u8::is_ascii_whitespace);
        match declaration.get(end.saturating_add(2)..) {
            Some(after) if blank => text = after.trim_ascii_start(),
            _ => return false,
        }
    }
    let Some(tag) = text.strip_prefix(b"<") else {
        return false;
    };
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>');
    let (name, attributes) = tag
        .iter()
        .position(ends)
        .and_then(|end| tag.split_at_checked(end))
        .unwrap_or_default();
    let colon = name.iter().position(|b| *b == b':');
    let (prefix, local) = match colon.and_then(|at| name.split_at_checked(at)) {
        Some((prefix, local)) => (prefix, local.get(1..).unwrap_or_default()),
        None => (&b""[..], name),
    };
    let declaration = match prefix {
        b"" => b"xmlns".to_vec(),
        _ => [b"xmlns:", prefix].concat(),
    };
    CHATTER
        .iter()
        .find(|(element, _)| *element == local)
        .is_some_and(|(_, namespace)| attribute(attributes, &declaration) == Some(*namespace))
}

/// Returns the value of an attribute in the rest of a tag, if the tag is complete.
fn attribute<'a>(tag: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = tag;
    let mut found = None;
    loop {
        rest = rest.trim_ascii_start();
        if rest.starts_with(b">") || rest.starts_with(b"/>") {
            return found;
        }
        let equals = rest.iter().position(|b| matches!(b, b'=' | b'>' | b'<'))?;
        let (key, after) = rest.split_at_checked(equals)?;
        let after = after.strip_prefix(b"=")?.trim_ascii_start();
        let (quote, after) = after.split_first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let end = after.iter().position(|b| b == quote)?;
        if key.trim_ascii_end() == name {
            found = after.get(..end);
        }
        rest = after.get(end.checked_add(1)?..)?;
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn segment_counts() {
        let check = |text: &str, alphabet: Alphabet, parts: usize| {
            assert_eq!(segments(text), (alphabet, parts), "{text:.40}");
        };
        let gsm = |text: &str, parts: usize| check(text, Alphabet::Gsm, parts);
        let ucs2 = |text: &str, parts: usize| check(text, Alphabet::Ucs2, parts);
        gsm("", 1);
        gsm("Hello @ £1 §5!", 1);
        gsm(&"a".repeat(159), 1);
        gsm(&"a".repeat(160), 1);
        gsm(&"a".repeat(161), 2);
        gsm(&"a".repeat(306), 2);
        gsm(&"a".repeat(307), 3);
        gsm(&"€".repeat(80), 1);
        gsm(&"€".repeat(81), 2);
        // 153 is odd: a part holds 76 pairs, never half of one.
        gsm(&"€".repeat(152), 2);
        gsm(&"€".repeat(153), 3);
        gsm(&format!("{}€{}", "a".repeat(152), "a".repeat(151)), 2);
        gsm(&format!("{}€{}", "a".repeat(152), "a".repeat(152)), 3);
        ucs2("ä😀", 1);
        ucs2("ê", 1);
        ucs2("`", 1);
        ucs2("ç", 1);
        gsm("Ç", 1);
        gsm("\n\r\x0c", 1);
        ucs2("\t", 1);
        ucs2("\u{1b}", 1);
        ucs2(&"я".repeat(69), 1);
        ucs2(&"я".repeat(70), 1);
        ucs2(&"я".repeat(71), 2);
        ucs2(&"я".repeat(134), 2);
        ucs2(&"я".repeat(135), 3);
        ucs2(&"😀".repeat(35), 1);
        ucs2(&"😀".repeat(36), 2);
        // 67 is odd: a part holds 33 pairs.
        ucs2(&"😀".repeat(66), 2);
        ucs2(&"😀".repeat(67), 3);
        ucs2(&format!("{}я", "a".repeat(160)), 3);
    }

    #[test]
    fn gsm_tables() {
        // There are septets 0 to 127 without the escape, and ten behind the escape.
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
        let mut all: Vec<char> = BASIC.chars().chain(EXTENSION.chars()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 137);
    }

    const IMDN: &str = "urn:ietf:params:xml:ns:imdn";
    const TYPING: &str = "urn:ietf:params:xml:ns:im-iscomposing";

    #[test]
    fn chatter() {
        let yes = |text: String| assert!(is_chatter(text.as_bytes()), "{text}");
        yes(format!("<imdn xmlns=\"{IMDN}\">"));
        yes(format!("<imdn xmlns='{IMDN}'/>"));
        yes(format!(
            "<imdn\n\txmlns = \"{IMDN}\"\n><message-id>1</message-id></imdn>"
        ));
        yes(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"{IMDN}\" >"
        ));
        yes(format!(
            "\u{feff}<?xml version=\"1.0\"?><imdn xmlns=\"{IMDN}\">"
        ));
        yes(format!(
            " \r\n\t<?xml version='1.0'?> <imdn xmlns=\"{IMDN}\">"
        ));
        yes(format!("<imdn xmlns:x=\"y\" a='>' xmlns=\"{IMDN}\">"));
        yes(format!("<i:imdn xmlns:i=\"{IMDN}\">"));
        yes(format!(
            "<isComposing xmlns=\"{TYPING}\" xmlns:xsi=\"x\"><state>active</state>"
        ));
        yes(format!("<t:isComposing xmlns=\"x\" xmlns:t=\"{TYPING}\"/>"));
        let tag = format!("<imdn xmlns=\"{IMDN}\">");
        yes(format!("{}{tag}", " ".repeat(512 - tag.len())));
    }

    #[test]
    fn no_chatter() {
        let no = |text: String| assert!(!is_chatter(text.as_bytes()), "{text}");
        no(String::new());
        no("imdn".into());
        no("what is an <imdn> and an urn:ietf:params:xml:ns:imdn?".into());
        no("<imdn>".into());
        no("<imdn/>".into());
        no("<".into());
        no("<>".into());
        no(format!("look: <imdn xmlns=\"{IMDN}\">"));
        no(format!("<imdn xmlns=\"{IMDN}\""));
        no(format!("<imdn xmlns=\"{IMDN}"));
        no(format!("<imdn xmlns={IMDN}>"));
        no(format!("<imdn xmlns=\"{IMDN}x\">"));
        no(format!("<imdn xmlns=\" {IMDN}\">"));
        no(format!("<imdn xmlns=\"{TYPING}\">"));
        no(format!("<isComposing xmlns=\"{IMDN}\">"));
        no(format!("<imdn xmlns:i=\"{IMDN}\">"));
        no(format!("<i:imdn xmlns=\"{IMDN}\">"));
        no(format!("<i:imdn xmlns:j=\"{IMDN}\">"));
        no(format!("<IMDN xmlns=\"{IMDN}\">"));
        no(format!("<imdns xmlns=\"{IMDN}\">"));
        no(format!("<iscomposing xmlns=\"{TYPING}\">"));
        no(format!("<imdn a=\"xmlns='{IMDN}'\">"));
        no(format!("<imdn><x xmlns=\"{IMDN}\">"));
        no(format!("<imdn > xmlns=\"{IMDN}\">"));
        no(format!("<message><imdn xmlns=\"{IMDN}\">"));
        no(format!("<!-- x --><imdn xmlns=\"{IMDN}\">"));
        no(format!("<?xml version=\"1.0\"<imdn xmlns=\"{IMDN}\">"));
        no(format!("<?xmlx?><imdn xmlns=\"{IMDN}\">"));
        no(format!("<?other?><imdn xmlns=\"{IMDN}\">"));
        no(format!("x<?xml version=\"1.0\"?><imdn xmlns=\"{IMDN}\">"));
        let tag = format!("<imdn xmlns=\"{IMDN}\">");
        no(format!("{}{tag}", " ".repeat(513 - tag.len())));
        let comment = format!("<imdn a=\"{}\" xmlns=\"{IMDN}\">", "x".repeat(512));
        no(comment);
    }
}
