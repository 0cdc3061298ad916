//! Tests which requests are delivery reports, and what they say.

use super::*;
use crate::proto::webhook::interface::Dlr;

/// Returns `id state` of every report, behind the messages.
fn shown_all(reading: Result<Reading, BadWebhook>) -> String {
    let reports = match &reading {
        Ok(Reading::Filtered(reports) | Reading::Messages(_, reports)) => reports.clone(),
        Err(_) => Vec::new(),
    };
    let mut out = shown(reading);
    for report in reports {
        out.push_str(" > ");
        out.push_str(&report.id);
        out.push_str(&match report.state {
            State::Interim => " interim".to_owned(),
            State::Delivered => " delivered".to_owned(),
            State::Failed(reason) => format!(" failed {}", String::from_utf8_lossy(&reason)),
        });
    }
    out
}

fn dlr() -> Dlr {
    Dlr {
        id: "id".into(),
        status: "status".into(),
        reason: "code|words".into(),
        failed: b"failed, Routing error,".to_vec(),
        delivered: b"delivered,READ".to_vec(),
        ..Dlr::default()
    }
}

/// Returns an interface whose requests are SMS if they have no status.
fn sms_or_report(change: impl FnOnce(&mut Webhook)) -> Webhook {
    with(|webhook| {
        webhook.accept_if = "status=".into();
        webhook.dlr = dlr();
        change(webhook);
    })
}

#[track_caller]
fn check(webhook: &Webhook, body: &str, expected: &str) {
    let content_type = if body.starts_with(['{', '[']) {
        JSON
    } else {
        FORM
    };
    assert_eq!(
        shown_all(post(webhook, content_type, body)),
        expected,
        "{body}"
    );
}

#[test]
fn what_accept_if_refuses_and_has_an_id_and_a_status_is_a_report() {
    let webhook = sms_or_report(|_| {});
    check(&webhook, "id=A&status=delivered", "filtered > A delivered");
    check(&webhook, "id=A&status=DELIVERED", "filtered > A delivered");
    check(&webhook, "id=A&status=read", "filtered > A delivered");
    check(
        &webhook,
        "id=A&status=failed&code=30034",
        "filtered > A failed 30034",
    );
    check(
        &webhook,
        r#"{"id":7,"status":"Failed","code":21}"#,
        "filtered > 7 failed 21",
    );
    check(
        &webhook,
        "id=A&status=routing+error&code=",
        "filtered > A failed routing error",
    );
    check(
        &webhook,
        "id=A&status=failed&code=&words=No+route",
        "filtered > A failed No route",
    );
    check(&webhook, "id=A&status=failed", "filtered > A failed failed");
    check(&webhook, "id=A&status=sent", "filtered > A interim");
    check(&webhook, "id=A&status=nobody+knows", "filtered > A interim");
    // An id without a status is no report, nor the reverse; and an SMS is never one.
    check(&webhook, "status=failed", "filtered");
    check(&webhook, "To=1&From=2&Body=x&status=failed", "filtered");
    check(
        &webhook,
        "To=1&From=2&Body=x&id=A&status=failed",
        "filtered > A failed failed",
    );
    check(&webhook, "To=1&From=2&Body=x&id=A&code=30034", "1 2 x");
    check(
        &webhook,
        "To=1&From=2&Body=status%3Dfailed%26id%3DA",
        "1 2 status=failed&id=A",
    );
    check(&webhook, "id=A", "bad: no to");
    // Without accept_if all requests are SMS.
    let all = with(|webhook| webhook.dlr = dlr());
    check(&all, "To=1&From=2&Body=x&id=A&status=failed", "1 2 x");
    check(&all, "id=A&status=failed", "bad: no to");
    // Without keys nothing is a report.
    let none = with(|webhook| webhook.accept_if = "status=".into());
    check(&none, "id=A&status=failed", "filtered");
}

#[test]
fn dlr_if_says_which_are_reports() {
    let webhook = with(|webhook| {
        webhook.dlr = dlr();
        webhook.dlr.only_if = "type=dlr|receipt".into();
    });
    let sms = "To=1&From=2&Body=x&id=A&status=failed";
    check(&webhook, sms, "1 2 x");
    check(&webhook, &format!("{sms}&type=sms"), "1 2 x");
    check(
        &webhook,
        &format!("{sms}&type=dlr"),
        "filtered > A failed failed",
    );
    check(
        &webhook,
        "type=receipt&id=A&status=read",
        "filtered > A delivered",
    );
    // A report that says nothing is no SMS either.
    check(&webhook, "type=dlr&To=1&From=2&Body=x", "filtered");
    // With `dlr_if`, a request that accept_if refuses is no report.
    let both = with(|webhook| {
        webhook.accept_if = "type=sms".into();
        webhook.dlr = dlr();
        webhook.dlr.only_if = "type=dlr".into();
    });
    check(&both, &format!("{sms}&type=event"), "filtered");
    check(
        &both,
        &format!("{sms}&type=dlr"),
        "filtered > A failed failed",
    );
    check(&both, &format!("{sms}&type=sms"), "1 2 x");
}

