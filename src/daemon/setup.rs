//! Opens what a configuration needs: spool, inbox, certificate, and the records of earlier SMS.

use std::sync::Arc;

use super::remarks::Remarks;
use super::{EXIT_CONFIG, Fault, fault};
use crate::config::Config;
use crate::inbound::inbox::{self, Inbox};
use crate::inbound::{Duplicates, Parts, Rejected, Reports, Setup, StatusData, kept_settings};
use crate::outbound;
use crate::proto::record::seen::remembers;
use crate::queue;
use crate::state::{Keeping, State};
use crate::sys::cause::Cause;
use crate::sys::events;
use crate::sys::log::{self, Level};
use crate::sys::spool::{Spool, SpoolFault};
use crate::sys::tls::certificate::{BadIdentity, Certificate};

/// Opens what a configuration names. Records in `before` are carried over.
pub(super) fn open(
    config: Config,
    remarks: Remarks,
    before: Option<&Setup>,
) -> Result<Setup, Fault> {
    let before_spool = before.map(|before| &before.spool);
    let keeping = Keeping::of(&config);
    Ok(Setup {
        spool: usable(Spool::open_or_wait(
            &kept_settings(&config, keeping),
            before_spool,
        ))?,
        inbox: inbox(&config, before),
        keeps: inbox::keeps(keeping),
        parts: parts(&config, before),
        duplicates: duplicates(&config, before),
        rejected: rejected(&config),
        certificate: certificate(&config)?,
        on_message: config.listening.on_message.clone(),
        status: status(&config, remarks, before),
        reports: reports(&config, before),
        config: Arc::new(config),
    })
}

/// Opens the inbox, where SMS wait for Asterisk. Keeps that of `before` if its folder is unchanged.
pub(super) fn inbox(config: &Config, before: Option<&Setup>) -> Option<Arc<Inbox>> {
    let folder = State::of(config)?.inbox();
    let same = before.and_then(|before| before.inbox.clone());
    let same = same.filter(|inbox| inbox.folder().root() == folder.root());
    Some(same.unwrap_or_else(|| Arc::new(Inbox::new(folder))))
}

/// Opens the texts that wait for parts, if an interface can have any. Keeps those of `before` if the folder is
/// unchanged.
pub(super) fn parts(config: &Config, before: Option<&Setup>) -> Option<Arc<Parts>> {
    let mut interfaces = config.rules.interfaces.iter();
    if !interfaces.any(|interface| interface.webhook.has_parts()) {
        return None;
    }
    let folder = State::of(config)?.parts();
    let same = before.and_then(|before| before.parts.clone());
    let same = same.filter(|parts| parts.folder().root() == folder.root());
    Some(same.unwrap_or_else(|| Arc::new(Parts::new(folder))))
}

pub(super) fn usable(spool: Result<Spool, SpoolFault>) -> Result<Spool, Fault> {
    spool.map_err(|bad| fault(EXIT_CONFIG, bad.to_string()))
}

/// Loads the certificate for HTTPS, if HTTPS is configured.
pub(super) fn certificate(config: &Config) -> Result<Option<Arc<Certificate>>, Fault> {
    let Some(files) = &config.listening.tls else {
        return Ok(None);
    };
    match Certificate::load(&files.cert, &files.key) {
        Ok(certificate) => Ok(Some(Arc::new(certificate))),
        Err(BadIdentity(what)) => Err(fault(EXIT_CONFIG, what)),
    }
}

/// Opens the record of delivered SMS, if an interface remembers them. Keeps that of `before` if its folder is
/// unchanged, because some of its SMS may be under way.
pub(super) fn duplicates(config: &Config, before: Option<&Setup>) -> Option<Arc<Duplicates>> {
    let rules = &config.rules;
    if !rules.interfaces.iter().any(|it| remembers(rules, it)) {
        return None;
    }
    let seen = State::of(config).map(|state| state.seen());
    let same = before
        .and_then(|before| before.duplicates.clone())
        .filter(|duplicates| duplicates.is_of(seen.as_ref()));
    Some(same.unwrap_or_else(|| Arc::new(Duplicates::open(seen))))
}

/// Opens the folder for refused requests, if they are kept.
pub(super) fn rejected(config: &Config) -> Option<Rejected> {
    let state = State::of(config)?;
    Rejected::open(state.rejected(), config.listening.rejected_max)
}

/// Starts the counts for the status page, if there is one. Keeps those of `before`.
fn status(config: &Config, remarks: Remarks, before: Option<&Setup>) -> Option<StatusData> {
    if config.rules.status.is_none() {
        events::forget();
        return None;
    }
    let same = before.and_then(|before| before.status.as_ref());
    if same.is_none() {
        listen(config);
    }
    Some(StatusData {
        counts: same.map_or_else(Arc::default, |same| Arc::clone(&same.counts)),
        outbound: outbound::outbound,
        lists: queue::sections,
        remarks: Arc::new(move |config| remarks.now(config)),
    })
}

/// Begins to hold events, those of other processes too. Without those the page lacks what `websms` sends.
fn listen(config: &Config) {
    events::hold();
    let Some(state) = State::of(config) else {
        return;
    };
    let socket = state.events();
    if let Err(error) = events::listen(&socket) {
        let (socket, cause) = (socket.display(), Cause(&error));
        let words = format_args!("{socket}: {cause}; the status page shows no SMS of websms");
        log::event(Level::Warning, words);
    }
}

/// Opens the record of sent SMS whose delivery reports are wanted, if any. Keeps that of `before`.
pub(super) fn reports(config: &Config, before: Option<&Setup>) -> Option<Arc<Reports>> {
    let sent = State::of(config).filter(|_| config.queue.reports)?.sent();
    let same = before.and_then(|before| before.reports.clone());
    let same = same.filter(|reports| reports.is_of(&sent));
    Some(same.unwrap_or_else(|| Arc::new(Reports::new(sent, queue::reported))))
}
