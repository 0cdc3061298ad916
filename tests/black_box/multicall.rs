//! Tests the one binary with its two applets: by link, by first argument, by the old program's names.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::rig::{self, Called, Itsp, Ran, Scratch, Websmsd, binary, command, finish};

fn run(program: &Path, arguments: &[&str]) -> Ran {
    let mut run = command(program);
    run.args(arguments);
    finish(run)
}

#[test]
fn the_name_or_the_first_argument_chooses() {
    let scratch = Scratch::new();
    let check = |name: &str, arguments: &[&str], expected: &str| {
        let link = scratch.join(name);
        if !link.exists() {
            symlink(binary(), &link).unwrap();
        }
        let ran = run(&link, arguments);
        assert_eq!(ran.code, Some(0), "{name} {arguments:?}: {}", ran.stderr);
        assert!(
            ran.stdout.starts_with(expected),
            "{name} {arguments:?}: {}",
            ran.stdout
        );
    };
    check("websms", &["--help"], "usage: websms [");
    check("websms.php", &["--help"], "usage: websms [");
    check("anything", &["--help"], "usage: websms [");
    check("anything", &["-h"], "usage: websms [");
    check("websmsd", &["-h"], "usage: websmsd [");
    check("websmsd", &["--help"], "usage: websmsd [");
    check("websmsd.php", &["--help"], "usage: websmsd [");
    check("websms", &["websmsd", "--help"], "usage: websmsd [");
    check("websms.php", &["websmsd", "--help"], "usage: websmsd [");
    let version = concat!("websms ", env!("CARGO_PKG_VERSION"), " (built by cargo)\n");
    check("websms", &["--version"], version);
    check("websms", &["-V"], version);
    check("websmsd", &["--version"], version);
}

#[test]
fn faults_of_usage_exit_2_and_keep_stdout_clean() {
    let check = |arguments: &[&str], expected: &str| {
        let ran = run(&binary(), arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(
            ran.stderr.contains(expected),
            "{arguments:?}: {}",
            ran.stderr
        );
    };
    check(&[], "usage: websms [");
    let got = "websms: expected TO FROM BODY [INDEX], got";
    check(&["1"], &format!("{got} 1 argument\n"));
    check(&["1", "2"], &format!("{got} 2 arguments\n"));
    check(&["1", "2", "x", "i", "y"], &format!("{got} 5 arguments\n"));
    check(&["--json"], "usage: websms [");
    // The lines name the option, then the usage of the applet, then where to read on.
    let usage = "usage: websms [-c FILE] [-i INDEX] [-n] [-v] [--] TO FROM BODY [INDEX]";
    for (option, named) in [("--chek", "--chek"), ("-x", "-x"), ("-nx", "-x")] {
        let ran = run(&binary(), &[option, "1", "2", "x"]);
        let expected = format!("websms: {named} is no option\n{usage}\nwebsms --help says all\n");
        assert_eq!((ran.code, ran.stderr), (Some(2), expected), "{option}");
    }
    check(&["--queue", "1", "2", "x"], "usage: websms [");
    check(&["websmsd", "-l", "80"], "ADDR:PORT");
    check(
        &["websmsd", "--dump-config", "-c", "/nonexistent"],
        "/nonexistent: cannot be read",
    );
}

#[test]
fn a_text_in_the_wrong_place_is_not_repeated() {
    for arguments in [
        &["--secret-text or else", "1", "2"][..],
        &["-secret-text", "1", "2"],
        &["-i", "a", "1", "2", "secret-text", "b"],
    ] {
        let ran = run(&binary(), arguments);
        assert_eq!(ran.code, Some(2));
        assert!(!ran.stderr.contains("secret-text"), "{}", ran.stderr);
    }
}

#[test]
fn the_port_variable_must_be_a_number() {
    let mut run = command(&binary());
    run.arg("websmsd").env("WEBSMSD_PORT", "http");
    let ran = finish(run);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("WEBSMSD_PORT"), "{}", ran.stderr);
}

#[test]
fn the_variable_names_the_configuration_and_the_option_wins() {
    let itsp = Itsp::accepting();
    let scratch = Scratch::new();
    let text = format!(
        "[websms]\nhost = \"{}\"\nauth_method = none\n[queue]\ndir = \"\"\n",
        itsp.url()
    );
    let conf = scratch.file("websms.conf", text);
    let mut by_variable = command(&binary());
    by_variable.args(["1", "2", "x"]).env("WEBSMS_CONF", &conf);
    let ran = finish(by_variable);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut by_option = command(&binary());
    by_option
        .arg("-c")
        .arg(&conf)
        .args(["1", "2", "x"])
        .env("WEBSMS_CONF", "/nonexistent");
    let ran = finish(by_option);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(itsp.requests().len(), 2);
}

#[test]
fn a_service_manager_hears_of_a_start_that_serves_and_of_no_other() {
    let scratch = Scratch::new();
    let path = scratch.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut faulty = command(&binary());
    let conf = scratch.file("faulty.conf", "[websmsd]\nauth_method = nonsense\n");
    faulty
        .args(["websmsd", "-l", "127.0.0.1:0", "-c"])
        .arg(conf);
    faulty.env("NOTIFY_SOCKET", &path);
    assert_eq!(finish(faulty).code, Some(2));
    let mut heard = [0; 64];
    assert!(manager.recv(&mut heard).is_err());

    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, "[websmsd]\n"));
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.args(["-l", "127.0.0.1:0", "-v", "-c"]).arg(conf);
    run.env("NOTIFY_SOCKET", &path);
    let _websmsd = Websmsd::spawn(run, scratch);
    rig::wait_for(
        "READY=1",
        || matches!(manager.recv(&mut heard), Ok(length) if heard[..length] == *b"READY=1"),
    );
}

#[test]
fn a_configuration_is_dumped_as_php_reads_it() {
    let scratch = Scratch::new();
    let dump = |text: &str| {
        let conf = scratch.file("websms.conf", text);
        run(
            &binary(),
            &["websmsd", "--dump-config", "-c", conf.to_str().unwrap()],
        )
    };
    let ran = dump("[websms]\nhost = a ; c\nx[] = 1\nx[] = yes\n[websmsd]\n");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let expected = r#"{"websms":{"host":"a","x":["1","1"]},"websmsd":[]}"#;
    assert_eq!(ran.stdout, format!("{expected}\n"));
    let ran = dump("[websms]\nhost = a=b\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("websms.conf:2: "), "{}", ran.stderr);
}
