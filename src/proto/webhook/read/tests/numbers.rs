//! Tests the numbers of sender and destination: their channel, separators, and one spelling.

use super::*;

#[test]
fn numbers_in_one_spelling() {
    let webhook = with(|webhook| webhook.number_format = NumberFormat::PlusNanp);
    let check = |body: &str, expected: &str| {
        assert_eq!(shown(post(&webhook, FORM, body)), expected, "{body}");
    };
    check(
        "To=2025550160&From=15017122661&Body=x",
        "+12025550160 +15017122661 x",
    );
    check("To=%2B12025550160&From=ACME&Body=x", "+12025550160 ACME x");
    check("To=12345&From=123456789&Body=x", "12345 123456789 x");
    // This is a plus sign more than fits.
    let (longest, longer) = ("1".repeat(63), "1".repeat(64));
    check(
        &format!("To={longest}&From=2&Body=x"),
        &format!("+{longest} 2 x"),
    );
    check(
        &format!("To={longer}&From=2&Body=x"),
        "bad: to is 65 bytes, limit 64",
    );
}

#[test]
fn a_channel_before_a_number_is_dropped() {
    let webhook = with(|webhook| webhook.number_format = NumberFormat::Plus);
    let check = |to: &str, from: &str, expected: &str, channel: Option<&str>| {
        let reading = post(&webhook, FORM, format!("To={to}&From={from}&Body=x"));
        let Ok(Reading::Messages(items, _)) = &reading else {
            panic!("{to} {from}: {reading:?}");
        };
        assert_eq!(items[0].channel, channel, "{to} {from}");
        assert_eq!(shown(reading), format!("{expected} x"), "{to} {from}");
    };
    let numbers = "+12025550160 +15017122661";
    for name in ["whatsapp", "WhatsApp", "RCS", "sms", "Tel"] {
        let channel = name.to_ascii_lowercase();
        let (to, from) = (
            format!("{name}:%2B12025550160"),
            format!("{name}:15017122661"),
        );
        check(&to, &from, numbers, Some(&channel));
        check("12025550160", &from, numbers, Some(&channel));
        check(&to, "15017122661", numbers, Some(&channel));
    }
    check("sms:12025550160", "rcs:15017122661", numbers, Some("rcs"));
    check("1", "rcs:my_agent", "1 my_agent", Some("rcs"));
    check("1", "viber:2", "1 viber_2", None);
    check("1", "whatsapp:", "1 anonymous", Some("whatsapp"));
    let none = shown(post(&webhook, FORM, "To=whatsapp:&From=2&Body=x"));
    assert_eq!(none, "bad: to is empty");
    let unknown = shown(post(&webhook, FORM, "To=viber:1&From=2&Body=x"));
    assert_eq!(unknown, "bad: to holds byte 0x3a");
}

#[test]
fn separators_of_numbers_are_dropped() {
    let check = |to: &str, from: &str, expected: &str| {
        let body = format!("To={to}&From={from}&Body=x");
        assert_eq!(shown(post(&Webhook::by_default(), FORM, &body)), expected);
    };
    check(
        "(202)+555-0160",
        "%2B1-501-712.2661",
        "2025550160 +15017122661 x",
    );
    check(
        "%E2%80%AA%2B12025550160%E2%80%AC",
        "%EF%BB%BF15017122661",
        "+12025550160 15017122661 x",
    );
    check(
        "+1+202+555+0160%0A",
        "AT%26T+1-800",
        "12025550160 AT&T 1-800 x",
    );
    check("dp_entry-1", "12-34", "dp_entry-1 12-34 x");
    // Separators do not count towards the limit.
    let long = "2-".repeat(40);
    check(&long, &long, &format!("{0} {0} x", "2".repeat(40)));
}

#[test]
fn a_hidden_number_is_anonymous() {
    let check = |content_type: &str, body: &str, expected: &str| {
        let webhook = with(|webhook| webhook.number_format = NumberFormat::Plus);
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    };
    check(FORM, "To=1&From=&Body=x", "1 anonymous x");
    check(FORM, "To=1&From&Body=x", "1 anonymous x");
    check(FORM, "To=1&From=+%00&Body=x", "1 anonymous x");
    check(JSON, r#"{"To":1,"From":"","Body":"x"}"#, "1 anonymous x");
    check(JSON, r#"{"To":1,"From":null,"Body":"x"}"#, "1 anonymous x");
    check(JSON, r#"{"To":1,"Body":"x"}"#, "bad: no from");
    check(JSON, r#"{"To":1,"From":{},"Body":"x"}"#, "bad: no from");
    check(JSON, r#"{"To":1,"From":[],"Body":"x"}"#, "bad: no from");
    check(FORM, "To=&From=2&Body=x", "bad: to is empty");
}
