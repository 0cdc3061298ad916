//! Tests whole files: those that are no configuration, presets and the packaged sample.

use super::*;

#[test]
fn what_is_no_configuration() {
    check_fault("[websms\n", 1, "");
    let fill = |bytes: usize| format!(";{}", "x".repeat(bytes.checked_sub(2).unwrap())) + "\n";
    for bytes in [CONFIG_BYTES_MAX - 1, CONFIG_BYTES_MAX] {
        assert!(read_text(&fill(bytes)).config.is_some());
    }
    check_fault(&fill(CONFIG_BYTES_MAX + 1), 0, "limit 262144");
}

#[test]
fn remarks_come_in_file_order_and_once() {
    let text = "[websms]\ntimeout = x\nhost [a] = https://a\nhost [b] = https://b\nfoo = 1\nformat = x\n[queue]\nmax = 0\n";
    let reading = read_text(text);
    let faults: Vec<u32> = notes(text, Severity::Fault)
        .iter()
        .map(|(line, _)| *line)
        .collect();
    assert_eq!(faults, [2, 6, 8]);
    assert!(reading.notes.is_sorted_by_key(|note| note.line));
}

#[test]
fn no_remark_holds_a_secret() {
    let secret = "Hunter2Secret";
    let lines = [
        "auth_method = S",
        "auth_user = S",
        "auth_passwd = S",
        "auth_method = header\nauth_user = \"S S\"\nauth_passwd = \"S\nS\"",
        "auth_method = bearer\nauth_passwd = \"S\nS\"",
        "host = https://u:S@h",
        "host = \"https://S S\"",
        "path = \"/S S\"",
        "headers = S",
        "headers = \"S S: 1\"",
        "headers = \"X: S\nS\"",
        "val_static = S",
        "response_check = S",
        "response_check = \"/S(/\"",
        "proxy = \"http://u:S@h/S\"",
        "proxy = \"S S\"",
        "fallback = S",
        "provider = S",
        "charset = S",
        "number_format = S",
        "format = S",
        "auth_passwd_S_ = S",
    ];
    for line in lines {
        for section in ["websms", "websmsd"] {
            let text = format!("[{section}]\n{}\n", line.replace('S', secret));
            for note in read_text(&text).notes {
                let named = note.text.replace("\"auth_passwd_Hunter2Secret_\"", "");
                assert!(!named.contains(secret), "{text}\n{}", note.text);
            }
        }
    }
}

#[test]
fn a_provider_is_known_by_other_names_too() {
    let check = |name: &str, expected: &str| {
        let text = format!("[websms]\nprovider = {name}\n");
        let notes = read(text.as_bytes(), &|_| None).notes;
        let fault =
            format!("provider names a preset that there is not; the nearest is \"{expected}\"");
        assert!(
            notes.iter().any(|note| note.text.ends_with(&fault)),
            "{notes:?}"
        );
    };
    check("nexmo", "vonage");
    check("Nexmo", "vonage");
    check("thinq", "commio");
    check("bird", "messagebird");
    check("bird.com", "messagebird");
    check("clicksend.com", "clicksend");
    check("voip.ms", "voipms");
    check("twillio", "twilio");
}

#[test]
fn a_preset_must_have_something_for_its_section() {
    for name in ["ovh", "telesign"] {
        let wanted = format!("the preset \"{name}\" has nothing for [websmsd]");
        for keys in [
            format!("[websmsd]\nprovider = {name}\n"),
            format!("[websms]\nprovider = {name}\n[websmsd]\nprovider = {name}\n"),
            format!("[websmsd]\nprovider [a] = {name}\npermit_addr [a] = 192.0.2.1\n"),
        ] {
            let reading = read(keys.as_bytes(), &|_| None);
            assert!(reading.config.is_none(), "{keys}");
            let says = |note: &Note| note.text.contains(&wanted);
            assert!(reading.notes.iter().any(says), "{keys} {:?}", reading.notes);
        }
    }
    let both = "[websms]\nprovider = telesign\nauth_user = u\nauth_passwd = p\n";
    assert!(read(both.as_bytes(), &|_| None).config.is_some());
}

#[test]
fn every_place_of_a_preset_is_a_path() {
    for (name, _) in providers::PRESETS {
        let text = format!("[websmsd]\nprovider = {name}\n");
        for note in read(text.as_bytes(), &|_| None).notes {
            assert!(!note.text.contains("is no path"), "{name}: {}", note.text);
        }
    }
    let wrong = "[websmsd]\nkey_media = 'a[.b'\n";
    check_warning(wrong, 2, "is no path");
    check_silence("[websmsd]\nkey_media = 'MediaUrl*'\n", "is no path");
    check_silence("[websmsd]\nkey_to = 'a[].b'\n", "is no path");
    check_warning("[websmsd]\nkey_from = 'a[].b'\n", 2, "is no path");
}

#[test]
fn every_preset_is_read_without_a_remark() {
    for (name, text) in providers::PRESETS {
        let tree = ini::parse(text.as_bytes(), &|_| None).unwrap();
        assert_eq!(tree.surprises, [], "{name}");
        let mut notes = Notes::default();
        let tables = lookup::tables(&tree, &mut notes);
        crate::config::slips::check(&tables, &tree, &mut notes);
        assert_eq!(notes.finish(), [], "{name}");
    }
}

#[test]
fn the_packaged_sample_is_usable() {
    let sample = include_bytes!("../../../packaging/websms.conf");
    let reading = read(sample, &|_| None);
    // The remarks name only the settings that an operator has to fill in.
    let told = reading.notes.iter().map(|note| note.text.as_str());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "[websms] host is still the sample's api.example.com: put in your own",
            "[websms] auth_user is still the sample's user: put in your own",
            "[websms] auth_passwd is still the sample's passwd: put in your own",
            "[websmsd] permit_addr is still the sample's 192.0.2.0/24: put in your own",
        ]
    );
    let config = reading.config.unwrap();
    assert_eq!(config.outgoing.len(), 1);
    assert_eq!(config.rules.interfaces.len(), 1);
}

/// Checks that the sample names every key, in the order of the table and in its section, with its default:
/// behind a `;` unless the sample uses it.
#[test]
fn the_packaged_sample_names_every_key() {
    let sample = include_str!("../../../packaging/websms.conf");
    let mut section = "";
    let mut named = Vec::new();
    for line in sample.lines() {
        let line = line.strip_prefix(';').unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            section = name;
        } else if let Some((key, _)) = line.split_once('=')
            && !key.starts_with(' ')
        {
            named.push((section, key.trim_end()));
        }
    }
    let keys: Vec<_> = KEYS
        .iter()
        .map(|key| (key.section.name(), key.name))
        .collect();
    assert_eq!(named, keys);
}
