//! Tests the records of SMS that went out, and damaged files of them.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use super::*;

fn sms<'a>(id: &'a str, interface: &'a str, references: &'a str) -> Sms<'a> {
    Sms {
        at_s: 1_800_000_000,
        id,
        interface,
        from: "Ann & Bob",
        to: "+12025550183",
        references,
    }
}

fn of(lines: &[String]) -> Sent {
    Sent::parse(file(&lines.concat()).as_bytes()).unwrap()
}

const NOW_S: u64 = 1_800_000_100;

/// Checks the change that each of several reports makes.
#[track_caller]
fn check(references: &str, reports: &[(&str, End<'_>, Option<News>)]) {
    let line = sms("01", "kiwi", references).line();
    let mut sent = of(std::slice::from_ref(&line));
    let mut lines = line;
    for (reference, end, expected) in reports {
        let found = sent.settle(NOW_S, "kiwi", reference, *end);
        let found = found.map(|(news, record)| {
            assert_eq!(record.sms().id, "01");
            news
        });
        assert_eq!(found, *expected, "{references} {reference} {end:?}");
        lines.push_str(&end_line(NOW_S, "kiwi", reference, *end));
    }
    // A file gives the same state, also one that was written anew, and one that grew.
    assert_eq!(of(&[lines.clone()]), sent);
    assert_eq!(Sent::parse(&sent.encode(NOW_S)), Some(of(&[lines.clone()])));
    let (first, rest) = lines.split_at(lines.find("\nend").unwrap_or(lines.len()));
    let mut grown = of(&[first.to_owned()]);
    grown.take_in(rest.as_bytes());
    assert_eq!(grown, sent);
}

const FAILED: End<'_> = End::Failed("30034");

#[test]
fn the_first_failure_and_the_last_arrival_count() {
    use End::Delivered;
    let (part, arrived, lost) = (News::Part, News::Delivered, News::Undelivered);
    check("A", &[("A", Delivered, Some(arrived))]);
    check("A", &[("A", FAILED, Some(lost))]);
    check(
        "A",
        &[("B", FAILED, None), ("a", FAILED, None), ("", FAILED, None)],
    );
    // Reports are repeated, and come in any order.
    check(
        "A",
        &[("A", Delivered, Some(arrived)), ("A", Delivered, None)],
    );
    check(
        "A",
        &[
            ("A", FAILED, Some(lost)),
            ("A", FAILED, None),
            ("A", Delivered, None),
        ],
    );
    check(
        "A,B",
        &[
            ("B", Delivered, Some(part)),
            ("B", Delivered, None),
            ("A", Delivered, Some(arrived)),
            ("A", Delivered, None),
        ],
    );
    check(
        "A,B,C",
        &[
            ("B", Delivered, Some(part)),
            ("C", FAILED, Some(lost)),
            ("A", Delivered, None),
        ],
    );
    // Parts share an id: a failure is never hidden by another part's arrival.
    check(
        "A",
        &[
            ("A", Delivered, Some(arrived)),
            ("A", FAILED, Some(lost)),
            ("A", FAILED, None),
        ],
    );
}

#[test]
fn an_id_belongs_to_its_interface_and_the_newest_of_it_counts() {
    let lines = [
        sms("01", "kiwi", "A").line(),
        sms("02", "lime", "A").line(),
        sms("03", "kiwi", "A").line(),
        sms("04", "", "A").line(),
    ];
    let mut sent = of(&lines);
    let mut of_interface = |interface: &str| {
        let found = sent.settle(NOW_S, interface, "A", FAILED);
        found.map(|(_, record)| record.sms().id.to_owned())
    };
    assert_eq!(of_interface("lime").as_deref(), Some("02"));
    assert_eq!(of_interface("kiwi").as_deref(), Some("03"));
    assert_eq!(of_interface("").as_deref(), Some("04"));
    assert_eq!(of_interface("other"), None);
    let failed = sent
        .recent(NOW_S)
        .filter(|it| it.failure() == Some("30034"));
    assert_eq!(failed.count(), 3);
}

#[test]
fn a_line_holds_its_fields() {
    let sms = sms("0a", "my line", "SM1,SM2");
    let line = sms.line();
    assert_eq!(
        line,
        "\nsms\t1800000000\t0a\tmy line\tAnn & Bob\t+12025550183\tSM1,SM2\n"
    );
    let sent = of(&[line]);
    assert_eq!(sent.recent(NOW_S).next().unwrap().sms(), sms);
    let end = end_line(5, "my line", "SM1", End::Failed("no\n such\tnumber"));
    assert_eq!(end, "\nend\t5\tmy line\tSM1\tfailed\tno suchnumber\n");
    assert_eq!(
        end_line(5, "", "SM1", End::Delivered),
        "\nend\t5\t\tSM1\tdelivered\t\n"
    );
    let many: Vec<String> = (0..SENT_PARTS_MAX + 1).map(|n| n.to_string()).collect();
    let many = many.join(",");
    let line = Sms {
        references: &many,
        ..sms
    }
    .line();
    assert!(line.ends_with(",14,15\n"), "{line}");
}

#[test]
fn a_file_that_was_cut_or_spoilt_loses_that_line_alone() {
    let first = sms("01", "kiwi", "A").line();
    let second = sms("02", "kiwi", "B").line();
    let end = end_line(NOW_S, "kiwi", "B", FAILED);
    for cut in 1..second.len() {
        let cut = second.get(..cut).unwrap();
        let sent = of(&[first.clone(), cut.to_owned(), second.clone(), end.clone()]);
        let ids: Vec<&str> = sent.recent(NOW_S).map(|it| it.sms().id).collect();
        // An SMS whose last id was cut counts as one with another id.
        let expected: &[&str] = match ids.len() {
            3 => &["01", "02", "02"],
            _ => &["01", "02"],
        };
        assert_eq!(ids, expected, "{cut:?}");
        assert_eq!(sent.recent(NOW_S).last().unwrap().failure(), Some("30034"));
    }
    for spoilt in [
        "\0\0\0\0",
        "sms",
        "sms\tx\t01\t\t1\t2\tA",
        "sms\t1\t\t\t1\t2\tA",
        "sms\t1\t01\t\t1\t2\t",
        "sms\t1\t01\t\t1\t2\tA\tB",
        "end\t1\tkiwi\tA\tlost\t",
        "end\t1\tkiwi\tA\tfailed",
        "smsx\t",
    ] {
        let sent = of(&[first.clone(), spoilt.to_owned(), second.clone()]);
        assert_eq!(sent.recent(NOW_S).count(), 2, "{spoilt:?}");
        assert_eq!(
            sent.recent(NOW_S)
                .filter(|it| it.failure().is_some())
                .count(),
            0
        );
    }
    for bad in ["", "websms sent 2\n", "websms sent 1", "\n"] {
        assert_eq!(Sent::parse(bad.as_bytes()), None, "{bad:?}");
    }
    assert_eq!(
        Sent::parse(b"websms sent 1\n\xff\xfe\n"),
        Some(Sent::default())
    );
}

#[test]
fn so_many_are_held_and_three_days() {
    let lines = |count: usize, references: &str| -> Vec<String> {
        let one = |n: usize| sms(&n.to_string(), "", &format!("{references}{n}")).line();
        (0..count).map(one).collect()
    };
    for (count, first) in [(SENT_MAX - 1, "0"), (SENT_MAX, "0"), (SENT_MAX + 1, "1")] {
        let sent = of(&lines(count, "SM"));
        assert_eq!(sent.recent(NOW_S).count(), count.min(SENT_MAX));
        assert_eq!(sent.recent(NOW_S).next().unwrap().sms().id, first);
        assert_eq!(sent.holds("", "SM0", NOW_S), first == "0");
    }
    // These SMS and their reports are long: their bytes are bounded, too.
    let long = "x".repeat(2000);
    let mut sent = of(&lines(SENT_MAX, &long));
    assert!(sent.bytes <= SENT_BYTES_MAX && sent.bytes > SENT_BYTES_MAX - 4096);
    assert!(sent.encode(NOW_S).len() <= SENT_BYTES_MAX + VERSION.len());
    assert!(
        sent.settle(NOW_S, "", &format!("{long}{}", SENT_MAX - 1), FAILED)
            .is_some()
    );
    // The age is at the limit, and past it. A clock that is not sane makes nothing old.
    let sent = of(&lines(1, "SM"));
    let limit_s = 1_800_000_000 + SENT_AGE.as_secs();
    for (now_s, expected) in [(0, true), (5, true), (limit_s, true), (limit_s + 1, false)] {
        assert_eq!(sent.holds("", "SM0", now_s), expected, "{now_s}");
        assert_eq!(sent.recent(now_s).count(), usize::from(expected));
    }
    let unstamped = of(&[Sms {
        at_s: 0,
        ..sms("01", "", "A")
    }
    .line()]);
    assert!(unstamped.holds("", "A", u64::MAX));
}
