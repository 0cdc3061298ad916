//! Tests `--selftest` with set-ups that are broken on purpose: each fault is named with its remedy, and
//! each part that works is confirmed.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::rig::{self, Called, Itsp, Ran, Scratch, Script, Websmsd, deaf_address};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use websms::proto::wire::json;

/// Runs `websms --selftest` under a clock.
fn outbound_at(clock: &str, conf: &Path, more: &[&str]) -> Ran {
    let mut run = rig::command(&rig::binary());
    run.arg("-c").arg(conf).arg("--selftest").args(more);
    rig::set_clock(&mut run, clock);
    let ran = rig::finish(run);
    for secret in ["Secret+1", "aWQ6U2VjcmV0KzE="] {
        assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
    }
    ran
}

fn outbound(conf: &Path, more: &[&str]) -> Ran {
    outbound_at("", conf, more)
}

fn conf(scratch: &Scratch, host: &str, more: &str) -> PathBuf {
    let text = format!(
        "[websms]\nhost = \"{host}\"\nauth_user = \"id\"\nauth_passwd = \"Secret+1\"\n{more}\n"
    );
    let text = rig::spool_conf(scratch, &text);
    scratch.file("websms.conf", text)
}

/// Checks that the step of that name has this finding, with all of `words` on its line or in its remedy.
#[track_caller]
fn says(ran: &Ran, step: &str, words: &[&str]) {
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let found = lines.iter().enumerate().any(|(at, line)| {
        let remedy = lines
            .get(at + 1)
            .filter(|next| next.starts_with("      ->"));
        let whole = format!("{line}\n{}", remedy.unwrap_or(&""));
        line.starts_with(step) && words.iter().all(|word| whole.contains(word))
    });
    assert!(found, "{step} {words:?}\n{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_good_way_out_holds() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let more = "check_path = \"/account/{auth_user}\"\nnumber_format = E164";
    let ran = outbound(&conf(&scratch, &itsp.url(), more), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(&ran, "ok    clock", &[]);
    says(
        &ran,
        "ok    request",
        &["+15550123456 goes out as 15550123456"],
    );
    says(&ran, "ok    dns", &["127.0.0.1"]);
    says(&ran, "ok    tcp", &["takes connections"]);
    says(&ran, "skip  tls", &["http://"]);
    says(&ran, "ok    credentials", &["200"]);
    assert!(!ran.stdout.contains("FAIL"), "{}", ran.stdout);
    // There is one GET with the account's credentials, and nothing is posted.
    let asked = itsp.request();
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("GET", "/account/id")
    );
    assert_eq!(
        asked.header("Authorization"),
        Some("Basic aWQ6U2VjcmV0KzE=")
    );
    assert_eq!(asked.body, b"");
}

#[test]
fn without_a_known_call_the_credentials_are_not_checked() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let ran = outbound(&conf(&scratch, &itsp.url(), ""), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(
        &ran,
        "skip  credentials",
        &["not checked: no call is known that sends nothing"],
    );
    assert_eq!(itsp.requests(), []);
}

#[test]
fn a_wrong_password_is_named() {
    for status in [401, 403] {
        let itsp = Itsp::start(vec![Script::reply(status, "no")]);
        let scratch = Scratch::new();
        let ran = outbound(&conf(&scratch, &itsp.url(), "check_path = /me"), &[]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        let status = status.to_string();
        says(
            &ran,
            "FAIL  credentials",
            &[&status, "wrong", "see auth_method, auth_user"],
        );
    }
}

#[test]
fn a_provider_that_is_down_is_named() {
    let scratch = Scratch::new();
    let host = format!("http://{}", deaf_address());
    let ran = outbound(&conf(&scratch, &host, "check_path = /me"), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  tcp",
        &["connection refused", "see that host is right"],
    );
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let ran = outbound(&conf(&scratch, &itsp.url(), "check_path = /me"), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran, "FAIL  credentials", &["503", "try again later"]);
}

#[test]
fn a_name_that_is_not_found_is_named() {
    let scratch = Scratch::new();
    let ran = outbound(&conf(&scratch, "https://sms.invalid", ""), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  dns",
        &["sms.invalid: name resolution failed", "/etc/resolv.conf"],
    );
}

#[test]
fn who_ends_the_handshake_is_told_what_is_spoken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            // A fatal alert, handshake_failure (RFC 8446, 6): no suite or curve in common.
            let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]);
        }
    });
    let scratch = Scratch::new();
    let ran = outbound(&conf(&scratch, &host, ""), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    let ended = "the other side ended the TLS handshake";
    says(&ran, "FAIL  tls", &[ended, "AES-GCM and X25519 or P-256"]);
}

