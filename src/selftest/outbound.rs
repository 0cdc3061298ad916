//! The outbound path, interface by interface: request, name, connection, TLS, credentials; then the
//! queue.
//!
//! Invariant: nothing is posted. The provider sees a TLS handshake, and where `check_path` is given
//! or a proxy stands between, one GET.

use std::path::Path;

use rustix::fs::{Access, access};

use super::{Finding, Report, check_clock, configuration};
use crate::config::{Config, Outgoing, Trust};
use crate::limits::{CERTIFICATE_DAYS_MIN, SELFTEST_WAIT};
use crate::message::{Message, Number, Sender, Text};
use crate::outbound::{connection, queue};
use crate::proto::certificate;
use crate::proto::envelope::Name;
use crate::proto::number;
use crate::proto::provider::{self, Call, Format};
use crate::sys::client::{self, Failure, Probe};
use crate::sys::clock::{self, Deadline};
use crate::sys::queue::Place;

/// Walks the interface of `index`, or all of them.
pub fn outbound(path: &Path, index: Option<&[u8]>) -> Report {
    let mut report = Report::default();
    let config = configuration(path, &mut report);
    check_clock(&mut report);
    let Some(config) = config else {
        return report;
    };
    match index {
        None => {
            for outgoing in &config.outgoing {
                interface(outgoing, &mut report);
            }
        }
        Some(_) => match config.outgoing(index) {
            Ok(outgoing) => interface(outgoing, &mut report),
            Err(fault) => {
                report.add("interface", "", Finding::Fail, fault.to_string(), "");
                report.unusable = true;
            }
        },
    }
    check_queue(&config, &mut report);
    report
}

fn interface(outgoing: &Outgoing, report: &mut Report) {
    let name = outgoing.account.interface.as_str();
    // What cannot be made has had its fault from the configuration.
    let Some(call) = request(outgoing, report) else {
        return;
    };
    let deadline = Deadline::after(SELFTEST_WAIT);
    let settings = connection(&outgoing.client);
    let probe = match client::probe(&call.url, &settings, &deadline) {
        Ok(probe) => probe,
        Err(phrase) => return report.add("connection", name, Finding::Fail, phrase, ""),
    };
    if !reach(outgoing, &probe, report) {
        return;
    }
    credentials(outgoing, &call, report);
}

/// A dry run: what would be sent for a made-up message.
fn request(outgoing: &Outgoing, report: &mut Report) -> Option<Call> {
    let account = &outgoing.account;
    let sample = Message {
        to: Number::parse_outbound(b"+15550123456").ok()?,
        from: Sender::parse_outbound(b"+15550123457").ok()?,
        text: Text::parse_outbound(b"self-test").ok()?,
    };
    let call = provider::encode(&sample, account, clock::now_s()).ok()?;
    let format = match account.format {
        Format::Form => "a form",
        Format::Json => "JSON",
        Format::Query => "a query",
        Format::Multipart => "a multipart form",
    };
    let to = number::format(sample.to.as_str(), account.number_format);
    let from = number::format(sample.from.as_str(), account.number_format_from);
    let fact = format!(
        "a dry run makes {} with {format}; a number +15550123456 goes out as {to}, a sender \
         +15550123457 as {from}",
        call.method
    );
    report.ok("request", &account.interface, fact);
    Some(call)
}

