//! Tests the rig itself: a stub that misbehaves as told, and a client that reads what was sent.

use crate::rig::{self, Http, Itsp, Script};

fn ask(itsp: &Itsp) -> Option<rig::Answer> {
    let mut http = Http::connect(itsp.address);
    http.send(rig::post("/sms?a=1", rig::FORM, "To=1&Body=hello"));
    http.try_answer()
}

#[test]
fn a_script_is_played_in_order_and_its_last_line_repeats() {
    let itsp = Itsp::start(vec![
        Script::reply_with(429, &[("Retry-After", "3")], "slow down"),
        Script::Close,
        Script::Reset,
        Script::cut_body("abc"),
        Script::reply(200, "ok"),
    ]);
    let first = ask(&itsp).unwrap();
    assert_eq!(
        (first.status, first.header("retry-after")),
        (429, Some("3"))
    );
    assert_eq!(first.text(), "slow down");
    assert_eq!(ask(&itsp), None);
    assert_eq!(ask(&itsp), None);
    assert_eq!(ask(&itsp), None);
    assert_eq!(ask(&itsp).unwrap().text(), "ok");
    assert_eq!(ask(&itsp).unwrap().text(), "ok");
    assert_eq!(itsp.connections(), 6);
    let requests = itsp.requests();
    assert_eq!(requests.len(), 6);
    for request in requests {
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", "/sms?a=1")
        );
        assert_eq!(request.header("content-type"), Some(rig::FORM));
        assert_eq!(request.text(), "To=1&Body=hello");
    }
}

#[test]
fn a_hanging_provider_says_nothing() {
    for script in [Script::Hang, Script::HangUnread] {
        let itsp = Itsp::start(vec![script]);
        let mut http = Http::connect(itsp.address);
        http.send(rig::post("/", rig::FORM, "a=b"));
        http.stream.set_nonblocking(true).unwrap();
        rig::wait_for("the connection", || itsp.connections() == 1);
        let error = http.stream.peek(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn a_scratch_folder_leaves_nothing() {
    let scratch = rig::Scratch::new();
    let path = scratch.path().to_owned();
    scratch.file("a", "b");
    scratch.folder("c/d");
    assert!(path.join("c/d").is_dir());
    drop(scratch);
    assert!(!path.exists());
}

#[test]
fn percent_signs_are_decoded_as_a_dialplan_does() {
    for (encoded, decoded) in [
        ("", ""),
        ("a%20b", "a b"),
        ("%C3%A5%", "å%"),
        ("%zz", "%zz"),
    ] {
        assert_eq!(rig::percent_decode(encoded), decoded);
    }
}