#[test]
fn a_proxy_that_is_down_is_named() {
    let scratch = Scratch::new();
    let more = format!("proxy = \"http://user:pw@{}\"", deaf_address());
    let ran = outbound(&conf(&scratch, "https://sms.invalid", &more), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  tcp",
        &["connection refused", "see that proxy is right"],
    );
    assert!(!ran.stdout.contains("user:pw"), "{}", ran.stdout);
}

// ---- Certificates ---------------------------------------------------------------------------

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

/// Runs an HTTPS server for one handshake.
fn https(certificate: &str) -> String {
    let chain: Vec<_> = CertificateDer::pem_file_iter(tls_file(certificate))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(websms::sys::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let _ = stream.read(&mut [0; 64]);
    });
    format!("https://{address}")
}

#[test]
fn each_fault_of_a_certificate_is_named() {
    let check = |certificate: &str, authority: &str, code: i32, step: &str, words: &[&str]| {
        let scratch = Scratch::new();
        let authority = match authority {
            "" => String::new(),
            name => format!("ca_file = \"{}\"", tls_file(name).display()),
        };
        let ran = outbound(&conf(&scratch, &https(certificate), &authority), &[]);
        assert_eq!(ran.code, Some(code), "{certificate}: {}", ran.stdout);
        says(&ran, step, words);
    };
    let (ok, bad) = ("ok    tls", "FAIL  tls");
    check(
        "good.pem",
        "ca.pem",
        0,
        ok,
        &["believed, for 2", "days more"],
    );
    check("good.pem", "", 1, bad, &["unknown issuer", "ca_file"]);
    check(
        "good.pem",
        "stranger.pem",
        1,
        bad,
        &["unknown issuer", "ca_file"],
    );
    check("expired.pem", "ca.pem", 1, bad, &["has expired", "clock"]);
    check("early.pem", "ca.pem", 1, bad, &["not valid yet", "clock"]);
    check("misnamed.pem", "ca.pem", 1, bad, &["another name", "host"]);
    let of_authority = ["of an authority", "ca_file"];
    check("authority.pem", "ca.pem", 1, bad, &of_authority);
    check("authority.pem", "authority.pem", 0, ok, &["believed"]);
}

// ---- What concerns both ---------------------------------------------------------------------

#[test]
fn a_clock_in_1970_is_named() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "check_path = /me");
    let ran = outbound_at("@1970-01-01 00:10:00", &conf, &[]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    says(
        &ran,
        "FAIL  clock",
        &["before this program was released", "ntpd"],
    );
}

#[test]
fn a_configuration_that_cannot_be_used_is_a_fault() {
    let scratch = Scratch::new();
    let ran = outbound(
        &conf(&scratch, "http://127.0.0.1", "auth_method = magic"),
        &[],
    );
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran, "FAIL  configuration", &["line", "auth_method"]);
    let ran = outbound(&scratch.join("nothing.conf"), &[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran, "FAIL  configuration", &["cannot be read"]);
}

