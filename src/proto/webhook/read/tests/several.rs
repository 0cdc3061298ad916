//! Tests lists that no `each` names: they are several messages, several destinations, or neither.

use super::*;
use crate::message::Number;

const SEVERAL: &str = "bad: several messages, and neither each nor a path tells them apart";

fn check(webhook: &Webhook, content_type: &str, body: &str, expected: &str) {
    let reading = shown(post(webhook, content_type, body));
    assert_eq!(reading, expected, "{content_type}: {body}");
}

fn usual(content_type: &str, body: &str, expected: &str) {
    check(&Webhook::by_default(), content_type, body, expected);
}

#[test]
fn a_list_at_the_top_is_read_as_if_each_named_it() {
    let two = r#"[{"To":160,"From":2,"Body":"one"},{"To":161,"From":3,"Body":"two"}]"#;
    for content_type in [JSON, FORM, "", "text/plain"] {
        usual(content_type, two, "160 2 one|161 3 two");
    }
    let receipt = r#"[{"To":160,"From":2,"Body":"secret"},{"To":161,"Status":"delivered"}]"#;
    usual(JSON, receipt, "160 2 secret|!no from");
    // One key that two elements hold is enough.
    usual(
        JSON,
        r#"[{"To":1},{"To":3,"From":2,"Body":"x"}]"#,
        "!no from|3 2 x",
    );
    usual(
        JSON,
        r#"[{"Body":"y"},{"To":1,"From":2,"Body":"x"}]"#,
        "!no to|1 2 x",
    );
    usual(
        JSON,
        r#"[{"From":9},{"To":1,"From":2,"Body":"x"},5]"#,
        "!no to|1 2 x|!no to",
    );
    usual(JSON, r#"[{"To":1},{"To":3}]"#, "!no from|!no from");
    // The keys may stand at any depth of an element.
    let deep = r#"[{"a":{"To":1,"From":2},"Body":"x"},{"b":[{"To":3}],"From":4,"Body":"y"}]"#;
    usual(JSON, deep, "1 2 x|3 4 y");
    // These are one message, in one element or in pieces.
    usual(JSON, r#"[{"To":1,"From":2,"Body":"x"}]"#, "1 2 x");
    usual(JSON, r#"[{"To":1},{"From":2,"Body":"x"}]"#, "1 2 x");
    usual(
        JSON,
        r#"[{"To":1,"From":2,"Body":"x"},{"Status":"sent"},[]]"#,
        "1 2 x",
    );
    // A path says which element it means.
    let first = webhook_of("[0].To", "[0].From", "[0].Body");
    check(&first, JSON, two, "160 2 one");
    // Ids, captions and links belong to their own message.
    let more = with(|webhook| {
        webhook.key_id = "id".into();
        webhook.key_media = "m[]".into();
    });
    let two = r#"[{"To":1,"From":2,"Body":"x","id":7,"m":["https://a"]},{"To":1,"From":2,"Body":"y","id":8}]"#;
    check(&more, JSON, two, "1 2 x\nhttps://a#7|1 2 y#8");
    let many = |count: usize| {
        let list = vec![r#"{"To":1,"From":2,"Body":"x"}"#; count].join(",");
        post(&Webhook::by_default(), JSON, format!("[{list}]"))
    };
    for count in [MESSAGES_MAX - 1, MESSAGES_MAX] {
        assert!(matches!(many(count), Ok(Reading::Messages(items, _)) if items.len() == count));
    }
    assert_eq!(many(MESSAGES_MAX + 1), Err(BadWebhook::TooMuch("messages")));
}

#[test]
fn any_other_list_of_messages_is_refused() {
    let two = r#"[{"To":160,"From":2,"Body":"one"},{"To":161,"From":3,"Body":"two"}]"#;
    usual(JSON, &format!(r#"{{"m":{two}}}"#), SEVERAL);
    usual(JSON, &format!(r#"{{"a":{{"b":[1,{two}]}}}}"#), SEVERAL);
    usual(FORM, &format!("m={two}"), SEVERAL);
    usual(FORM, "m[0][To]=1&m[1][To]=3&m[0][Body]=x&From=2", SEVERAL);
    usual(
        FORM,
        r#"m[]={"To":1,"From":2,"Body":"x"}&m[]={"To":3}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"m":[{"To":160,"From":2,"Body":"secret"},{"To":161,"Status":"delivered"}]}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"To":1,"From":2,"m":[{"Body":"x"},{"Body":"y"}]}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"To":1,"Body":"x","m":[{"From":2},{"From":3}]}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"From":2,"Body":"x","m":[{"To":1,"Body":"y"},{"To":3}]}"#,
        SEVERAL,
    );
    let replayed = with(|webhook| webhook.each = "m".into());
    check(
        &replayed,
        JSON,
        &format!(r#"{{"m":{two}}}"#),
        "160 2 one|161 3 two",
    );
    // A list within an element counts, too.
    let nested = r#"[{"From":2,"m":[{"To":1,"Body":"x"},{"To":3,"Body":"y"}]},{"To":4,"From":5,"Body":"z"}]"#;
    let inner = "!several messages, and neither each nor a path tells them apart|4 5 z";
    usual(JSON, nested, inner);
    check(&replayed, JSON, &format!(r#"{{"m":{nested}}}"#), inner);
    // A value at the top counts, whatever stands deeper, and lists of lists are lists.
    usual(
        JSON,
        r#"{"To":1,"From":2,"Body":"x","m":[{"To":3,"Body":"y"},{"To":4,"Body":"z"}]}"#,
        "1 2 x",
    );
    usual(
        JSON,
        r#"{"m":[[{"Body":"x"}],[{"Body":"y"}]],"To":1,"From":2}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"a":[{"Body":"x"}],"b":[{"Body":"y"}],"To":1,"From":2}"#,
        SEVERAL,
    );
    usual(
        JSON,
        r#"{"a":[{"Body":"x"},{"Text":"y"}],"To":1,"From":2}"#,
        "1 2 x",
    );
    // The text of an SMS is no list of messages.
    usual(
        FORM,
        &format!("To=1&From=2&Body={two}"),
        &format!("1 2 {two}"),
    );
    usual(FORM, &format!("To=1&Body={two}"), "bad: no from");
    // The query does not count if the body has the value.
    let query = read_as(
        Coverage::Body,
        "POST",
        &format!("/?m={two}"),
        Some(FORM),
        b"To=1&From=2&Body=x",
        &Webhook::by_default(),
    );
    assert_eq!(shown(query), "1 2 x");
}

#[test]
fn of_several_objects_the_whole_one_is_the_message() {
    let (one, two) = (
        r#"{"To":160,"From":2,"Body":"secret"}"#,
        r#"{"To":161,"From":3,"Body":"y"}"#,
    );
    let to = r#"{"To":161,"Status":"delivered"}"#;
    let both = r#"{"To":161,"From":3,"Status":"delivered"}"#;
    for other in [
        to,
        both,
        r#"{"From":3}"#,
        r#"{"Body":"z"}"#,
        r#"{"From":3,"Body":"z"}"#,
    ] {
        for body in [
            format!(r#"{{"sms":{one},"report":{other}}}"#),
            format!(r#"{{"report":{other},"sms":{one}}}"#),
            format!(r#"{{"messages":[{one}],"statuses":[{other}]}}"#),
            format!(r#"{{"statuses":[{other}],"messages":[{one}]}}"#),
            format!(r#"{{"m":{{"a":{{"b":{one}}},"c":[[{other}]]}}}}"#),
            format!(r#"{{"entry":[{{"changes":[{{"value":{{"m":[{one}],"s":[{other}]}}}}]}}]}}"#),
            format!(r#"[{{"sms":{one},"report":{other}}}]"#),
            // One object may stand within the other, too.
            one.replace('}', &format!(r#","meta":{other}}}"#))
                .replace("{\"To\":160", "{\"d\":{\"To\":160")
                + "}",
        ] {
            usual(JSON, &body, "160 2 secret");
        }
        usual(FORM, &format!("sms={one}&report={other}"), "160 2 secret");
        usual(FORM, &format!("report={other}&sms={one}"), "160 2 secret");
    }
    // Two objects are several messages, and so is one beside a text that has its own destination.
    for other in [two, r#"{"To":161,"Body":"y"}"#] {
        for body in [
            format!(r#"{{"inbound":{one},"original":{other}}}"#),
            format!(r#"{{"original":{other},"inbound":{one}}}"#),
            format!(r#"{{"m":{{"x":{one},"y":{other}}}}}"#),
            format!(r#"{{"messages":{{"id1":{one},"id2":{other}}}}}"#),
            format!(r#"{{"a":[{one}],"b":[{other}]}}"#),
            format!(r#"{{"a":{{"b":{one}}},"c":{{"d":{{"e":{other}}}}}}}"#),
            format!(r#"{{"d":{{"To":160,"From":2,"Body":"reply","original":{other}}}}}"#),
            format!(r#"{{"m":{one},"m":{other}}}"#),
        ] {
            usual(JSON, &body, SEVERAL);
        }
        usual(FORM, &format!("a={one}&b={other}"), SEVERAL);
        usual(
            FORM,
            "a[To]=1&a[From]=2&a[Body]=x&b[To]=3&b[Body]=y",
            SEVERAL,
        );
    }
    // No object is complete.
    for body in [
        r#"{"a":{"To":1},"b":{"To":3},"c":{"From":2,"Body":"x"}}"#,
        r#"{"a":{"To":1,"m":{"From":2,"Body":"x"}},"b":{"To":3}}"#,
        r#"{"d":{"To":1,"From":2,"m":{"Body":"x"},"meta":{"To":3}}}"#,
        r#"{"To":1,"a":{"From":2},"b":{"From":3,"x":{"Body":"y"}}}"#,
    ] {
        usual(JSON, body, SEVERAL);
    }
    // Nothing contradicts: the objects are pieces, one within another, or equal.
    usual(JSON, r#"{"d":{"To":1,"m":{"From":2,"Body":"x"}}}"#, "1 2 x");
    usual(
        JSON,
        r#"{"d":{"To":1,"m":{"To":3,"n":{"From":2,"Body":"x"}}}}"#,
        "3 2 x",
    );
    usual(
        JSON,
        r#"{"a":{"To":1},"m":[{"From":2,"x":{"Body":"x"}}]}"#,
        "1 2 x",
    );
    usual(
        JSON,
        r#"{"a":{"From":2},"m":{"From":2,"Body":"x"},"c":{"To":"1"}}"#,
        "1 2 x",
    );
    usual(
        JSON,
        &format!(r#"{{"sms":{one},"raw":{one}}}"#),
        "160 2 secret",
    );
    // Values at the top and paths are unambiguous.
    usual(
        JSON,
        &format!(r#"{{"To":1,"From":2,"Body":"x","a":{one},"b":{two}}}"#),
        "1 2 x",
    );
    let path = webhook_of("b.To", "b.From", "b.Body");
    check(
        &path,
        JSON,
        &format!(r#"{{"a":{one},"b":{two}}}"#),
        "161 3 y",
    );
    usual(
        JSON,
        r#"{"To":1,"a":{"From":2,"Body":"x"},"b":{"From":3}}"#,
        "1 2 x",
    );
    let half = webhook_of("To", "a.From", "Body");
    check(
        &half,
        JSON,
        &format!(r#"{{"a":{one},"b":{to}}}"#),
        "160 2 secret",
    );
    // A list of destinations counts like one object with a destination.
    usual(
        JSON,
        &format!(r#"{{"sms":{one},"s":[{to},{to}]}}"#),
        "160 2 secret",
    );
    usual(
        JSON,
        r#"{"a":{"To":9},"s":[{"To":1},{"To":3}],"m":{"From":2,"Body":"x"}}"#,
        SEVERAL,
    );
    // An object without a text is no message.
    usual(
        JSON,
        r#"{"a":{"To":9,"From":2},"b":{"To":1}}"#,
        "bad: no text",
    );
    // The body counts before the query.
    let query = format!("/?q={two}");
    let body = format!(r#"{{"a":{one}}}"#);
    let webhook = Webhook::by_default();
    let read = read_as(
        Coverage::Whole,
        "POST",
        &query,
        Some(JSON),
        body.as_bytes(),
        &webhook,
    );
    assert_eq!(shown(read), "160 2 secret");
}

#[test]
fn the_rest_of_a_whole_object_is_its_own() {
    let webhook = with(|webhook| {
        webhook.key_id = "id".into();
        webhook.key_media = "m[]".into();
        webhook.key_caption = "title".into();
    });
    let usual_more = |body: &str, expected: &str| check(&webhook, JSON, body, expected);
    usual_more(
        r#"{"sms":{"To":1,"From":2,"Body":"x","id":7},"report":{"To":3,"id":8}}"#,
        "1 2 x#7",
    );
    usual_more(
        r#"{"m":["https://a"],"id":9,"sms":{"To":1,"From":2,"Body":"x","id":7},"report":{"To":3,"id":8}}"#,
        "1 2 x\nhttps://a#9",
    );
    usual_more(
        r#"{"mms":{"To":1,"From":2,"title":"x"},"report":{"To":3,"title":"y"}}"#,
        SEVERAL,
    );
    usual_more(
        r#"{"mms":{"To":1,"From":2,"p":[{"title":"x"},{"title":"z"}]},"report":{"From":3,"title":"y"}}"#,
        "1 2 x\nz",
    );
    // An unacceptable sender or destination is reported, as for one message.
    usual_more(
        r#"{"sms":{"To":"1/2","From":2,"Body":"x"},"report":{"To":3}}"#,
        "bad: to holds byte 0x2f",
    );
    // The same holds within an element of a list.
    let each = with(|webhook| webhook.each = "r".into());
    let whole = r#"{"a":{"To":1,"From":2,"Body":"x"},"b":{"To":3}}"#;
    let two = r#"{"a":{"To":1,"From":2,"Body":"x"},"b":{"To":3,"Body":"y"}}"#;
    check(
        &each,
        JSON,
        &format!(r#"{{"r":[{whole},{two}]}}"#),
        "1 2 x|!several messages, and neither each nor a path tells them apart",
    );
}

#[test]
fn a_filter_judges_each_of_several_objects() {
    let none = with(|webhook| webhook.accept_if = condition("status", &[""]));
    let incoming = with(|webhook| webhook.accept_if = condition("type", &["in"]));
    let sms = r#"{"To":1,"From":2,"Body":"x"}"#;
    let report = r#"{"To":3,"status":"sent"}"#;
    check(
        &none,
        JSON,
        &format!(r#"{{"m":[{sms}],"s":[{report}]}}"#),
        "1 2 x",
    );
    check(
        &incoming,
        JSON,
        &format!(r#"{{"type":"in","m":{sms},"s":{report}}}"#),
        "1 2 x",
    );
    check(
        &incoming,
        JSON,
        &format!(r#"{{"e":{{"type":"in"}},"m":{sms},"s":{report}}}"#),
        "1 2 x",
    );
    check(
        &incoming,
        JSON,
        &format!(r#"{{"type":"out","m":{sms},"s":{report}}}"#),
        "filtered",
    );
    // The report quotes the SMS.
    let quoted = r#"{"r":{"To":1,"status":"sent"},"m":{"To":1,"From":2,"Body":"x"}}"#;
    check(&none, JSON, quoted, "filtered");
    let echo = r#"{"m":{"To":1,"From":2,"Body":"x","status":"sent"},"s":{"To":3}}"#;
    check(&none, JSON, echo, "filtered");
    let two = r#"{"a":{"To":1,"From":2,"Body":"x"},"b":{"To":3,"Body":"y","status":"sent"}}"#;
    check(&none, JSON, two, SEVERAL);
    // Events without a text are reports.
    let events = r#"{"a":{"To":1,"From":2,"status":"sent"},"b":{"To":3}}"#;
    check(&none, JSON, events, "filtered");
}

#[test]
fn a_list_of_destinations_is_one_message_to_the_first() {
    usual(
        JSON,
        r#"{"m":[{"To":1,"n":"a"},{"To":3}],"From":2,"Body":"x"}"#,
        "1 2 x",
    );
    usual(
        JSON,
        r#"{"To":[{"To":1},{"To":3}],"From":2,"Body":"x"}"#,
        "1 2 x",
    );
    usual(
        JSON,
        r#"{"a":{"m":[{"n":5},{"b":{"To":1}},{"To":3}]},"From":2,"Body":"x"}"#,
        "1 2 x",
    );
    usual(FORM, "m[0][To]=1&m[1][To]=3&From=2&Body=x", "1 2 x");
    usual(FORM, r#"m=[{"To":1},{"To":3}]&From=2&Body=x"#, "1 2 x");
    usual(
        JSON,
        r#"{"To":9,"m":[{"To":1},{"To":3}],"From":2,"Body":"x"}"#,
        "9 2 x",
    );
    usual(
        JSON,
        r#"[{"m":[{"To":1},{"To":3}],"From":2,"Body":"x"}]"#,
        "1 2 x",
    );
    usual(
        JSON,
        r#"{"To":9,"m":[{"To":1,"":2},{"To":3,"":4}],"From":2,"Body":"x"}"#,
        "9 2 x",
    );
    let each = with(|webhook| webhook.each = "r".into());
    let two =
        r#"{"r":[{"m":[{"To":1},{"To":3}],"From":2,"Body":"x"},{"To":4,"From":5,"Body":"y"}]}"#;
    check(&each, JSON, two, "1 2 x|4 5 y");
    // A report beside several messages hides none of them.
    let both = r#"{"m":[{"To":1},{"To":3}],"n":[{"From":2,"Body":"x"},{"Body":"y"}]}"#;
    usual(JSON, both, SEVERAL);
}

#[test]
fn a_filter_judges_each_message_of_such_a_list() {
    let incoming = with(|webhook| webhook.accept_if = condition("type", &["in"]));
    let list = |more: &str| {
        format!(r#"[{{"type":"in","To":1,"From":2,"Body":"x"}},{{"type":"out","To":3}}{more}]"#)
    };
    check(&incoming, JSON, &list(""), "1 2 x");
    check(&incoming, JSON, &list(r#",{"To":4}"#), "1 2 x");
    check(
        &incoming,
        JSON,
        &format!(r#"{{"m":{}}}"#, list("")),
        SEVERAL,
    );
    // Events that have neither sender nor text do not hide a message.
    let events = r#"[{"type":"in","To":1,"From":2,"Body":"x"},{"type":"out","id":3}]"#;
    check(&incoming, JSON, events, "1 2 x");
    check(&incoming, JSON, &format!(r#"{{"m":{events}}}"#), SEVERAL);
    let others = r#"[{"type":"out","To":1,"Body":"x"},{"type":"out","To":3,"Body":"y"}]"#;
    check(&incoming, JSON, others, "filtered");
    check(&incoming, JSON, &format!(r#"{{"m":{others}}}"#), "filtered");
    // Values outside of the list apply to all of its elements.
    let two = r#"[{"To":1,"From":2,"Body":"x"},{"To":3,"From":4,"Body":"y"}]"#;
    check(
        &incoming,
        JSON,
        &format!(r#"{{"a":{{"type":"in"}},"m":{two}}}"#),
        SEVERAL,
    );
    check(
        &incoming,
        JSON,
        &format!(r#"{{"a":{{"type":"out"}},"m":{two}}}"#),
        "filtered",
    );
    check(&incoming, JSON, &format!(r#"{{"m":{two}}}"#), "filtered");
    check(&incoming, JSON, two, "filtered");
    let none = with(|webhook| webhook.accept_if = condition("status", &[""]));
    let receipts = r#"[{"To":1,"From":2,"Body":"x"},{"To":3,"From":4,"Body":"y","status":"sent"}]"#;
    check(&none, JSON, receipts, "1 2 x");
    check(&none, JSON, two, "1 2 x|3 4 y");
    check(&none, JSON, &format!(r#"{{"m":{receipts}}}"#), SEVERAL);
    // A list without any part of a message decides nothing.
    let media = r#"{"type":"in","To":1,"From":2,"Body":"x","m":[{"type":"a"},{"type":"b"}]}"#;
    check(&incoming, JSON, media, "1 2 x");
    let to = r#"{"a":{"type":"in"},"From":2,"Body":"x","m":[{"To":1},{"To":3}]}"#;
    check(&incoming, JSON, to, "1 2 x");
}

#[test]
fn own_numbers_get_a_group_text() {
    let own = |key_to: &str, numbers: &[&str], format: NumberFormat| {
        with(|webhook| {
            let number = |text: &&str| Number::parse_inbound(text.as_bytes()).unwrap();
            webhook.own_numbers = numbers.iter().map(number).collect();
            webhook.key_to = key_to.into();
            webhook.key_id = "id".into();
            webhook.number_format = format;
        })
    };
    let text = |to: &str| format!(r#"{{"From":2,"Body":"x","To":{to},"id":"a"}}"#);
    let plus = |numbers: &[&str]| own("To", numbers, NumberFormat::Plus);
    let two = plus(&["12025550160", "+12025550161"]);
    let not_ours = "bad: none of its destinations is in own_numbers";
    // Our number is the second, occurs twice, in another spelling, or among others that are no numbers at
    // all.
    for to in [
        r#"["+13035550100","12025550160"]"#,
        r#"["+13035550100","+12025550160","0012025550160","12025550160"]"#,
        r#"["a@b.example","","(202) 555-0160","tel:+1 202 555 0160"]"#,
        r#"["12025550160"]"#,
    ] {
        check(&two, JSON, &text(to), "+12025550160 2 x#a");
    }
    // Both numbers get it, once each, and each SMS has an id of its own.
    let both = text(r#"[12025550161,13035550100,12025550160,12025550161]"#);
    check(
        &two,
        JSON,
        &both,
        "+12025550161 2 x#a\0+12025550161|+12025550160 2 x#a\0+12025550160",
    );
    check(
        &two,
        JSON,
        &text(r#"["13035550100","13035550101"]"#),
        not_ours,
    );
    check(&two, JSON, &text(r#"["13035550100"]"#), not_ours);
    // A value that is no list counts as the provider gives it.
    check(&two, JSON, &text("13035550100"), "+13035550100 2 x#a");
    check(&two, JSON, &text("[]"), "bad: no to");
    // Without own_numbers the first gets it.
    check(
        &plus(&[]),
        JSON,
        &text(r#"[13035550100,12025550160]"#),
        "+13035550100 2 x#a",
    );
    // The list of destinations may stand anywhere.
    let people = r#"[{"To":"13035550100"},{"To":"12025550160"}]"#;
    let below = format!(r#"{{"From":2,"Body":"x","m":{people}}}"#);
    check(&two, JSON, &below, "+12025550160 2 x");
    let path = |numbers: &[&str]| own("m[].To", numbers, NumberFormat::Plus);
    check(&path(&["12025550160"]), JSON, &below, "+12025550160 2 x");
    check(&path(&[]), JSON, &below, "+13035550100 2 x");
    check(&path(&["1"]), JSON, &below, not_ours);
    check(
        &path(&["1"]),
        JSON,
        r#"{"From":2,"Body":"x","m":[]}"#,
        "bad: no to",
    );
    let form = "To[]=13035550100&To[]=12025550160&From=2&Body=x";
    check(&two, FORM, form, "+12025550160 2 x");
    let nanp = own("To", &["+12025550160"], NumberFormat::PlusNanp);
    check(
        &nanp,
        JSON,
        &text(r#"["3035550100","2025550160"]"#),
        "+12025550160 2 x#a",
    );
    // With `each`, this holds for each of its elements.
    let mut each = two.clone();
    each.each = "m".into();
    let several =
        r#"{"m":[{"To":[1,12025550160],"From":2,"Body":"x"},{"To":[3,4],"From":5,"Body":"y"}]}"#;
    check(
        &each,
        JSON,
        several,
        "+12025550160 2 x|!none of its destinations is in own_numbers",
    );
    // The limit counts all SMS of a request.
    let many = |count: usize| {
        let numbers: Vec<String> = (0..count).map(|nth| format!("1202555{nth:04}")).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let body = text(&format!("[{}]", numbers.join(",")));
        let read = post(&plus(&numbers), JSON, body);
        read.map(|reading| match reading {
            Reading::Messages(items, _) => items.len(),
            Reading::Filtered(_) => 0,
        })
    };
    assert_eq!(many(99), Ok(99));
    assert_eq!(many(100), Ok(100));
    assert_eq!(many(101), Err(BadWebhook::TooMuch("messages")));
}
