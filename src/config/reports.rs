//! `[queue] reports`: adds the request for delivery reports to each interface of `[websms]` (spec §14).
//!
//! The address for delivery reports belongs to an interface of `[websmsd]`: the one with the same index,
//! else the one without an index.

use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::Interface;
use crate::proto::wire::form::{percent_decode, rawurlencode};

use super::notes::Notes;
use super::outgoing::Outgoing;

/// The placeholder in `dlr_static` that the address replaces.
const HOOK: &[u8] = b"{hook}";

/// Fills in the address for reports. `line` is the line of `reports = yes`; without it no reports are
/// requested.
pub fn ask(line: Option<u32>, outgoing: &mut [Outgoing], rules: &Rules, notes: &mut Notes) {
    let Some(line) = line else {
        for one in outgoing {
            one.account.dlr_statics.clear();
        }
        return;
    };
    let mut fault = |section: &str, index: &str, text: &str| {
        let space = if index.is_empty() { "" } else { " " };
        let text = [
            "[queue] reports is yes, but [",
            section,
            "]",
            space,
            index,
            text,
        ];
        let text = text.concat();
        notes.fault(line, text);
    };
    for interface in rules.interfaces.iter().filter(|it| it.webhook.dlr.reads()) {
        let gate = &interface.gate;
        if gate.credentials.is_none() && gate.permit.is_none() && gate.paths.is_none() {
            let text = " has none of auth_method, permit_addr and url_path: anyone could report failures; \
                        set one";
            fault("websmsd", &interface.name, text);
        }
    }
    for one in outgoing {
        let account = &mut one.account;
        let statics = &mut account.dlr_statics;
        if !statics.iter().any(|(_, value)| position(value).is_some()) {
            continue;
        }
        let reporter = rules.reporter(&account.interface);
        // Nobody can call an interface that is polled and takes no webhook.
        if reporter.is_some_and(|it| it.gate.permit.as_ref().is_some_and(Vec::is_empty)) {
            statics.clear();
            continue;
        }
        match reporter.and_then(report_address) {
            Some(report) => {
                for (_, value) in statics {
                    fill(value, report.address.as_bytes());
                }
                account.dlr_secrets = report.secrets;
            }
            None => {
                let text = " asks for delivery reports and the same interface of [websmsd] has no public_url, \
                            where they would go; give it, or dlr_static an empty value";
                fault("websms", &account.interface, text);
            }
        }
    }
}

/// The address to which reports are sent.
struct ReportAddress {
    address: String,
    /// The secret parts of the address, each in every spelling.
    secrets: Vec<Vec<u8>>,
}

fn report_address(interface: &Interface) -> Option<ReportAddress> {
    let gate = &interface.gate;
    let url = gate.public_url.as_ref()?;
    let paths = gate.paths.as_deref().unwrap_or_default();
    let path = paths.first().map_or(b"/".as_slice(), Vec::as_slice);
    let credentials = &gate.credentials;
    let mut login = String::new();
    if credentials.scheme.asks_for_user() {
        for (text, behind) in [(&credentials.user, ':'), (&credentials.secret, '@')] {
            login.push_str(&rawurlencode(text));
            login.push(behind);
        }
    }
    let address = url.report_address(&login, path);
    // Covers a login that `public_url` itself contains, too.
    let (_, rest) = address.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let (login, _) = authority.rsplit_once('@').unwrap_or_default();
    let mut secrets = Vec::new();
    for part in login.split(':').filter(|part| !part.is_empty()) {
        secrets.push(part.as_bytes().to_vec());
        secrets.push(percent_decode(part.as_bytes()));
    }
    Some(ReportAddress { address, secrets })
}

fn position(value: &[u8]) -> Option<usize> {
    value.windows(HOOK.len()).position(|window| window == HOOK)
}

/// Replaces the first `{hook}` with the address.
fn fill(value: &mut Vec<u8>, address: &[u8]) {
    if let Some(at) = position(value) {
        let behind = value.split_off(at);
        value.extend_from_slice(address);
        value.extend_from_slice(behind.get(HOOK.len()..).unwrap_or_default());
    }
}
