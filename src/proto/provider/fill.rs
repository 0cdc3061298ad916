//! Fills in the placeholders of a template: `{auth_user}`, `{to}` and the like.
//!
//! A template is split into names, values and headers before it is filled, so a filled-in value never
//! divides anything. A brace that begins no known name stands for itself.

use alloc::vec::Vec;

/// The values that the configuration gives for the placeholders.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// `{account}`: the provider's name for the account.
    pub account: Vec<u8>,
    /// `{auth_user}`: the user name.
    pub auth_user: Vec<u8>,
    /// `{auth_passwd}`: the password.
    pub auth_passwd: Vec<u8>,
    /// `{auth_extra}`: a third credential, which some providers need.
    pub auth_extra: Vec<u8>,
}

/// Shows nothing of the credentials.
impl core::fmt::Debug for Values {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Values")
    }
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{account}`: the provider's name for the account.
    Account,
    /// `{auth_user}`: the user name.
    User,
    /// `{auth_passwd}`: the password.
    Passwd,
    /// `{auth_extra}`: the third credential.
    Extra,
    /// `{to}`: the destination in its `number_format`.
    To,
    /// `{from}`: the sender in its `number_format_from`.
    From,
}

/// Every placeholder as written in a template.
const NAMES: [(&str, Placeholder); 6] = [
    ("{account}", Placeholder::Account),
    ("{auth_user}", Placeholder::User),
    ("{auth_passwd}", Placeholder::Passwd),
    ("{auth_extra}", Placeholder::Extra),
    ("{to}", Placeholder::To),
    ("{from}", Placeholder::From),
];

impl Placeholder {
    /// Returns the placeholder as written, braces included.
    pub fn text(self) -> &'static str {
        let mut names = NAMES.iter();
        names.find(|(_, name)| *name == self).map_or("", |n| n.0)
    }
}

impl Values {
    /// Returns the value of a placeholder. It is empty for placeholders that depend on the SMS.
    pub fn of(&self, name: Placeholder) -> &[u8] {
        match name {
            Placeholder::Account => &self.account,
            Placeholder::User => &self.auth_user,
            Placeholder::Passwd => &self.auth_passwd,
            Placeholder::Extra => &self.auth_extra,
            Placeholder::To | Placeholder::From => b"",
        }
    }
}

/// Returns the placeholders of a template, repeated as often as they occur.
pub fn names(template: &[u8]) -> Vec<Placeholder> {
    let mut found = Vec::new();
    fill(template, |name| {
        found.push(name);
        Vec::new()
    });
    found
}

/// Replaces every placeholder of the template. Braces within a filled-in value are not looked at.
pub fn fill(template: &[u8], mut value: impl FnMut(Placeholder) -> Vec<u8>) -> Vec<u8> {
    fill_from(template, &mut value)
}

fn fill_from(template: &[u8], value: &mut dyn FnMut(Placeholder) -> Vec<u8>) -> Vec<u8> {
    replace(template, &NAMES.map(|(text, _)| text), &mut |place| {
        let name = NAMES.get(place).map(|(_, name)| *name);
        name.map(&mut *value).unwrap_or_default()
    })
}

/// Replaces each of these texts in the template; the callback gets the index of the text.
pub(super) fn replace(
    template: &[u8],
    texts: &[&str],
    value: &mut dyn FnMut(usize) -> Vec<u8>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len());
    let mut rest = template;
    while let Some((first, tail)) = rest.split_first() {
        let known = texts.iter().enumerate().find_map(|(place, text)| {
            let behind = rest.strip_prefix(text.as_bytes())?;
            Some((place, behind))
        });
        match known {
            Some((place, behind)) => {
                out.extend_from_slice(&value(place));
                rest = behind;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_filled_once() {
        let values = Values {
            account: b"A{to}".to_vec(),
            auth_user: b"U".to_vec(),
            auth_passwd: b"P".to_vec(),
            auth_extra: Vec::new(),
        };
        let check = |template: &str, expected: &str, named: usize| {
            let filled = fill(template.as_bytes(), |name| match name {
                Placeholder::To => b"1".to_vec(),
                Placeholder::From => b"2".to_vec(),
                name => values.of(name).to_vec(),
            });
            assert_eq!(filled, expected.as_bytes(), "{template}");
            assert_eq!(names(template.as_bytes()).len(), named, "{template}");
        };
        check("", "", 0);
        check("/v1/{account}/x", "/v1/A{to}/x", 1);
        check("{from}{to}", "21", 2);
        check("{auth_user}:{auth_passwd}", "U:P", 2);
        check("a{auth_extra}b", "ab", 1);
        check("{{to}}", "{1}", 1);
        check("{To} {body} {to", "{To} {body} {to", 0);
        check("{}", "{}", 0);
        assert_eq!(format!("{values:?}"), "Values");
        for (text, name) in NAMES {
            assert_eq!(name.text(), text);
        }
    }
}
