//! Tests the memory of delivered SMS: which are known, how many are held, and the file.

use super::*;
use crate::message::{Message, Number, Sender, Text};

/// Returns a record of the interface 7; 0 stands for no id, and for no signature.
fn print(id: u64, content: u64, proof: u64) -> Print {
    Print {
        interface: 7,
        id: NonZeroU64::new(id),
        content,
        proof: NonZeroU64::new(proof),
    }
}

fn at(interface: u32, print: Print) -> Print {
    Print { interface, ..print }
}

fn seen(prints: &[Print]) -> Seen {
    let mut seen = Seen::default();
    prints.iter().for_each(|print| seen.push(print));
    seen
}

/// Returns all records in the order of the file.
fn listed(seen: &Seen) -> Vec<Print> {
    let records = |it: &Interface| -> Vec<Print> {
        let print = |record: &Record| Print {
            interface: it.name,
            id: record.id,
            content: record.content,
            proof: record.proof,
        };
        it.records.iter().map(print).collect()
    };
    seen.interfaces.iter().flat_map(records).collect()
}

#[test]
fn every_field_counts_and_none_reaches_into_the_next() {
    let of = |interface: &str, id: &str, to: &str, from: &str, text: &str| {
        let message = Message {
            to: Number::parse_inbound(to.as_bytes()).unwrap(),
            from: Sender::parse_inbound(from.as_bytes()).unwrap(),
            text: Text::parse_inbound(text.as_bytes(), None),
        };
        Print::of(interface, Some(id.as_bytes()), &message, None)
    };
    let first = of("a", "bc", "1", "23", "4");
    assert_eq!(of("a", "bc", "1", "23", "4"), first);
    for (other, id_differs) in [
        (of("ab", "c", "1", "23", "4"), true),
        (of("", "abc", "1", "23", "4"), true),
        (of("a", "bd", "1", "23", "4"), true),
        (of("a", "bc", "12", "3", "4"), false),
        (of("a", "bc", "1", "2", "34"), false),
        (of("a", "bc", "1", "23", ""), false),
        (of("a", "bc", "2", "23", "4"), false),
    ] {
        assert_eq!(other.id != first.id, id_differs);
        assert_eq!(other.content != first.content, !id_differs);
    }
    // These SMS could have the same signature.
    let signed = of("a", "b", "1", "a&b", "x_y_z");
    assert_eq!(of("a", "b", "1", "a_b", "x&y=z"), signed);
    assert!(of("a", "b", "1", "a_b", "x-y=z") != signed);
    assert!(of("b", "", "1", "2", "").interface != first.interface);
    let proofs = [
        proof("twilio", b"secret", b"x"),
        proof("plivo", b"secret", b"x"),
        proof("twilio", b"secre", b"tx"),
        proof("twilio", b"secret", b"y"),
    ];
    for (number, one) in proofs.iter().enumerate() {
        assert!(!proofs[..number].contains(one));
    }
}

#[test]
fn the_id_counts_with_its_contents() {
    let seen = seen(&[print(1, 1, 0), print(2, 1, 0), print(1, 2, 0)]);
    let check = |print: Print, expected: Known| {
        assert_eq!(seen.find(&print, Places::All), expected, "{print:?}");
    };
    check(print(1, 1, 0), Known::Same);
    check(print(1, 2, 0), Known::Same);
    check(print(1, 3, 0), Known::OtherContent);
    check(print(2, 2, 0), Known::OtherContent);
    check(print(3, 1, 0), Known::New);
    // Neither id nor signature was seen.
    check(print(0, 1, 0), Known::New);
}

#[test]
fn a_signature_comes_once() {
    let held = [
        print(1, 1, 11),
        print(0, 2, 12),
        at(8, print(3, 3, 13)),
        print(5, 5, 0),
    ];
    let seen = seen(&held);
    let check = |print: Print, places: Places, expected: Known| {
        assert_eq!(seen.find(&print, places), expected, "{print:?} {places:?}");
    };
    for places in [Places::All, Places::These(&[7, 8])] {
        check(print(1, 1, 11), places, Known::Same);
        // The request was cut elsewhere: it has another id, no id, other contents, or both.
        check(print(2, 1, 11), places, Known::Same);
        check(print(0, 1, 11), places, Known::Same);
        check(print(1, 2, 11), places, Known::Recut);
        check(print(2, 2, 11), places, Known::Recut);
        check(print(0, 1, 12), places, Known::Recut);
        check(at(9, print(9, 3, 13)), places, Known::Same);
        // This is a provider's own repetition.
        check(print(1, 1, 21), places, Known::Resigned);
        check(print(5, 5, 21), places, Known::Resigned);
        // With another message's signature it is no repetition.
        check(print(1, 1, 13), places, Known::Same);
        check(print(1, 2, 21), places, Known::OtherContent);
        check(print(9, 9, 21), places, Known::New);
        check(print(0, 1, 0), places, Known::New);
    }
    // The same signature at the same interface may be another SMS.
    let other = Places::These(&[8]);
    check(print(2, 1, 11), other, Known::New);
    check(print(0, 2, 12), other, Known::New);
    check(print(9, 3, 13), other, Known::Same);
    check(print(1, 1, 11), other, Known::Same);
    check(print(1, 2, 11), other, Known::OtherContent);
    check(at(8, print(9, 1, 11)), Places::These(&[7]), Known::Same);
    check(at(9, print(9, 1, 11)), Places::These(&[]), Known::New);
}

