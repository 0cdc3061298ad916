//! Tests who is let in, by blocks of addresses, forwarded headers, paths and credentials, with one row per
//! case.

use super::*;
use crate::proto::webhook::interface::{Gate, Webhook};
use crate::proto::webhook::verify::Credentials;
use crate::proto::webhook::verify::tests::with_secret;
use crate::proto::wire::request::{Field, Version};

fn blocks_of(list: &str) -> Vec<Cidr> {
    list.split_whitespace()
        .map(|block| Cidr::parse(block).unwrap())
        .collect()
}

fn gate(permit: Option<&str>, paths: Option<&[&str]>) -> Gate {
    Gate {
        permit: permit.map(blocks_of),
        paths: paths.map(|paths| paths.iter().map(|path| path.as_bytes().to_vec()).collect()),
        credentials: Credentials::none(),
        public_url: None,
        auth_age_s: None,
        key_echo: "".into(),
    }
}

/// Returns rules with these gates, whose interfaces are named by their indices.
fn rules(gates: Vec<Gate>) -> Rules {
    let interface = |(gate, place): (Gate, usize)| Interface {
        name: place.to_string(),
        gate,
        webhook: Webhook::by_default(),
        polled: None,
    };
    Rules {
        interfaces: gates.into_iter().zip(0..).map(interface).collect(),
        proxies: blocks_of("172.16.0.0/12 fd00::/8"),
        proxy_header: "HTTP_X_FORWARDED_FOR".to_owned(),
        status: None,
    }
}

fn place(interface: &Interface) -> usize {
    interface.name.parse().unwrap()
}

fn request<'a>(target: &'a str, fields: &[(&'a str, &'a str)]) -> Request<'a> {
    Request {
        method: "POST",
        target: target.as_bytes(),
        version: Version::Http11,
        fields: fields
            .iter()
            .map(|(name, value)| Field {
                name,
                value: value.as_bytes(),
            })
            .collect(),
        body: b"",
    }
}

#[test]
fn callers() {
    let check = |peer: &str, fields: &[(&str, &str)], expected: Caller| {
        let found = caller(&rules(vec![]), peer.parse().unwrap(), &request("/", fields));
        assert_eq!(found, expected, "{peer} {fields:?}");
    };
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let forwarded = |text: &str| Caller::Forwarded(ip(text));
    let xff = "X-Forwarded-For";
    let (proxy, itself) = ("172.16.0.1", Caller::Proxy(ip("172.16.0.1")));

    // A peer that is no proxy cannot name another address for itself.
    check("9.9.9.9", &[(xff, "1.1.1.1")], Caller::Peer(ip("9.9.9.9")));
    check("::ffff:9.9.9.9", &[], Caller::Peer(ip("9.9.9.9")));
    check("::ffff:172.16.0.1", &[], itself);
    check("fd00::1", &[(xff, "1.1.1.1")], forwarded("1.1.1.1"));

    check(proxy, &[(xff, "1.1.1.1")], forwarded("1.1.1.1"));
    check(
        proxy,
        &[("x-forwarded-FOR", "1.1.1.1")],
        forwarded("1.1.1.1"),
    );
    check(proxy, &[(xff, "6.6.6.6, 1.1.1.1")], forwarded("1.1.1.1"));
    check(
        proxy,
        &[(xff, "1.1.1.1,172.16.0.2 , fd00::2")],
        forwarded("1.1.1.1"),
    );
    check(
        proxy,
        &[(xff, "6.6.6.6"), (xff, "1.1.1.1")],
        forwarded("1.1.1.1"),
    );
    check(
        proxy,
        &[(xff, "1.1.1.1"), (xff, "172.16.0.2")],
        forwarded("1.1.1.1"),
    );
    check(proxy, &[(xff, "1.1.1.1"), (xff, "")], forwarded("1.1.1.1"));
    for port in ["0", "8080", "00080", "65535"] {
        for address in ["1.1.1.1", "[2001:db8::1]"] {
            let entry = format!("{address}:{port}");
            let expected = forwarded(address.trim_matches(['[', ']']));
            check(proxy, &[(xff, &entry)], expected);
        }
    }
    check(
        proxy,
        &[(xff, "[2001:db8::1]:8080")],
        forwarded("2001:db8::1"),
    );
    check(proxy, &[(xff, "[2001:db8::1]")], forwarded("2001:db8::1"));
    check(proxy, &[(xff, "2001:db8::1")], forwarded("2001:db8::1"));
    check(proxy, &[(xff, "::1")], forwarded("::1"));
    check(proxy, &[(xff, "::ffff:1.1.1.1")], forwarded("1.1.1.1"));
    check(
        proxy,
        &[(xff, "[::ffff:172.16.0.2]:1, ::ffff:172.16.0.3")],
        itself,
    );

    // The field names nobody but proxies, or nobody.
    check(proxy, &[], itself);
    check(proxy, &[(xff, "")], itself);
    check(proxy, &[(xff, "172.16.0.2")], itself);
    // A field with another name does not count, even if CGI would give both the same name.
    check(proxy, &[("X_Forwarded_For", "1.1.1.1")], itself);
    check(proxy, &[("X-Forwarded_For", "1.1.1.1")], itself);
    check(proxy, &[("X.Forwarded.For", "1.1.1.1")], itself);
    check(proxy, &[("Forwarded-For", "1.1.1.1")], itself);
    check(proxy, &[("HTTP_X_FORWARDED_FOR", "1.1.1.1")], itself);

    for bad in [
        "unknown",
        "1.1.1.1, unknown",
        "1.1.1.1,",
        "1.1.1.1, ,172.16.0.2",
        "1.1.1.1:",
        "1.1.1",
        "1.1.1.1:http",
        "1.1.1.1:65536",
        "1.1.1.1:99999",
        "1.1.1.1:000080",
        "1.1.1.1:+80",
        "[2001:db8::1]:65536",
        "[1.1.1.1]",
        "[::1",
        "[::1]80",
        "[::1]:",
        "fe80::1%eth0",
        "\"1.1.1.1\"",
        "for=1.1.1.1",
        "01.1.1.1",
        "1.1.1.1 2.2.2.2",
        "\u{661}.1.1.1",
    ] {
        check(proxy, &[(xff, bad)], Caller::Unknown);
    }
}