/// Whether the provider, or the proxy, was reached.
fn reach(outgoing: &Outgoing, probe: &Probe, report: &mut Report) -> bool {
    let name = outgoing.account.interface.as_str();
    let (host, port) = (&probe.place.0, probe.place.1);
    let key = match outgoing.client.proxy {
        Some(_) => "proxy",
        None => "host",
    };
    match &probe.addresses {
        Ok(addresses) => {
            let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
            report.ok("dns", name, format!("{host} is {}", shown.join(", ")));
        }
        Err(phrase) => {
            let remedy = format!("see that {key} is right, and /etc/resolv.conf");
            report.add(
                "dns",
                name,
                Finding::Fail,
                format!("{host}: {phrase}"),
                remedy,
            );
            return false;
        }
    }
    match probe.connected {
        Some(Ok(address)) => report.ok("tcp", name, format!("{address} takes connections")),
        failed => {
            let phrase = failed.and_then(Result::err).unwrap_or("not tried");
            let remedy = format!(
                "see that {key} is right, that this machine reaches the internet, and that no firewall \
                 stops port {port}"
            );
            report.add(
                "tcp",
                name,
                Finding::Fail,
                format!("{host}:{port}: {phrase}"),
                remedy,
            );
            return false;
        }
    }
    match &probe.chain {
        Some(chain) => check_chain(outgoing, chain, report),
        None if outgoing.client.proxy.is_some() => true,
        None => {
            report.add("tls", name, Finding::Skip, "host is http://", "");
            true
        }
    }
}

fn check_chain(
    outgoing: &Outgoing,
    chain: &Result<Vec<Vec<u8>>, &'static str>,
    report: &mut Report,
) -> bool {
    let name = outgoing.account.interface.as_str();
    let chain = match chain {
        Ok(chain) => chain,
        Err(phrase) => {
            report.add("tls", name, Finding::Fail, *phrase, tls_remedy(phrase));
            return false;
        }
    };
    if outgoing.client.trust == Trust::Anybody {
        let fact = "any certificate is believed, so anybody on the way can read the credentials";
        report.add(
            "tls",
            name,
            Finding::Warn,
            fact,
            "leave tls_verify out; for a private authority \
             give ca_file",
        );
    }
    let now_s = clock::now_s();
    let ends = chain
        .iter()
        .filter_map(|der| Some(certificate::validity(der)?.not_after_s));
    match ends.min().map(|end_s| end_s.saturating_sub(now_s) / 86_400) {
        Some(days) if days < CERTIFICATE_DAYS_MIN => report.add(
            "tls",
            name,
            Finding::Warn,
            format!("the certificates can be believed, for {days} days more"),
            "it is the provider's to renew them: tell them, if it stays so",
        ),
        Some(days) => report.ok(
            "tls",
            name,
            format!("the certificates can be believed, for {days} days more"),
        ),
        None => report.ok("tls", name, "the certificates can be believed"),
    }
    true
}

/// What helps against a phrase of [`client`].
fn tls_remedy(phrase: &str) -> &'static str {
    if phrase.contains("unknown issuer") {
        "if the provider has an authority of its own, give its certificate as ca_file; if not, \
         somebody stands between"
    } else if phrase.contains("another name") {
        "see that host is the name that the provider's documents give"
    } else if phrase.contains("expired") || phrase.contains("not valid yet") {
        "see that this machine's clock is right; if it is, the provider must renew its certificate"
    } else if phrase.contains("ca_file") {
        "let this user read it, and see that it is PEM"
    } else {
        "see that host and its port are right and speak TLS"
    }
}

fn credentials(outgoing: &Outgoing, call: &Call, report: &mut Report) {
    const NAME: &str = "credentials";
    let name = outgoing.account.interface.as_str();
    let check = provider::encode_check(&outgoing.account, clock::now_s());
    let check = match check {
        Some(Ok(check)) => check,
        Some(Err(fault)) => {
            let fact = format!("check_path cannot be asked: {fault}");
            return report.add(NAME, name, Finding::Fail, fact, "see check_path");
        }
        None => {
            through_proxy(outgoing, call, report);
            let fact = "not checked: no call is known that sends nothing";
            let remedy = "if the provider has one, give it as check_path";
            return report.add(NAME, name, Finding::Skip, fact, remedy);
        }
    };
    let deadline = Deadline::after(SELFTEST_WAIT);
    let reply = client::post(&check, &connection(&outgoing.client), &deadline);
    match reply {
        Ok(reply) => match reply.status {
            200..=299 => report.ok(
                NAME,
                name,
                format!("taken: {} for check_path", reply.status),
            ),
            status @ (401 | 403) => report.add(
                NAME,
                name,
                Finding::Fail,
                format!("the provider says {status}: they are wrong, or may not be used from here"),
                "see auth_method, auth_user and auth_passwd, and whether the provider lists the \
                 addresses that may call",
            ),
            status @ 500.. => report.add(
                NAME,
                name,
                Finding::Fail,
                format!("the provider has trouble: {status}"),
                "try again later",
            ),
            status => report.add(
                NAME,
                name,
                Finding::Warn,
                format!("not clear: {status} for check_path"),
                "see that host and check_path are right",
            ),
        },
        Err(failure) => failed(NAME, name, failure, report),
    }
}

