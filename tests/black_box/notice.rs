//! Tests the notices for senders of SMS that the queue gives up, through the real `websmsd`.

use std::fs;
use std::path::PathBuf;

use crate::rig::{
    self, CallFile, Called, Itsp, Scratch, Script, Websmsd, finish, wait_for, websms,
};

const ALICE: &str = "+12025550160";

/// A PBX with a queue that only queues, and the daemon's own interface.
struct Pbx {
    scratch: Scratch,
    conf: PathBuf,
}

impl Pbx {
    fn new(url: &str, queue: &str) -> Pbx {
        let scratch = Scratch::new();
        let conf = format!(
            "[websms]\nhost = \"{url}\"\nauth_method = none\n\
             [queue]\nretry = 1s\nfirst = yes\n{queue}\n"
        );
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        Pbx { scratch, conf }
    }

    fn websmsd(&self, environment: &[(&str, &str)]) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        run.envs(environment.iter().copied());
        let websmsd = Websmsd::spawn(run, scratch);
        wait_for("a daemon that drains", || {
            let listed = websms(&self.conf, &["--queue"]).stdout;
            listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
        });
        websmsd
    }

    #[track_caller]
    fn queue(&self, from: &str, to: &str) {
        let ran = websms(&self.conf, &["-v", "--", to, from, "a secret"]);
        assert!(ran.stderr.contains("out QUEUED"), "{}", ran.stderr);
    }

    #[track_caller]
    fn flush(&self) {
        let mut run = rig::command(&rig::binary());
        run.arg("-c").arg(&self.conf).arg("--flush");
        assert_eq!(finish(run).code, Some(0));
    }

    fn failed(&self) -> usize {
        let folder = self.scratch.join("state/queue/failed");
        fs::read_dir(folder).map_or(0, Iterator::count)
    }

    fn notices(&self) -> Vec<CallFile> {
        rig::call_files(&self.scratch.join("outgoing"))
    }
}

/// Returns a notice's text, after checking everything else in it.
#[track_caller]
fn text(notice: &CallFile, to: &str, from: &str) -> String {
    assert_eq!(notice.value("Extension"), to);
    assert_eq!(notice.value("Channel"), format!("Local/{to}@default"));
    assert_eq!(notice.variable("MESSAGE(to)"), to);
    assert_eq!(notice.variable("MESSAGE(from)"), from);
    assert_eq!(notice.variable("WEBSMS_NOTICE"), "1");
    assert!(!notice.text().contains("secret"), "{}", notice.text());
    notice.body()
}

#[test]
fn who_sent_what_is_refused_is_told_once() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes");
    let websmsd = pbx.websmsd(&[]);
    pbx.queue(ALICE, "+12025550183");
    wait_for("a notice", || pbx.notices().len() == 1);
    let told = text(&pbx.notices()[0], ALICE, "+12025550183");
    assert_eq!(told, "Your SMS to this number was refused and not sent.");
    // Within ten minutes there is no second one, whatever the destination and the draining process.
    pbx.queue(ALICE, "+12025550184");
    websmsd.wait_for_log("no notice to=+12025550160: the sender had one within 10 minutes");
    drop(websmsd);
    let websmsd = pbx.websmsd(&[]);
    pbx.queue(ALICE, "+12025550185");
    websmsd.wait_for_log("the sender had one within 10 minutes");
    // Another sender is told.
    pbx.queue("bob", "+12025550183");
    wait_for("a notice", || pbx.notices().len() == 2);
    assert!(!websmsd.log().contains("secret"), "{}", websmsd.log());
    assert_eq!(pbx.failed(), 4);
    // No notice waits in the queue or has been sent.
    assert_eq!(itsp.connections(), 4);
    let staged = fs::read_dir(pbx.scratch.join("staging")).unwrap().count();
    assert_eq!(staged, 0);
}

#[test]
fn what_is_too_old_and_what_may_have_been_sent_is_told() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes\nexpire = 1s");
    let _websmsd = pbx.websmsd(&[]);
    pbx.queue(ALICE, "+12025550183");
    wait_for("a notice", || pbx.notices().len() == 1);
    let told = text(&pbx.notices()[0], ALICE, "+12025550183");
    assert_eq!(told, "Your SMS to this number could not be sent in time.");

    let itsp = Itsp::start(vec![Script::Reset]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes");
    let _websmsd = pbx.websmsd(&[]);
    pbx.queue(ALICE, "+12025550183");
    wait_for("a notice", || pbx.notices().len() == 1);
    let told = text(&pbx.notices()[0], ALICE, "+12025550183");
    assert_eq!(
        told,
        "It is not known whether your SMS to this number was sent."
    );
}

#[test]
fn a_flush_tells_too() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes");
    pbx.flush();
    pbx.queue(ALICE, "+12025550183");
    pbx.flush();
    assert_eq!(pbx.notices().len(), 1);
}

