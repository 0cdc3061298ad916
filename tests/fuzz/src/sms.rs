//! Checks what the program makes of messages, webhooks, providers' answers and Asterisk's words.

use std::sync::OnceLock;

use websms::config::{self, Config};
use websms::limits::{
    CALL_FILE_LINE_BYTES_MAX, CALL_FILE_PARTS_MAX, MESSAGES_MAX, NUMBER_BYTES_MAX,
    PROVIDER_REASON_BYTES_MAX, QUOTED_TEXT_BYTES_MAX,
};
use websms::message::{LogNumbers, Message, Number, Sender, Text};
use websms::proto::webhook::access::{self, Permit};
use websms::proto::wire::agi::{self, Environment, Fed};
use websms::proto::webhook::callfile::{self, Encoding, Route};
use websms::proto::provider::{self, BodyEnd, Private, Reason, Reply, Verdict};
use websms::proto::wire::request::{Measure, Request};
use websms::proto::webhook::proof::Coverage;
use websms::proto::webhook::verify::{Needs, SCHEMES, Scheme};
use websms::proto::webhook::{self, Reading};

use crate::{line, pieces};

/// Returns a configuration without faults.
pub(crate) fn config(text: &str) -> Config {
    let reading = config::read(text.as_bytes(), &|_| None);
    reading
        .config
        .unwrap_or_else(|| panic!("{:?}", reading.notes))
}

