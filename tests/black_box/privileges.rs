//! Tests root in folders that belong to another user: root becomes their owner, whatever is in them, or
//! touches nothing.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::rig::pbx::item;
use crate::rig::{self, Answer, Called, FORM, Ran, Scratch, Websmsd, finish, wait_for};

/// The owner of the folders.
const OWNER: u32 = 4242;
/// Another user, who is not root.
const STRANGER: u32 = 5151;

/// A configuration that belongs to root and names folders of another user.
struct House {
    scratch: Scratch,
    conf: PathBuf,
}

impl House {
    /// Makes a house; `more` is added to the configuration, and `@DIR@` stands for the scratch folder.
    fn new(more: &str) -> House {
        let own = fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(own, 0, "these tests need root");
        let scratch = Scratch::new();
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).unwrap();
        for folder in ["outgoing", "staging", "state"] {
            give(&scratch.folder(folder), OWNER);
        }
        let vault = scratch.folder("vault");
        fs::write(vault.join("secret"), "root's\n").unwrap();
        fs::set_permissions(vault.join("secret"), Permissions::from_mode(0o600)).unwrap();
        let conf = scratch.join("websms.conf");
        let house = House { scratch, conf };
        house.configure(more);
        house
    }

    fn configure(&self, more: &str) {
        let base = "[websms]\nhost = http://127.0.0.1:9\nauth_method = none\nrate = 100/min\nkey_to = To\n\
                    [websmsd]\nkey_id = Id\nstatus_path = /status\nstatus_addr = 127.0.0.1\n\
                    permit_addr = 127.0.0.1\nproxy_addr =\n[queue]\nexpire = 1s\nnotify = yes\n";
        let text = rig::spool_conf(&self.scratch, &format!("{base}{more}"));
        fs::write(&self.conf, text).unwrap();
        fs::set_permissions(&self.conf, Permissions::from_mode(0o644)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    fn websms(&self, args: &[&str]) -> Ran {
        rig::websms(&self.conf, args)
    }

    fn websmsd_command(&self) -> Command {
        let mut run = rig::command(&rig::binary());
        run.args(["websmsd", "-c"]).arg(&self.conf);
        run
    }

    /// Starts a daemon that is expected to listen. It sees no Asterisk, whatever else this machine runs.
    fn websmsd(&self) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c")
            .arg(&self.conf)
            .args(["-l", "127.0.0.1:0", "-v"]);
        Websmsd::spawn_alone(&run, scratch)
    }

    /// Plants an SMS that was queued long ago.
    fn plant(&self) {
        let new = self.path("state/queue/new");
        make(&new);
        let path = new.join(format!("{0:016x}-{0:016x}-{0:016x}-{0:016x}", 1));
        fs::write(&path, item(1, "+1", 1_795_392_000, "an old text")).unwrap();
        lchown(&path, Some(OWNER), Some(OWNER)).unwrap();
    }

    /// Does everything that root might do there, whether it works or not.
    fn do_everything(&self) {
        self.websms(&["--check"]);
        self.websms(&["--queue"]);
        self.websms(&["--flush"]);
        self.websms(&["--", "+1", "alice", "x"]);
        for option in ["--show", "--retry", "--drop"] {
            self.websms(&[option, "0000000000000001"]);
            self.websms(&[option, "all"]);
        }
        self.websms(&["--selftest"]);
        let agi = "AST_AGI_DIR=/ \"$0\" -c \"$1\" -- +1 alice x </dev/null | cat";
        let mut run = rig::command(Path::new("sh"));
        run.args(["-c", agi]).arg(rig::binary()).arg(&self.conf);
        finish(run);
        let mut run = self.websmsd_command();
        run.arg("--check");
        finish(run);
        self.self_test();
        self.serve();
        let kept = self.path("kept");
        fs::write(&kept, KEPT).unwrap();
        let mut run = self.websmsd_command();
        run.arg("--replay").arg(&kept);
        finish(run);
    }

    /// Runs the inbound self-test with an Asterisk that takes the call file for which it waits.
    fn self_test(&self) {
        let mut run = self.websmsd_command();
        run.args(["-l", "127.0.0.1:0", "--selftest"]);
        run.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = run.spawn().unwrap();
        let outgoing = self.path("outgoing");
        wait_for("the end of the self-test", || {
            // A link's target does not belong to Asterisk.
            if outgoing
                .symlink_metadata()
                .is_ok_and(|found| found.is_dir())
            {
                for entry in fs::read_dir(&outgoing).unwrap().flatten() {
                    let _ = fs::remove_file(entry.path());
                }
            }
            child.try_wait().unwrap().is_some()
        });
    }

    /// Starts a daemon and sends a good and a bad request, if it listens.
    fn serve(&self) {
        let mut run = self.websmsd_command();
        run.args(["-l", "127.0.0.1:0", "-v"]);
        let log = self.path("log");
        run.stderr(fs::File::create(&log).unwrap());
        let mut child = run.spawn().unwrap();
        let mut address = None;
        wait_for("a daemon that listens or ends", || {
            address = address_in(&fs::read_to_string(&log).unwrap());
            address.is_some() || child.try_wait().unwrap().is_some()
        });
        if let Some(address) = address {
            for body in ["To=1&From=2&Body=x&Id=1", "To=1"] {
                let mut http = rig::Http::connect(address);
                http.send(rig::post("/", FORM, body));
                let _: Option<Answer> = http.try_answer();
            }
            let mut http = rig::Http::connect(address);
            http.send("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            http.try_answer();
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

const KEPT: &str = "websms request 1\ntime: 0\naddress: 127.0.0.1\ninterface: \nproof: none\n\
                    items: all\nmethod: POST\ntype: application/x-www-form-urlencoded\ntarget: /\n\
                    body: 22\n\nTo=1&From=2&Body=again";

fn address_in(log: &str) -> Option<std::net::SocketAddr> {
    let at = log.split_once("listening on ")?.1;
    at.lines().next()?.trim().parse().ok()
}

fn give(path: &Path, uid: u32) {
    lchown(path, Some(uid), Some(uid)).unwrap();
}

/// Makes a folder of the owner's with all missing parents.
fn make(path: &Path) {
    if !path.exists() {
        make(path.parent().unwrap());
        fs::create_dir(path).unwrap();
        give(path, OWNER);
    }
}

/// Returns everything below a folder: path, kind, owner, mode, contents.
fn inventory(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let found = path.symlink_metadata().unwrap();
            let contents = match found.is_file() {
                true => fs::read(&path).unwrap().escape_ascii().to_string(),
                false => String::new(),
            };
            let (mode, uid, gid) = (found.mode(), found.uid(), found.gid());
            lines.push(format!(
                "{} {mode:o} {uid}:{gid} {contents}",
                path.display()
            ));
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
    lines.sort();
    lines
}

/// Every place in the folders where the program makes, reads or moves something.
const FOLDERS: [&str; 14] = [
    "state/queue",
    "state/queue/tmp",
    "state/queue/new",
    "state/queue/failed",
    "state/quota",
    "state/quota/interface-",
    "state/status",
    "state/notices",
    "state/seen",
    "state/rejected",
    "staging",
    "outgoing",
    "state",
    "spool",
];

/// Every file with a fixed name.
const FILES: [&str; 12] = [
    "state/queue/lock",
    "state/queue/flush",
    "state/queue/flushed",
    "state/quota/interface-/count",
    "state/quota/interface-/count.new",
    "state/status/interface-.later",
    "state/status/interface-.sent",
    "state/notices/told",
    "state/notices/told.new",
    "state/seen/ids",
    "state/seen/lock",
    "state/rejected/0000000000000001",
];

// ---- Attacks of the owner ---------------------------------------------------------------------

/// The owner of the queue leads root's `websms --flush` to a folder of root's by way of `failed/`. Where
/// `outgoingdir` seemed to be root's too, root wrote there, as root, lines of the owner's choice.
#[test]
fn a_flush_of_roots_does_not_write_where_the_queues_owner_wants() {
    let house =
        House::new("[astqueue]\noutgoingdir = @DIR@/spool/outgoing\nstagingdir = @DIR@/staging\n");
    let (vault, below) = (house.path("vault"), house.path("vault/outgoing"));
    fs::create_dir(&below).unwrap();
    house.plant();
    for (link, to) in [("spool", &vault), ("state/queue/failed", &vault)] {
        symlink(to, house.path(link)).unwrap();
        give(&house.path(link), OWNER);
    }
    let before = inventory(&vault);
    let ran = house.websms(&["--flush"]);
    assert_eq!(inventory(&vault), before);
    // Root does not follow the link to the spool, so nothing at all is done.
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    assert_eq!(
        fs::read_dir(house.path("state/queue/new")).unwrap().count(),
        1
    );
}

#[test]
fn slow_no_folder_that_is_a_link_of_its_owner_leads_root_away() {
    for folder in FOLDERS {
        let spool =
            "[astqueue]\noutgoingdir = @DIR@/spool/outgoing\nstagingdir = @DIR@/spool/staging\n";
        let house = House::new(if folder == "spool" { spool } else { "" });
        let place = house.path(folder);
        if place.exists() {
            fs::remove_dir(&place).unwrap();
        }
        make(place.parent().unwrap());
        let vault = house.path("vault");
        for name in ["new", "tmp", "failed", "outgoing", "staging", "interface-"] {
            fs::create_dir(vault.join(name)).unwrap();
        }
        symlink(&vault, &place).unwrap();
        give(&place, OWNER);
        house.plant();
        let before = inventory(&vault);
        house.do_everything();
        assert_eq!(inventory(&vault), before, "{folder}");
    }
}

#[test]
fn slow_no_file_that_is_a_link_of_its_owner_leads_root_away() {
    for file in FILES {
        for is_hard in [false, true] {
            let house = House::new("");
            let place = house.path(file);
            make(place.parent().unwrap());
            let secret = house.path("vault/secret");
            if is_hard {
                fs::hard_link(&secret, &place).unwrap();
            } else {
                symlink(&secret, &place).unwrap();
                give(&place, OWNER);
            }
            house.plant();
            let before = inventory(&house.path("vault"));
            house.do_everything();
            assert_eq!(inventory(&house.path("vault")), before, "{file} {is_hard}");
        }
    }
}

#[test]
fn slow_a_folder_that_is_swapped_meanwhile_leads_nowhere() {
    let house = House::new("");
    house.plant();
    let (failed, link) = (
        house.path("state/queue/failed"),
        house.path("state/queue/other"),
    );
    make(&failed);
    symlink(house.path("vault"), &link).unwrap();
    give(&link, OWNER);
    let before = inventory(&house.path("vault"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let here = rustix::fs::CWD;
                rustix::fs::renameat_with(here, &failed, here, &link, exchange).unwrap();
            }
        });
        for _ in 0..20 {
            house.plant();
            house.websms(&["--flush"]);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(inventory(&house.path("vault")), before);
}

// ---- Who it becomes ---------------------------------------------------------------------------

/// Returns the lines `Uid:`, `Gid:` and `Groups:` of a process.
fn identity(pid: u32) -> [String; 3] {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    ["Uid:", "Gid:", "Groups:"].map(|field| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    })
}

#[test]
fn a_daemon_of_roots_becomes_the_owner_once_it_listens() {
    let house = House::new("");
    let scratch = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &scratch);
    // Only root may use this port.
    let port = (600..1023).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
    let address = format!("127.0.0.1:{}", port.expect("a free port below 1024"));
    run.arg("-c").arg(&house.conf).args(["-l", &address, "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let [uid, gid, groups] = identity(websmsd.pid());
    assert_eq!(uid, "4242 4242 4242 4242");
    assert_eq!(gid, "4242 4242 4242 4242");
    assert_eq!(groups, "4242");
    for thread in fs::read_dir(format!("/proc/{}/task", websmsd.pid())).unwrap() {
        assert_eq!(thread.unwrap().metadata().unwrap().uid(), OWNER);
    }
    websmsd.wait_for_log("runs as user 4242, who owns the folders");
    assert_eq!(
        websmsd.post("/", FORM, "To=1&From=2&Body=x&Id=1").status,
        200
    );
    assert_eq!(websmsd.post("/", FORM, "To=1").status, 422);
    // New files belong to the owner, and a reload works.
    fs::write(house.path("new.conf"), fs::read(&house.conf).unwrap()).unwrap();
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    for folder in ["state", "outgoing", "staging"] {
        for line in inventory(&house.path(folder)) {
            assert!(line.contains(" 4242:4242 "), "{line}");
        }
    }
    assert!(house.path("state/seen/ids").exists());
}

#[test]
fn group_and_groups_are_those_of_the_accounts() {
    let house = House::new("");
    let passwd = house.scratch.file(
        "passwd",
        "root:x:0:0::/:/bin/sh\npbx:x:4242:77::/:/bin/false\n",
    );
    let group = house.scratch.file(
        "group",
        "root:x:0:\npbx:x:77:\nvoice:x:78:root,pbx\nno:x:79:pbx2\n",
    );
    let scratch = Scratch::new();
    let mut run = rig::command(Path::new("unshare"));
    let script =
        "mount --bind \"$0\" /etc/passwd && mount --bind \"$1\" /etc/group && shift && exec \"$@\"";
    run.args(["-m", "sh", "-c", script]).arg(passwd).arg(group);
    run.arg(rig::binary())
        .args(["websmsd", "-c"])
        .arg(&house.conf);
    run.args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let [uid, gid, groups] = identity(websmsd.pid());
    assert_eq!(uid, "4242 4242 4242 4242");
    assert_eq!(gid, "77 77 77 77");
    assert_eq!(groups, "77 78");
    websmsd.wait_for_log("runs as user pbx");
}

#[test]
fn hooks_run_as_the_owner() {
    let house = House::new("");
    let hook = house.path("hook");
    let out = house.path("state/out");
    fs::write(
        &hook,
        format!(
            "#!/bin/sh\nid -u >>'{}'\nid -G >>'{}'\n",
            out.display(),
            out.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&hook, Permissions::from_mode(0o755)).unwrap();
    house.configure(&format!("on_failure = {}\n", hook.display()));
    house.plant();
    let ran = house.websms(&["--flush"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&out).unwrap(), "4242\n4242\n");
    assert_eq!(out.metadata().unwrap().uid(), OWNER);
}

#[test]
fn what_is_missing_in_a_folder_of_roots_is_made_for_the_owner() {
    let house = House::new("");
    for folder in ["state", "staging"] {
        fs::remove_dir(house.path(folder)).unwrap();
    }
    let websmsd = house.websmsd();
    assert_eq!(
        websmsd.post("/", FORM, "To=1&From=2&Body=x&Id=1").status,
        200
    );
    for folder in ["state", "staging", "state/seen"] {
        let found = house.path(folder).metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), (OWNER, OWNER), "{folder}");
        assert_eq!(found.mode() & 0o7777, 0o700, "{folder}");
    }
}

#[test]
fn nothing_is_made_beside_a_spool_that_is_not_there() {
    let house = House::new(
        "[astqueue]\noutgoingdir = \"@DIR@/usb/asterisk/outgoing\"\n\
         stagingdir = \"@DIR@/usb/asterisk/staging\"\n",
    );
    let stick = house.scratch.folder("usb");
    let websmsd = house.websmsd();
    assert!(identity(websmsd.pid())[0].starts_with(&OWNER.to_string()));
    house.websms(&["--flush"]);
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 0);
    websmsd.wait_for_log("outgoingdir does not exist");
}

#[test]
fn a_link_of_roots_is_followed() {
    let house = House::new("");
    fs::rename(house.path("state"), house.path("elsewhere")).unwrap();
    symlink(house.path("elsewhere"), house.path("state")).unwrap();
    house.plant();
    assert_eq!(house.websms(&["--flush"]).code, Some(0));
    let buried = house.path("elsewhere/queue/failed");
    assert_eq!(fs::read_dir(buried).unwrap().count(), 1);
}

#[test]
fn a_system_without_openat2_opens_the_same() {
    let house = House::new("");
    house.plant();
    let flush = || {
        let mut run = rig::command(Path::new("strace"));
        let old = "inject=openat2:error=ENOSYS";
        run.args(["-f", "-o", "/dev/null", "-e", "trace=openat2", "-e", old]);
        run.arg(rig::binary())
            .arg("-c")
            .arg(&house.conf)
            .arg("--flush");
        finish(run)
    };
    let ran = flush();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let buried = house.path("state/queue/failed");
    assert_eq!(fs::read_dir(buried).unwrap().count(), 1);
    fs::rename(house.path("state"), house.path("elsewhere")).unwrap();
    symlink(house.path("elsewhere"), house.path("state")).unwrap();
    assert_eq!(flush().code, Some(0));
    give(&house.path("state"), STRANGER);
    let ran = flush();
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
}

#[test]
fn a_link_of_a_stranger_is_not_followed() {
    let house = House::new("[queue]\ndir = @DIR@/common/state\n");
    let common = house.scratch.folder("common");
    fs::set_permissions(&common, Permissions::from_mode(0o1777)).unwrap();
    symlink(house.path("state"), common.join("state")).unwrap();
    give(&common.join("state"), STRANGER);
    for args in [&["--flush"][..], &["--queue"], &["--", "+1", "alice", "x"]] {
        let ran = house.websms(args);
        assert_eq!(ran.code, Some(1), "{args:?} {}", ran.stderr);
        assert!(ran.stderr.contains("symbolic link"), "{}", ran.stderr);
    }
    assert_eq!(fs::read_dir(house.path("state")).unwrap().count(), 0);
}

// ---- What is a fault, and what fails ----------------------------------------------------------

/// Every way to run the program that concerns the folders.
const RUNS: [&[&str]; 11] = [
    &["--flush"],
    &["--queue"],
    &["--show", "1"],
    &["--retry", "all"],
    &["--drop", "all"],
    &["--check"],
    &["--selftest"],
    &["--", "+1", "alice", "x"],
    &["websmsd", "-l", "127.0.0.1:0"],
    &["websmsd", "--replay", "/dev/null"],
    &["websmsd", "--check"],
];

/// Checks that each of [`RUNS`] ends with `code` and says `words`, and that nothing is touched.
#[track_caller]
fn check_refused(house: &House, prefix: &[&str], code: i32, words: &str) {
    let before = inventory(house.scratch.path());
    for args in RUNS {
        let (applet, args) = match args {
            ["websmsd", args @ ..] => (&["websmsd"][..], args),
            args => (&[][..], args),
        };
        let program = rig::binary();
        let mut words_of_run: Vec<&OsStr> = prefix.iter().map(OsStr::new).collect();
        words_of_run.push(program.as_os_str());
        let mut run = rig::command(Path::new(words_of_run[0]));
        run.args(&words_of_run[1..]).args(applet);
        run.arg("-c").arg(&house.conf).args(args);
        let ran = finish(run);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(code), "{applet:?} {args:?}: {said}");
        // If the fault is in the log, a person is told which command shows it.
        let is_told = said.contains(words) || said.contains("websms --check says why");
        assert!(is_told, "{applet:?} {args:?}: {said}");
    }
    assert_eq!(inventory(house.scratch.path()), before);
}

#[test]
fn folders_of_two_owners_are_a_fault() {
    for (folder, owner) in [
        ("state", STRANGER),
        ("outgoing", STRANGER),
        ("staging", STRANGER),
        ("state", 0),
        ("outgoing", 0),
        ("staging", 0),
    ] {
        let house = House::new("");
        give(&house.path(folder), owner);
        check_refused(
            &house,
            &[],
            2,
            " belong to two users, so root cannot work in both: chown them to Asterisk's user",
        );
    }
    // The caller is told once.
    let house = House::new("");
    give(&house.path("state"), STRANGER);
    for args in [&["--flush"][..], &["--queue"], &["--show", "x"]] {
        let ran = house.websms(args);
        let told = ran.stderr.matches(" belong to two users").count();
        assert_eq!((ran.code, told), (Some(2), 1), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn a_fileowner_that_is_another_user_is_a_fault() {
    let house = House::new("[astqueue]\nfileowner = 5151\n");
    check_refused(
        &house,
        &[],
        2,
        "fileowner is another user than the owner of the folders",
    );
    house.configure("[astqueue]\nfileowner = 4242\n");
    assert_eq!(house.websms(&["--flush"]).code, Some(0));
    let websmsd = house.websmsd();
    assert_eq!(
        websmsd.post("/", FORM, "To=1&From=2&Body=x&Id=1").status,
        200
    );
}

#[test]
fn what_only_root_may_read_is_an_error_at_the_start() {
    let shut = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    let house = House::new("");
    shut(&house.conf);
    check_refused(
        &house,
        &[],
        2,
        "websms.conf cannot be read by user 4242, whom root becomes: no permission",
    );

    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    for name in ["good.pem", "server.key", "ca.pem"] {
        fs::copy(tls.join(name), house.path(name)).unwrap();
        fs::set_permissions(house.path(name), Permissions::from_mode(0o644)).unwrap();
    }
    // The second [websmsd] takes the place of the first.
    house.configure(
        "[websmsd]\npermit_addr = 127.0.0.1\nproxy_addr =\ntls_cert = @DIR@/good.pem\n\
         tls_key = @DIR@/server.key\n",
    );
    drop(house.websmsd());
    shut(&house.path("server.key"));
    let mut run = house.websmsd_command();
    run.args(["-l", "127.0.0.1:0"]);
    let ran = finish(run);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("tls_key") && ran.stderr.contains("no permission"),
        "{}",
        ran.stderr
    );
    let ran = house.websms(&["--check"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stdout.contains("tls_key"), "{}", ran.stdout);

    house.configure("");
    let conf = fs::read_to_string(&house.conf).unwrap();
    let ca = format!(
        "key_to = To\nca_file = {}\n",
        house.path("ca.pem").display()
    );
    fs::write(&house.conf, conf.replacen("key_to = To\n", &ca, 1)).unwrap();
    assert_eq!(house.websms(&["--flush"]).code, Some(0));
    shut(&house.path("ca.pem"));
    check_refused(&house, &[], 2, "ca.pem cannot be read by user 4242");
    fs::remove_file(house.path("ca.pem")).unwrap();
    let ran = house.websms(&["--check"]);
    assert!(ran.stdout.contains("does not exist"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("chgrp"), "{}", ran.stdout);
}

#[test]
fn a_step_that_fails_ends_it_with_1_and_nothing_is_touched() {
    for call in ["setgroups", "setresgid", "setresuid"] {
        let house = House::new("");
        fs::remove_dir(house.path("state")).unwrap();
        let (trace, inject) = (
            format!("trace={call}"),
            format!("inject={call}:error=EPERM"),
        );
        let strace = [
            "strace",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        let words = "cannot become user 4242, who owns the folders: no permission";
        check_refused(&house, &strace, 1, words);
    }
}

/// Here, too, an error without words of ours is shown by its number.
#[test]
fn an_unusual_error_is_told_by_its_number() {
    let house = House::new("");
    house.plant();
    let no_locks = "inject=flock:error=ENOLCK";
    let run = |args: &[&str]| {
        let mut run = rig::command(Path::new("strace"));
        run.args(["-f", "-o", "/dev/null", "-e", "trace=flock", "-e", no_locks]);
        run.arg(rig::binary()).arg("-c").arg(&house.conf).args(args);
        finish(run)
    };
    let ran = run(&["--", "+1", "alice", "x"]);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    let told = "cannot be counted for the interface's rate or limit: system error 37";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let told = "the queue cannot be used: system error 37";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = run(&["--flush"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("/queue: system error 37"),
        "{}",
        ran.stderr
    );
}

// ---- Who may write the configuration ----------------------------------------------------------

#[test]
fn a_configuration_that_others_may_write_is_a_fault() {
    let house = House::new("");
    let check = |mode: u32, gid: u32, expected: Option<&str>| {
        chown(&house.conf, Some(0), Some(gid)).unwrap();
        fs::set_permissions(&house.conf, Permissions::from_mode(mode)).unwrap();
        let ran = house.websms(&["--check"]);
        let fault = ran.stdout.lines().find(|line| line.contains(" may write "));
        let said = format!("{mode:o} {gid}: {}", ran.stdout);
        match expected {
            Some(words) => {
                assert!(
                    fault.unwrap().contains(&format!("fault: {words}")),
                    "{said}"
                );
                assert_eq!(ran.code, Some(2), "{said}");
            }
            None => {
                assert_eq!(fault, None, "{said}");
                assert_eq!(ran.code, Some(0), "{said}");
            }
        }
    };
    let (others, group) = (
        "others may write this file",
        "a group other than outgoingdir's may",
    );
    check(0o602, 0, Some(others));
    check(0o622, OWNER, Some(others));
    check(0o646, OWNER, Some(others));
    check(0o620, STRANGER, Some(group));
    check(0o660, 0, Some(group));
    check(0o660, OWNER, None);
    check(0o640, OWNER, None);
    check(0o644, 0, None);
    // Its owner may write it as well, whatever its mode.
    fs::set_permissions(&house.conf, Permissions::from_mode(0o600)).unwrap();
    for (uid, is_told) in [(0, false), (OWNER, false), (STRANGER, true)] {
        chown(&house.conf, Some(uid), Some(OWNER)).unwrap();
        let said = house.websms(&["--check"]).stdout;
        let words = "warning: a user who is neither root nor outgoingdir's owner owns this file";
        assert_eq!(said.contains(words), is_told, "{uid}: {said}");
    }
    // No program works with it.
    chown(&house.conf, Some(OWNER), Some(OWNER)).unwrap();
    fs::set_permissions(&house.conf, Permissions::from_mode(0o622)).unwrap();
    check_refused(&house, &[], 2, others);
}

#[test]
fn where_no_modes_are_kept_it_is_a_warning() {
    let house = House::new("");
    chown(&house.conf, Some(OWNER), Some(OWNER)).unwrap();
    fs::set_permissions(&house.conf, Permissions::from_mode(0o666)).unwrap();
    // fstatfs is made to report vfat.
    let mut run = rig::command(Path::new("strace"));
    let vfat = format!("inject=fstatfs:poke_exit=@arg2={}", hex(0x4d44));
    run.args(["-o", "/dev/null", "-e", "trace=fstatfs", "-e", &vfat]);
    run.arg(rig::binary())
        .arg("-c")
        .arg(&house.conf)
        .arg("--check");
    let ran = finish(run);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let words =
        "warning: others may write this file, which names programs that are run; its filesystem";
    assert!(ran.stdout.contains(words), "{}", ran.stdout);
}

/// Returns the bytes of a word in the processor's order.
fn hex(word: usize) -> String {
    word.to_ne_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_folder_in_which_others_may_replace_the_configuration_is_told() {
    let house = House::new("");
    let check = |mode: u32, expected: bool| {
        fs::set_permissions(house.scratch.path(), Permissions::from_mode(mode)).unwrap();
        let ran = house.websms(&["--check"]);
        assert_eq!(ran.code, Some(0), "{mode:o}: {}", ran.stdout);
        let is_told = ran.stdout.contains("warning: others may replace this file");
        assert_eq!(is_told, expected, "{mode:o}: {}", ran.stdout);
    };
    check(0o777, true);
    check(0o1777, false);
    check(0o755, false);
}

#[test]
fn a_reload_of_a_configuration_that_others_may_write_is_not_taken() {
    let house = House::new("");
    let websmsd = house.websmsd();
    fs::set_permissions(&house.conf, Permissions::from_mode(0o646)).unwrap();
    websmsd.signal("HUP");
    websmsd.wait_for_log("others may write this file");
    websmsd.wait_for_log("configuration not taken, the one before stays");
}

#[test]
fn a_reload_that_names_folders_of_somebody_else_is_not_taken() {
    let house = House::new("");
    for folder in ["outgoing", "staging", "state"] {
        give(&house.path(folder), 0);
    }
    let websmsd = house.websmsd();
    assert_eq!(identity(websmsd.pid())[0], "0 0 0 0");
    for folder in ["outgoing", "staging", "state"] {
        chown(house.path(folder), Some(OWNER), Some(OWNER)).unwrap();
    }
    websmsd.signal("HUP");
    websmsd.wait_for_log("the folders belong to another user now: restart websmsd");
}

/// Root reads the file whatever its mode says; Asterisk's user, who runs `websms` for each SMS of a phone, may not.
#[test]
fn a_daemon_of_roots_says_that_asterisks_user_cannot_read_the_configuration() {
    let house = House::new("[astqueue]\nfileowner = 4242\n");
    for folder in ["outgoing", "staging", "state"] {
        give(&house.path(folder), 0);
    }
    let mode = |mode| fs::set_permissions(&house.conf, Permissions::from_mode(mode)).unwrap();
    let websmsd = house.websmsd();
    assert!(!websmsd.log().contains("cannot read "), "{}", websmsd.log());
    mode(0o600);
    websmsd.signal("HUP");
    websmsd.wait_for_log("user 4242, who is fileowner, cannot read ");
    drop(websmsd);
    let websmsd = house.websmsd();
    websmsd.wait_for_log("user 4242, who is fileowner, cannot read ");
}
