//! Tests the outbound path, interface by interface: request, name, connection, TLS, credentials; then the
//! queue.
//!
//! Invariant: nothing is posted. The provider sees a TLS handshake, and one GET if `check_path` is given or
//! a proxy stands between.

use std::path::Path;

use super::{Finding, Report, check_clock, configuration, list, no_interface};
use crate::config::{Config, Outgoing, Trust};
use crate::limits::{CERTIFICATE_DAYS_MIN, SELFTEST_WAIT};
use crate::outbound::attempt::connection;
use crate::outbound::hold;
use crate::proto::provider::{self, Call, Format, NO_LENGTH};
use crate::proto::record::envelope::QueueName;
use crate::proto::wire::certificate;
use crate::proto::wire::number;
use crate::state::State;
use crate::surroundings;

use crate::sys::client::{self, Probe};
use crate::sys::clock::{self, Deadline};
use crate::sys::files::{self, nearest};
use crate::sys::queue::Place;

/// Tests the interface of `index`, or all of them.
pub fn outbound(path: &Path, index: Option<&[u8]>) -> Report {
    let mut report = Report::default();
    let config = configuration(path, &mut report, &mut |_| {});
    check_clock(&mut report);
    let Some(config) = config else {
        return report;
    };
    match index.map(|_| config.outgoing(index)) {
        None => {
            for outgoing in &config.outgoing {
                interface(outgoing, &mut report);
            }
        }
        Some(Ok(outgoing)) => interface(outgoing, &mut report),
        Some(Err(fault)) => no_interface(&mut report, format_args!("{fault}")),
    }
    report.interface.clear();
    check_queue(&config, &mut report);
    report
}

fn interface(outgoing: &Outgoing, report: &mut Report) {
    report.interface.clone_from(&outgoing.account.interface);
    // If no request can be made, the configuration has its fault already.
    let Some(call) = request(outgoing, report) else {
        return;
    };
    let deadline = Deadline::after(SELFTEST_WAIT);
    let settings = connection(&outgoing.client);
    match client::probe(&call.url, &settings, &deadline) {
        Ok(probe) if reach(outgoing, &probe, report) => credentials(outgoing, &call, report),
        Ok(_) => {}
        Err(phrase) => {
            report.name = "connection";
            report.add(Finding::Fail, format_args!("{phrase}"), "");
        }
    }
}

/// Makes a dry run: the request for a made-up message.
fn request(outgoing: &Outgoing, report: &mut Report) -> Option<Call> {
    report.name = "request";
    let account = &outgoing.account;
    let sample = surroundings::sample()?;
    let call = provider::encode(&sample, account, clock::now_s()).ok()?;
    let format = match account.format {
        Format::Form => "a form",
        Format::Json => "JSON",
        Format::Query => "a query",
        Format::Multipart => "a multipart form",
    };
    let (to, from) = (sample.to.as_str(), sample.from.as_str());
    report.ok(format_args!(
        "a dry run makes {} with {format}; a number {to} goes out as {}, a sender {from} as {}",
        call.method,
        number::format(to, account.number_format),
        number::format(from, account.number_format_from)
    ));
    let chars_max = account.text_chars_max;
    if chars_max != NO_LENGTH {
        report.ok(format_args!(
            "a text of more than {chars_max} characters is refused"
        ));
    }
    Some(call)
}