#[test]
fn a_sender_that_is_no_number_is_not_told() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes");
    let websmsd = pbx.websmsd(&[]);
    pbx.queue("Alice Ek", "+12025550183");
    websmsd.wait_for_log("the sender is no number that an SMS can come in for");
    assert_eq!((pbx.failed(), pbx.notices().len()), (1, 0));
}

#[test]
fn a_spool_that_takes_no_notice_costs_the_notice_alone() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), "notify = yes");
    let websmsd = pbx.websmsd(&[]);
    rig::remove_folder(&pbx.scratch.join("outgoing"));
    fs::write(pbx.scratch.join("outgoing"), "").unwrap();
    pbx.queue(ALICE, "+12025550183");
    websmsd.wait_for_log("no notice to=+12025550160");
    websmsd.wait_for_log("out REFUSED");
    assert_eq!(pbx.failed(), 1);
}

#[test]
fn nobody_is_told_without_the_key_or_under_a_hook() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let check = |queue: &str, environment: &[(&str, &str)], notices: usize| {
        let pbx = Pbx::new(&itsp.url(), queue);
        let websmsd = pbx.websmsd(environment);
        pbx.queue(ALICE, "+12025550183");
        websmsd.wait_for_log("out REFUSED");
        assert_eq!(pbx.failed(), 1);
        assert_eq!(pbx.notices().len(), notices, "{queue} {environment:?}");
        assert_eq!(pbx.scratch.join("state/notices").exists(), notices > 0);
    };
    check("notify = no", &[], 0);
    check("", &[], 0);
    check("notify = yes", &[("WEBSMS_HOOK", "1")], 0);
    check("notify = yes", &[("WEBSMS_HOOK", "0")], 1);
}

/// The lines that give a PBX an inbox.
const INBOX: &str = "notify = yes\n[astqueue]\ninbox = yes\ninbox_rate =";

impl Pbx {
    /// The SMS that wait in the inbox.
    fn waiting(&self) -> usize {
        fs::read_dir(self.scratch.join("state/inbox/new")).map_or(0, Iterator::count)
    }

    /// Takes the one call file that comes, as Asterisk does.
    #[track_caller]
    fn take(&self) -> CallFile {
        wait_for("a call file", || !self.notices().is_empty());
        let mut files = self.notices();
        assert_eq!(files.len(), 1);
        fs::remove_file(&files[0].path).unwrap();
        files.remove(0)
    }
}

#[test]
fn a_notice_goes_through_the_inbox_behind_what_waits_there() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), INBOX);
    let websmsd = pbx.websmsd(&[]);
    // An SMS for the same phone has its call file in the spool.
    let body = "To=%2B12025550160&From=%2B15017122661&Body=first";
    assert_eq!(websmsd.post("/", rig::FORM, body).status, 200);
    wait_for("the SMS", || pbx.notices().len() == 1);
    pbx.queue(ALICE, "+12025550183");
    websmsd.wait_for_log("notice to=+12025550160 from=+12025550183, ");
    assert_eq!((pbx.waiting(), pbx.failed()), (2, 1));
    assert_eq!(pbx.take().body(), "first");
    wait_for("the notice", || !pbx.notices().is_empty());
    // A restart empties the spool before Asterisk has it.
    wait_for("one SMS", || pbx.waiting() == 1);
    drop(websmsd);
    fs::remove_dir_all(pbx.scratch.join("staging")).unwrap();
    pbx.take();
    let _websmsd = pbx.websmsd(&[]);
    let told = text(&pbx.take(), ALICE, "+12025550183");
    assert_eq!(told, "Your SMS to this number was refused and not sent.");
    wait_for("an empty inbox", || pbx.waiting() == 0);
    assert!(pbx.notices().is_empty());
}

#[test]
fn without_a_daemon_a_flush_delivers_its_notice_from_the_inbox() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), INBOX);
    pbx.flush();
    pbx.queue(ALICE, "+12025550183");
    pbx.flush();
    assert_eq!(pbx.waiting(), 1);
    text(&pbx.take(), ALICE, "+12025550183");
    // Once a daemon looks, the inbox is empty, and no second notice comes.
    let _websmsd = pbx.websmsd(&[]);
    wait_for("an empty inbox", || pbx.waiting() == 0);
    assert!(pbx.notices().is_empty());
}

#[test]
fn a_notice_waits_in_the_inbox_until_there_is_a_spool() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::new(&itsp.url(), INBOX);
    rig::remove_folder(&pbx.scratch.join("outgoing"));
    let websmsd = pbx.websmsd(&[]);
    pbx.queue(ALICE, "+12025550183");
    websmsd.wait_for_log("notice to=+12025550160 from=+12025550183, ");
    assert_eq!((pbx.waiting(), pbx.failed()), (1, 1));
    pbx.scratch.folder("outgoing");
    text(&pbx.take(), ALICE, "+12025550183");
    wait_for("an empty inbox", || pbx.waiting() == 0);
}