#[test]
fn the_oldest_of_an_interface_goes_first() {
    let check = |records: u64, first: Known, second: Known| {
        let mut seen = Seen::default();
        // The SMS of other interfaces push nothing out.
        for number in 1..=20_000 {
            seen.push(&at(8, print(number, number, number)));
        }
        seen.push(&at(9, print(9, 9, 9)));
        for number in 1..=records {
            seen.push(&print(number, 0, 0));
        }
        let (again, _) = Seen::parse(&seen.encode());
        for seen in [seen, again] {
            let find = |print: Print| seen.find(&print, Places::All);
            assert_eq!(find(print(1, 0, 0)), first, "{records}");
            assert_eq!(find(print(2, 0, 0)), second, "{records}");
            assert_eq!(find(print(records, 0, 0)), Known::Same);
            assert_eq!(find(at(9, print(9, 9, 9))), Known::Same);
            assert!(seen.len() <= 2 * SEEN_MAX + 1);
        }
    };
    let limit = u64::try_from(SEEN_MAX).unwrap();
    check(limit - 1, Known::Same, Known::Same);
    check(limit, Known::Same, Known::Same);
    check(limit + 1, Known::New, Known::Same);
    check(2 * limit, Known::New, Known::New);
}

#[test]
fn the_silent_interface_goes_first() {
    let limit = u32::try_from(SEEN_INTERFACES_MAX).unwrap();
    let check = |interfaces: u32, first: Known, second: Known| {
        let mut seen = Seen::default();
        let of = |interface: u32| at(interface, print(u64::from(interface), 0, 0));
        // The first interface is used again after each of the others was used once.
        for interface in (1..=interfaces.min(limit)).chain([1]) {
            seen.push(&of(interface));
        }
        for interface in limit + 1..=interfaces {
            seen.push(&of(interface));
        }
        assert_eq!(seen.find(&of(1), Places::All), first, "{interfaces}");
        assert_eq!(seen.find(&of(2), Places::All), second, "{interfaces}");
        assert_eq!(seen.find(&of(interfaces), Places::All), Known::Same);
        assert!(seen.interfaces.len() <= SEEN_INTERFACES_MAX);
    };
    check(limit - 1, Known::Same, Known::Same);
    check(limit, Known::Same, Known::Same);
    check(limit + 1, Known::Same, Known::New);
    check(2 * limit, Known::New, Known::New);
}

#[test]
fn a_record_takes_as_many_bytes_as_the_limit_says() {
    assert_eq!(size_of::<Record>(), 24);
    let full = seen(&vec![print(1, 2, 3); SEEN_MAX * 3]);
    let interface = &full.interfaces[0];
    assert_eq!(interface.records.capacity(), SEEN_MAX);
}

#[test]
fn merging_adds_what_is_missing() {
    let mut here = seen(&[print(1, 1, 0), at(8, print(1, 1, 0))]);
    here.merge(&seen(&[print(2, 2, 0), print(1, 1, 0), print(0, 3, 3)]));
    let expected = [
        at(8, print(1, 1, 0)),
        print(1, 1, 0),
        print(2, 2, 0),
        print(0, 3, 3),
    ];
    assert_eq!(listed(&here), expected);
}