/// Whether the provider, or the proxy, was reached.
fn reach(outgoing: &Outgoing, probe: &Probe, report: &mut Report) -> bool {
    report.name = "dns";
    let (host, port) = (&probe.place.0, probe.place.1);
    let key = match outgoing.client.proxy {
        Some(_) => "proxy",
        None => "host",
    };
    match &probe.addresses {
        Ok(addresses) => {
            let mut shown = String::new();
            for address in addresses {
                list(&mut shown, &address.ip());
            }
            report.ok(format_args!("{host} is {shown}"));
        }
        Err(phrase) => {
            let remedy = format!("see that {key} is right, and /etc/resolv.conf");
            report.add(Finding::Fail, format_args!("{host}: {phrase}"), &remedy);
            return false;
        }
    }
    report.name = "tcp";
    match probe.connected {
        Some(Ok(address)) => report.ok(format_args!("{address} takes connections")),
        failed => {
            let phrase = failed.and_then(Result::err).unwrap_or("not tried");
            let remedy = format!(
                "see that {key} is right, that this machine reaches the internet, and that no firewall \
                 stops port {port}"
            );
            let fact = format_args!("{host}:{port}: {phrase}");
            report.add(Finding::Fail, fact, &remedy);
            return false;
        }
    }
    report.name = "tls";
    match &probe.chain {
        Some(Ok(chain)) => {
            check_chain(outgoing, chain, report);
            true
        }
        Some(Err(phrase)) => {
            report.add(Finding::Fail, format_args!("{phrase}"), tls_remedy(phrase));
            false
        }
        None => {
            if outgoing.client.proxy.is_none() {
                report.add(Finding::Skip, format_args!("host is http://"), "");
            }
            true
        }
    }
}

fn check_chain(outgoing: &Outgoing, chain: &[Vec<u8>], report: &mut Report) {
    if outgoing.client.trust == Trust::Anybody {
        report.add(
            Finding::Warn,
            format_args!(
                "any certificate is believed, so anybody on the way can read the credentials"
            ),
            "leave tls_verify out; for a private authority give ca_file",
        );
    }
    let mut end_s = None;
    for der in chain {
        let Some(validity) = certificate::validity(der) else {
            continue;
        };
        end_s = Some(validity.not_after_s.min(end_s.unwrap_or(u64::MAX)));
    }
    let Some(end_s) = end_s else {
        return report.ok(format_args!("the certificates can be believed"));
    };
    let days = end_s.saturating_sub(clock::now_s()) / 86_400;
    let (finding, remedy) = match days < CERTIFICATE_DAYS_MIN {
        true => (
            Finding::Warn,
            "it is the provider's to renew them: tell them, if it stays so",
        ),
        false => (Finding::Ok, ""),
    };
    let fact = format_args!("the certificates can be believed, for {days} days more");
    report.add(finding, fact, remedy);
}

/// Returns the remedy for a phrase of [`client`].
fn tls_remedy(phrase: &str) -> &'static str {
    let renew =
        "see that this machine's clock is right; if it is, the provider must renew its certificate";
    let remedies = [
        (
            "unknown issuer",
            "if the provider has an authority of its own, give its certificate as ca_file; if not, \
             somebody stands between",
        ),
        (
            "another name",
            "see that host is the name that the provider's documents give",
        ),
        (
            "of an authority",
            "name this very certificate in ca_file if it is the server's own",
        ),
        ("expired", renew),
        ("not valid yet", renew),
        (
            "no certificates of authorities",
            "install the package by the system's package manager, as root",
        ),
        ("ca_file", "let this user read it, and see that it is PEM"),
    ];
    let known = remedies.iter().find(|(word, _)| phrase.contains(word));
    known.map_or(
        "see that host and its port are right and speak TLS 1.2 or 1.3, with AES-GCM and X25519 or P-256",
        |(_, remedy)| remedy,
    )
}

