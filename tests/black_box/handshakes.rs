//! Tests which TLS a provider may speak, with OpenSSL as the provider: versions, suites, groups, keys and
//! signatures, each alone.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::rig::{Scratch, websms};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// A provider by OpenSSL, with a certificate of its own.
struct Provider {
    scratch: Scratch,
    certificate: PathBuf,
    key: PathBuf,
}

impl Provider {
    /// Makes the key by `openssl genpkey` with these options, and a certificate that it signs itself.
    fn new(key_options: &[&str]) -> Provider {
        let scratch = Scratch::new();
        let (key, certificate) = (scratch.join("key.pem"), scratch.join("cert.pem"));
        let mut make_key = Command::new("openssl");
        make_key.arg("genpkey").args(key_options).arg("-out");
        run(make_key.arg(&key));
        let mut certify = Command::new("openssl");
        certify.args(["req", "-x509", "-new", "-sha256", "-days", "2"]);
        certify.args(["-subj", "/CN=a provider", "-addext"]);
        certify.args(["subjectAltName=IP:127.0.0.1", "-addext"]);
        certify.args(["basicConstraints=critical,CA:FALSE", "-key"]);
        run(certify.arg(&key).arg("-out").arg(&certificate));
        Provider {
            scratch,
            certificate,
            key,
        }
    }

    /// Checks whether an SMS is sent to a provider that speaks no other TLS than these options allow.
    #[track_caller]
    fn check(&self, options: &[&str], is_spoken: bool) {
        let mut server = Command::new("openssl");
        server.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"]);
        server.arg("-cert").arg(&self.certificate);
        server.arg("-key").arg(&self.key).args(options);
        let mut server = server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(server.stdout.take().unwrap());
        let address = address(&mut told, &mut server);
        let conf = format!(
            "[websms]\nhost = \"https://{address}\"\nca_file = \"{}\"\ntimeout = 20\n",
            self.certificate.display()
        );
        let conf = self.scratch.file("websms.conf", conf);
        // It is sent as soon as there is a connection, before the request. At its end the server would
        // close the connection.
        let mut answer = server.stdin.take().unwrap();
        answer.write_all(ANSWER).unwrap();
        let ran = websms(&conf, &["+12025550183", "alice", "x"]);
        let _ = server.kill();
        let said = server.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        match is_spoken {
            true => assert_eq!(ran.code, Some(0), "{options:?}: {} {said}", ran.stderr),
            false => {
                assert_eq!(ran.code, Some(75), "{options:?}: {} {said}", ran.stderr);
                assert!(ran.stderr.contains("TLS"), "{options:?}: {}", ran.stderr);
            }
        }
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {ran:?}");
}

/// Reads lines until the one that tells where the server listens.
#[track_caller]
fn address(told: &mut impl BufRead, server: &mut Child) -> String {
    let mut line = String::new();
    while told.read_line(&mut line).unwrap() > 0 {
        if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
            return address.to_owned();
        }
        line.clear();
    }
    panic!("the server has ended: {:?}", server.wait());
}

const P256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const RSA: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

#[test]
fn a_provider_with_an_rsa_key() {
    let provider = Provider::new(&RSA);
    for suite in ["AES128-GCM-SHA256", "AES256-GCM-SHA384"] {
        let suite = ["ECDHE-RSA-", suite].concat();
        provider.check(&["-tls1_2", "-cipher", &suite], true);
    }
    // Nothing without AES-GCM, and nothing without a key that is forgotten at the end.
    for suite in [
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES256-SHA384",
        "DHE-RSA-AES256-GCM-SHA384",
        "AES256-GCM-SHA384",
    ] {
        provider.check(&["-tls1_2", "-cipher", suite], false);
    }
    for hash in ["SHA256", "SHA384", "SHA512"] {
        for scheme in ["RSA-PSS+", "RSA+"] {
            let scheme = [scheme, hash].concat();
            provider.check(&["-tls1_2", "-sigalgs", &scheme], true);
            // TLS 1.3 has done away with the older scheme.
            provider.check(&["-tls1_3", "-sigalgs", &scheme], scheme.contains("PSS"));
        }
    }
    provider.check(&["-tls1_2", "-sigalgs", "RSA+SHA1"], false);
}

#[test]
fn a_provider_with_a_key_on_a_curve() {
    let provider = Provider::new(&P256);
    for suite in ["AES128-GCM-SHA256", "AES256-GCM-SHA384"] {
        let suite = ["ECDHE-ECDSA-", suite].concat();
        provider.check(&["-tls1_2", "-cipher", &suite], true);
    }
    for (suite, is_spoken) in [
        ("TLS_AES_128_GCM_SHA256", true),
        ("TLS_AES_256_GCM_SHA384", true),
        ("TLS_CHACHA20_POLY1305_SHA256", false),
        ("TLS_AES_128_CCM_SHA256", false),
    ] {
        provider.check(&["-tls1_3", "-ciphersuites", suite], is_spoken);
    }
    for version in ["-tls1_2", "-tls1_3"] {
        for (group, is_spoken) in [
            ("X25519", true),
            ("P-256", true),
            ("P-384", false),
            ("P-521", false),
            ("X448", false),
        ] {
            // For a key on a curve, OpenSSL takes that curve into account under TLS 1.2.
            let both = [group, ":P-256"].concat();
            let groups = if group == "X25519" { &both } else { group };
            provider.check(&[version, "-groups", groups], is_spoken);
        }
    }
    provider.check(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], false);
}

#[test]
fn a_provider_with_a_key_on_the_larger_curve() {
    let provider = Provider::new(&P384);
    provider.check(&["-tls1_3"], true);
    // Before TLS 1.3 the groups of a client also were the curves of the keys that it took.
    provider.check(&["-tls1_2"], false);
}