#[test]
fn a_file_is_read_as_far_as_it_is_one() {
    let check = |file: &[u8], records: &[Print], expected: Result<Format, BadSeen>| {
        let (seen, result) = Seen::parse(file);
        let shown = String::from_utf8_lossy(file);
        assert_eq!(
            (listed(&seen), result),
            (records.to_vec(), expected),
            "{shown}"
        );
    };
    let lines = "00000007 0000000000000001 0000000000000abc 00000000000000ff\n\
                 00000007 - ffffffffffffffff 0000000000000001\n\
                 ffffffff 0000000000000001 0000000000000000 -\n";
    let good = [VERSION, lines.as_bytes()].concat();
    let records = [
        print(1, 0xabc, 255),
        print(0, u64::MAX, 1),
        at(u32::MAX, print(1, 0, 0)),
    ];
    check(&good, &records, Ok(Format::Current));
    check(VERSION, &[], Ok(Format::Current));
    for bad in ["", "websms seen 2", "websms seen 3\n", "websms seen 10\n"] {
        check(bad.as_bytes(), &[], Err(BadSeen::Version));
    }
    let with = |line: &str| {
        let line = format!("{line}\n00000007 0000000000000001 0000000000000abc -\n");
        [VERSION, line.as_bytes()].concat()
    };
    for line in [
        "",
        "nonsense",
        "00000007",
        "00000007 -",
        "00000007 - 0000000000000001",
        "0000000000000001 0000000000000abc",
        "00000007  - 0000000000000abc -",
        "00000007 - - -",
        "- - 0000000000000abc -",
        "00000007 - 0000000000000abc - ",
        "00000007 - 0000000000000abc -\r",
        "00000007 - 0000000000000ABC -",
        "7 - 0000000000000abc -",
        "+0000007 - 0000000000000abc -",
        "00000007 0000000000000000 0000000000000abc -",
        "00000007 - 0000000000000abc 0000000000000000",
        "\0\0\0\0",
    ] {
        check(&with(line), &[print(1, 0xabc, 0)], Err(BadSeen::Line(2)));
    }
    check(&with("x\ny"), &[print(1, 0xabc, 0)], Err(BadSeen::Line(2)));
    // The file is cut at every byte, and extended by every byte.
    for cut in VERSION.len()..good.len() {
        let whole = good[VERSION.len()..cut]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        let expected = match good[cut - 1] {
            b'\n' => Ok(Format::Current),
            _ => Err(BadSeen::Cut),
        };
        check(&good[..cut], &records[..whole], expected);
    }
    for more in 0..=255 {
        let expected = match more {
            b'\n' => BadSeen::Line(5),
            _ => BadSeen::Cut,
        };
        check(
            &[good.as_slice(), &[more]].concat(),
            &records,
            Err(expected),
        );
    }
}

#[test]
fn a_file_of_version_1_is_read_and_makes_room() {
    let line = |number: u64| format!("{number:016x} 0000000000000abc\n");
    let file = |records: u64| -> Vec<u8> {
        let lines: String = (1..=records).map(line).collect();
        [VERSION_1, lines.as_bytes()].concat()
    };
    let (seen, result) = Seen::parse(&file(2));
    assert_eq!(result, Ok(Format::Old));
    // The interface does not matter, because the id includes it.
    assert_eq!(seen.find(&print(2, 0xabc, 9), Places::All), Known::Resigned);
    assert_eq!(seen.find(&print(2, 1, 0), Places::All), Known::OtherContent);
    let (again, result) = Seen::parse(&seen.encode());
    assert_eq!(
        (listed(&again), result),
        (listed(&seen), Ok(Format::Current))
    );
    let (seen, result) = Seen::parse(&[file(2).as_slice(), b"x"].concat());
    assert_eq!((seen.len(), result), (2, Err(BadSeen::Cut)));
    // Each newer record replaces the oldest, until none of those is left.
    let limit = u64::try_from(SEEN_MAX).unwrap();
    let (mut seen, _) = Seen::parse(&file(limit));
    for number in 1..=limit {
        seen.push(&print(0, number, number));
        assert_eq!(seen.len(), SEEN_MAX);
        if number == 10 {
            let old = |id: u64| seen.find(&print(id, 0xabc, 0), Places::All);
            assert_eq!([old(10), old(11)], [Known::New, Known::Same]);
            let (again, _) = Seen::parse(&seen.encode());
            assert_eq!(listed(&again), listed(&seen));
        }
    }
    assert_eq!(seen.interfaces.len(), 1);
}

#[test]
fn what_is_written_is_read() {
    let mut held = Seen::default();
    for n in 1..6 {
        held.push(&at(n, print(u64::from(n), !u64::from(n), 0)));
    }
    let more = [print(7, 8, 9), at(1, print(0, 10, 11))];
    let file = [held.encode(), encode_lines(&more)].concat();
    let (read, result) = Seen::parse(&file);
    more.iter().for_each(|print| held.push(print));
    assert_eq!(
        (listed(&read), result),
        (listed(&held), Ok(Format::Current))
    );
}

#[test]
fn a_file_is_full_when_half_of_it_is_forgotten() {
    let check = |interfaces: u32, each: u64, lines: usize| {
        let mut seen = Seen::default();
        for interface in 1..=interfaces {
            (1..=each).for_each(|number| seen.push(&at(interface, print(number, 1, 1))));
        }
        let most = VERSION.len() + lines * LINE_BYTES_MAX;
        assert_eq!(seen.file_bytes_max(), most, "{interfaces} {each}");
        assert!(seen.encode().len() <= most && most <= FILE_BYTES_MAX);
    };
    let limit = u64::try_from(SEEN_MAX).unwrap();
    check(0, 0, 2 * SEEN_MAX);
    check(1, 1, 2 * SEEN_MAX);
    check(1, limit, 2 * SEEN_MAX);
    check(3, limit, 6 * SEEN_MAX);
    check(70, limit, 2 * SEEN_INTERFACES_MAX * SEEN_MAX);
}