#[test]
fn an_index_selects_one_interface() {
    let (one, two) = (Itsp::accepting(), Itsp::start(vec![Script::reply(401, "")]));
    let scratch = Scratch::new();
    let text = format!(
        "[websms]\nhost [a] = \"{}\"\nhost [b] = \"{}\"\ncheck_path = /me\n",
        one.url(),
        two.url()
    );
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &text));
    let ran = outbound(&conf, &["-i", "a"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let ran = outbound(&conf, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran, "ok    credentials [a]", &[]);
    says(&ran, "FAIL  credentials [b]", &["401"]);
    let ran = outbound(&conf, &["-i", "c"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    let json = outbound(&conf, &["--json"]);
    assert_eq!(json.code, Some(1), "{}", json.stdout);
    let object = json::parse(json.stdout.as_bytes()).unwrap();
    assert_eq!(object.child(b"ok").unwrap().text(), b"false");
    let steps = object.child(b"steps").unwrap();
    let member = |step: &json::Value<'_>, name: &str| {
        String::from_utf8(step.child(name.as_bytes()).unwrap().scalar().unwrap()).unwrap()
    };
    let mut failed = steps
        .entries()
        .filter(|step| member(step, "result") == "fail");
    let step = failed.next().unwrap();
    assert_eq!(member(&step, "interface"), "b");
    assert_eq!(member(&step, "name"), "credentials");
    assert_ne!(member(&step, "remedy"), "");
    assert!(failed.next().is_none(), "{}", json.stdout);
}

#[test]
fn a_queue_that_nobody_drains_is_told() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let conf = conf(&scratch, &itsp.url(), "");
    let ran = outbound(&conf, &[]);
    says(
        &ran,
        "warn  queue",
        &["0 SMS wait", "no websmsd drains it", "start websmsd"],
    );
}

// ---- Inbound --------------------------------------------------------------------------------

/// Takes every call file out of a folder, as Asterisk does.
struct Taker {
    over: Arc<AtomicBool>,
    taken: Option<thread::JoinHandle<Vec<String>>>,
}

impl Taker {
    fn of(folder: PathBuf) -> Taker {
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let taken = thread::spawn(move || {
            let mut taken = Vec::new();
            while !ends.load(Ordering::SeqCst) {
                for file in rig::call_files(&folder) {
                    taken.push(file.text());
                    let _ = fs::remove_file(file.path);
                }
                thread::sleep(Duration::from_millis(3));
            }
            taken
        });
        Taker {
            over,
            taken: Some(taken),
        }
    }

    fn taken(mut self) -> Vec<String> {
        self.over.store(true, Ordering::SeqCst);
        self.taken.take().unwrap().join().unwrap()
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// A set-up in which everything works but for a missing Asterisk.
struct House {
    scratch: Scratch,
    conf: PathBuf,
    listen: String,
    /// The program that the shell starts beside the self-test.
    beside: String,
}

const GOOD: &str = "permit_addr = 198.51.100.7\nproxy_addr =\n";

impl House {
    fn new(websmsd: &str) -> House {
        let scratch = Scratch::new();
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).unwrap();
        for folder in ["outgoing", "staging"] {
            fs::create_dir(scratch.join(folder)).unwrap();
        }
        let text = rig::spool_conf(&scratch, &format!("[websmsd]\n{websmsd}\n"));
        let conf = scratch.file("websms.conf", text);
        fs::set_permissions(&conf, Permissions::from_mode(0o600)).unwrap();
        House {
            listen: deaf_address().to_string(),
            beside: String::new(),
            scratch,
            conf,
        }
    }

    /// Runs a program named `asterisk` that does nothing beside the self-test, started by `starter`.
    fn with_asterisk(&mut self, starter: &str) {
        let program = self.scratch.join("asterisk");
        rig::copy_program(Path::new("/bin/sleep"), &program);
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        self.beside = format!(
            "{starter} '{}' 600 >/dev/null 2>&1 &
            until grep -qsx asterisk /proc/[0-9]*/comm; do sleep 0.01; done
            ",
            program.display()
        );
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut run = rig::daemon_command(Called::Link, &self.scratch);
        run.arg("--selftest").arg("-c").arg(&self.conf);
        run.args(["-l", &self.listen]).args(more);
        run
    }

    /// Runs the self-test where it sees only the processes that its test has started.
    #[track_caller]
    fn test(&self, more: &[&str]) -> Ran {
        let ran = self.alone(&self.command(more));
        assert_eq!(ran.stderr, "", "{}", ran.stdout);
        ran
    }

    #[track_caller]
    fn alone(&self, inner: &Command) -> Ran {
        let mut run = rig::command(Path::new("sh"));
        run.args(["-c", &format!("{}exec \"$@\"", self.beside), "sh"])
            .arg(inner.get_program())
            .args(inner.get_args());
        let ran = rig::finish(rig::alone(&run));
        assert!(!ran.stdout.contains("Secret+1"), "{}", ran.stdout);
        let left = |folder: &str| fs::read_dir(self.scratch.join(folder)).map_or(0, |f| f.count());
        assert_eq!(
            (left("outgoing"), left("staging")),
            (0, 0),
            "{}",
            ran.stdout
        );
        ran
    }

    /// Runs the self-test while call files are taken, and returns these.
    fn test_taken(&self, more: &[&str]) -> (Ran, Vec<String>) {
        let taker = Taker::of(self.scratch.join("outgoing"));
        let ran = self.test(more);
        (ran, taker.taken())
    }
}

#[test]
fn a_good_way_in_holds() {
    let house = House::new(&format!(
        "{GOOD}auth_method = basic\nauth_user = u\nauth_passwd = \"Secret+1\"\n"
    ));
    let (ran, taken) = house.test_taken(&["--from", "198.51.100.7"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let steps = [
        "configuration",
        "clock",
        "listen",
        "restart",
        "spool",
        "permissions",
        "asterisk",
        "from",
        "access",
        "sample",
    ];
    assert_eq!(ran.stdout.lines().count(), steps.len(), "{}", ran.stdout);
    for step in steps {
        says(&ran, &format!("ok    {step}"), &[]);
    }
    says(&ran, "ok    sample", &["from 198.51.100.7", "accepted"]);
    // Asterisk got one file, which is no SMS and can call nobody.
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(
        taken[0].contains("Extension: websms-selftest\n"),
        "{taken:?}"
    );
    assert!(!taken[0].contains("MESSAGE"), "{taken:?}");
}

/// Runs a server that answers a TLS greeting as many servers without TLS do.
fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
    address.to_string()
}

#[test]
fn who_listens_is_told() {
    let websmsd = Websmsd::start("[websmsd]\npermit_addr = 198.51.100.7\nproxy_addr =\n");
    let mut house = House::new(GOOD);
    house.listen = websmsd.address.to_string();
    let (ran, _) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(&ran, "ok    listen", &["a websmsd answers", "403"]);
    let other = Itsp::start(vec![Script::reply_with(
        200,
        &[("Server", "other")],
        "hello",
    )]);
    house.listen = other.address.to_string();
    let (ran, _) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  listen",
        &["another program listens", "stop it, or choose"],
    );
    let pair = format!(
        "tls_cert = \"{}\"\ntls_key = \"{}\"\n",
        tls_file("good.pem").display(),
        tls_file("server.key").display()
    );
    let here = format!("permit_addr = 127.0.0.1\nproxy_addr =\n{pair}");
    let secure = Websmsd::start(&format!("[websmsd]\n{here}"));
    let mut strange = House::new(&format!("{GOOD}{pair}"));
    strange.listen = secure.address.to_string();
    let (ran, _) = strange.test_taken(&[]);
    says(
        &ran,
        "skip  listen",
        &["over HTTPS a websmsd closes", "ss -ltnp"],
    );
    let mut served = House::new(&here);
    served.listen = secure.address.to_string();
    let (ran, _) = served.test_taken(&[]);
    says(&ran, "ok    listen", &["a websmsd answers", "200"]);
    served.listen = without_tls();
    let (ran, _) = served.test_taken(&[]);
    says(&ran, "FAIL  listen", &["another program listens"]);
    house.listen = "192.0.2.1:80".to_owned();
    let (ran, _) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  listen",
        &["no such address on this machine", "give one of its own"],
    );
}

#[test]
fn slow_one_that_listens_and_says_nothing_is_another_program() {
    let silent = Itsp::start(vec![Script::Hang]);
    let mut house = House::new(GOOD);
    house.listen = silent.address.to_string();
    let (ran, _) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(&ran, "FAIL  listen", &["another program listens"]);
}

#[test]
fn slow_an_asterisk_that_takes_nothing_is_told_from_one_that_is_stopped() {
    let mut house = House::new(GOOD);
    let ran = house.test(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  asterisk",
        &["it is stopped", "systemctl start asterisk"],
    );
    house.with_asterisk("");
    let ran = house.test(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  asterisk",
        &["does not read", "pbx_spool.so", "astspooldir"],
    );
}

const AS_NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

#[test]
fn an_asterisk_of_a_container_is_not_ours() {
    let mut house = House::new(GOOD);
    house.with_asterisk(&format!("unshare --pid --fork {AS_NOBODY}"));
    let outgoing = house.scratch.join("outgoing");
    fs::set_permissions(&outgoing, Permissions::from_mode(0o700)).unwrap();
    let (ran, taken) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(&ran, "ok    permissions", &["who owns outgoingdir"]);
    assert_eq!(taken.len(), 1);
}

#[test]
fn a_wrong_owner_is_named() {
    let mut house = House::new(&format!("{GOOD}[astqueue]\nfilemode = 0600\n"));
    house.with_asterisk(AS_NOBODY);
    let outgoing = house.scratch.join("outgoing");
    fs::set_permissions(&outgoing, Permissions::from_mode(0o700)).unwrap();
    let (ran, taken) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  permissions",
        &["user 65534", "cannot list and delete", "chown 65534"],
    );
    says(&ran, "skip  asterisk", &["no permission"]);
    assert_eq!(taken.len(), 0);
    // Asterisk may use the folder, but not the files.
    fs::set_permissions(&outgoing, Permissions::from_mode(0o777)).unwrap();
    let (ran, taken) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  permissions",
        &["cannot read call files", "fileowner"],
    );
    assert_eq!(taken.len(), 0);
    // If the folders are Asterisk's own, root becomes its user.
    for path in ["outgoing", "staging", "websms.conf"] {
        let path = house.scratch.join(path);
        std::os::unix::fs::chown(path, Some(65_534), Some(65_534)).unwrap();
    }
    fs::set_permissions(&outgoing, Permissions::from_mode(0o700)).unwrap();
    let (ran, taken) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(taken.len(), 1);
}

