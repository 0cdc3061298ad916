//! Tests what becomes of an SMS on a system that has no certificates of authorities. The program of packages
//! brings none either: `tests/run` runs this file with it too.

use std::fs;
use std::path::Path;

use super::outbound::{ORDER, https_until_read, tls_file};
use crate::rig::{self, Ran, Scratch, Websmsd, wait_for};

/// What an SMS waits for: the program alone trusts the public authorities, who do not know our provider.
const REASON: &str = if cfg!(feature = "embedded-roots") {
    "TLS certificate is of an unknown issuer"
} else {
    "no certificates of authorities; install ca-bundle (OpenWrt), ca-certificates-bundle (Alpine) or \
     ca-certificates (Debian), or give ca_file"
};

/// A daemon and its `websms` where `/etc/ssl` is empty, in a mount namespace of their own.
struct Bare {
    websmsd: Websmsd,
    conf: std::path::PathBuf,
}

impl Bare {
    fn start(url: &str) -> Bare {
        let scratch = Scratch::new();
        let conf = format!(
            "[websms]\nhost = \"{url}\"\nauth_user = \"id\"\nauth_passwd = \"Secret+1\"\n\
             [websmsd]\npermit_addr = 127.0.0.1\nproxy_addr =\n[queue]\nretry = 1s\n"
        );
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        let mut run = rig::command(Path::new("unshare"));
        run.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        run.arg(
            "for folder in /etc/ssl /etc/pki; do
                 [ ! -d $folder ] || mount -t tmpfs none $folder
             done
             exec \"$@\"",
        );
        run.arg("sh").arg(rig::binary()).args(["websmsd", "-c"]);
        run.arg(&conf).args(["-l", "127.0.0.1:0", "-v"]);
        let websmsd = Websmsd::spawn(run, scratch);
        // Once it listens it still has to take the queue.
        wait_for("a daemon that drains", || {
            let listed = rig::websms(&conf, &["--queue"]).stdout;
            listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
        });
        Bare { websmsd, conf }
    }

    fn run(&self, script: &str, more: &[&str]) -> Ran {
        let mut run = rig::command(Path::new("nsenter"));
        run.args(["--user", "--mount", "--preserve-credentials", "-t"]);
        run.arg(self.websmsd.pid().to_string());
        run.args(["sh", "-ec", script]).arg(rig::binary());
        run.arg(&self.conf).args(more);
        rig::finish(run)
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, expected: &str) {
        let ran = self.run(
            "program=$0 conf=$1; shift; exec \"$program\" -c \"$conf\" \"$@\"",
            arguments,
        );
        assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn an_sms_waits_for_certificates_of_authorities_and_goes_once_they_are_there() {
    let (url, running) = https_until_read("good.pem");
    let bare = Bare::start(&url);
    bare.check(
        &["--", ORDER[0], ORDER[1], ORDER[2]],
        0,
        &format!("segments=1 (GSM) ref=-: {REASON}"),
    );
    bare.check(&["--queue"], 0, "1 waiting, 0 failed");
    bare.check(&["--selftest"], 1, REASON);
    let warning = if cfg!(feature = "embedded-roots") {
        ""
    } else {
        REASON
    };
    bare.check(&["--check"], 0, warning);
    // A bundle that holds none, as an update that was cut off leaves it, helps as little.
    let place = "mkdir -p /etc/ssl/certs; cat \"$2\" >/etc/ssl/certs/ca-certificates.crt";
    let empty = bare.websmsd.scratch.file("empty.pem", "");
    assert_eq!(bare.run(place, &[empty.to_str().unwrap()]).code, Some(0));
    bare.websmsd.wait_for_log("try=2");
    bare.check(&["--queue"], 0, REASON);
    let authority = tls_file("ca.pem");
    assert_eq!(
        bare.run(place, &[authority.to_str().unwrap()]).code,
        Some(0)
    );
    let request = running.join().unwrap();
    assert!(request.contains("Authorization: Basic "), "{request}");
    wait_for("an empty queue", || {
        let new = bare.websmsd.scratch.join("state/queue/new");
        fs::read_dir(new).unwrap().next().is_none()
    });
    bare.websmsd.wait_for_log("out SENT");
    bare.check(&["--check"], 0, "");
}
