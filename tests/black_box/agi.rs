//! Tests `websms` under AGI, with a stand-in for Asterisk that answers, is silent, or goes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use websms::limits::AGI_ENVIRONMENT_BYTES_MAX;

use crate::rig::{self, Itsp, Scratch, Script, binary, command, signal, wait_for, wait_for_exit};

const SUCCESS: &str = "200 result=1\n";

/// The behaviour of the stand-in once the program is started.
struct Asterisk {
    /// The environment that it writes; `None` for the one that Asterisk would write.
    environment: Option<Vec<u8>>,
    /// Its replies, one for each command. After the last it is silent.
    replies: Vec<&'static str>,
    /// Whether it closes its ends after the environment and the replies.
    closes: bool,
}

impl Default for Asterisk {
    fn default() -> Asterisk {
        Asterisk {
            environment: None,
            replies: vec![SUCCESS; 3],
            closes: false,
        }
    }
}

/// The result of a call.
#[derive(Debug)]
struct Called {
    code: Option<i32>,
    /// Every line that the program wrote to stdout.
    commands: Vec<String>,
    took: Duration,
}

impl Called {
    fn variable(&self, name: &str) -> Option<&str> {
        let start = format!("SET VARIABLE {name} \"");
        let line = self
            .commands
            .iter()
            .find_map(|line| line.strip_prefix(&start))?;
        line.strip_suffix('"')
    }
}

fn environment(arguments: &[&str]) -> Vec<u8> {
    let mut text = String::from(
        "agi_request: websms\nagi_channel: Message/ast_msg_queue\nagi_language: en\n\
         agi_type: Message\nagi_uniqueid: 1.1\nagi_callerid: unknown\nagi_threadid: 1\n",
    );
    for (number, argument) in (1..).zip(arguments) {
        text.push_str(&format!("agi_arg_{number}: {argument}\n"));
    }
    text.push('\n');
    text.into_bytes()
}

