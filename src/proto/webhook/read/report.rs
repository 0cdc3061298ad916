//! Reads a delivery report: which of our SMS it concerns, and what it says (spec §14).

use alloc::string::String;
use alloc::vec::Vec;

use super::lookup::Scope;
use crate::limits::MESSAGE_ID_BYTES_MAX;
use crate::proto::grammar::Conditions;
use crate::proto::webhook::interface::Dlr;

/// A provider's report on an SMS that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's id; empty if no SMS of ours could have this id.
    pub id: String,
    /// The state of the SMS.
    pub state: State,
}

/// The state of an SMS that a provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The SMS is on its way, or its state is unknown.
    Interim,
    /// The SMS has arrived.
    Delivered,
    /// The SMS has not arrived and will not; with the provider's reason.
    Failed(Vec<u8>),
}

/// Adds the report within this scope, unless it has no id or no status.
#[inline(never)]
pub(super) fn add_to(reports: &mut Vec<Report>, scope: Scope, dlr: &Dlr) {
    let (Some(id), Some(status)) = (scope.find(&dlr.id), scope.find(&dlr.status)) else {
        return;
    };
    let state = if is_among(&status, &dlr.delivered) {
        State::Delivered
    } else if is_among(&status, &dlr.failed) || (!dlr.last.is_empty() && hold(&dlr.last, scope)) {
        let mut reason = status;
        for name in dlr.reason.iter() {
            if let Some(found) = scope.find_name(name).filter(|found| !found.is_empty()) {
                reason = found;
                break;
            }
        }
        State::Failed(reason.into_owned())
    } else {
        State::Interim
    };
    let id = match id.len() {
        1..=MESSAGE_ID_BYTES_MAX => String::from_utf8(id.into_owned()).unwrap_or_default(),
        _ => String::new(),
    };
    reports.push(Report { id, state });
}

/// Whether a word is in a list `a,b`. An empty word is in no list.
fn is_among(word: &[u8], list: &[u8]) -> bool {
    let word = word.trim_ascii();
    let mut words = list.split(|byte| *byte == b',');
    !word.is_empty() && words.any(|known| known.trim_ascii().eq_ignore_ascii_case(word))
}

fn hold(conditions: &Conditions, scope: Scope) -> bool {
    for condition in conditions.iter() {
        let found = scope.presence(&condition.key).unwrap_or_default();
        if !condition.holds(&found) {
            return false;
        }
    }
    true
}
