//! Shows an SMS out and four SMS in, through the real programs, on loopback.
//!
//! ```text
//! cargo run --release --example loopback
//! ```
//!
//! The provider is a stub and Asterisk's spool is a temporary folder; `websms` and `websmsd` are the real
//! ones, and are built if they do not exist yet. Nothing leaves the machine and nothing stays.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

#[path = "../rig/mod.rs"]
mod rig;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rig::{Called, Itsp, Scratch, Script, Websmsd};

/// One `websms.conf` serves both programs.
const CONF: &str = r#"
[websms]
host = @HOST@
path = /sms/send/
auth_user = pbx
auth_passwd = secret
response_check = "status=success"

[websmsd]
permit_addr = 127.0.0.0/8
proxy_addr =
url_path[plain] = /sms
report_success[plain] = "<Response></Response>"
url_path[zadarma] = /zadarma
key_to[zadarma] = caller_did
key_from[zadarma] = caller_id
key_body[zadarma] = text
key_echo[zadarma] = zd_echo

[astqueue]
outgoingdir = "@DIR@/outgoing"
stagingdir = "@DIR@/staging"
channel_context = dp_entry_channel_open
context = dp_entry_trunk_texting
"#;

const PICTURE: &str = "\
WebSMS between Asterisk and a telephony provider (ITSP), the whole way, on this machine only.

  out   phone -- SIP --> Asterisk -- AGI --> websms ----- HTTP request ----> provider
  in    phone <-- SIP -- Asterisk <- call file -- websmsd <-- HTTP request -- provider

websms and websmsd are the real programs. The provider is a stub inside this example, and a
temporary folder stands in for /var/spool/asterisk.
";

const PROVIDERS_NUMBER: &str = "+15017122661";
const OUR_NUMBER: &str = "+12025550160";