#[test]
fn no_header_named() {
    let mut rules = rules(vec![]);
    for name in ["", "HTTP_"] {
        rules.proxy_header = name.to_owned();
        let request = request("/", &[("", "1.1.1.1"), ("X-Forwarded-For", "1.1.1.1")]);
        let proxy: IpAddr = "172.16.0.1".parse().unwrap();
        assert_eq!(caller(&rules, proxy, &request), Caller::Proxy(proxy));
    }
}

/// Checks which interface gets a target from a peer.
fn check_admit(gates: Vec<Gate>, peer: &str, target: &str, expected: Result<usize, Denied>) {
    let (rules, peer) = (rules(gates), peer.parse().unwrap());
    let found = admit(
        &rules,
        peer,
        &request(target, &[("X-Forwarded-For", "bad")]),
    );
    let found = found.map(|entry| place(entry.interface()));
    assert_eq!(found, expected, "{peer} {target}");
    // A peer that is let in must never be turned away unread.
    assert!(
        !(found.is_ok() && rules.is_stranger(peer)),
        "{peer} {target}"
    );
}

#[test]
fn admission() {
    let check = check_admit;
    let one = |permit, paths| vec![gate(permit, paths)];
    check(vec![], "1.1.1.1", "/", Err(Denied::Address));
    check(one(None, None), "1.1.1.1", "/", Ok(0));
    check(one(Some(""), None), "1.1.1.1", "/", Err(Denied::Address));
    check(one(Some("1.1.1.0/24"), None), "1.1.1.1", "/", Ok(0));
    check(one(Some("1.1.1.0/24"), None), "::ffff:1.1.1.1", "/", Ok(0));
    check(
        one(Some("1.1.1.0/24"), None),
        "1.1.2.1",
        "/",
        Err(Denied::Address),
    );
    check(
        one(Some("1.1.1.0/24 2001:db8::/32"), None),
        "2001:db8::1",
        "/",
        Ok(0),
    );

    // The proxy names something that is no address.
    check(one(None, None), "172.16.0.1", "/", Ok(0));
    check(
        one(Some("0.0.0.0/0 ::/0"), None),
        "172.16.0.1",
        "/",
        Err(Denied::Address),
    );

    check(one(None, Some(&[])), "1.1.1.1", "/", Err(Denied::Path));
    check(one(None, Some(&["/sms"])), "1.1.1.1", "/sms", Ok(0));
    check(one(None, Some(&["/sms"])), "1.1.1.1", "/sms?a=b", Ok(0));
    check(
        one(None, Some(&["/sms"])),
        "1.1.1.1",
        "/sms/",
        Err(Denied::Path),
    );
    check(
        one(None, Some(&["/sms"])),
        "1.1.1.1",
        "/SMS",
        Err(Denied::Path),
    );
    check(
        one(None, Some(&["/sms"])),
        "1.1.1.1",
        "/%73ms",
        Err(Denied::Path),
    );
    check(one(None, Some(&["/sms?a=b"])), "1.1.1.1", "/sms?a=b", Ok(0));
    check(
        one(None, Some(&["/sms?a=b"])),
        "1.1.1.1",
        "/sms?a=b&c",
        Err(Denied::Path),
    );
    check(
        one(None, Some(&["/sms?a=b"])),
        "1.1.1.1",
        "/sms",
        Err(Denied::Path),
    );
    check(one(None, Some(&["/a", "/b"])), "1.1.1.1", "/b", Ok(0));
    // The address is judged first: a stranger does not learn which paths there are.
    check(
        one(Some("2.2.2.2"), Some(&["/a"])),
        "1.1.1.1",
        "/b",
        Err(Denied::Address),
    );

    // Of several interfaces that match in both, the last gets the request.
    let several = || {
        vec![
            gate(Some("1.1.1.1 2.2.2.2"), Some(&["/a"])),
            gate(Some("1.1.1.1"), Some(&["/a", "/b"])),
            gate(Some("2.2.2.2"), Some(&["/b"])),
        ]
    };
    check(several(), "1.1.1.1", "/a", Ok(1));
    check(several(), "2.2.2.2", "/a", Ok(0));
    check(several(), "2.2.2.2", "/b", Ok(2));
    check(several(), "1.1.1.1", "/c", Err(Denied::Path));
    check(several(), "3.3.3.3", "/a", Err(Denied::Address));
}