/// `--check`, beside that Asterisk, says all of `words` of the configuration, or, where there are none, nothing
/// of who cannot read it. `as_user` runs it.
#[track_caller]
fn check_reader(house: &House, as_user: &[&str], words: &[&str]) {
    for args in [&["--check"][..], &["websmsd", "--check"]] {
        check_said(house, as_user, args, words);
    }
}

#[track_caller]
fn check_said(house: &House, as_user: &[&str], args: &[&str], words: &[&str]) {
    let binary = rig::binary();
    let mut run = match as_user {
        [] => rig::command(&binary),
        [program, options @ ..] => {
            let mut run = rig::command(Path::new(program));
            run.args(options).arg(&binary);
            run
        }
    };
    run.args(args).arg("-c").arg(&house.conf);
    if args == ["websmsd", "--selftest"] {
        run.args(["-l", &house.listen]);
    }
    let said = house.alone(&run).stdout;
    let mut lines = said.lines();
    let line = lines.find(|line| line.contains(", so every SMS from a phone is INVALID"));
    match (line, words) {
        (None, []) => {}
        (Some(line), [_, ..]) => {
            assert!(words.iter().all(|word| line.contains(word)), "{line}");
            assert!(lines.all(|line| !line.contains("is INVALID")), "{said}");
        }
        _ => panic!("{args:?} {words:?}\n{said}"),
    }
}

