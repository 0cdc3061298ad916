//! Checks that INI files, request heads, forms and addresses give values within their limits.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;

use websms::config;
use websms::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, PARAMETER_NODES_MAX, TARGET_BYTES_MAX};
use websms::proto::webhook::access::{self, Caller, Rules, StatusPage};
use websms::proto::webhook::interface::{Gate, Interface};
use websms::proto::wire::cidr::Cidr;
use websms::proto::wire::form::{self, Array, Value};
use websms::proto::wire::ini;
use websms::proto::wire::request::{Chunks, Framing, Measure, Request};

use crate::{line, pieces};

/// Parses a configuration file: its dump is JSON, and remarks on it name lines that exist.
pub fn ini(bytes: &[u8]) {
    let variable = |name: &[u8]| (name.len() < 4).then(|| b"v\"a;l".to_vec());
    let lines = 1 + bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count();
    match ini::parse(bytes, &variable) {
        Ok(ini) => {
            let dump = ini::encode_json(&ini.root);
            serde_json::from_str::<serde_json::Value>(&dump).expect("a dump is JSON");
            for surprise in &ini.surprises {
                assert!(surprise.line as usize <= lines);
            }
        }
        Err(bad) => assert!(bad.line as usize <= lines),
    }
    let reading = config::read(bytes, &variable);
    for note in &reading.notes {
        assert!(note.line as usize <= lines, "{}", note.text);
        assert!(!note.text.contains('\n'), "{}", note.text);
    }
    if let Some(config) = reading.config {
        // The name tells to which interface a request belongs.
        let mut names: Vec<&str> = Vec::new();
        for interface in &config.rules.interfaces {
            assert!(!names.contains(&interface.name.as_str()));
            names.push(&interface.name);
        }
    }
}

/// Reads a head and chunks behind it: any cut gives the same result, and nothing unclear has a length.
pub fn request(bytes: &[u8]) {
    let (seed, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let whole = Measure::default().head(bytes);
    let mut measure = Measure::default();
    let mut end = 0;
    let mut stepwise = Ok(None);
    for piece in pieces(bytes, *seed) {
        end += piece.len();
        stepwise = measure.head(&bytes[..end]);
        if !matches!(stepwise, Ok(None)) {
            break;
        }
    }
    // The first fault may depend on the cut, but not that the head is refused.
    assert_eq!(stepwise.ok(), whole.ok());
    let Ok(Some(head_bytes)) = whole else {
        return;
    };
    assert!(head_bytes <= HEAD_BYTES_MAX && head_bytes <= bytes.len());
    let (head, behind) = bytes.split_at(head_bytes);
    assert!(head.ends_with(b"\r\n\r\n"));
    let Ok(request) = Request::parse(head) else {
        return;
    };
    assert!(request.target.len() <= TARGET_BYTES_MAX);
    assert!(
        !request
            .target
            .iter()
            .any(|b| b.is_ascii_control() || *b == b' ')
    );
    request.keeps_alive();
    request.expects_continue();
    let _ = request.encoding();
    let Ok(framing) = request.framing() else {
        return;
    };
    check_framing(head, framing);
    if framing == Framing::Chunked {
        let mut all = behind.to_vec();
        let whole = Chunks::new(head_bytes).decode(&mut all).map(|decoded| {
            assert!(decoded.body <= BODY_BYTES_MAX && decoded.body <= decoded.used);
            (all[..decoded.body].to_vec(), decoded.used, decoded.done)
        });
        assert_eq!(in_pieces(head_bytes, behind, *seed), whole);
    }
}

/// Decodes the chunks in pieces.
fn in_pieces(
    head_bytes: usize,
    behind: &[u8],
    seed: u8,
) -> Result<(Vec<u8>, usize, bool), websms::proto::wire::request::BadRequest> {
    let mut chunks = Chunks::new(head_bytes);
    let (mut body, mut used, mut done) = (Vec::new(), 0, false);
    for piece in pieces(behind, seed) {
        let mut piece = piece.to_vec();
        let decoded = chunks.decode(&mut piece)?;
        body.extend_from_slice(&piece[..decoded.body]);
        used += decoded.used;
        done = decoded.done;
        if done {
            break;
        }
    }
    Ok((body, used, done))
}

/// Reads the head again, as plainly as possible: one length of digits, or `chunked` in any case, or
/// neither.
fn check_framing(head: &[u8], framing: Framing) {
    let mut lengths = Vec::new();
    let mut codings = Vec::new();
    for field in head.split(|b| *b == b'\n').skip(1) {
        assert!(
            !matches!(field.first(), Some(b' ' | b'\t')),
            "a folded field"
        );
        let Some(colon) = field.iter().position(|b| *b == b':') else {
            continue;
        };
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
            lengths.push(value);
        }
        if name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding") {
            codings.push(value);
        }
    }
    match framing {
        Framing::Chunked => {
            assert!(lengths.is_empty() && codings.len() == 1);
            assert!(codings[0].eq_ignore_ascii_case(b"chunked"));
        }
        Framing::Length(length) => {
            assert!(codings.is_empty() && lengths.len() <= 1 && length <= BODY_BYTES_MAX);
            if let Some(text) = lengths.first() {
                assert!(text.iter().all(u8::is_ascii_digit) && !text.is_empty());
                let text = std::str::from_utf8(text).unwrap();
                assert_eq!(text.parse::<usize>().unwrap(), length);
            } else {
                assert_eq!(length, 0);
            }
        }
    }
}

