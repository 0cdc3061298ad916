//! Reads from `Accept` which of the three forms of the status page the reader wants (RFC 9110 §12.5.1).
//!
//! Only a form that is named counts: a reader that accepts anything gets the figures, as Prometheus does.

use crate::limits::ACCEPT_BYTES_MAX;

/// One form of the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Figures for Prometheus.
    Figures,
    /// HTML for a browser.
    Page,
    /// JSON.
    Json,
}

const NAMES: [(&[u8], Form); 4] = [
    (b"text/html", Form::Page),
    (b"application/json", Form::Json),
    (b"text/plain", Form::Figures),
    (b"application/openmetrics-text", Form::Figures),
];

/// Chooses the form with the highest weight; of two with equal weights the figures, otherwise the one named
/// first.
pub fn choose(fields: &mut dyn Iterator<Item = &[u8]>) -> Form {
    let (mut chosen, mut weight, mut bytes) = (Form::Figures, 0, 0_usize);
    for field in fields {
        bytes = bytes.saturating_add(field.len());
        if bytes > ACCEPT_BYTES_MAX {
            return Form::Figures;
        }
        for element in field.split(|b| *b == b',') {
            let (mut form, mut given) = (None, None);
            for part in element.split(|b| *b == b';') {
                let part = part.trim_ascii();
                match form {
                    None => {
                        let is = |known: &&(&[u8], Form)| part.eq_ignore_ascii_case(known.0);
                        form = Some(NAMES.iter().find(is).map(|known| known.1));
                    }
                    Some(_) => given = given.or(quality(part)),
                }
            }
            let given = given.unwrap_or(1000);
            if let Some(Some(form)) = form
                && (given > weight || (given == weight && given > 0 && form == Form::Figures))
            {
                (chosen, weight) = (form, given);
            }
        }
    }
    chosen
}

/// Reads `q=0.8` as 800; `None` if this is another parameter. An invalid weight counts as 0.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = match parameter {
        [b'q' | b'Q', b'=', value @ ..] => value,
        _ => return None,
    };
    let Some((whole, rest)) = value.split_first() else {
        return Some(0);
    };
    let digits = match rest {
        [] => b"",
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return Some(0),
    };
    let mut weight = 0_u16;
    for place in 0..3 {
        let digit = digits.get(place).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return Some(0);
        }
        let digit = u16::from(digit.saturating_sub(b'0'));
        weight = weight.saturating_mul(10).saturating_add(digit);
    }
    match (whole, weight) {
        (b'0', weight) => Some(weight),
        (b'1', 0) => Some(1000),
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[&str], expected: Form) {
        let mut found = fields.iter().map(|field| field.as_bytes());
        assert_eq!(choose(&mut found), expected, "{fields:?}");
    }

    #[test]
    fn a_browser_gets_the_page_and_who_names_nothing_the_figures() {
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,\
                      image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        let lynx = "text/html, text/plain, text/sgml, text/css, */*;q=0.01";
        let w3m = "text/html, text/*;q=0.5, image/*, application/*";
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        check(&[firefox], Form::Page);
        check(&[chrome], Form::Page);
        check(&[w3m], Form::Page);
        check(&[lynx], Form::Figures);
        check(&[prometheus], Form::Figures);
        for plain in [
            "*/*",
            "",
            "text/*",
            "text/plain",
            "nonsense",
            ",;,q=1",
            "image/png",
        ] {
            check(&[plain], Form::Figures);
        }
        check(&[], Form::Figures);
    }

    #[test]
    fn weights() {
        check(&["application/json"], Form::Json);
        check(&["APPLICATION/JSON ; Q=0.1"], Form::Json);
        check(&["application/json;q=0"], Form::Figures);
        check(&["application/json;q=0.5, text/html;q=0.6"], Form::Page);
        check(&["application/json;q=0.51, text/html;q=0.501"], Form::Json);
        check(&["application/json, text/html"], Form::Json);
        check(&["text/html, application/json"], Form::Page);
        check(&["text/html;q=0.5, text/plain;q=0.5"], Form::Figures);
        check(&["text/html;q=0.5, text/plain;q=0.499"], Form::Page);
        check(&["text/html;level=1;q=1.000"], Form::Page);
        for bad in ["", "2", "1.1", "0.1234", "x", "-1", "0x1", "0.x", "1.001"] {
            check(&[&format!("text/html;q={bad}")], Form::Figures);
        }
        // Several fields are one list.
        check(&["text/plain;q=0.1", "text/html;q=0.2"], Form::Page);
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        for (bytes, expected) in [
            (ACCEPT_BYTES_MAX - 1, Form::Page),
            (ACCEPT_BYTES_MAX, Form::Page),
            (ACCEPT_BYTES_MAX + 1, Form::Figures),
        ] {
            let field = format!("text/html{}", ",".repeat(bytes - 9));
            check(&[&field], expected);
        }
    }
}