#[test]
fn a_configuration_that_asterisks_user_cannot_read_is_named() {
    let mut house = House::new(GOOD);
    let conf = house.conf.clone();
    let set = |gid: u32, mode: u32| {
        std::os::unix::fs::chown(&conf, Some(0), Some(gid)).unwrap();
        fs::set_permissions(&conf, Permissions::from_mode(mode)).unwrap();
    };
    // Nobody is known who should read it: root owns the folders.
    check_reader(&house, &[], &[]);
    house.with_asterisk(AS_NOBODY);
    let file = conf.to_string_lossy().into_owned();
    let remedy = "chgrp it to a group of that user, and chmod g+r";
    let words = [
        "user nobody, which asterisk runs as, cannot read ",
        &file,
        remedy,
    ];
    check_reader(&house, &[], &words);
    for args in [&["--selftest"][..], &["websmsd", "--selftest"]] {
        check_said(&house, &[], args, &words);
    }
    for (gid, mode) in [(65_534, 0o640), (0, 0o644)] {
        set(gid, mode);
        check_reader(&house, &[], &[]);
    }
    // Its own group counts before all others', and so do the further ones.
    set(65_534, 0o604);
    check_reader(&house, &[], &words);
    set(4343, 0o640);
    check_reader(&house, &[], &words);
    house.with_asterisk("setpriv --reuid 65534 --regid 65534 --groups 4343");
    check_reader(&house, &[], &[]);
    // An access control list may let the user in, whatever the mode says.
    house.with_asterisk(AS_NOBODY);
    let entry = |tag: u16, bits: u16, id: u32| {
        let (tag, bits) = (tag.to_le_bytes(), bits.to_le_bytes());
        [&tag[..], &bits, &id.to_le_bytes()].concat()
    };
    let all = u32::MAX;
    let list = [
        2_u32.to_le_bytes().to_vec(),
        entry(1, 6, all),
        entry(2, 4, 65_534),
        entry(4, 0, all),
        entry(16, 4, all),
        entry(32, 0, all),
    ];
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(&conf, "system.posix_acl_access", &list.concat(), flags).unwrap();
    check_reader(&house, &[], &[]);
    rustix::fs::removexattr(&conf, "system.posix_acl_access").unwrap();
    // The folder, too, may keep it out.
    set(0, 0o644);
    fs::set_permissions(house.scratch.path(), Permissions::from_mode(0o711)).unwrap();
    check_reader(&house, &[], &[]);
    fs::set_permissions(house.scratch.path(), Permissions::from_mode(0o700)).unwrap();
    let folder = format!("cannot enter {}, so", house.scratch.path().display());
    check_reader(&house, &[], &[&folder, "and chmod g+x"]);
}

