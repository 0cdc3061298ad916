//! Tests the operator's programs, good and bad ones, and the SMS meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::rig::{
    self, Called, FORM, Itsp, Scratch, Script, Websmsd, finish, holds_within, wait_for,
    wait_for_rest, websms,
};

/// Writes a shell script, in which `@DIR@` stands for the folder.
fn program(scratch: &Scratch, name: &str, script: &str) -> PathBuf {
    let folder = scratch.path().to_str().unwrap();
    let script = format!("#!/bin/sh\n{}\n", script.replace("@DIR@", folder));
    // Another thread of this test may start a program while the file is open for writing, and then the file
    // cannot be executed. So a program that ends writes it.
    let path = scratch.join(name);
    let source = scratch.file(&format!("{name}.txt"), script);
    let mut copy = std::process::Command::new("install");
    copy.args(["-m", "700"]).arg(source).arg(&path);
    assert_eq!(finish(copy).code, Some(0));
    path
}

fn start(script: &str, more: &str) -> Websmsd {
    let scratch = Scratch::new();
    program(&scratch, "hook", script);
    let conf = format!("[websmsd]\non_message = \"@DIR@/hook\"\n{more}");
    Websmsd::start_as(Called::Link, scratch, &conf, &[])
}

fn deliver(websmsd: &Websmsd, text: &str) {
    let text: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let body = format!("To=%2B12025550160&From=Bank&Body={text}");
    let answer = websmsd.post("/", FORM, body);
    assert_eq!(answer.status, 200);
}

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Writes its input and environment to files, and then marks them as complete.
const TELL: &str = "tr '\\0' '\\n' < /proc/$$/environ > @DIR@/environment\n\
                    ls /proc/self/fd > @DIR@/files\n\
                    pwd > @DIR@/place\n\
                    cat > @DIR@/text\n\
                    echo done >> @DIR@/told";

#[test]
fn it_gets_the_text_byte_for_byte_and_nothing_else_but_fixed_names() {
    const HOSTILE: &str =
        "$(touch /tmp/x) `id`; rm -rf \"'\\ \u{1f600}\u{202e}\r\n\n--x\u{1b}[2J%s";
    let websmsd = start(TELL, "");
    deliver(&websmsd, HOSTILE);
    let told = websmsd.scratch.join("told");
    wait_for("a hook", || lines(&told).len() == 1);
    let text = fs::read(websmsd.scratch.join("text")).unwrap();
    assert_eq!(text, HOSTILE.as_bytes());
    let mut environment = lines(&websmsd.scratch.join("environment"));
    environment.sort();
    environment.retain(|line| !line.starts_with("PATH="));
    let id = websmsd
        .call_file()
        .name
        .rsplit('.')
        .nth(1)
        .unwrap()
        .to_owned();
    assert_eq!(
        environment,
        [
            "WEBSMS_EVENT=message",
            "WEBSMS_FROM=Bank",
            "WEBSMS_HOOK=1",
            &format!("WEBSMS_ID={id}"),
            "WEBSMS_INTERFACE=",
            "WEBSMS_REASON=",
            "WEBSMS_TO=+12025550160",
        ]
    );
    assert_eq!(lines(&websmsd.scratch.join("place")), ["/"]);
    // It has as many files as any program that is started here: three, and the folder that `ls` looks at.
    let mut list = std::process::Command::new("ls");
    list.arg("/proc/self/fd").stdin(Stdio::null());
    let expected = finish(list).stdout;
    assert_eq!(
        lines(&websmsd.scratch.join("files")).join("\n"),
        expected.trim_end()
    );
    websmsd.wait_for_log(&format!("{id} on_message: ended with exit code 0"));
    // An empty text is a text, too.
    deliver(&websmsd, "");
    wait_for("a second hook", || lines(&told).len() == 2);
    assert_eq!(fs::read(websmsd.scratch.join("text")).unwrap(), b"");
}

#[test]
fn only_what_was_delivered_is_told() {
    let websmsd = start(
        "echo $WEBSMS_INTERFACE >> @DIR@/told",
        "key_id = Id\nurl_path[one] = /1",
    );
    let body = "To=1&From=2&Body=x&Id=7";
    for (target, body, status) in [
        ("/1", "To=1", 422),
        ("/2", body, 404),
        ("/1", body, 200),
        ("/1", body, 200),
        ("/1", "To=1&From=2&Body=x&Id=8", 200),
    ] {
        assert_eq!(websmsd.post(target, FORM, body).status, status);
    }
    let told = websmsd.scratch.join("told");
    wait_for("hooks", || lines(&told).len() >= 2);
    websmsd.wait_for_log("delivered before");
    assert_eq!(websmsd.log().matches("delivered before").count(), 1);
    assert_eq!(lines(&told), ["one", "one"]);
}