fn credentials(outgoing: &Outgoing, call: &Call, report: &mut Report) {
    report.name = "credentials";
    let check = match provider::encode_check(&outgoing.account, clock::now_s()) {
        Some(Ok(check)) => check,
        Some(Err(fault)) => {
            let fact = format_args!("check_path cannot be asked: {fault}");
            return report.add(Finding::Fail, fact, "see check_path");
        }
        None => {
            through_proxy(outgoing, call, report);
            report.name = "credentials";
            return report.add(
                Finding::Skip,
                format_args!("not checked: no call is known that sends nothing"),
                "if the provider has one, give it as check_path",
            );
        }
    };
    let Some(status) = status(outgoing, &check, report) else {
        return;
    };
    let (finding, before, after, remedy) = match status {
        200..=299 => (Finding::Ok, "taken: ", " for check_path", ""),
        401 | 403 => (
            Finding::Fail,
            "the provider says ",
            ": they are wrong, or may not be used from here",
            "see auth_method, auth_user and auth_passwd, and whether the provider lists the addresses \
             that may call",
        ),
        500.. => (
            Finding::Fail,
            "the provider has trouble: ",
            "",
            "try again later",
        ),
        _ => (
            Finding::Warn,
            "not clear: ",
            " for check_path",
            "see that host and check_path are right",
        ),
    };
    report.add(finding, format_args!("{before}{status}{after}"), remedy);
}

/// Tests without a `check_path` whether a proxy lets us through, by a GET without credentials.
fn through_proxy(outgoing: &Outgoing, call: &Call, report: &mut Report) {
    if outgoing.client.proxy.is_none() {
        return;
    }
    report.name = "proxy";
    let start = call.url.find("://").map_or(0, |at| at.saturating_add(3));
    let (scheme, rest) = call.url.split_at_checked(start).unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let knock = Call {
        method: "GET",
        url: [scheme, authority, "/"].concat(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    if status(outgoing, &knock, report).is_some() {
        report.ok(format_args!("it lets us through to the provider"));
    }
}

/// Returns the status of the answer to a call. A missing answer is a step of its own.
fn status(outgoing: &Outgoing, call: &Call, report: &mut Report) -> Option<u16> {
    let deadline = Deadline::after(SELFTEST_WAIT);
    match client::post(call, &connection(&outgoing.client), &deadline) {
        Ok(reply) => Some(reply.status),
        Err(failure) => {
            let phrase = failure.phrase();
            let remedy = match phrase.contains("TLS") || phrase.contains("ca_file") {
                true => tls_remedy(phrase),
                false => "see that proxy is right, if there is one, and try again",
            };
            report.add(Finding::Fail, format_args!("{phrase}"), remedy);
            None
        }
    }
}

fn check_queue(config: &Config, report: &mut Report) {
    const NOT_OURS: &str = "run this as Asterisk's user, and let that user own [queue] dir";
    report.name = "queue";
    let Some(state) = State::of(config) else {
        return report.add(
            Finding::Warn,
            format_args!("there is none: an SMS that fails for now is lost to its sender"),
            "give [queue] dir, and run websmsd",
        );
    };
    let folder = state.queue();
    let root = folder.root();
    let shown = root.display();
    let there = nearest(root);
    if !there.is_some_and(|place| place.is_dir() && files::is_writable(place)) {
        let fact = format_args!("{shown} cannot be written by this user");
        return report.add(Finding::Fail, fact, NOT_OURS);
    }
    let names = match folder.list(Place::New) {
        Ok(names) => names,
        Err(_) if !root.exists() => Vec::new(),
        Err(_) => {
            let fact = format_args!("{shown} cannot be read by this user");
            return report.add(Finding::Fail, fact, NOT_OURS);
        }
    };
    let mut age = String::new();
    for name in &names {
        let item = QueueName::parse(name).and_then(|name| hold::read(&folder, &name).ok());
        if let Some(item) = item.filter(|item| item.queued_s > 0) {
            let minutes = clock::now_s().saturating_sub(item.queued_s) / 60;
            age = format!(", the oldest for {minutes} minutes");
            break;
        }
    }
    let (finding, drain, remedy) = match hold::is_drained(&folder).unwrap_or(false) {
        true => (Finding::Ok, "", ""),
        false => (
            Finding::Warn,
            ", and no websmsd drains it, so it is not used",
            "start websmsd, or run websms --flush from cron",
        ),
    };
    let length = names.len();
    report.add(
        finding,
        format_args!("{length} SMS wait{age}{drain}"),
        remedy,
    );
}