#[test]
fn while_asterisk_is_stopped_its_user_is_guessed() {
    let house = House::new(&format!("{GOOD}[astqueue]\nfileowner = 4242:4343\n"));
    let conf = &house.conf;
    check_reader(&house, &[], &["user 4242, who is fileowner, cannot read "]);
    std::os::unix::fs::chown(conf, None, Some(4343)).unwrap();
    fs::set_permissions(conf, Permissions::from_mode(0o640)).unwrap();
    check_reader(&house, &[], &[]);

    // Root becomes the owner of the folders; another user only looks at them.
    let house = House::new(GOOD);
    for folder in ["outgoing", "staging"] {
        let folder = house.scratch.join(folder);
        std::os::unix::fs::chown(&folder, Some(4242), Some(4242)).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    }
    std::os::unix::fs::chown(&house.conf, Some(5151), Some(5151)).unwrap();
    let stranger = [
        "setpriv",
        "--reuid",
        "5151",
        "--regid",
        "5151",
        "--clear-groups",
    ];
    let words = ["user 4242, who owns outgoingdir, cannot read "];
    check_reader(&house, &stranger, &words);
    fs::set_permissions(&house.conf, Permissions::from_mode(0o644)).unwrap();
    check_reader(&house, &stranger, &[]);
}

#[test]
fn folders_that_cannot_work_are_named() {
    let house = House::new(GOOD);
    let mounted = |mount: &str| {
        let mut run = rig::command(Path::new("unshare"));
        run.args(["-m", "sh", "-c"])
            .arg(format!("{mount} && exec \"$@\""));
        let inner = house.command(&[]);
        run.arg(house.scratch.join("staging"))
            .arg(inner.get_program());
        run.args(inner.get_args());
        rig::finish(run)
    };
    let ran = mounted("mount -t tmpfs none \"$0\"");
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    says(
        &ran,
        "FAIL  spool",
        &[
            "on two filesystems",
            "stagingdir to a folder beside outgoingdir",
        ],
    );
    let ran = mounted("cd \"$0/..\" && mount --bind . . && mount -o remount,ro,bind \"$PWD\"");
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    says(&ran, "FAIL  spool", &["read-only", "mount it for writing"]);
    fs::remove_dir(house.scratch.join("outgoing")).unwrap();
    let ran = house.test(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  spool",
        &["outgoing does not exist", "astspooldir"],
    );
}

