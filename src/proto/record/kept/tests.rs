//! Checks that kept requests are read as they were written, and that no other file is.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use super::*;

fn kept() -> Kept {
    Kept {
        time_s: 1_763_942_400,
        address: Some([192, 0, 2, 7].into()),
        interface: "europe".to_owned(),
        coverage: Coverage::Whole,
        proof: None,
        items: Items::All,
        method: Method::Post,
        target: b"/sms?a=b".to_vec(),
        content_type: b"application/json".to_vec(),
        body: b"{\"to\":\n\"1\"}\n".to_vec(),
    }
}

#[test]
fn the_file_is_readable() {
    let expected = "websms request 2\ntime: 1763942400\naddress: 192.0.2.7\n\
                    interface: europe\ncoverage: whole\nsignature: -\nitems: all\nmethod: POST\n\
                    target: /sms?a=b\ncontent-type: application/json\nclaims: 0\nbody: 12\n\n\
                    {\"to\":\n\"1\"}\n";
    let file = kept().encode();
    assert_eq!(String::from_utf8(file).unwrap(), expected);
}

/// Checks that the file is read as `kept`, and that neither a beginning of it nor a longer file is.
#[track_caller]
fn check_file(file: &[u8], kept: &Kept) {
    assert_eq!(Kept::parse(file).as_ref(), Ok(kept));
    for cut in 0..file.len() {
        assert!(Kept::parse(&file[..cut]).is_err(), "{cut}");
    }
    for more in 0..=255 {
        let longer = [file, &[more]].concat();
        assert_eq!(
            Kept::parse(&longer),
            Err(BadRecord::Leftover("the body")),
            "{more}"
        );
    }
}

#[test]
fn what_is_written_is_read() {
    let check = |change: &dyn Fn(&mut Kept)| {
        let mut kept = kept();
        change(&mut kept);
        let file = kept.encode();
        check_file(&file, &kept);
        // A terminal obeys nothing in it.
        let text = String::from_utf8(file).unwrap();
        assert!(!text.replace('\n', "").chars().any(char::is_control));
    };
    check(&|_| {});
    check(&|kept| kept.address = None);
    check(&|kept| kept.address = Some("2001:db8::1".parse().unwrap()));
    check(&|kept| kept.proof = NonZeroU64::new(255));
    check(&|kept| kept.coverage = Coverage::Body);
    check(&|kept| kept.coverage = Coverage::Inside(b"result"));
    check(&|kept| kept.coverage = Coverage::Claims(b"{\"a\":\n1}".to_vec()));
    check(&|kept| kept.method = Method::Get);
    check(&|kept| kept.target = b"/\xff: x".to_vec());
    check(&|kept| kept.target = "/\u{9b}31m\x1b\\".into());
    check(&|kept| kept.content_type = b"a\rb\t\x9b".to_vec());
    check(&|kept| kept.interface = "a\nb: c\u{85}".to_owned());
    check(&|kept| kept.body = (0..=255).collect());
    check(&|kept| kept.body = "\x1b[2J\u{9b}\\ é".into());
    check(&|kept| kept.coverage = Coverage::Claims((0..=255).collect()));
    check(&|kept| {
        kept.items = Items::Some {
            places: vec![1, 3],
            of: 3,
        };
    });
    check(&|kept| {
        kept.time_s = 0;
        kept.interface.clear();
        kept.content_type.clear();
    });
}