#[test]
fn the_last_report_is_a_failure_unless_it_says_delivered() {
    let webhook = sms_or_report(|webhook| webhook.dlr.last = "level=2".into());
    check(
        &webhook,
        "id=A&status=unroutable&level=1",
        "filtered > A interim",
    );
    check(&webhook, "id=A&status=unroutable", "filtered > A interim");
    check(
        &webhook,
        "id=A&status=unroutable&level=2",
        "filtered > A failed unroutable",
    );
    check(
        &webhook,
        "id=A&status=delivered&level=2",
        "filtered > A delivered",
    );
    check(
        &webhook,
        "id=A&status=failed&level=1",
        "filtered > A failed failed",
    );
}

#[test]
fn each_element_of_a_list_is_judged_for_itself() {
    let element = |status: &str, id: &str| {
        format!(r#"{{"To":"1","From":"2","Body":"{id}","id":"{id}","type":"{status}"}}"#)
    };
    let list = |elements: &[String]| format!("[{}]", elements.join(","));
    let webhook = with(|webhook| {
        webhook.accept_if = "type=sms".into();
        webhook.each = b"[]".to_vec();
        webhook.dlr = dlr();
        webhook.dlr.status = "type".into();
    });
    let mixed = [
        element("sms", "A"),
        element("failed", "B"),
        element("sms", "C"),
    ];
    check(&webhook, &list(&mixed), "1 2 A|1 2 C > B failed failed");
    let reports = [
        element("delivered", "A"),
        element("sent", "B"),
        element("failed", "C"),
    ];
    let all = "filtered > A delivered > B interim > C failed failed";
    check(&webhook, &list(&reports), all);
    // The list at the top has no key that names it.
    let unnamed = Webhook {
        each: Vec::new(),
        ..webhook.clone()
    };
    check(&unnamed, &list(&mixed), "1 2 A|1 2 C > B failed failed");
    check(&unnamed, &list(&reports), all);
    let mut said = webhook.clone();
    said.accept_if = Conditions::default();
    said.dlr.only_if = "type=failed|delivered|sent".into();
    check(&said, &list(&mixed), "1 2 A|1 2 C > B failed failed");
    check(&said, &list(&reports), all);
    check(&webhook, "[]", "filtered");
}

#[test]
fn an_id_is_one_that_an_sms_of_ours_could_have() {
    let webhook = sms_or_report(|_| {});
    let id = |bytes: usize| "a".repeat(bytes);
    let report = |id: &str| format!("id={id}&status=delivered");
    for bytes in [MESSAGE_ID_BYTES_MAX - 1, MESSAGE_ID_BYTES_MAX] {
        let expected = format!("filtered > {} delivered", id(bytes));
        check(&webhook, &report(&id(bytes)), &expected);
    }
    for bytes in [MESSAGE_ID_BYTES_MAX + 1, 10_000] {
        check(&webhook, &report(&id(bytes)), "filtered >  delivered");
    }
    check(&webhook, &report(""), "filtered >  delivered");
    check(&webhook, &report("%FF"), "filtered >  delivered");
}

#[test]
fn only_what_is_signed_is_a_report() {
    let webhook = sms_or_report(|_| {});
    let claims = |claims: &str| Coverage::Claims(claims.as_bytes().to_vec());
    let read = |claims_text: &str| {
        let body = br#"{"id":"B","status":"failed"}"#;
        let (coverage, content_type) = (claims(claims_text), Some(JSON));
        shown_all(read_as(
            coverage,
            "POST",
            "/?id=C&status=failed",
            content_type,
            body,
            &webhook,
        ))
    };
    assert_eq!(
        read(r#"{"id":"A","status":"delivered"}"#),
        "filtered > A delivered"
    );
    assert_eq!(read(r#"{"id":"A"}"#), "bad: no to");
    assert_eq!(read("{}"), "bad: no to");
}