#[test]
fn forty_at_once_wait_for_no_hook() {
    // The program ends when the test lets it.
    let websmsd = start(
        "echo x >> @DIR@/told; while [ -e @DIR@/hold ]; do sleep 0.05; done",
        "",
    );
    let hold = websmsd.scratch.file("hold", "");
    let descriptors = || {
        fs::read_dir(format!("/proc/{}/fd", websmsd.pid()))
            .unwrap()
            .count()
    };
    // By now its threads have opened the files that they keep open.
    wait_for_rest(websmsd.pid());
    let before = descriptors();
    let told = websmsd.scratch.join("told");
    for _ in 0..2 {
        deliver(&websmsd, "x");
    }
    wait_for("two hooks", || lines(&told).len() == 2);
    std::thread::scope(|scope| {
        for _ in 0..38 {
            scope.spawn(|| deliver(&websmsd, "x"));
        }
    });
    assert_eq!(websmsd.call_files().len(), 40);
    // Two run, and 32 wait.
    let dropped = || {
        websmsd
            .log()
            .matches("on_message: not run, 32 others wait")
            .count()
    };
    wait_for("those that are too many", || dropped() == 6);
    assert_eq!(lines(&told).len(), 2);
    fs::remove_file(hold).unwrap();
    wait_for("the others", || lines(&told).len() == 34);
    let ended = || {
        websmsd
            .log()
            .matches("on_message: ended with exit code 0")
            .count()
    };
    wait_for("the end of the last", || ended() == 34);
    wait_for("no descriptor more", || descriptors() <= before);
}

#[test]
fn a_failing_hook_is_a_log_line() {
    let check = |script: &str, log: &str| {
        let websmsd = start(script, "");
        deliver(&websmsd, &"x".repeat(10_000));
        websmsd.wait_for_log(log);
        assert!(!websmsd.call_files().is_empty());
    };
    check("exit 3", "on_message: ended with exit code 3");
    check("kill -9 $$", "on_message: ended by signal 9");
    check("exec 0<&-; exit 4", "on_message: ended with exit code 4");
    check(
        "head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2; exit 5",
        "on_message: ended with exit code 5",
    );
    // A process that it leaves in the background no longer holds a place.
    check(
        "(while [ -e @DIR@/hook ]; do sleep 0.05; done) & exit 6",
        "on_message: ended with exit code 6",
    );
}

#[test]
fn a_program_that_cannot_be_run_is_told_before_and_after() {
    let check = |make: &dyn Fn(&Path), doubt: &str, log: &str| {
        let scratch = Scratch::new();
        make(&scratch.join("hook"));
        let conf = "[websmsd]\non_message = @DIR@/hook\n[queue]\non_failure = @DIR@/hook\n";
        let websmsd = Websmsd::start_as(Called::Link, scratch, conf, &[]);
        let conf = websmsd.scratch.join("websms.conf");
        let checked = websms(&conf, &["--check"]);
        for key in ["[websmsd] on_message", "[queue] on_failure"] {
            let line = format!("{key}: {doubt}");
            let said = [&*checked.stdout, &checked.stderr].concat();
            assert!(said.contains(&line), "{line}\n{said}");
            websmsd.wait_for_log(&line);
        }
        deliver(&websmsd, "x");
        websmsd.wait_for_log(log);
        websmsd.call_file();
    };
    check(
        &|_| {},
        "there is no such program",
        "on_message: not run: does not exist",
    );
    check(
        &|path| fs::write(path, "#!/bin/sh\n").unwrap(),
        "this user may not execute",
        "on_message: not run: no permission",
    );
    check(
        &|path| fs::create_dir(path).unwrap(),
        "is no file",
        "on_message: not run: ",
    );
    check(
        &|path| {
            rig::copy_program(Path::new("/bin/true"), path);
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        },
        "others may write to the program",
        "on_message: ended with exit code 0",
    );
}

