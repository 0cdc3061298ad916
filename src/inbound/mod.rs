//! Story 1: SMS come in, by webhooks and from the lists of providers that are polled.
//!
//! `connection` reads requests and answers them; `deliver` makes their messages safe, in the `inbox` or in
//! Asterisk's spool. This file holds what both need: a configuration with what was opened for it.

mod batch;
mod buffer;
mod connection;
mod deliver;
mod duplicates;
mod id;
pub mod inbox;
mod kept;
mod parts;
mod polled;
mod replay;
mod reports;
mod source;
mod spool;
mod status;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::config::Config;
use crate::limits::{
    CONNECTIONS_DEFAULT, READERS_MAX, REQUEST_FIRST_BYTES, REQUEST_MEMORY_BYTES_MAX,
    REQUEST_MEMORY_PER_PEER_MAX,
};
use crate::sys::listener::Slots;
use crate::sys::spool::Spool;
use crate::sys::threads::Semaphore;
use crate::sys::tls::certificate::Certificate;
use buffer::Memory;
pub use connection::serve;
pub use duplicates::Duplicates;
use inbox::Inbox;
pub use kept::Rejected;
pub use parts::Parts;
pub use polled::{Kind, deliver_elements, read_element};
pub use replay::{Replayed, replay};
pub use reports::Reports;
pub use spool::{kept_settings, spool_settings};
pub use status::{CLOCK_FACT, CLOCK_REMEDY, Counts, PBX_SPOOL_REMEDY, StatusData};

/// One generation of the configuration, with what was opened for it.
pub struct Setup {
    /// The configuration of the file.
    pub config: Arc<Config>,
    /// Asterisk's spool.
    pub spool: Spool,
    /// The inbox, where SMS wait for Asterisk; `None` without a folder for our state.
    pub inbox: Option<Arc<Inbox>>,
    /// The place of an SMS when 200 is sent: the inbox, or the spool.
    pub keeps: Keeps,
    /// Texts that wait for parts; `None` if no interface can have any.
    pub parts: Option<Arc<Parts>>,
    /// The record of delivered SMS; `None` if no interface remembers them.
    pub duplicates: Option<Arc<Duplicates>>,
    /// The folder for refused requests; `None` if they are not kept.
    pub rejected: Option<Rejected>,
    /// The certificate with which HTTPS is served; `None` for HTTP.
    pub certificate: Option<Arc<Certificate>>,
    /// The program that is run for each SMS in the spool.
    pub on_message: Option<PathBuf>,
    /// The counts for the status page; `None` if there is none.
    pub status: Option<StatusData>,
    /// The record of sent SMS whose delivery reports are wanted; `None` if none are.
    pub reports: Option<Arc<Reports>>,
}

/// Returns the current configuration, with what was opened for it.
pub type CurrentSetup = Arc<dyn Fn() -> Arc<Setup> + Send + Sync>;

/// The place where an SMS is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// The inbox, until Asterisk has the SMS.
    Inbox,
    /// Asterisk's spool.
    Spool,
}

impl Setup {
    /// Returns how long texts left by an earlier run wait for their parts: the longest wait of any interface.
    fn part_wait(&self) -> Duration {
        let interfaces = self.config.rules.interfaces.iter();
        let waits = interfaces.map(|interface| interface.webhook.part_wait);
        waits.max().unwrap_or_default()
    }

    /// Returns the inbox, if new SMS are kept there.
    fn keeper(&self) -> Option<&Inbox> {
        self.inbox.as_deref().filter(|_| self.keeps == Keeps::Inbox)
    }
}

/// The state that all connections share.
pub struct Service {
    setup: RwLock<Arc<Setup>>,
    /// The connections that are being served.
    pub slots: Arc<Slots>,
    memory: Memory,
    /// The limit for parsing requests at once.
    readers: Semaphore,
}

/// The part of the memory that is left when each connection has its first bytes.
const SHARED_BYTES: usize = REQUEST_MEMORY_BYTES_MAX - CONNECTIONS_DEFAULT * REQUEST_FIRST_BYTES;

impl Service {
    /// Serves `setup` until it is replaced.
    pub fn new(setup: Setup, slots: Arc<Slots>) -> Service {
        Service {
            setup: RwLock::new(Arc::new(setup)),
            slots,
            memory: Memory::new(SHARED_BYTES, REQUEST_MEMORY_PER_PEER_MAX),
            readers: Semaphore::new(READERS_MAX),
        }
    }

    /// Returns the current setup. A request that has begun with it ends with it.
    pub fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the setup from the next request on.
    pub fn replace(&self, setup: Setup) {
        *self.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
    }
}