/// Encodes a message, with to and from in two lines and the text behind them: no input adds a line or
/// changes another.
pub fn callfile(bytes: &[u8]) {
    let (flag, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let (to, rest) = line(bytes);
    let (from, text) = line(rest);
    let (Ok(to), Ok(from)) = (Number::parse_inbound(to), Sender::parse_inbound(from)) else {
        return;
    };
    let message = Message {
        to,
        from,
        text: Text::parse_inbound(text, None),
    };
    let route = Route {
        encoding: match flag & 1 {
            0 => Encoding::Rfc3986,
            _ => Encoding::None,
        },
        ..config("").route
    };
    check_call_files(&message, &route);
}

/// Reads the call files of a message as Asterisk does, and checks them.
pub(crate) fn check_call_files(message: &Message, route: &Route) {
    let Ok(files) = callfile::encode(message, route, 1_795_392_000, "0123456789abcdef") else {
        return;
    };
    let text = message.text.to_utf8();
    assert!((1..=CALL_FILE_PARTS_MAX).contains(&files.len()));
    let mut heard = Vec::new();
    for (delay_s, file) in (0..).zip(&files) {
        assert_eq!(file.delay_s, delay_s);
        assert!(!file.name.contains('/') && !file.name.contains('\0'));
        heard.extend(check_call_file(&file.bytes, message));
    }
    assert_eq!(heard, text.as_bytes(), "the text");
}

/// The keys of a call file with the default route, in order.
const KEYS: [&str; 13] = [
    "Channel",
    "CallerID",
    "WaitTime",
    "MaxRetries",
    "RetryTime",
    "Context",
    "Extension",
    "Priority",
    "Archive",
    "setvar",
    "setvar",
    "setvar",
    "setvar",
];

/// Checks one file line by line and returns the text that a dialplan gets from it.
fn check_call_file(file: &[u8], message: &Message) -> Vec<u8> {
    let file = std::str::from_utf8(file).expect("a call file is UTF-8");
    assert!(file.ends_with('\n'));
    let lines: Vec<&str> = file[..file.len() - 1].split('\n').collect();
    assert_eq!(lines.len(), KEYS.len(), "lines");
    let mut values = Vec::new();
    for (line, key) in lines.iter().zip(KEYS) {
        assert!(line.len() <= CALL_FILE_LINE_BYTES_MAX);
        let read = as_asterisk(line);
        let (name, value) = read.split_once(':').expect("a colon");
        assert_eq!(name, key);
        values.push(
            value
                .trim_start_matches(|c: char| c.is_ascii() && c as u8 <= 32)
                .to_owned(),
        );
    }
    let to = message.to.as_str();
    assert_eq!(values[0], format!("Local/{to}@default"));
    assert_eq!(values[6], to);
    assert_eq!(values[9], format!("MESSAGE(to)={to}"));
    assert_eq!(
        values[10],
        format!("MESSAGE(from)={}", message.from.as_str())
    );
    let body = values[11].strip_prefix("MESSAGE(body)=").expect("the text");
    match values[12].as_str() {
        "MESSAGE_ENCODE=rfc3986" => websms::proto::wire::form::percent_decode(body.as_bytes()),
        "MESSAGE_ENCODE=none" => body.as_bytes().to_vec(),
        other => panic!("{other}"),
    }
}

/// Returns a line as `pbx_spool.c` reads it: without comments and without blanks at the end.
fn as_asterisk(line: &str) -> String {
    let mut kept: Vec<u8> = line.bytes().collect();
    let mut at = 0;
    while at < kept.len() {
        match kept[at] {
            b';' if at > 0 && kept[at - 1] == b'\\' => {
                kept.remove(at - 1);
            }
            b';' => kept.truncate(at),
            b'#' if at == 0 || kept[at - 1] <= 32 => kept.truncate(at),
            _ => at += 1,
        }
    }
    while kept.last().is_some_and(|b| *b <= 32) {
        kept.pop();
    }
    String::from_utf8(kept).unwrap()
}

/// Reads a whole request in one piece, for interfaces of several kinds: the results keep the alphabets.
pub fn webhook(bytes: &[u8]) {
    static CONFIGS: OnceLock<Vec<Config>> = OnceLock::new();
    let configs = CONFIGS.get_or_init(|| {
        [
            "key_to=\"to|m[].to\"\nkey_from=\"from|a.from\"\nkey_body=text\nkey_id=id\nkey_media=\"u[]\"\n\
             own_numbers=1,2\ntext_decode=base64\n",
            "key_to=a.b[0].to\nkey_from=a.from\nkey_body=text\naccept_if=\"event=in\"\n",
            "each=results\nkey_to=to\nkey_from=from\nkey_body=text\naccept_if=\"type=in|,status=\"\n",
            "each=a[0].m\nkey_to=to\nkey_from=from\nkey_body=content.text\nkey_id=id\n",
        ]
        .map(|keys| config(&format!("[websmsd]\n{keys}")))
        .into()
    });
    let (flag, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let Ok(Some(head_bytes)) = Measure::default().head(bytes) else {
        return;
    };
    let (head, body) = bytes.split_at(head_bytes);
    let Ok(mut request) = Request::parse(head) else {
        return;
    };
    request.body = body;
    let config = &configs[usize::from(flag & 3)];
    let coverage = match flag >> 2 & 3 {
        0 | 1 => Coverage::Whole,
        2 => Coverage::Body,
        _ => Coverage::Inside(b"result"),
    };
    let permit = Permit::replayed(&config.rules.interfaces[0], coverage);
    let Ok(Reading::Messages(items, _)) = webhook::read(permit, &request) else {
        return;
    };
    assert!((1..=MESSAGES_MAX).contains(&items.len()));
    for item in &items {
        assert!(item.id.as_ref().is_none_or(|id| !id.is_empty()));
        let Ok(message) = &item.message else {
            continue;
        };
        let (to, from) = (message.to.as_str(), message.from.as_str());
        assert!((1..=NUMBER_BYTES_MAX).contains(&to.len()));
        assert!((1..=NUMBER_BYTES_MAX).contains(&from.len()));
        assert!(
            to.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+._-".contains(&b))
        );
        // The number that Asterisk compares is neither one of its own extensions nor a pattern.
        let extension = to.replace('-', "");
        assert!(!["", "s", "h", "i", "t", "T", "e", "o", "a", "failed"].contains(&extension.as_str()));
        assert!(!extension.starts_with('_'));
        assert!(
            from.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+._- &'@".contains(&b))
        );
        assert!(std::str::from_utf8(message.text.as_bytes()).is_ok());
        check_call_files(message, &config.route);
    }
}

/// Reads the environment, with arguments in the first line, separated by blanks, and Asterisk's bytes
/// behind it.
pub fn agi(bytes: &[u8]) {
    let (seed, bytes) = bytes.split_first().unwrap_or((&0, b""));
    let (arguments, said) = line(bytes);
    let arguments: Vec<&[u8]> = arguments.split(|b| *b == b' ').collect();
    let new = || Environment::new(arguments.iter().copied(), 256);
    let whole = new().feed(said);
    let mut environment = new();
    let mut stepwise = Fed::More;
    for piece in pieces(said, *seed) {
        stepwise = environment.feed(piece);
        if stepwise != Fed::More {
            break;
        }
    }
    assert_eq!(stepwise, whole);
    // Only the arguments can end it, and nothing in a text.
    let mut end = b"\n".to_vec();
    for (number, argument) in (1..).zip(&arguments) {
        end.extend_from_slice(format!("agi_arg_{number}: ").as_bytes());
        end.extend_from_slice(argument);
        end.push(b'\n');
    }
    end.push(b'\n');
    let heard = [b"\n", said].concat();
    let place = heard.windows(end.len()).position(|window| window == end);
    match place {
        Some(at) if at <= 256 => assert_eq!(whole, Fed::End),
        Some(_) => assert_ne!(whole, Fed::More),
        None => assert_ne!(whole, Fed::End),
    }
    // With any value it is one command.
    let value = String::from_utf8_lossy(said);
    let command = agi::set_variable("WEBSMS_REASON", &value);
    assert!(command.len() < 2047);
    assert_eq!(command.chars().filter(|c| c.is_control()).count(), 1);
    let inner = command
        .strip_prefix("SET VARIABLE WEBSMS_REASON \"")
        .unwrap();
    let inner = inner.strip_suffix("\"\n").unwrap();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        assert_ne!(c, '"');
        if c == '\\' {
            assert!(matches!(chars.next(), Some('"' | '\\')));
        }
    }
    agi::is_success(said);
    websms::proto::wire::text::is_chatter(said);
    websms::proto::wire::text::segments(&value);
}

/// Judges a reply of a status and flags, a `Retry-After` line and a body: an id is harmless, a pause is a
/// number.
pub fn reply(bytes: &[u8]) {
    static ACCOUNTS: OnceLock<Vec<Config>> = OnceLock::new();
    let accounts = ACCOUNTS.get_or_init(|| {
        [
            "",
            "response_check=\"status=success\"\n",
            "response_check=\"/^OK:? [0-9]+/i\"\nlater_check=\"/busy|later/\"\n",
            "response_check=\"ok=1\"\nlater_check=\"code=42\"\n",
        ]
        .map(|keys| {
            config(&format!(
                "[websms]\nhost=https://itsp.example\nauth_method=none\n{keys}"
            ))
        })
        .into()
    });
    let [status, flags, rest @ ..] = bytes else {
        return;
    };
    let (retry_after, body) = line(rest);
    let reply = Reply {
        status: 100 + u16::from(*status) * 2,
        location: (flags & 16 == 16).then(|| String::from_utf8_lossy(retry_after).into_owned()),
        retry_after: (flags & 4 == 4).then(|| String::from_utf8_lossy(retry_after).into_owned()),
        body: body.to_vec(),
        end: match flags & 8 {
            0 => BodyEnd::Whole,
            _ => BodyEnd::Cut,
        },
    };
    let account = &accounts[usize::from(flags & 3)].outgoing[0].account;
    let message = Message {
        to: Number::parse_outbound(b"+12025550183").unwrap(),
        from: Sender::parse_outbound(b"+12025550160").unwrap(),
        text: Text::parse_outbound(b"a text of more than eleven bytes").unwrap(),
    };
    let private = Private {
        message: &message,
        numbers: match flags & 32 {
            0 => LogNumbers::Whole,
            _ => LogNumbers::Masked,
        },
    };
    let shown = |reason: &Reason| {
        let said = &reason.said;
        let harmless = |c: char| c.is_ascii_alphanumeric() || " .,:;()/_+'-*".contains(c);
        assert!(said.len() <= PROVIDER_REASON_BYTES_MAX && said.chars().all(harmless));
        let text = message.text.to_utf8();
        for piece in text.as_bytes().windows(QUOTED_TEXT_BYTES_MAX + 1) {
            assert!(!said.as_bytes().windows(piece.len()).any(|here| here == piece));
        }
    };
    match provider::judge(&reply, account, &private, 1_795_392_000) {
        Verdict::Sent { id, .. } => {
            assert!((200..300).contains(&reply.status));
            let harmless = |c: u8| c.is_ascii_alphanumeric() || b"._:@=+-".contains(&c);
            assert!(
                id.is_none_or(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(harmless))
            );
        }
        Verdict::Later { reason, .. }
        | Verdict::Unsure { reason }
        | Verdict::Refused { reason } => shown(&reason),
    }
}

/// Verifies a request with every signature scheme: nobody guesses a signature, and nothing else is
/// accepted.
pub fn verify(bytes: &[u8]) {
    static CONFIGS: OnceLock<Vec<Config>> = OnceLock::new();
    let schemes = CONFIGS.get_or_init(|| {
        let asks = |needs: &Needs| !matches!(needs, Needs::Nothing | Needs::Refused(_));
        let schemes = SCHEMES.iter().filter(|scheme| asks(&scheme.needs));
        let config_of = |scheme: &Scheme| {
            config(&format!(
                "[websmsd]\nauth_method=\"{}\"\nauth_user=u\npublic_url=\"https://p.example/sms\"\n\
                 auth_passwd=\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n",
                scheme.name
            ))
        };
        schemes.map(config_of).collect()
    });
    let [method, clock, bytes @ ..] = bytes else {
        return;
    };
    let Ok(Some(head_bytes)) = Measure::default().head(bytes) else {
        return;
    };
    let (head, body) = bytes.split_at(head_bytes);
    let Ok(mut request) = Request::parse(head) else {
        return;
    };
    request.body = body;
    let rules = &schemes[usize::from(*method) % schemes.len()].rules;
    let entry = access::admit(rules, [192, 0, 2, 1].into(), &request).expect("all are let in");
    let now_s = (clock & 1 == 0).then_some(1_795_392_000);
    assert!(access::check(entry, &request, now_s).is_err());
}
