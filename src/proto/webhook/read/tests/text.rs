//! Tests the text of a message: its encoding, captions, and the links of an MMS.

use super::*;
use crate::proto::webhook::interface::{Decode, Media};

#[test]
fn texts_in_an_encoding_of_their_own() {
    fn check(from: Decode, text: &str, expected: &str) {
        let webhook = with(|webhook| webhook.text_decode = from);
        let mut body = br#"{"To":1,"From":2,"Body":"#.to_vec();
        crate::proto::wire::json::write_string(text.as_bytes(), &mut body);
        body.push(b'}');
        let body = String::from_utf8(body).unwrap();
        assert_eq!(
            shown(post(&webhook, JSON, &body)),
            format!("1 2 {expected}"),
            "{text}"
        );
    }
    check(Decode::None, "a%20b+c", "a%20b+c");
    check(Decode::Percent, "a%20b+c%2B%C3%A9", "a b c+\u{e9}");
    check(Decode::Percent, "plain", "plain");
    check(Decode::Percent, "C%2B%2B", "C++");
    check(Decode::Percent, "a+b%21", "a b!");
    // Without an escape nothing shows that it is encoded.
    check(Decode::Percent, "C++", "C++");
    check(Decode::Percent, "+46701234567", "+46701234567");
    check(Decode::Percent, "1+1=2", "1+1=2");
    // A text that no encoder would write is taken unchanged.
    check(Decode::Percent, "50% off %20", "50% off %20");
    check(Decode::Percent, "100%", "100%");
    check(Decode::Percent, "100%2", "100%2");
    check(Decode::Percent, "%zz%20", "%zz%20");
    check(Decode::Percent, "1 + 1%20", "1 + 1%20");
    check(Decode::Percent, "\u{e9}%20", "\u{e9}%20");
    check(Decode::Base64, "SGVsbG8h", "Hello!");
    check(Decode::Base64, "SGVsbG8h\n", "Hello!");
    check(Decode::Base64, "SGVsbG8", "SGVsbG8");
    check(Decode::Base64, "no base64!", "no base64!");
    check(Decode::Base64, "", "");
}

#[test]
fn the_text_of_an_mms_may_have_another_name() {
    let webhook = with(|webhook| webhook.key_caption = "Caption".into());
    let check = |body: &str, expected: &str| {
        assert_eq!(shown(post(&webhook, FORM, body)), expected, "{body}");
    };
    check("To=1&From=2&Caption=x", "1 2 x");
    check("To=1&From=2&Caption=x&Body=y", "1 2 y");
    check("To=1&From=2&Caption=x&Body=", "1 2 ");
    check("To=1&From=2&Other=x", "bad: no text");
    // A caption that looks like JSON cannot name another sender either.
    let forged = "To=1&From=2&Caption={%22From%22:%223%22}";
    check(forged, "1 2 {\"From\":\"3\"}");
    check(&forged.replace("From=2&", ""), "bad: no from");
}

