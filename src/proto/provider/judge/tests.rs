//! Tests what an answer of a provider is taken for, with one row per case.

use super::*;
use crate::message::{LogNumbers, Message, Number, Sender, Text};
use crate::proto::provider::account::tests::account;

const NOW_S: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status,
        retry_after: None,
        location: None,
        body: body.as_bytes().to_vec(),
        end: BodyEnd::Whole,
    }
}

/// Judges a reply to an SMS that says `hi`.
fn judged(reply: &Reply, account: &Account) -> Verdict {
    let message = Message {
        to: Number::parse_outbound(b"+12025550183").unwrap(),
        from: Sender::parse_outbound(b"+12025550160").unwrap(),
        text: Text::parse_outbound(b"hi").unwrap(),
    };
    let private = Private {
        message: &message,
        numbers: LogNumbers::Whole,
    };
    judge(reply, account, &private, NOW_S)
}

fn key_value(key: &str, value: &str) -> Option<Check> {
    Some(Check::KeyValue(key.into(), value.into()))
}

fn regex(pattern: &str) -> Option<Check> {
    Some(Check::Regex(regex_lite::Regex::new(pattern).unwrap()))
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Sent { .. } => "sent",
        Verdict::Later { .. } => "later",
        Verdict::Unsure { .. } => "unsure",
        Verdict::Refused { .. } => "refused",
    }
}

#[test]
fn the_status_decides() {
    fn check(status: u16, expected: &str) {
        let verdict = judged(&reply(status, "x"), &account());
        assert_eq!(name(&verdict), expected, "{status}");
    }
    for status in [200, 201, 202, 204, 299] {
        check(status, "sent");
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        check(status, "later");
    }
    for status in [401, 402, 403, 407] {
        check(status, "later");
    }
    for status in [
        300, 301, 302, 307, 308, 400, 404, 409, 410, 422, 424, 426, 451,
    ] {
        check(status, "refused");
    }
}

#[test]
fn the_account_and_the_message_are_told_apart() {
    let check = |status: u16, expected: Blame| {
        let verdict = judged(&reply(status, "x"), &account());
        let Verdict::Later { blame, .. } = verdict else {
            panic!("{status}");
        };
        assert_eq!(blame, expected, "{status}");
    };
    for status in [401, 402, 407] {
        check(status, Blame::Account);
    }
    check(403, Blame::Message);
    check(429, Blame::Interface);
    check(503, Blame::Interface);
}

