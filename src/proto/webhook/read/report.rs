//! A delivery report: which of our SMS it is of, and what it says (spec §14).

use alloc::string::String;
use alloc::vec::Vec;

use super::lookup::Scope;
use crate::limits::MESSAGE_ID_BYTES_MAX;
use crate::proto::grammar::Conditions;
use crate::proto::webhook::interface::Dlr;

/// What a provider tells of an SMS that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's id; empty where it is none that an SMS of ours could have.
    pub id: String,
    /// How it goes.
    pub state: State,
}

/// How an SMS goes that a provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is on its way, or nobody knows.
    Interim,
    /// It has arrived.
    Delivered,
    /// It has not and will not; why, as the provider has it.
    Failed(Vec<u8>),
}

/// The report that stands there; `None` where there is no id or no status.
pub(super) fn report(scope: Scope, dlr: &Dlr) -> Option<Report> {
    let (id, status) = (scope.find(&dlr.id)?, scope.find(&dlr.status)?);
    let is = |known: &Vec<u8>| known.eq_ignore_ascii_case(status.trim_ascii());
    let state = if dlr.delivered.iter().any(is) {
        State::Delivered
    } else if dlr.failed.iter().any(is) || (!dlr.last.is_empty() && hold(&dlr.last, scope)) {
        let mut reasons = dlr.reason.iter().filter_map(|name| scope.find_name(name));
        let reason = reasons.find(|reason| !reason.is_empty());
        State::Failed(reason.unwrap_or(status).into_owned())
    } else {
        State::Interim
    };
    let fits = (1..=MESSAGE_ID_BYTES_MAX).contains(&id.len());
    let id = String::from_utf8(id.into_owned()).ok().filter(|_| fits);
    Some(Report {
        id: id.unwrap_or_default(),
        state,
    })
}

fn hold(conditions: &Conditions, scope: Scope) -> bool {
    let mut all = conditions.iter();
    all.all(|condition| {
        let found = scope.presence(&condition.key);
        condition.holds(&found.unwrap_or_default())
    })
}