#[test]
fn strangers() {
    let check = |gates: Vec<Gate>, peer: &str, expected: bool| {
        let found = rules(gates).is_stranger(peer.parse().unwrap());
        assert_eq!(found, expected, "{peer}");
    };
    let two = || {
        vec![
            gate(Some("1.1.1.1"), None),
            gate(Some("2001:db8::/32"), None),
        ]
    };
    check(two(), "1.1.1.1", false);
    check(two(), "::ffff:1.1.1.1", false);
    check(two(), "2001:db8::1", false);
    check(two(), "1.1.1.2", true);
    check(two(), "172.16.0.1", false);
    check(vec![gate(None, Some(&[]))], "1.1.1.2", false);
    check(vec![], "1.1.1.2", true);
}

/// Returns rules with a status page at `/status`, for 127.0.0.0/8, ::1 and 10.0.0.0/8.
fn with_status(gates: Vec<Gate>) -> Rules {
    let mut rules = rules(gates);
    rules.status = Some(StatusPage {
        path: b"/status".to_vec(),
        permit: blocks_of("127.0.0.0/8 ::1 10.0.0.0/8"),
        login: Vec::new(),
    });
    rules
}

#[test]
fn who_has_given_status_auth() {
    let check = |login: &str, fields: &[&str], expected: Login| {
        let mut rules = with_status(Vec::new());
        let status = rules.status.as_mut().unwrap();
        status.login = login.as_bytes().to_vec();
        let fields: String = fields.iter().map(|it| format!("{it}\r\n")).collect();
        let head = format!("GET /status HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes()).unwrap();
        assert_eq!(status.login(&request), expected, "{fields}");
    };
    // me:secret
    let right = "Authorization: Basic bWU6c2VjcmV0";
    check("", &[], Login::Closed);
    check("", &[right], Login::Closed);
    check("me:secret", &[], Login::Absent);
    check("me:secret", &[right], Login::Right);
    check(
        "me:secret",
        &["authorization: bAsIc   bWU6c2VjcmV0"],
        Login::Right,
    );
    check("me:secret", &[right, right], Login::Wrong);
    for wrong in [
        "",
        "Basic",
        "Basic ",
        "Bearer bWU6c2VjcmV0",
        "Basic bWU6c2VjcmV",
        "Basic me:secret",
    ] {
        check(
            "me:secret",
            &[&format!("Authorization: {wrong}")],
            Login::Wrong,
        );
    }
}

#[test]
fn who_reads_the_status_page() {
    let rules = with_status(vec![gate(None, None)]);
    let check = |peer: &str, target: &str, fields: &[(&str, &str)], expected: bool| {
        let request = request(target, fields);
        let found = reads_status(&rules, peer.parse().unwrap(), &request);
        assert_eq!(found, expected, "{peer} {target} {fields:?}");
    };
    for peer in [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "10.1.2.3",
    ] {
        check(peer, "/status", &[], true);
        check(peer, "/status?a=b", &[], true);
        for path in [
            "/",
            "/status/",
            "/Status",
            "/%73tatus",
            "//status",
            "/status/x",
        ] {
            check(peer, path, &[], false);
        }
        for name in [
            "Via",
            "forwarded",
            "X-FORWARDED-FOR",
            "X-Real-IP",
            "x-forwarded-for",
        ] {
            for value in ["", "127.0.0.1", "10.0.0.1", "for=127.0.0.1", "1.1 squid"] {
                check(peer, "/status", &[(name, value)], false);
            }
        }
        check(peer, "/status", &[("Forwarded-For", "x")], true);
    }
    for peer in [
        "192.0.2.1",
        "11.0.0.1",
        "2001:db8::1",
        "::2",
        "::ffff:192.0.2.1",
    ] {
        check(peer, "/status", &[], false);
        check(peer, "/status", &[("X-Forwarded-For", "127.0.0.1")], false);
    }
    // For one of our proxies, the caller that it names counts, if it names one.
    for proxy in ["172.16.0.1", "fd00::1"] {
        let named = |value| [("X-Forwarded-For", value), ("Via", "1.1 nginx")];
        check(proxy, "/status", &[], false);
        check(proxy, "/status", &named("10.1.2.3"), true);
        check(proxy, "/status", &named("192.0.2.1, 10.1.2.3"), true);
        check(proxy, "/status", &named("10.1.2.3, 192.0.2.1"), false);
        check(proxy, "/status", &named("127.0.0.1"), false);
        check(proxy, "/status", &named("::1"), false);
        check(proxy, "/status", &named("unknown"), false);
        check(proxy, "/status", &named(""), false);
        check(proxy, "/status", &named("172.16.0.9"), false);
    }
}

#[test]
fn a_proxy_that_is_let_in_names_somebody_or_leaves_no_trace() {
    let mut rules = with_status(vec![]);
    rules.proxies = blocks_of("127.0.0.1");
    rules.proxy_header = "HTTP_X_CALLER".to_owned();
    let check = |fields: &[(&str, &str)], expected: bool| {
        let request = request("/status", fields);
        let found = reads_status(&rules, "127.0.0.1".parse().unwrap(), &request);
        assert_eq!(found, expected, "{fields:?}");
    };
    check(&[], true);
    check(&[("X-Caller", "10.0.0.1")], true);
    check(&[("X-Caller", "192.0.2.1")], false);
    check(&[("X-Caller", "127.0.0.1")], false);
    check(&[("X-Caller", "127.0.0.2")], false);
    check(&[("X-Caller", "")], false);
    check(&[("X-Forwarded-For", "192.0.2.1")], false);
    check(&[("Via", "1.1 nginx")], false);
}

#[test]
fn the_status_page_lets_nobody_in_elsewhere_and_no_interface_has_its_path() {
    let check = |gates: Vec<Gate>, peer: &str, target: &str, expected| {
        let rules = with_status(gates);
        let found = admit(&rules, peer.parse().unwrap(), &request(target, &[]));
        let found = found.map(|entry| place(entry.interface()));
        assert_eq!(found, expected, "{peer} {target}");
    };
    let all = || vec![gate(None, None)];
    let named = || vec![gate(None, Some(&["/status", "/status?a=b", "/sms"]))];
    let other = || vec![gate(Some("192.0.2.1"), None)];
    check(all(), "127.0.0.1", "/", Ok(0));
    check(all(), "127.0.0.1", "/status", Err(Denied::Path));
    check(all(), "192.0.2.1", "/status?a=b", Err(Denied::Path));
    check(named(), "192.0.2.1", "/sms", Ok(0));
    check(named(), "192.0.2.1", "/status", Err(Denied::Path));
    check(named(), "192.0.2.1", "/status?a=b", Err(Denied::Path));
    check(other(), "192.0.2.1", "/", Ok(0));
    check(other(), "127.0.0.1", "/", Err(Denied::Address));
    check(other(), "127.0.0.1", "/status", Err(Denied::Address));
    for (peer, expected) in [
        ("127.0.0.1", false),
        ("10.0.0.1", false),
        ("192.0.2.1", false),
        ("192.0.2.2", true),
    ] {
        let found = with_status(other()).is_stranger(peer.parse().unwrap());
        assert_eq!(found, expected, "{peer}");
    }
}

#[test]
fn permits_need_the_credentials_of_their_own_gate() {
    let mut gates = vec![gate(None, None), gate(None, None)];
    for (gate, token) in gates.iter_mut().zip(["first", "second"]) {
        gate.credentials = with_secret("bearer", token.as_bytes());
    }
    let rules = rules(gates);
    let check_one = |authorization: &str, expected: Result<usize, proof::Denied>| {
        let request = request("/", &[("Authorization", authorization)]);
        let entry = admit(&rules, "1.1.1.1".parse().unwrap(), &request).unwrap();
        let permit = check(entry, &request, None);
        let found = permit.map(|permit| place(permit.interface()));
        assert_eq!(found, expected, "{authorization}");
    };
    check_one("Bearer second", Ok(1));
    check_one("Bearer first", Err(proof::Denied::Wrong));
    check_one("", Err(proof::Denied::Wrong));
}