#[test]
fn wrong_addresses_are_named() {
    let check = |websmsd: &str, more: &[&str], code: i32, step: &str, words: &[&str]| {
        let (ran, _) = House::new(websmsd).test_taken(more);
        assert_eq!(ran.code, Some(code), "{websmsd}: {}", ran.stdout);
        says(&ran, step, words);
    };
    let behind = "permit_addr = 192.168.9.2\nproxy_addr = 192.168.9.0/24\n";
    let words = [
        "these are proxies",
        "permit_addr wants the provider's own addresses",
    ];
    check(behind, &[], 1, "FAIL  access", &words);
    let from = ["--from", "203.0.113.5"];
    check(
        GOOD,
        &from,
        1,
        "FAIL  from",
        &["203.0.113.5 is not let in", "add it to permit_addr"],
    );
    let wide = "permit_addr = 203.0.113.0/24\nproxy_addr =\n";
    check(wide, &from, 0, "ok    from", &["203.0.113.5 is let in"]);
    check(
        "permit_addr =\n",
        &[],
        1,
        "FAIL  access",
        &["nobody may deliver"],
    );
    check(
        "proxy_addr =\n",
        &[],
        0,
        "warn  access",
        &["anybody passes", "permit_addr"],
    );
    let here = "permit_addr = 127.0.0.1\nproxy_addr =\n";
    check(here, &[], 0, "warn  access", &["a proxy on this machine"]);
}

#[test]
fn a_sample_is_signed_as_the_provider_does() {
    let secret = "auth_passwd = \"Secret+1\"\npublic_url = \"https://sms.example.com\"\n";
    for preset in [
        "twilio",
        "zadarma",
        "plivo",
        "messagebird",
        "vonage",
        "infobip",
        "bandwidth",
    ] {
        let conf = format!("{GOOD}provider = {preset}\nauth_user = u\n{secret}");
        let (ran, _) = House::new(&conf).test_taken(&[]);
        assert_eq!(ran.code, Some(0), "{preset}: {}", ran.stdout);
        says(&ran, "ok    sample", &["accepted"]);
    }
    let key = "auth_passwd = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"";
    let conf = format!("{GOOD}provider = telnyx\n{key}\n");
    let (ran, _) = House::new(&conf).test_taken(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    says(&ran, "skip  sample", &["a key that only they have"]);
}

#[test]
fn an_interface_that_another_hides_is_named() {
    let two = "permit_addr [a] = 198.51.100.7\npermit_addr [b] = 198.51.100.0/24\nproxy_addr =\n";
    let house = House::new(two);
    let (ran, _) = house.test_taken(&[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    says(
        &ran,
        "FAIL  sample [a]",
        &["interface b takes its SMS", "url_path of its own"],
    );
    let (ran, _) = house.test_taken(&["-i", "b"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let (ran, _) = house.test_taken(&["-i", "c"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
}

#[test]
fn a_clock_in_1970_stops_signatures_with_a_time() {
    let house = House::new(&format!(
        "{GOOD}auth_method = sinch\nauth_passwd = \"Secret+1\"\n"
    ));
    let _taker = Taker::of(house.scratch.join("outgoing"));
    let mut run = house.command(&["--json"]);
    rig::set_clock(&mut run, "@1970-01-01 00:10:00");
    let ran = rig::finish(run);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    for words in [
        "\"name\":\"clock\",\"interface\":\"\",\"result\":\"fail\"",
        ": 503, call files: 0",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

#[test]
fn a_missing_key_is_named() {
    let house = House::new(&format!(
        "{GOOD}auth_method = twilio\nauth_passwd = \"Secret+1\"\n"
    ));
    let ran = house.test(&[]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    says(&ran, "FAIL  configuration", &["give public_url"]);
}