fn spawn(arguments: &[&str]) -> Child {
    command(&binary())
        .args(arguments)
        .env("AST_AGI_DIR", "/usr/share/asterisk/agi-bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn call(asterisk: Asterisk, arguments: &[&str]) -> Called {
    let start = Instant::now();
    let mut child = spawn(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let lines = asterisk
        .environment
        .unwrap_or_else(|| environment(arguments));
    let _ = stdin.write_all(&lines);
    let mut commands = Vec::new();
    for reply in &asterisk.replies {
        let mut line = String::new();
        if stdout.read_line(&mut line).unwrap() == 0 {
            break;
        }
        commands.push(line.trim_end_matches('\n').to_owned());
        let _ = stdin.write_all(reply.as_bytes());
    }
    if asterisk.closes {
        drop((stdin, stdout));
    } else {
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        commands.extend(rest.lines().map(str::to_owned));
        drop(stdin);
    }
    let code = wait_for_exit(&mut child).code();
    Called {
        code,
        commands,
        took: start.elapsed(),
    }
}

fn conf(scratch: &Scratch, itsp: &Itsp, more: &str) -> PathBuf {
    let text = format!(
        "[websms]\nhost = \"{}\"\nauth_method = none\n{more}\n[queue]\ndir = \"\"\n",
        itsp.url()
    );
    scratch.file("websms.conf", text)
}

fn arguments<'a>(conf: &'a Path, text: &'a str) -> Vec<&'a str> {
    vec![
        "-c",
        conf.to_str().unwrap(),
        "--",
        "+12025550183",
        "<sip:+12025550160@pbx>",
        text,
    ]
}

/// Checks the result for a text under a configuration.
#[track_caller]
pub fn ends_under_agi(conf: &Path, text: &str, code: i32, status: &str, reason: &str) {
    let called = call(Asterisk::default(), &arguments(conf, text));
    assert_eq!(called.code, Some(code), "{called:?}");
    assert_eq!(called.variable("WEBSMS_STATUS"), Some(status), "{called:?}");
    assert_eq!(called.variable("WEBSMS_REASON"), Some(reason), "{called:?}");
}

#[test]
fn verdicts_become_variables() {
    fn check(script: Script, code: i32, status: &str, id: &str, reason: &str) {
        let itsp = Itsp::start(vec![script]);
        let scratch = Scratch::new();
        let conf = conf(&scratch, &itsp, "");
        let called = call(Asterisk::default(), &arguments(&conf, "hello"));
        assert_eq!(called.code, Some(code), "{called:?}");
        assert_eq!(called.variable("WEBSMS_STATUS"), Some(status), "{called:?}");
        assert_eq!(called.variable("WEBSMS_ID"), Some(id), "{called:?}");
        assert_eq!(called.variable("WEBSMS_REASON"), Some(reason), "{called:?}");
        assert_eq!(called.commands.len(), 3, "{called:?}");
    }
    let sent = Script::reply(201, r#"{"sid":"SM1"}"#);
    check(sent, 0, "SENT", "SM1", "provider answered 201");
    let hostile = Script::reply(200, "{\"sid\":\"x\\\"\\nEXEC System \\\"id\"}");
    check(hostile, 0, "SENT", "", "provider answered 200");
    let words = Script::reply(400, "EXEC System \"reboot\"\n");
    check(words, 1, "REFUSED", "", "provider answered 400");
    check(
        Script::reply(503, ""),
        75,
        "FAILED",
        "",
        "provider answered 503; there is no queue",
    );
}

#[test]
fn texts_that_look_like_agi_are_texts() {
    let texts = [
        "two\n\nparts",
        "\n",
        "\n\n",
        "200 result=1\n\n200 result=1",
        "x\nagi_arg_1: -c\n\n",
        "agi_arg_6: x\n\nagi_arg_7: y\n\n",
        "SET VARIABLE WEBSMS_STATUS \"SENT\"\n",
        "-v",
        "--help",
    ];
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    for text in texts {
        let called = call(Asterisk::default(), &arguments(&conf, text));
        assert_eq!(called.code, Some(0), "{text:?} {called:?}");
        assert_eq!(
            called.variable("WEBSMS_STATUS"),
            Some("SENT"),
            "{text:?} {called:?}"
        );
        assert_eq!(called.commands.len(), 3, "{text:?} {called:?}");
    }
    assert_eq!(itsp.requests().len(), texts.len());
}

#[test]
fn an_environment_in_pieces_is_awaited() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let arguments = arguments(&conf, "a\n\nb");
    let mut child = spawn(&arguments);
    let mut stdin = child.stdin.take().unwrap();
    let environment = environment(&arguments);
    for piece in environment.chunks(7) {
        stdin.write_all(piece).unwrap();
        stdin.flush().unwrap();
    }
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "SET VARIABLE WEBSMS_STATUS \"SENT\"\n");
    drop((stdin, stdout));
    assert_eq!(wait_for_exit(&mut child).code(), Some(0));
}

#[test]
fn without_the_end_of_the_environment_nothing_is_said() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let arguments = arguments(&conf, "hello");
    let whole = environment(&arguments);
    let other = String::from_utf8(whole.clone())
        .unwrap()
        .replace("hello", "other");
    let environments = [
        Vec::new(),
        b"agi_request: websms\n\n".to_vec(),
        whole[..whole.len() - 1].to_vec(),
        other.into_bytes(),
    ];
    for (number, environment) in (1..).zip(environments) {
        let asterisk = Asterisk {
            environment: Some(environment),
            replies: Vec::new(),
            ..Asterisk::default()
        };
        let called = call(asterisk, &arguments);
        assert_eq!(called.code, Some(0), "the SMS goes all the same");
        assert_eq!(called.commands, [""; 0], "{called:?}");
        assert!(called.took < rig::PATIENCE / 2, "{called:?}");
        assert_eq!(itsp.requests().len(), number);
    }
}

#[test]
fn an_environment_has_a_bound() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let arguments = arguments(&conf, "hello");
    let whole = String::from_utf8(environment(&arguments)).unwrap();
    let before = whole.find("agi_arg_1").unwrap();
    let check = |bytes: usize, commands: usize| {
        let more = "x".repeat(bytes - before - "agi_more: \n".len());
        let asterisk = Asterisk {
            environment: Some(format!("agi_more: {more}\n{whole}").into_bytes()),
            ..Asterisk::default()
        };
        let called = call(asterisk, &arguments);
        assert_eq!(called.code, Some(0), "the SMS goes all the same");
        assert_eq!(called.commands.len(), commands, "{bytes}: {called:?}");
    };
    check(AGI_ENVIRONMENT_BYTES_MAX, 3);
    check(AGI_ENVIRONMENT_BYTES_MAX + 1, 0);
}