fn main() -> ExitCode {
    println!("{PICTURE}");
    match build().and_then(|binary| story(&binary)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("\nFAILED: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the `websms` of the profile that this example was built in, because `cargo run --example` does
/// not.
fn build() -> Result<PathBuf, String> {
    let example = std::env::current_exe().map_err(|e| format!("who am I: {e}"))?;
    let folder = example
        .parent()
        .and_then(Path::parent)
        .ok_or("no folder above the example")?;
    let binary = folder.join("websms");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--bin", "websms", "--manifest-path"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        if folder.ends_with("release") {
            command.arg("--release");
        }
        println!("building websms …");
        let status = command.status().map_err(|e| format!("cargo: {e}"))?;
        if !status.success() {
            return Err(format!("cargo build: {status}"));
        }
    }
    if binary.is_file() {
        Ok(binary)
    } else {
        Err(format!("no {}", binary.display()))
    }
}

fn story(binary: &Path) -> Result<(), String> {
    rig::use_binary(binary.to_path_buf());
    let itsp = Itsp::start(vec![Script::reply(
        200,
        r#"{"status":"success","id":"42"}"#,
    )]);
    let scratch = Scratch::new();
    let folder = scratch.path().to_owned();
    let conf = CONF.replace("@HOST@", &itsp.url());
    let conf = rig::spool_conf(&scratch, &conf);
    let conf_file = scratch.file("websms.conf", &conf);

    headline(1, "the configuration, one file for both programs");
    quote(conf.trim());

    headline(2, "an SMS out: Asterisk's dialplan runs websms");
    send(&itsp, &conf_file)?;

    headline(3, "websmsd waits for the provider");
    let daemon = Websmsd::start_as(Called::Link, scratch, &conf, &[]);
    println!("  listening on {}", daemon.address);

    headline(4, "an SMS in, as a form (Twilio and many others)");
    let text = "Incoming message!";
    let form = "To=%2B12025550160&From=%2B15017122661&Body=Incoming%20message%21";
    receive(&daemon, "/sms", rig::FORM, form, text)?;

    headline(
        5,
        "an SMS in, as multipart/form-data; its text has two lines and an emoji",
    );
    let text = "Two lines:\nall of it arrives 🙂";
    let part = |name: &str, value: &str| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = [
        part("To", OUR_NUMBER),
        part("From", PROVIDERS_NUMBER),
        part("Body", text),
    ];
    let multipart = format!("{}--cut--\r\n", parts.concat());
    receive(
        &daemon,
        "/sms",
        "multipart/form-data; boundary=cut",
        &multipart,
        text,
    )?;

    headline(6, "an SMS in, as JSON, whatever it is nested in");
    let text = r#"50% off; "quotes", {"braces":true} and #signs"#;
    let escaped = text.replace('"', "\\\"");
    let json = format!(
        r#"{{"data":{{"message":{{"To":"{OUR_NUMBER}","From":"{PROVIDERS_NUMBER}","Body":"{escaped}"}}}}}}"#
    );
    receive(&daemon, "/sms", "application/json", &json, text)?;

    headline(
        7,
        "an SMS in, as JSON inside a form field (Zadarma), on an interface of its own",
    );
    let text = "Привет";
    let result = format!(
        r#"{{"caller_id":"{PROVIDERS_NUMBER}","caller_did":"{OUR_NUMBER}","text":"{text}"}}"#
    );
    let field = format!("event=SMS&result={}", percent_encode(&result));
    receive(&daemon, "/zadarma", rig::FORM, &field, text)?;

    headline(
        8,
        "what is no SMS is answered so that nobody takes it for delivered",
    );
    let echo = daemon.get("/zadarma?zd_echo=f00d");
    println!(
        "  GET /zadarma?zd_echo=f00d      {} {}  the provider's check",
        echo.status,
        echo.text()
    );
    same(
        "the echo",
        (echo.status, echo.text().as_str()),
        (200, "f00d"),
    )?;
    let textless = daemon.post("/sms", rig::FORM, "To=1&From=2");
    println!("  POST /sms without a text       {}", textless.status);
    same("a request without a text", textless.status, 422)?;
    let nowhere = daemon.get("/elsewhere");
    println!("  GET /elsewhere                 {}", nowhere.status);
    same("an unknown path", nowhere.status, 404)?;
    let injected = daemon.post(
        "/sms",
        rig::FORM,
        "To=1%0AApplication:%20System&From=2&Body=x",
    );
    println!("  POST /sms with a line in To    {}", injected.status);
    same("an injected line", injected.status, 422)?;
    same("files left in the spool", daemon.call_files().len(), 0)?;

    headline(
        9,
        "the log of websmsd: who and what became of it, never a text",
    );
    quote(&daemon.log());

    drop(daemon);
    same("the folder's removal", folder.exists(), false)?;
    println!("\nAll of it worked, and nothing of it is left behind.");
    Ok(())
}

/// Sends one SMS with the real `websms` and shows what the provider received.
fn send(itsp: &Itsp, conf: &Path) -> Result<(), String> {
    let text = "Outgoing message! Ünïcode, 100 % & \"quotes\"";
    let (to, from) = ("+12025550183", "\"Ann\" <sip:+12025550160@pbx>");
    println!("  websms -c websms.conf -- '{to}' '{from}' '{text}'");
    let ran = rig::websms(conf, &["--", to, from, text]);
    let received = itsp.requests().pop();
    if let Some(request) = &received {
        println!("\n  the provider received");
        let mut shown = format!("{} {}\n", request.method, request.target);
        for (name, value) in &request.headers {
            shown.push_str(&format!("{name}: {value}\n"));
        }
        quote(&format!("{shown}\n{}", request.text()));
        println!("\n  it answered 200 {{\"status\":\"success\",\"id\":\"42\"}}");
    }
    let code = ran
        .code
        .map_or("by a signal".to_owned(), |code| format!("with {code}"));
    println!("  websms ended {code} (0: sent)");
    quote(&ran.stderr);
    let request = received.ok_or("the provider received nothing")?;
    same("the exit code", ran.code, Some(0))?;
    let body = format!(
        "Body={}&From=%2B12025550160&To=%2B12025550183",
        form_encode(text)
    );
    same("the body", request.text(), body)?;
    let basic = Some("Basic cGJ4OnNlY3JldA==");
    same(
        "Authorization, pbx:secret",
        request.header("Authorization"),
        basic,
    )
}

/// Posts one SMS to the real `websmsd` and shows the call file that comes of it.
fn receive(
    daemon: &Websmsd,
    target: &str,
    content_type: &str,
    body: &str,
    text: &str,
) -> Result<(), String> {
    println!("  POST {target}  {content_type}");
    quote(body);
    let answer = daemon.post(target, content_type, body);
    println!("\n  websmsd answered {} {}", answer.status, answer.text());
    let files = daemon.call_files();
    for file in &files {
        println!("  call file outgoing/{}", file.name);
        quote(&file.text());
    }
    same("the answer's status", answer.status, 200)?;
    same("the number of call files", files.len(), 1)?;
    for file in files {
        println!("\n  the dialplan decodes the text to {:?}", file.body());
        same("the text", file.body().as_str(), text)?;
        same(
            "MESSAGE(to)",
            file.variable("MESSAGE(to)").as_str(),
            OUR_NUMBER,
        )?;
        same(
            "MESSAGE(from)",
            file.variable("MESSAGE(from)").as_str(),
            PROVIDERS_NUMBER,
        )?;
        // Asterisk does this once it has read the file.
        fs::remove_file(&file.path).map_err(|e| format!("{}: {e}", file.name))?;
    }
    Ok(())
}

fn headline(number: u32, text: &str) {
    println!("\n[{number}] {text}\n");
}

/// Prints a text with a margin, so that it stands out from the explanations.
fn quote(text: &str) {
    for line in text.trim_end().lines() {
        println!("  | {line}");
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {wanted:?}"))
    }
}

/// Percent-encodes all but letters, digits and `-._~`.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Encodes as a form does: `+` for a blank, and `~` encoded.
fn form_encode(text: &str) -> String {
    percent_encode(text).replace("%20", "+").replace('~', "%7E")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
