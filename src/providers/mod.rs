//! A provider's name → its preset: the INI text that `provider = NAME` stands for.
//!
//! A preset is written in the language of `websms.conf` and holds the keys of `[websms]` and
//! `[websmsd]` that are the provider's own. A key in the operator's file wins.

/// Every preset: name and text.
pub const PRESETS: &[(&str, &str)] = &[];

/// The preset of that name, if there is one.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}