#[test]
fn a_file_of_version_1_is_read_as_it_stands() {
    let check = |target: &[u8], claims: &[u8], body: &[u8]| {
        let mut kept = kept();
        kept.target = target.to_vec();
        kept.body = body.to_vec();
        let mut kind = "whole";
        if !claims.is_empty() {
            kept.coverage = Coverage::Claims(claims.to_vec());
            kind = "claims";
        }
        let start = format!(
            "websms request 1\ntime: 1763942400\naddress: 192.0.2.7\ninterface: europe\n\
             coverage: {kind}\nitems: all\nmethod: POST\ntarget: "
        );
        let lengths = format!(
            "\ncontent-type: application/json\nclaims: {}\nbody: {}\n\n",
            claims.len(),
            body.len()
        );
        let file = [start.as_bytes(), target, lengths.as_bytes(), claims, body].concat();
        check_file(&file, &kept);
        // Kept again, it is the same request under the same name.
        let again = Kept::parse(&kept.encode()).unwrap();
        assert_eq!((again.name(), again.print()), (kept.name(), kept.print()));
    };
    let bytes: Vec<u8> = (0..=255).collect();
    check(b"/sms?a=b", b"", b"{\"to\":\n\"1\"}\n");
    check(b"/\\x41\xff\xc2\x9b", b"", br"\x1b[2J\\");
    check(b"/", b"", &bytes);
    check(b"/", &bytes, &bytes);
}

#[test]
fn an_empty_body_is_read_to_its_end() {
    let mut kept = kept();
    kept.body.clear();
    let file = kept.encode();
    assert_eq!(Kept::parse(&file), Ok(kept));
    assert_eq!(Kept::parse(&file[..file.len() - 1]), Err(BadRecord::Cut));
}

