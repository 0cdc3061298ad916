//! Tests of the figures of the status page.

use super::*;

fn lines(metrics: &Metrics) -> Vec<String> {
    let text = String::from_utf8(metrics.encode()).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(str::to_owned).collect()
}

#[test]
fn each_place_is_that_of_its_column() {
    let check = |place: usize, expected: &str| assert_eq!(FIGURES.columns[place].0, expected);
    check(ACCEPTED, "accepted");
    check(LAST_ACCEPTED, "last_accepted");
    check(DUPLICATES, "duplicates");
    check(INBOX, "inbox");
    check(INBOX_FAILED, "inbox_failed");
    check(INBOX_OLDEST, "inbox_oldest");
    check(QUEUE, "queue");
    check(QUEUE_FAILED, "queue_failed");
    check(QUEUE_OLDEST, "queue_oldest");
    check(CONNECTIONS, "connections");
    check(CONNECTIONS_MAX, "connections_max");
}

#[test]
fn a_family_is_announced_and_an_unknown_value_has_no_line() {
    let mut metrics = Metrics::default();
    for at in [ACCEPTED, DUPLICATES, CONNECTIONS, CONNECTIONS_MAX] {
        metrics.figures[at] = Some(0);
    }
    let text = String::from_utf8(metrics.encode()).unwrap();
    assert_eq!(
        text,
        "# HELP websms_in_accepted_total SMS put into the inbox or Asterisk's spool.\n\
         # TYPE websms_in_accepted_total counter\n\
         websms_in_accepted_total 0\n\
         # HELP websms_in_duplicates_total SMS that had been delivered before.\n\
         # TYPE websms_in_duplicates_total counter\n\
         websms_in_duplicates_total 0\n\
         # HELP websms_in_refused_total Requests and SMS refused.\n\
         # TYPE websms_in_refused_total counter\n\
         # HELP websms_connections Connections served now.\n\
         # TYPE websms_connections gauge\n\
         websms_connections 0\n\
         # HELP websms_connections_max Connections that may be.\n\
         # TYPE websms_connections_max gauge\n\
         websms_connections_max 0\n"
    );
}

#[test]
fn every_value_has_its_place() {
    let mut kiwi = Interface {
        name: "kiwi".to_owned(),
        ..Interface::default()
    };
    for (fact, value) in [
        (SENT, u64::MAX),
        (LAST_SENT, 12),
        (FAILED[0], 12),
        (FAILED[1], 13),
        (FAILED[2], 14),
        (REPORTED[0], 14),
        (REPORTED[1], 15),
        (POLLS, 16),
        (POLLS_FAILED, 17),
        (LAST_POLL, 18),
        (POLLS_FAILING, 19),
    ] {
        kiwi.set(fact, value);
    }
    let mut other = Interface::default();
    other.set(SENT, 0);
    other.set(LAST_SENT, 0);
    let mut metrics = Metrics {
        figures: [1, 2, 3, 14, 15, 0, 8, 9, 10, 6, 7].map(Some),
        refused: vec![("path", 4), ("busy", 5)],
        interfaces: vec![kiwi, other],
    };
    metrics.figures[5] = None;
    assert_eq!(
        lines(&metrics),
        [
            "websms_in_accepted_total 1",
            "websms_in_duplicates_total 3",
            "websms_in_refused_total{reason=\"path\"} 4",
            "websms_in_refused_total{reason=\"busy\"} 5",
            "websms_in_last_accepted_timestamp_seconds 2",
            "websms_connections 6",
            "websms_connections_max 7",
            "websms_inbox_messages 14",
            "websms_inbox_failed_messages 15",
            "websms_polls_total{interface=\"kiwi\",result=\"good\"} 16",
            "websms_polls_total{interface=\"kiwi\",result=\"failed\"} 17",
            "websms_poll_last_good_timestamp_seconds{interface=\"kiwi\"} 18",
            "websms_queue_messages 8",
            "websms_queue_failed_messages 9",
            "websms_queue_oldest_age_seconds 10",
            "websms_out_sent_total{interface=\"kiwi\"} 18446744073709551615",
            "websms_out_sent_total{interface=\"\"} 0",
            "websms_out_failed_total{interface=\"kiwi\",verdict=\"refused\"} 12",
            "websms_out_failed_total{interface=\"kiwi\",verdict=\"later\"} 13",
            "websms_out_failed_total{interface=\"kiwi\",verdict=\"unsure\"} 14",
            "websms_out_delivered_total{interface=\"kiwi\"} 14",
            "websms_out_undelivered_total{interface=\"kiwi\"} 15",
            "websms_out_last_sent_timestamp_seconds{interface=\"kiwi\"} 12",
        ]
    );
}

#[test]
fn a_name_begins_no_line_and_no_label() {
    let check = |name: &str, expected: &str| {
        let mut metrics = Metrics::default();
        let name = name.to_owned();
        let mut interfaces = Vec::new();
        Interface::of(&name, &mut interfaces).unwrap().set(SENT, 0);
        metrics.interfaces = interfaces;
        let found = lines(&metrics).pop().unwrap();
        assert_eq!(
            found,
            format!("websms_out_sent_total{{interface=\"{expected}\"}} 0")
        );
    };
    check("", "");
    check("a b", "a b");
    check("a\"} 1", "a\\\"} 1");
    check("a\\", "a\\\\");
    check("a\nb 1", "a\\nb 1");
    check("a\r\u{7f}{},#=", "a\r\u{7f}{},#=");
    check("ünï\u{202e}", "ünï\u{202e}");
}