#[test]
fn one_command_at_a_time_and_none_after_silence() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let check = |replies: Vec<&'static str>, commands: usize| {
        let asterisk = Asterisk {
            replies: replies.clone(),
            ..Asterisk::default()
        };
        let called = call(asterisk, &arguments(&conf, "hello"));
        assert_eq!(called.code, Some(1), "the verdict stands");
        assert_eq!(called.commands.len(), commands, "{replies:?} {called:?}");
        assert!(called.took < rig::PATIENCE / 2, "{called:?}");
    };
    check(vec![], 1);
    check(vec![SUCCESS], 2);
    check(vec![SUCCESS, SUCCESS], 3);
    check(vec!["510 Invalid or unknown command\n"], 1);
    check(vec!["HANGUP\n"], 1);
    check(vec!["200 result=1"], 1);
    let limit = |bytes: usize| -> &'static str {
        let padding = "x".repeat(bytes - 5);
        format!(
            "200 {padding}
"
        )
        .leak()
    };
    check(vec![limit(1023), SUCCESS, SUCCESS], 3);
    check(vec![limit(1024), SUCCESS, SUCCESS], 3);
    check(vec![limit(1025), SUCCESS, SUCCESS], 1);
}

#[test]
fn a_closed_pipe_does_not_change_the_verdict() {
    let itsp = Itsp::start(vec![Script::Slow {
        pieces: vec![b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()],
        pause: Duration::from_millis(300),
    }]);
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let asterisk = Asterisk {
        replies: Vec::new(),
        closes: true,
        ..Asterisk::default()
    };
    let called = call(asterisk, &arguments(&conf, "hello"));
    assert_eq!(called.code, Some(0), "{called:?}");
    assert_eq!(itsp.requests().len(), 1);
}

#[test]
fn a_hangup_does_not_stop_an_sms() {
    let itsp = Itsp::start(vec![Script::Slow {
        pieces: vec![b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()],
        pause: Duration::from_millis(500),
    }]);
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let arguments = arguments(&conf, "hello");
    let mut child = spawn(&arguments);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&environment(&arguments)).unwrap();
    wait_for("the request", || itsp.requests().len() == 1);
    signal(child.id(), "HUP");
    let replying = thread::spawn(move || {
        for _ in 0..3 {
            stdin.write_all(SUCCESS.as_bytes()).unwrap();
        }
        stdin
    });
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(wait_for_exit(&mut child).code(), Some(0));
    assert!(
        said.starts_with("SET VARIABLE WEBSMS_STATUS \"SENT\"\n"),
        "{said}"
    );
    drop(replying.join());
}

#[test]
fn faults_of_usage_become_variables_too() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    let conf = conf.to_str().unwrap();
    let check = |arguments: &[&str]| {
        let called = call(Asterisk::default(), arguments);
        assert_eq!(called.code, Some(2), "{called:?}");
        assert_eq!(
            called.variable("WEBSMS_STATUS"),
            Some("INVALID"),
            "{called:?}"
        );
        assert_eq!(called.commands.len(), 3, "{called:?}");
        let start = "SET VARIABLE ";
        assert!(
            called.commands.iter().all(|line| line.starts_with(start)),
            "{called:?}"
        );
    };
    check(&[]);
    check(&["1", "2"]);
    check(&["1", "2", "x", "i", "j"]);
    for option in [
        "-n",
        "--dry-run",
        "--check",
        "--help",
        "--version",
        "--config",
        "-12025550183",
    ] {
        check(&["-c", conf, option, "2", "x"]);
        check(&[option]);
    }
    check(&["-c", "/nonexistent", "--", "1", "2", "x"]);
    // A number that a stranger dialled starts no daemon.
    check(&["websmsd"]);
    check(&["websmsd", "--help"]);
    assert_eq!(itsp.connections(), 0);
}

#[test]
fn a_person_with_pipes_is_not_asterisk() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp, "");
    // There are pipes, but no Asterisk.
    let mut run = command(&binary());
    run.args(arguments(&conf, "hello")).stdin(Stdio::piped());
    let ran = rig::finish(run);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    // There is Asterisk's environment, but no pipe to read.
    let mut run = command(&binary());
    run.args(arguments(&conf, "hello")).env("AST_AGI_DIR", "/x");
    let ran = rig::finish(run);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
    assert_eq!(itsp.requests().len(), 2);
}
