//! The parts of the daemon that `--replay` and `--poll` need, in a process of their own that may run beside it.

use std::sync::Arc;

use super::Fault;
use super::setup::{duplicates, inbox as inbox_of, parts, usable};
use crate::config::Config;
use crate::inbound::inbox::{self};
use crate::inbound::{Keeps, Rejected, Setup, kept_settings};
use crate::state::Keeping;
use crate::sys::hook;
use crate::sys::spool::Spool;

/// Opens what a command needs to deliver SMS.
pub(super) fn open(config: Config, rejected: Option<Rejected>) -> Result<Setup, Fault> {
    let keeping = Keeping::of(&config);
    let settings = kept_settings(&config, keeping);
    // An SMS in the inbox is safe even if there is no spool.
    let spool = match keeping.inbox {
        true => Spool::open_or_wait(&settings, None),
        false => Spool::open(&settings),
    };
    Ok(Setup {
        spool: usable(spool)?,
        inbox: inbox_of(&config, None),
        keeps: inbox::keeps(keeping),
        parts: parts(&config, None),
        duplicates: duplicates(&config, None),
        rejected,
        certificate: None,
        on_message: config.listening.on_message.clone(),
        // Nobody reads the counts of this process.
        status: None,
        reports: None,
        config: Arc::new(config),
    })
}

/// Delivers what was put into the inbox, unless a daemon does, and old texts in parts; waits for the hooks.
pub(super) fn close(setup: &Setup) {
    if let Some(parts) = &setup.parts {
        parts.deliver_old(setup);
    }
    if let (Keeps::Inbox, Some(inbox)) = (setup.keeps, &setup.inbox) {
        inbox::deliver_once(inbox, &setup.config);
    }
    hook::finish();
}