#[test]
fn nonsense_is_told_by_its_line() {
    let check = |from: &str, to: &str, expected: BadRecord| {
        let file = String::from_utf8(kept().encode()).unwrap();
        assert!(file.contains(from), "{from}");
        let file = file.replacen(from, to, 1);
        assert_eq!(Kept::parse(file.as_bytes()), Err(expected), "{from} {to}");
    };
    check("request 2", "request 3", BadRecord::Version);
    check("time: 1", "time: +1", BadRecord::Field("time"));
    check("time: 1763942400", "time: ", BadRecord::Field("time"));
    check("time: ", "time:", BadRecord::Field("time"));
    check("192.0.2.7", "192.0.2", BadRecord::Field("address"));
    check("interface", "interfaces", BadRecord::Field("interface"));
    check("europe", "eur\0ope", BadRecord::Field("interface"));
    check("europe", r"eur\x6fpe", BadRecord::Field("interface"));
    check("/sms", r"/sms\", BadRecord::Field("target"));
    check("/sms", "/sms\u{9b}", BadRecord::Field("target"));
    check("/json", "/json\t", BadRecord::Field("content-type"));
    check("\"1\"", r"\x1", BadRecord::Escape);
    check("\"1\"", "\"\x1b\"", BadRecord::Escape);
    check("\"1\"", "\"\r\"", BadRecord::Escape);
    for bad in ["", "0", "0000000000000000", "00000000000000FF", "--"] {
        let line = format!("signature: {bad}\n");
        check("signature: -\n", &line, BadRecord::Field("signature"));
    }
    check("signature: -\n", "", BadRecord::Field("signature"));
    check("whole", "everything", BadRecord::Field("coverage"));
    check("whole", "inside", BadRecord::Field("coverage"));
    check("whole", "inside Body", BadRecord::Field("coverage"));
    check("claims: 0", "claims: 1", BadRecord::Cut);
    check(
        "claims: 0\nbody: 12",
        "claims: 1\nbody: 11",
        BadRecord::Field("coverage"),
    );
    for items in [
        "",
        "none",
        "1",
        "1 of",
        "0 of 2",
        "3 of 2",
        "2,1 of 2",
        "1,1 of 2",
        " of 2",
        "1, 2 of 2",
        "+1 of 2",
    ] {
        check("all", items, BadRecord::Field("items"));
    }
    check("POST", "HEAD", BadRecord::Field("method"));
    check("POST", "post", BadRecord::Field("method"));
    check("target: ", "target ", BadRecord::Field("target"));
    check("body: 12", "body: 13", BadRecord::Cut);
    check("body: 12", "body: 11", BadRecord::Leftover("the body"));
    check("body: 12", "body: -1", BadRecord::Field("body"));
    check(
        "body: 12",
        "body: 99999999999999999999999",
        BadRecord::Field("body"),
    );
}

#[test]
fn the_name_is_of_target_and_body() {
    let check = |change: &dyn Fn(&mut Kept), same_name: bool, same_print: bool| {
        let mut other = kept();
        change(&mut other);
        assert_eq!(other.name() == kept().name(), same_name);
        assert_eq!(other.print() == kept().print(), same_print);
    };
    check(&|kept| kept.time_s = 1, true, true);
    check(&|kept| kept.address = None, true, true);
    check(&|kept| kept.interface.clear(), true, false);
    check(&|kept| kept.content_type.clear(), true, false);
    check(&|kept| kept.target.push(b'x'), false, false);
    check(&|kept| kept.body.clear(), false, false);
    check(
        &|kept| kept.coverage = Coverage::Claims(b"{}".to_vec()),
        false,
        false,
    );
}

fn entry(name: usize, address: [u8; 4], bytes: usize) -> KeptFile {
    KeptFile {
        name: name.to_string(),
        print: Some(7),
        address: Some(address.into()),
        bytes,
    }
}

#[test]
fn places_are_bounded_in_all_and_for_one_address() {
    let check = |places: usize, addresses: u8, each: usize, expected: usize| {
        let mut shelf = Shelf::default();
        let mut name = 0;
        for _ in 0..each {
            for address in 0..addresses {
                shelf.place(entry(name, [192, 0, 2, address], 1), places);
                name += 1;
            }
        }
        assert_eq!(shelf.entries.len(), expected, "{places} {addresses} {each}");
    };
    check(32, 1, 7, 7);
    check(32, 1, 8, 8);
    check(32, 1, 9, 8);
    check(32, 4, 8, 32);
    check(32, 5, 8, 32);
    check(31, 1, 8, 7);
    check(3, 1, 2, 1);
    check(3, 4, 1, 3);
    check(1, 2, 2, 1);
    check(0, 1, 1, 0);
}

#[test]
fn the_own_oldest_goes_before_that_of_others() {
    let mut shelf = Shelf::default();
    shelf.place(entry(1, [1, 1, 1, 1], 1), 8);
    shelf.place(entry(2, [2, 2, 2, 2], 1), 8);
    shelf.place(entry(3, [2, 2, 2, 2], 1), 8);
    assert_eq!(shelf.place(entry(4, [2, 2, 2, 2], 1), 8), ["2"]);
    assert_eq!(shelf.place(entry(3, [2, 2, 2, 2], 1), 8), [""; 0]);
    assert_eq!(shelf.place(entry(5, [2, 2, 2, 2], 1), 8), ["4"]);
    assert!(shelf.holds("1", 7) && !shelf.holds("1", 8) && !shelf.holds("4", 7));
}

#[test]
fn one_ipv6_network_is_one_address() {
    let mut shelf = Shelf::default();
    let mut place = |name: usize, address: &str| {
        let mut entry = entry(name, [0; 4], 1);
        entry.address = Some(address.parse().unwrap());
        shelf.place(entry, 4)
    };
    assert!(place(1, "2001:db8::1").is_empty());
    assert_eq!(place(2, "2001:db8::2"), ["1"]);
    assert!(place(3, "2001:db8:0:1::2").is_empty());
    assert!(place(4, "1.1.1.1").is_empty());
    assert_eq!(place(5, "::ffff:1.1.1.1"), ["4"]);
}

#[test]
fn bytes_are_bounded_in_all() {
    let check = |last: usize, expected: &[&str]| {
        let mut shelf = Shelf::default();
        shelf.place(entry(1, [1, 1, 1, 1], KEPT_BYTES_MAX / 2), 32);
        shelf.place(entry(2, [2, 2, 2, 2], 1), 32);
        assert_eq!(shelf.place(entry(3, [3, 3, 3, 3], last), 32), expected);
    };
    check(KEPT_BYTES_MAX / 2 - 2, &[]);
    check(KEPT_BYTES_MAX / 2 - 1, &[]);
    check(KEPT_BYTES_MAX / 2, &["1"]);
    check(KEPT_BYTES_MAX, &["1", "2"]);
}