#[test]
fn all_texts_of_an_mms_are_joined() {
    let check = |key: &str, content_type: &str, body: &str, expected: &str| {
        let webhook = with(|webhook| webhook.key_caption = key.into());
        let all = shown(post(&webhook, content_type, body));
        assert_eq!(all, expected, "{key} {body}");
    };
    let parts =
        r#"{"To":1,"From":2,"m":[{"v":"x"},{"u":"https://a"},{"v":""},{"v":"y"},{"v":null}]}"#;
    check("v", JSON, parts, "1 2 x\ny");
    check("m[].v", JSON, parts, "1 2 x\ny");
    check("m[0].v", JSON, parts, "1 2 x");
    check("m[3].v", JSON, parts, "1 2 y");
    check("w", JSON, parts, "bad: no text");
    // A value at the top is the only one, as for any key.
    let top = r#"{"To":1,"From":2,"v":"x","m":[{"v":"y"}]}"#;
    check("v", JSON, top, "1 2 x");
    let list = r#"{"To":1,"From":2,"v":["x","y"],"m":[{"v":"z"}]}"#;
    check("v", JSON, list, "1 2 x\ny");
    check("v[]", JSON, list, "1 2 x\ny");
    check("v[1]", JSON, list, "1 2 y");
    check("v", JSON, r#"{"To":1,"From":2,"v":[]}"#, "bad: no text");
    check(
        "v",
        JSON,
        r#"{"To":1,"From":2,"v":[{"v":"x"},{"v":"y"}]}"#,
        "1 2 x\ny",
    );
    check(
        "v",
        JSON,
        r#"{"To":1,"From":2,"m":[{"v":""},{"v":""}]}"#,
        "1 2 ",
    );
    let form = "To=1&From=2&m[0][v]=x&m[1][u]=y&m[2][v]=z&n[v][]=1&n[v][]=2";
    check("v", FORM, form, "1 2 x\nz\n1\n2");
    check("m[].v", FORM, form, "1 2 x\nz");
    check(
        "v",
        FORM,
        r#"To=1&From=2&m={"a":[{"v":"x"},{"v":"y"}]}"#,
        "1 2 x\ny",
    );
    // Each caption is decoded by itself, and the links stand behind them all.
    let webhook = with(|webhook| {
        webhook.key_caption = "v".into();
        webhook.text_decode = Decode::Percent;
        webhook.key_media = "m[].u".into();
    });
    let parts = r#"{"To":1,"From":2,"m":[{"v":"a%20b"},{"u":"https://a"},{"v":"c++"}]}"#;
    let all = shown(post(&webhook, JSON, parts));
    assert_eq!(all, "1 2 a b\nc++\nhttps://a");
}

#[test]
fn several_links_in_one_value() {
    let check = |value: &str, expected: &str| {
        let webhook = with(|webhook| webhook.key_media = "m".into());
        let body = format!("To=1&From=2&Body=x&m={value}");
        let all = shown(post(&webhook, FORM, &body));
        assert_eq!(all, format!("1 2 x{expected}"), "{value}");
    };
    check("https://a/1", "\nhttps://a/1");
    check("https://a/1,https://a/2", "\nhttps://a/1\nhttps://a/2");
    check("https://a/1,+HTTP://a/2", "\nhttps://a/1\nHTTP://a/2");
    check(",https://a/1,,http://a/2", "\nhttps://a/1,\nhttp://a/2");
    check("x,https://a/1", "\nhttps://a/1");
    check(
        "https://a/1,https://a/x.smil,https://a/2",
        "\nhttps://a/1\nhttps://a/2",
    );
    // A link may have commas of its own.
    check("https://a/1,2,3", "\nhttps://a/1,2,3");
    check(
        "https://a/1,2,https://a/3,ftp://b",
        "\nhttps://a/1,2\nhttps://a/3,ftp://b",
    );
    // A message has at most ten links, however they are divided.
    let links = |count: usize| vec!["https://a"; count].join(",");
    for (given, kept) in [(9, 9), (10, 10), (11, 10)] {
        check(&links(given), &"\nhttps://a".repeat(kept));
        check(
            &format!("{}&m[]={}", links(5), links(given)),
            &"\nhttps://a".repeat(kept),
        );
    }
}

#[test]
fn media_are_links_behind_the_text() {
    fn check(key: &str, media: Media, content_type: &str, body: &str, expected: &str) {
        let webhook = with(|webhook| {
            webhook.key_media = key.into();
            webhook.media = media;
        });
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    }
    let link = |key: &str, content_type: &str, body: &str, expected: &str| {
        check(key, Media::Link, content_type, body, expected);
    };
    let twilio = "To=1&From=2&Body=x&NumMedia=2&MediaUrl0=https://a/0&MediaUrl1=https://a/1\
                  &MediaUrl3=https://a/3";
    let all = "1 2 x\nhttps://a/0\nhttps://a/1\nhttps://a/3";
    link("MediaUrl*", FORM, twilio, all);
    let from_bare = "To=1&From=2&Body=x&image=https://a/0&image2=https://a/2&image11=https://a/no";
    link("image*", FORM, from_bare, "1 2 x\nhttps://a/0\nhttps://a/2");
    check("MediaUrl*", Media::Drop, FORM, twilio, "1 2 x");
    link("", FORM, twilio, "1 2 x");
    let empty = "To=1&From=2&Body=&MediaUrl0=https://a/0";
    link("MediaUrl*", FORM, empty, "1 2 https://a/0");
    let without = "To=1&From=2&MediaUrl0=https://a/0";
    link("MediaUrl*", FORM, without, "1 2 https://a/0");
    check("MediaUrl*", Media::Drop, FORM, without, "1 2 ");
    link("MediaUrl*", FORM, "To=1&From=2", "bad: no text");
    link("MediaUrl*", FORM, "To=1&From=2&MediaUrl0=", "bad: no text");
    let objects = r#"{"To":1,"From":2,"Body":"x",
        "m":[{"url":"http://a/0","u":1},{"n":1},{"url":"HTTPS://a/1"}]}"#;
    link("m[].url", JSON, objects, "1 2 x\nhttp://a/0\nHTTPS://a/1");
    link("m[].no", JSON, objects, "1 2 x");
    link("no[].url", JSON, objects, "1 2 x");
    let strings = r#"{"To":1,"From":2,"Body":"x","d":{"m":["https://a/0","https://a/1"]}}"#;
    link("d.m[]", JSON, strings, "1 2 x\nhttps://a/0\nhttps://a/1");
    link("d.m", JSON, strings, "1 2 x\nhttps://a/0\nhttps://a/1");
    let one = r#"{"To":1,"From":2,"Body":"x","m":"https://a/0"}"#;
    link("m", JSON, one, "1 2 x\nhttps://a/0");
    link(
        "m",
        JSON,
        r#"{"To":1,"From":2,"Body":"x","m":null}"#,
        "1 2 x",
    );
    link("m", JSON, r#"{"To":1,"From":2,"m":null}"#, "bad: no text");
    // Only links that can be followed are added.
    let no_links = [
        "ftp://a",
        "a",
        "",
        "https://a b",
        "https://a/x.smil",
        "https://a/x.SMIL?y",
    ];
    for no_link in no_links {
        let body = format!(r#"{{"To":1,"From":2,"Body":"x","m":["{no_link}"]}}"#);
        link("m", JSON, &body, "1 2 x");
    }
    let long = |bytes: usize| format!("https://a/{}", "x".repeat(bytes - 10));
    for (bytes, stays) in [(1023, true), (1024, true), (1025, false)] {
        let body = format!(r#"{{"To":1,"From":2,"Body":"","m":["{}"]}}"#, long(bytes));
        let expected = if stays { long(bytes) } else { String::new() };
        link("m", JSON, &body, &format!("1 2 {expected}"));
    }
    for (given, kept) in [(9, 9), (10, 10), (11, 10)] {
        let links = vec![r#""https://a""#; given].join(",");
        let body = format!(r#"{{"To":1,"From":2,"Body":"x","m":[{links}]}}"#);
        link(
            "m",
            JSON,
            &body,
            &format!("1 2 x{}", "\nhttps://a".repeat(kept)),
        );
    }
    // Each message has its own links.
    let webhook = with(|webhook| {
        webhook.key_media = "m[]".into();
        webhook.each = "[]".into();
    });
    let two = r#"[{"To":1,"From":2,"Body":"x","m":["https://a"]},{"To":1,"From":2,"Body":"y"}]"#;
    assert_eq!(shown(post(&webhook, JSON, two)), "1 2 x\nhttps://a|1 2 y");
}

#[test]
fn words_and_numbers_are_no_base64() {
    fn check(text: &str, expected: &str) {
        let webhook = with(|webhook| webhook.text_decode = Decode::Base64);
        let body = format!("To=1&From=2&Body={}", text.replace('+', "%2B"));
        assert_eq!(shown(post(&webhook, FORM, body)), format!("1 2 {expected}"));
        // In a form that was not encoded, + means a blank.
        if text.contains('+') {
            let body = format!("To=1&From=2&Body={text}");
            assert_eq!(shown(post(&webhook, FORM, body)), format!("1 2 {expected}"));
        }
    }
    for plain in [
        "test",
        "Test",
        "TEST",
        "film",
        "bill",
        "blog",
        "Slow",
        "Snow",
        "Sing",
        "0404",
        "2024",
        "12345678",
        "call home now ok",
        "Hi there",
        "C3PO",
        "eBay",
        "Okay",
        "Yes!",
        "",
        "abc",
    ] {
        check(plain, plain);
    }
    check("dGVzdA==", "test");
    check("WWVz", "Yes");
    check("Qnll", "Bye");
    check("YWJj", "abc");
    check("MTIz", "123");
    check("8J+YgA==", "\u{1f600}");
    check("MD4+PiA+fj8=", "0>>> >~?");
    check("fn4+", "~~>");
    check("SGkgCg==", "Hi \n");
    // Padded base64 is decoded, whatever it holds.
    check("6XTp6Q==", "\u{e9}t\u{e9}\u{e9}");
    check("SGkg\r\n8J+YgA==", "Hi \u{1f600}");
}

#[test]
fn an_attachment_that_is_the_text_of_an_mms_is_named() {
    use base64::Engine as _;
    let sent = |kind: &str, bytes: &[u8]| {
        let text = base64::prelude::BASE64_STANDARD.encode(bytes);
        let length = text.len();
        let text = text.replace('+', "%2B");
        let body = format!("To=1&From=2&{kind}&Body={text}");
        (shown(post(&Webhook::by_default(), FORM, body)), length)
    };
    let named = |start: &[u8]| {
        let (found, _) = sent("type=mms", &[start, &[7; 1000]].concat());
        found
    };
    assert_eq!(named(b"\xff\xd8\xff\xe0"), "1 2 [image/jpeg, 1004 bytes]");
    assert_eq!(named(b"\x89PNG\r\n"), "1 2 [image/png, 1006 bytes]");
    assert_eq!(named(b"GIF89a"), "1 2 [image/gif, 1006 bytes]");
    assert_eq!(named(b"#!AMR\n"), "1 2 [audio/amr, 1006 bytes]");
    assert_eq!(named(b"\0\0\0\x18ftyp3gp4"), "1 2 [video/mp4, 1012 bytes]");
    assert_eq!(named(b"PK"), "1 2 [attachment, 1002 bytes]");
    // At the limit this is a text, and also if nothing shows that it is none.
    for (bytes, is_text) in [(765, true), (768, true), (769, false)] {
        let (found, length) = sent("type=MMS", &vec![7; bytes]);
        assert_eq!(length > 1024, !is_text);
        assert_eq!(found.starts_with("1 2 BwcH"), is_text, "{found}");
    }
    for kind in ["type=sms", "x=mms"] {
        let (found, _) = sent(kind, &[7; 3000]);
        assert!(found.starts_with("1 2 BwcH"), "{found}");
    }
    let words = "hello ".repeat(300);
    let body = format!("To=1&From=2&type=mms&Body={words}");
    let found = shown(post(&Webhook::by_default(), FORM, body));
    assert_eq!(found, format!("1 2 {words}"));
}

#[test]
fn links_of_one_name_are_all_kept() {
    let webhook = with(|webhook| webhook.key_media = "mediaUrls[]|m".into());
    let check = |content_type: &str, body: &str, expected: &str| {
        assert_eq!(
            shown(post(&webhook, content_type, body)),
            expected,
            "{body}"
        );
    };
    let two = "1 2 x\nhttps://a/1\nhttps://a/2";
    for links in [
        "mediaUrls=https://a/1&mediaUrls=https://a/2",
        "mediaUrls[]=https://a/1&mediaUrls[]=https://a/2",
        "mediaUrls[0]=https://a/1&mediaUrls[1]=https://a/2",
        "mediaUrls=https://a/1,https://a/2",
        "m=https://a/1&m=https://a/2",
    ] {
        check(FORM, &format!("To=1&From=2&Body=x&{links}"), two);
    }
    // Of a repeated parameter with any other name the last value counts.
    check(
        FORM,
        "To=3&To=1&From=2&Body=y&Body=x&mediaUrls=https://a/1",
        "1 2 x\nhttps://a/1",
    );
    // A text that contains such parameters is a text.
    let text = "x%26mediaUrls%3Dhttps://a/3%26mediaUrls%3Dhttps://a/4";
    let body = format!("To=1&From=2&Body={text}");
    check(
        FORM,
        &body,
        "1 2 x&mediaUrls=https://a/3&mediaUrls=https://a/4",
    );
    let multipart = "multipart/form-data; boundary=b";
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("To", "1"),
        part("From", "2"),
        part("Body", "x&mediaUrls=https://a/3&mediaUrls=https://a/4"),
        part("mediaUrls", "https://a/1"),
        "--b--\r\n".to_owned(),
    ];
    let expected = "1 2 x&mediaUrls=https://a/3&mediaUrls=https://a/4\nhttps://a/1";
    check(multipart, &body.concat(), expected);
}
