//! A template and its values → text: `{auth_user}`, `{to}` and the like are filled in.
//!
//! A template was split into names, values and headers before, so a value never divides anything.
//! A brace that begins no known name is itself.

use alloc::vec::Vec;

/// What the configuration gives for the placeholders.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// `{account}`: the provider's name for the account.
    pub account: Vec<u8>,
    /// `{auth_user}`.
    pub auth_user: Vec<u8>,
    /// `{auth_passwd}`.
    pub auth_passwd: Vec<u8>,
    /// `{auth_extra}`: what a provider asks for beside these.
    pub auth_extra: Vec<u8>,
}

/// Says nothing of the credentials.
impl core::fmt::Debug for Values {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Values")
    }
}

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// `{account}`
    Account,
    /// `{auth_user}`
    User,
    /// `{auth_passwd}`
    Passwd,
    /// `{auth_extra}`
    Extra,
    /// `{to}`: the destination in its `number_format`.
    To,
    /// `{from}`: the sender in its own.
    From,
}

/// Every placeholder as it is written.
const NAMES: [(&str, Name); 6] = [
    ("{account}", Name::Account),
    ("{auth_user}", Name::User),
    ("{auth_passwd}", Name::Passwd),
    ("{auth_extra}", Name::Extra),
    ("{to}", Name::To),
    ("{from}", Name::From),
];

impl Name {
    /// As it is written, braces and all.
    pub fn text(self) -> &'static str {
        let mut names = NAMES.iter();
        names.find(|(_, name)| *name == self).map_or("", |n| n.0)
    }
}

impl Values {
    /// What stands for a name; nothing for what is an SMS's own.
    pub fn of(&self, name: Name) -> &[u8] {
        match name {
            Name::Account => &self.account,
            Name::User => &self.auth_user,
            Name::Passwd => &self.auth_passwd,
            Name::Extra => &self.auth_extra,
            Name::To | Name::From => b"",
        }
    }
}

/// The placeholders of a template, each as often as it stands there.
pub fn names(template: &[u8]) -> Vec<Name> {
    let mut found = Vec::new();
    fill(template, |name| {
        found.push(name);
        Vec::new()
    });
    found
}

/// The template with every placeholder replaced. What a value holds is not looked at again.
pub fn fill(template: &[u8], mut value: impl FnMut(Name) -> Vec<u8>) -> Vec<u8> {
    fill_from(template, &mut value)
}

fn fill_from(template: &[u8], value: &mut dyn FnMut(Name) -> Vec<u8>) -> Vec<u8> {
    replace(template, &NAMES.map(|(text, _)| text), &mut |place| {
        let name = NAMES.get(place).map(|(_, name)| *name);
        name.map(&mut *value).unwrap_or_default()
    })
}

/// The template with each of these texts replaced by the value of its place among them.
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
                Name::To => b"1".to_vec(),
                Name::From => b"2".to_vec(),
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