#[test]
fn statuses_of_the_configuration_decide() {
    fn check(list: &[u16], status: u16, body: &str, expected: &str) {
        let account = Account {
            status_check: list.to_vec(),
            response_check: key_value("ok", "1"),
            ..account()
        };
        let verdict = judged(&reply(status, body), &account);
        assert_eq!(name(&verdict), expected, "{list:?} {status}");
    }
    check(&[], 201, r#"{"ok":1}"#, "sent");
    check(&[202], 202, r#"{"ok":1}"#, "sent");
    check(&[202], 202, r#"{"ok":0}"#, "refused");
    check(&[202], 200, r#"{"ok":1}"#, "refused");
    check(&[200, 409], 409, r#"{"ok":1}"#, "sent");
    check(&[202], 503, r#"{"ok":1}"#, "later");
}

#[test]
fn a_check_of_a_list_holds_for_every_element() {
    fn check(body: &str, expected: &str) {
        let account = Account {
            response_check: key_value("messages[].status", "0"),
            ..account()
        };
        let verdict = judged(&reply(200, body), &account);
        assert_eq!(name(&verdict), expected, "{body}");
    }
    check(r#"{"messages":[{"status":"0"}]}"#, "sent");
    check(r#"{"messages":[{"status":"0"},{"status":0}]}"#, "sent");
    check(r#"{"messages":[{"status":"0"},{"status":"1"}]}"#, "refused");
    check(r#"{"messages":[{"status":"1"},{"status":"0"}]}"#, "refused");
    check(r#"{"messages":[{"status":"0"},{}]}"#, "refused");
    check(r#"{"messages":[]}"#, "refused");
    check(r#"{"messages":{"status":"0"}}"#, "refused");
    check(r#"{"status":"0"}"#, "refused");
    check("[]", "refused");
}

#[test]
fn an_answer_of_more_than_is_read_may_say_yes() {
    let account = Account {
        response_check: key_value("ok", "1"),
        ..account()
    };
    let verdict = |body: &str| name(&judged(&reply(200, body), &account));
    let list = |values: usize| format!(r#"{{"ok":1,"list":[{}0]}}"#, "0,".repeat(values));
    assert_eq!(verdict(&list(100)), "sent");
    assert_eq!(verdict(&list(2000)), "unsure");
    let nested = |depth: usize| {
        format!(
            r#"{{"ok":1,"a":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(verdict(&nested(10)), "sent");
    assert_eq!(verdict(&nested(40)), "unsure");
}

#[test]
fn an_id_stands_where_the_configuration_says() {
    fn check(place: AnswerPlace, body: &str, expected: Option<&str>) {
        let (id, _) = message_ids(body.as_bytes(), &place);
        assert_eq!(id.as_deref(), expected, "{place:?} {body}");
    }
    fn key(key: &str) -> AnswerPlace {
        AnswerPlace::Keys(key.into())
    }
    fn regex(pattern: &str) -> AnswerPlace {
        AnswerPlace::Regex(regex_lite::Regex::new(pattern).unwrap())
    }
    check(key("ids[0]"), r#"{"id":"no","ids":[421,5]}"#, Some("421"));
    check(key("ids"), r#"{"ids":[421,5]}"#, Some("421"));
    check(
        key("data.id"),
        r#"{"data":{"id":"a-1"},"id":"no"}"#,
        Some("a-1"),
    );
    check(key("data.id"), r#"{"id":"no"}"#, None);
    check(key(""), r#"{"id":"no"}"#, None);
    check(key("sms|mms"), r#"{"sms":7,"mms":8}"#, Some("7"));
    check(key("sms|mms"), r#"{"mms":8}"#, Some("8"));
    check(key("a.id|b[0].id"), r#"{"b":[{"id":"x"}]}"#, Some("x"));
    // A place that holds neither a scalar nor a list of scalars has no value.
    check(key("a|b"), r#"{"a":{"c":1},"b":2}"#, Some("2"));
    check(key("a|b"), r#"{"a|b":1}"#, None);
    check(key("a|b"), r#"{"a":"","b":2}"#, None);
    check(regex(r"smsid=(\w+)"), "result=1^smsid=ab12^", Some("ab12"));
    check(regex(r"[0-9]+"), "OK 77", Some("77"));
    check(regex(r"smsid=(\w+)"), "error", None);
    check(regex("(.*)"), "two words", None);
}

#[test]
fn the_id_of_a_long_text_stands_elsewhere() {
    fn check(long_bytes: usize, long_message_id: Option<&str>, expected: &str) {
        let account = Account {
            message_id: AnswerPlace::Keys("sms".into()),
            long_bytes,
            long_message_id: long_message_id.map(|key| AnswerPlace::Keys(key.into())),
            ..account()
        };
        match judged(&reply(200, r#"{"sms":1,"mms":2}"#), &account) {
            Verdict::Sent { id, .. } => assert_eq!(id.as_deref(), Some(expected)),
            other => panic!("{other:?}"),
        }
    }
    // The SMS in these rows says `hi`.
    check(1, Some("mms"), "2");
    check(2, Some("mms"), "1");
    check(1, None, "1");
}

#[test]
fn the_parts_of_a_text_have_ids_of_their_own() {
    fn check(key: &str, body: &str, expected: &[&str]) {
        let account = Account {
            message_id: AnswerPlace::Keys(key.into()),
            ..account()
        };
        let Verdict::Sent { id, parts, .. } = judged(&reply(200, body), &account) else {
            panic!("{body}");
        };
        let ids: Vec<String> = id.into_iter().chain(parts).collect();
        assert_eq!(ids, expected, "{key} {body}");
    }
    let two = r#"{"messages":[{"id":"A"},{"id":"B"}],"id":"no"}"#;
    check("messages[].id", two, &["A", "B"]);
    check("messages[0].id", two, &["A"]);
    check("messages[].id", r#"{"messages":[{"id":7}]}"#, &["7"]);
    check("messages[].id", r#"{"messages":[]}"#, &[]);
    check("messages[].id", r#"{"id":"A"}"#, &[]);
    check("uuid", r#"{"uuid":["A","B"]}"#, &["A", "B"]);
    check("uuid", r#"{"uuid":"A"}"#, &["A"]);
    check("uuid", r#"{"uuid":[]}"#, &[]);
    check("uuid", r#"{"uuid":[{"a":"A"}]}"#, &[]);
    // An id that may not be shown is dropped, and the others keep their order.
    check("uuid", r#"{"uuid":["A","b c","C"]}"#, &["A", "C"]);
    let many = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        (format!(r#"{{"uuid":[{}]}}"#, ids.join(",")), ids)
    };
    for count in [SENT_PARTS_MAX - 1, SENT_PARTS_MAX, SENT_PARTS_MAX + 1] {
        let (body, ids) = many(count);
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        check("uuid", &body, ids.get(..count.min(SENT_PARTS_MAX)).unwrap());
    }
}

#[test]
fn checks_decide_a_2xx() {
    fn check(status: u16, response: Option<Check>, body: &str, expected: &str) {
        let account = Account {
            response_check: response,
            ..account()
        };
        let verdict = judged(&reply(status, body), &account);
        assert_eq!(name(&verdict), expected, "{status} {body}");
    }
    let success = || key_value("status", "success");
    check(200, success(), r#"{"status":"success"}"#, "sent");
    check(200, success(), r#"{"a":[{"status":"success"}]}"#, "sent");
    check(200, success(), r#"{"status":"error"}"#, "refused");
    check(
        200,
        success(),
        r#"{"status":"success","a":{"status":"no"}}"#,
        "refused",
    );
    check(
        200,
        success(),
        r#"{"a":{"status":"no"},"status":"success"}"#,
        "sent",
    );
    check(200, success(), r#"{"status":["success"]}"#, "refused");
    check(
        200,
        success(),
        r#"{"text":"\"status\":\"success\""}"#,
        "refused",
    );
    check(200, success(), "status=success", "refused");
    check(200, success(), "", "refused");
    // A status of failure is a failure, whatever the body claims.
    check(403, success(), r#"{"status":"success"}"#, "later");
    check(404, success(), r#"{"status":"success"}"#, "refused");
    check(503, success(), r#"{"status":"success"}"#, "later");
    check(302, success(), r#"{"status":"success"}"#, "refused");
    check(200, key_value("ok", "true"), r#"{"ok":true}"#, "sent");
    check(200, key_value("ok", "1"), r#"{"ok":true}"#, "refused");
    check(200, key_value("n", "1.50"), r#"{"n":1.50}"#, "sent");
    check(200, key_value("n", "1.5"), r#"{"n":1.50}"#, "refused");
    check(
        200,
        key_value("n", "12345678901234567890123"),
        r#"{"n":12345678901234567890123}"#,
        "sent",
    );
    check(200, regex("(?i)^ok"), "OK: 1", "sent");
    check(200, regex("^OK"), "ERR", "refused");
    check(500, regex("OK"), "OK", "later");
}

#[test]
fn an_answer_that_asks_for_patience_gets_it() {
    fn check(status: u16, response: Option<Check>, body: &str, expected: &str) {
        let account = Account {
            response_check: response,
            later_check: key_value("code", "20429"),
            ..account()
        };
        let verdict = judged(&reply(status, body), &account);
        assert_eq!(name(&verdict), expected, "{status} {body}");
    }
    check(200, None, r#"{"code":20429}"#, "later");
    check(400, None, r#"{"code":20429}"#, "later");
    check(200, None, r#"{"code":1}"#, "sent");
    check(400, None, r#"{"code":1}"#, "refused");
    let ok = || key_value("ok", "1");
    check(200, ok(), r#"{"ok":1,"code":20429}"#, "sent");
    check(200, ok(), r#"{"code":20429}"#, "later");
    check(200, ok(), r#"{"code":1}"#, "refused");
}

#[test]
fn a_body_that_was_cut_leaves_doubt_only_where_it_matters() {
    fn check(status: u16, response: Option<Check>, body: &str, expected: &str) {
        let account = Account {
            response_check: response,
            ..account()
        };
        let mut reply = reply(status, body);
        reply.end = BodyEnd::Cut;
        let verdict = judged(&reply, &account);
        assert_eq!(name(&verdict), expected, "{status} {body}");
    }
    let success = || key_value("status", "success");
    check(200, None, "", "sent");
    check(200, success(), r#"{"status":"succ"#, "unsure");
    check(200, success(), "", "unsure");
    check(200, success(), r#"{"status":"success"}"#, "sent");
    check(200, success(), r#"{"status":"error"}"#, "refused");
    check(200, regex("^OK"), "OK: 12", "sent");
    check(200, regex("^OK"), "", "unsure");
    check(400, success(), "", "refused");
    check(503, success(), "", "later");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    fn check(value: &str, expected: Option<u64>) {
        let mut reply = reply(429, "");
        reply.retry_after = Some(value.to_owned());
        match judged(&reply, &account()) {
            Verdict::Later { retry_after_s, .. } => {
                assert_eq!(retry_after_s, expected, "{value}")
            }
            other => panic!("{other:?}"),
        }
    }
    check("0", Some(0));
    check("120", Some(120));
    check(" 7 ", Some(7));
    check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
    check("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
    check("+5", None);
    check("-5", None);
    check("1.5", None);
    check("soon", None);
    check("99999999999999999999999", None);
    check("", None);
}

#[test]
fn an_id_is_shown_only_if_it_is_harmless() {
    fn check(body: &str, expected: Option<&str>) {
        let (id, _) = message_ids(body.as_bytes(), &AnswerPlace::Usual);
        assert_eq!(id.as_deref(), expected, "{body}");
    }
    check(r#"{"sid":"SM12"}"#, Some("SM12"));
    check(r#"{"id":7,"sid":"SM12"}"#, Some("SM12"));
    check(r#"{"messages":[{"message-id":"0A"}]}"#, Some("0A"));
    check(
        r#"{"data":{"id":12345678901234567890}}"#,
        Some("12345678901234567890"),
    );
    check(r#"{"message_id":"a._:@=+-Z9"}"#, Some("a._:@=+-Z9"));
    check(r#"{"sid":""}"#, None);
    check(r#"{"sid":"a b"}"#, None);
    check(r#"{"sid":"a\nEXEC System"}"#, None);
    check(r#"{"sid":"a\"b"}"#, None);
    check(r#"{"sid":"\u00e5"}"#, None);
    check(r#"{"sid":["x"]}"#, None);
    check(r#"{"other":"x"}"#, None);
    check("SM12", None);
    for (bytes, shown) in [(127, true), (128, true), (129, false)] {
        let id = "x".repeat(bytes);
        check(
            &format!(r#"{{"sid":"{id}"}}"#),
            shown.then_some(id.as_str()),
        );
    }
}