#[test]
fn a_reload_changes_it() {
    let websmsd = start("echo first >> @DIR@/told", "");
    program(&websmsd.scratch, "other", "echo second >> @DIR@/told");
    let told = websmsd.scratch.join("told");
    deliver(&websmsd, "x");
    wait_for("the first", || lines(&told) == ["first"]);
    let reload = |conf: &str, times: usize| {
        let conf = rig::spool_conf(&websmsd.scratch, conf);
        websmsd.scratch.file("websms.conf", conf);
        websmsd.signal("HUP");
        let log = || websmsd.log().matches("configuration read again").count();
        wait_for("a reload", || log() == times);
        deliver(&websmsd, "x");
    };
    reload("[websmsd]\non_message = @DIR@/other\n", 1);
    wait_for("the second", || lines(&told) == ["first", "second"]);
    reload("[websmsd]\n", 2);
    reload("[websmsd]\non_message = @DIR@/hook\n", 3);
    wait_for("the first again", || {
        lines(&told) == ["first", "second", "first"]
    });
}

// ---- on_failure -----------------------------------------------------------------------------

/// Returns a PBX whose queue only queues and whose provider refuses.
fn pbx(url: &str, script: &str) -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    program(&scratch, "hook", script);
    let conf = format!(
        "[websms]\nhost = \"{url}\"\nauth_method = none\n\
         [queue]\nretry = 1s\nfirst = yes\non_failure = @DIR@/hook\n"
    );
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    (scratch, conf)
}

fn daemon(conf: &Path) -> Websmsd {
    let scratch = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    Websmsd::spawn(run, scratch)
}

fn flush(conf: &Path, environment: &[(&str, &str)]) {
    let mut run = rig::command(&rig::binary());
    run.arg("-c").arg(conf).args(["--flush", "-v"]);
    run.envs(environment.iter().copied());
    assert_eq!(finish(run).code, Some(0));
}

#[test]
fn what_the_queue_gives_up_is_told_to_its_end() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let (scratch, conf) = pbx(&itsp.url(), TELL);
    flush(&conf, &[]);
    let queue = || {
        let ran = websms(
            &conf,
            &["-v", "--", "+12025550183", "+12025550160", "a \"text\""],
        );
        assert!(ran.stderr.contains("out QUEUED"), "{}", ran.stderr);
    };
    queue();
    // The output is there when the run has ended.
    flush(&conf, &[]);
    assert_eq!(lines(&scratch.join("told")).len(), 1);
    assert_eq!(fs::read(scratch.join("text")).unwrap(), b"a \"text\"");
    let environment = lines(&scratch.join("environment"));
    for line in [
        "WEBSMS_EVENT=failure",
        "WEBSMS_TO=+12025550183",
        "WEBSMS_FROM=+12025550160",
    ] {
        assert!(environment.iter().any(|it| it == line), "{environment:?}");
    }
    let reason = environment
        .iter()
        .find(|it| it.starts_with("WEBSMS_REASON="))
        .unwrap();
    assert!(reason.contains("400"), "{reason}");
    // Within a hook, no hook runs.
    queue();
    flush(&conf, &[("WEBSMS_HOOK", "1")]);
    assert_eq!(lines(&scratch.join("told")).len(), 1);
    assert_eq!(itsp.connections(), 2);
    // The daemon runs it as well.
    queue();
    let websmsd = daemon(&conf);
    websmsd.wait_for_log("on_failure: ended with exit code 0");
    assert_eq!(lines(&scratch.join("told")).len(), 2);
}

#[test]
fn slow_one_that_never_reads_nor_ends_is_killed_with_its_group() {
    let itsp = Itsp::start(vec![Script::reply(400, "")]);
    let script = "trap '' TERM\nsleep 300 &\necho $$ $! >> @DIR@/told\nwait; sleep 300";
    let (scratch, conf) = pbx(&itsp.url(), script);
    flush(&conf, &[]);
    // The text is larger than a pipe's buffer.
    let text = "x".repeat(100_000);
    let ran = websms(&conf, &["-v", "--", "+12025550183", "+12025550160", &text]);
    assert!(ran.stderr.contains("out QUEUED"), "{}", ran.stderr);
    let websmsd = daemon(&conf);
    let told = scratch.join("told");
    wait_for("a hook", || lines(&told).len() == 1);
    let killed = || websmsd.log().contains("on_failure: killed after 30 s");
    assert!(holds_within(Duration::from_secs(120), killed));
    let alive = |pid: &str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    for pid in lines(&told)[0].split(' ') {
        wait_for("its end", || !alive(pid));
    }
}
