//! `[queue] reports` → what each interface of `[websms]` asks for beside its SMS (spec §14).
//!
//! The address for delivery reports is that of an interface of `[websmsd]`: of the same index, else of the
//! one without an index.

use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::Interface;
use crate::proto::wire::form::rawurlencode;

use super::notes::Notes;
use super::outgoing::Outgoing;

/// What stands in `dlr_static` for the address.
const HOOK: &[u8] = b"{hook}";

/// Fills the address in; `line` is that of `reports = yes`, and without it nothing is asked for.
pub fn ask(line: Option<u32>, outgoing: &mut [Outgoing], rules: &Rules, notes: &mut Notes) {
    let Some(line) = line else {
        for one in outgoing {
            one.account.dlr_statics.clear();
        }
        return;
    };
    for interface in rules.interfaces.iter().filter(|it| it.webhook.dlr.reads()) {
        let gate = &interface.gate;
        if gate.credentials.is_none() && gate.permit.is_none() && gate.paths.is_none() {
            let name = named("websmsd", &interface.name);
            let text = format!(
                "[queue] reports is yes, but {name} has none of auth_method, permit_addr and url_path, so \
                 anybody could tell of failures; give one"
            );
            notes.fault(line, text);
        }
    }
    for one in outgoing {
        let account = &mut one.account;
        let reporter = rules.reporter(&account.interface);
        if !account
            .dlr_statics
            .iter()
            .any(|(_, value)| position(value).is_some())
        {
            continue;
        }
        let Some(hook) = reporter.and_then(hook) else {
            let name = named(
                "websmsd",
                reporter.map_or(&account.interface, |it| &it.name),
            );
            let of = named("websms", &account.interface);
            let text = format!(
                "[queue] reports is yes and dlr_static of {of} asks for delivery reports, but {name} has no \
                 public_url, where the provider would send them; give it, or dlr_static an empty value"
            );
            notes.fault(line, text);
            continue;
        };
        for (_, value) in &mut account.dlr_statics {
            fill(value, hook.address.as_bytes());
        }
        account.dlr_secrets = hook.secrets;
    }
}

/// `[websms] "kiwi"`, and where there is no index the section alone.
fn named(section: &str, index: &str) -> String {
    match index {
        "" => ["[", section, "]"].concat(),
        index => ["interface \"", index, "\" of [", section, "]"].concat(),
    }
}

/// Where reports go.
struct Hook {
    address: String,
    /// What of it is secret, in each spelling of its own.
    secrets: Vec<Vec<u8>>,
}

fn hook(interface: &Interface) -> Option<Hook> {
    let gate = &interface.gate;
    let paths = gate.paths.as_deref().unwrap_or_default();
    let path = paths.first().map_or(b"/".as_slice(), Vec::as_slice);
    let credentials = &gate.credentials;
    let login = match credentials.scheme.asks_for_user() {
        true => Some((credentials.user.as_slice(), credentials.secret.as_slice())),
        false => None,
    };
    let mut secrets = Vec::new();
    let mut before = String::new();
    if let Some((user, secret)) = login {
        let pair = [rawurlencode(user), rawurlencode(secret)];
        before = [&pair.join(":"), "@"].concat();
        secrets.extend([user.to_vec(), secret.to_vec()]);
        secrets.extend(pair.map(String::into_bytes));
    }
    let address = gate.public_url.as_ref()?.hook(&before, path);
    Some(Hook { address, secrets })
}

fn position(value: &[u8]) -> Option<usize> {
    value.windows(HOOK.len()).position(|window| window == HOOK)
}

/// Puts the address in the place of the first `{hook}`.
fn fill(value: &mut Vec<u8>, address: &[u8]) {
    if let Some(at) = position(value) {
        let end = at.saturating_add(HOOK.len());
        value.splice(at..end, address.iter().copied());
    }
}