/// Parses a form, with its content type in the first line: the result is bounded, and holds only bytes of
/// the body.
pub fn form(bytes: &[u8]) {
    let (content_type, body) = line(bytes);
    for parsed in [
        form::parse_body(Some(content_type), body),
        form::parse_urlencoded(body),
    ] {
        let Ok(array) = parsed else {
            continue;
        };
        let (nodes, value_bytes) = size(&array);
        assert!(nodes <= PARAMETER_NODES_MAX, "{nodes}");
        assert!(value_bytes <= body.len(), "{value_bytes}");
    }
    // An encoded name and value give one pair, which is read back unchanged.
    let encoded = form::encode_pairs(&[(b"k".to_vec(), body.to_vec())]);
    let back = form::parse_urlencoded(&encoded).ok().unwrap();
    assert!(matches!(back.get(b"k"), Some(Value::Scalar(text)) if **text == *body));
    assert_eq!(
        form::percent_decode(form::rawurlencode(body).as_bytes()),
        body
    );
}

fn size(array: &Array) -> (usize, usize) {
    let (mut nodes, mut bytes) = (0, 0);
    for (_, value) in array.entries() {
        nodes += 1;
        match value {
            Value::Scalar(text) => bytes += text.len(),
            Value::Array(inner) => {
                let (n, b) = size(inner);
                nodes += n;
                bytes += b;
            }
        }
    }
    (nodes, bytes)
}

/// Judges access for 17 bytes of peer, a line of blocks and a head: nobody outside of the blocks is let in.
pub fn access(bytes: &[u8]) {
    let Some((peer, rest)) = bytes.split_at_checked(17) else {
        return;
    };
    let octets: [u8; 16] = peer[..16].try_into().unwrap();
    let peer = match peer[16] & 1 {
        0 => IpAddr::from([octets[0], octets[1], octets[2], octets[3]]),
        _ => IpAddr::from(Ipv6Addr::from(octets)),
    };
    let (blocks, head) = line(rest);
    let blocks = String::from_utf8_lossy(blocks);
    let (permit, proxies) = blocks.split_once('|').unwrap_or((&blocks, ""));
    let cidrs = |text: &str| text.split(',').filter_map(Cidr::parse).collect::<Vec<_>>();
    static INTERFACE: OnceLock<Interface> = OnceLock::new();
    let interface = INTERFACE.get_or_init(|| crate::sms::config("").rules.interfaces.remove(0));
    let gate = Gate {
        permit: Some(cidrs(permit)),
        paths: (octets[15] & 1 == 1).then(|| vec![b"/a".to_vec(), b"/b?c".to_vec()]),
        ..interface.gate.clone()
    };
    let rules = Rules {
        interfaces: vec![Interface {
            gate,
            ..interface.clone()
        }],
        proxies: cidrs(proxies),
        proxy_header: "HTTP_X_FORWARDED_FOR".to_owned(),
        status: (octets[14] & 1 == 1).then(|| StatusPage {
            path: b"/a".to_vec(),
            permit: cidrs(permit),
            login: Vec::new(),
        }),
    };
    let Ok(Some(head_bytes)) = Measure::default().head(head) else {
        return;
    };
    let Ok(request) = Request::parse(&head[..head_bytes]) else {
        return;
    };
    let permits = |address: IpAddr| {
        let blocks = rules.interfaces[0].gate.permit.as_ref().unwrap();
        blocks.iter().any(|block| block.contains(address))
    };
    if access::reads_status(&rules, peer, &request) {
        assert!(request.path() == b"/a" && !rules.is_stranger(peer));
        assert!(permits(peer) || rules.is_proxy(peer));
    }
    let Ok(entry) = access::admit(&rules, peer, &request) else {
        return;
    };
    assert!(!rules.is_stranger(peer));
    assert!(rules.status.is_none() || request.path() != b"/a");
    match entry.caller() {
        Caller::Peer(address) => {
            assert_eq!(address, peer.to_canonical());
            assert!(!rules.is_proxy(peer) && permits(peer));
        }
        Caller::Forwarded(address) => {
            assert!(rules.is_proxy(peer) && !rules.is_proxy(address) && permits(address));
        }
        Caller::Proxy(address) => {
            assert_eq!(address, peer.to_canonical());
            assert!(rules.is_proxy(peer) && permits(peer));
        }
        Caller::Unknown => unreachable!("let in by a list of addresses"),
    }
    if let Some(paths) = &entry.interface().gate.paths {
        let served = |path: &Vec<u8>| path == request.target || path == request.path();
        assert!(paths.iter().any(served));
    }
}
