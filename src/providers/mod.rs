//! Holds the presets: for each provider's name, the INI text that `provider = NAME` stands for.
//!
//! A preset is written in the language of `websms.conf` and holds the keys of `[websms]` and `[websmsd]`
//! that are the provider's own. A key in the operator's file wins. Its comments tell the operator what to
//! fill in, what to enter at the provider, and what to beware of.

/// Every preset, with its name and its text.
pub const PRESETS: &[(&str, &str)] = &[
    ("46elks", include_str!("46elks.ini")),
    (
        "android-sms-gateway",
        include_str!("android-sms-gateway.ini"),
    ),
    ("anveo", include_str!("anveo.ini")),
    ("bandwidth", include_str!("bandwidth.ini")),
    ("bulkvs", include_str!("bulkvs.ini")),
    ("callwithus", include_str!("callwithus.ini")),
    ("clickatell", include_str!("clickatell.ini")),
    ("clicksend", include_str!("clicksend.ini")),
    ("commio", include_str!("commio.ini")),
    ("didww", include_str!("didww.ini")),
    ("flowroute", include_str!("flowroute.ini")),
    ("gatewayapi", include_str!("gatewayapi.ini")),
    ("infobip", include_str!("infobip.ini")),
    ("inteliquent", include_str!("inteliquent.ini")),
    ("messagebird", include_str!("messagebird.ini")),
    ("ovh", include_str!("ovh.ini")),
    ("plivo", include_str!("plivo.ini")),
    ("questblue", include_str!("questblue.ini")),
    ("signalwire", include_str!("signalwire.ini")),
    ("sinch", include_str!("sinch.ini")),
    ("sipgate", include_str!("sipgate.ini")),
    ("siptrunk", include_str!("siptrunk.ini")),
    ("skyetel", include_str!("skyetel.ini")),
    ("smsapi", include_str!("smsapi.ini")),
    ("telesign", include_str!("telesign.ini")),
    ("telnyx", include_str!("telnyx.ini")),
    ("textmagic", include_str!("textmagic.ini")),
    ("twilio", include_str!("twilio.ini")),
    ("voipms", include_str!("voipms.ini")),
    ("vonage", include_str!("vonage.ini")),
    ("voxtelesys", include_str!("voxtelesys.ini")),
    ("zadarma", include_str!("zadarma.ini")),
];

/// Returns the preset of that name, if there is one.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// Returns a line for each preset, with its name and its title.
pub fn list() -> String {
    let mut lines = String::new();
    for (name, text) in PRESETS {
        let (title, _) = text.split_once('\n').unwrap_or_default();
        let title = title.strip_prefix("; ").unwrap_or(title);
        lines.push_str(&format!("{name:12} {title}\n"));
    }
    lines
}

/// Marks the place of the address in a preset's comments, which is entered at the provider.
const HOOK: &str = "@HOOK@";

/// Returns a preset with its comments; `address` is this machine's address for the provider.
pub fn explained(name: &str, address: &str) -> Option<String> {
    Some(preset(name)?.replace(HOOK, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_in_order_and_say_what_they_are() {
        assert!(PRESETS.is_sorted_by_key(|(name, _)| *name));
        for (name, text) in PRESETS {
            let says = |words: &str| assert!(text.contains(words), "{name}: {words}");
            assert!(text.starts_with("; ") && text.ends_with('\n'), "{name}");
            says("; Fill in: ");
            says("[websms]\n");
            // The preset of a provider that sends webhooks gives an address to enter; that of one that is
            // polled gives a path.
            let receives = text.contains("[websmsd]\n");
            let is_asked = text.contains("\npoll_path = ");
            let calls = text.contains(HOOK);
            assert_eq!(calls || is_asked, receives, "{name}");
            let title = text.lines().next().unwrap_or("");
            assert_eq!(title.contains("(outbound only)"), !receives, "{name}");
            let by_asking = title.contains("(inbound by asking: poll)");
            assert_eq!(by_asking, is_asked && !calls, "{name}");
            assert!(text.lines().all(|line| line.len() <= 112), "{name}");
            let explained = explained(name, "https://pbx.example/x").unwrap_or_default();
            assert!(!explained.contains(HOOK), "{name}");
        }
        assert_eq!(list().lines().count(), PRESETS.len());
        assert_eq!(explained("nobody", ""), None);
    }
}