/// Without a `check_path`: whether a proxy lets us through, by a GET without credentials.
fn through_proxy(outgoing: &Outgoing, call: &Call, report: &mut Report) {
    if outgoing.client.proxy.is_none() {
        return;
    }
    let name = outgoing.account.interface.as_str();
    let (scheme, rest) = call.url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let knock = Call {
        method: "GET",
        url: format!("{scheme}://{authority}/"),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let deadline = Deadline::after(SELFTEST_WAIT);
    match client::post(&knock, &connection(&outgoing.client), &deadline) {
        Ok(_) => report.ok("proxy", name, "it lets us through to the provider"),
        Err(failure) => failed("proxy", name, failure, report),
    }
}

fn failed(step: &'static str, name: &str, failure: Failure, report: &mut Report) {
    let (Failure::Setup(phrase) | Failure::Unwritten(phrase) | Failure::Unanswered(phrase)) =
        failure;
    let remedy = match phrase.contains("TLS") {
        true => tls_remedy(phrase),
        false => "see that proxy is right, if there is one, and try again",
    };
    report.add(step, name, Finding::Fail, phrase, remedy);
}

fn check_queue(config: &Config, report: &mut Report) {
    const NAME: &str = "queue";
    let Some(folder) = queue::folder(config) else {
        let fact = "there is none: an SMS that fails for now is lost to its sender";
        let remedy = "give [queue] dir, and run websmsd";
        return report.add(NAME, "", Finding::Warn, fact, remedy);
    };
    let root = folder.root();
    let shown = root.display();
    let there = root.ancestors().find(|place| place.exists());
    let usable = Access::WRITE_OK | Access::EXEC_OK;
    if !there.is_some_and(|place| place.is_dir() && access(place, usable).is_ok()) {
        let fact = format!("{shown} cannot be written by this user");
        let remedy = "run this as Asterisk's user, and let that user own [queue] dir";
        return report.add(NAME, "", Finding::Fail, fact, remedy);
    }
    let names = match folder.list(Place::New) {
        Ok(names) => names,
        Err(_) if !root.exists() => Vec::new(),
        Err(_) => {
            let fact = format!("{shown} cannot be read by this user");
            let remedy = "run this as Asterisk's user, and let that user own [queue] dir";
            return report.add(NAME, "", Finding::Fail, fact, remedy);
        }
    };
    let now_s = clock::now_s();
    let oldest = names
        .iter()
        .filter_map(|name| Name::parse(name))
        .find_map(|name| {
            let item = queue::read(&folder, &name).ok()?;
            (item.queued_s > 0).then(|| now_s.saturating_sub(item.queued_s))
        });
    let age = oldest.map_or(String::new(), |s| {
        format!(", the oldest for {} minutes", s / 60)
    });
    let length = format!("{} SMS wait{age}", names.len());
    match queue::is_drained(&folder) {
        true => report.ok(NAME, "", length),
        false => report.add(
            NAME,
            "",
            Finding::Warn,
            format!("{length}, and no websmsd drains it, so it is not used"),
            "start websmsd, or run websms --flush from cron",
        ),
    }
}
