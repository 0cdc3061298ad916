//! Converts `[astqueue]` to the spool's settings.

use crate::config::{self, Config};
use crate::state::Keeping;
use crate::sys::spool;

/// Returns the spool's settings for a configuration's `[astqueue]`.
pub fn spool_settings(spool: &config::Spool) -> spool::Settings<'_> {
    spool::Settings {
        outgoing: &spool.outgoing,
        staging: &spool.staging,
        mode: spool.mode,
        owner: spool
            .owner
            .as_ref()
            .map(|(user, group)| (user.as_str(), group.as_deref())),
        sync: match spool.sync {
            config::Sync::Before => spool::Sync::Before,
            config::Sync::Never => spool::Sync::Never,
        },
        files_max: spool.files_max,
    }
}

/// Returns the spool's settings for this way of keeping SMS: an SMS in the inbox need not wait for the disk
/// of a spool that a restart empties.
pub fn kept_settings(config: &Config, keeping: Keeping) -> spool::Settings<'_> {
    let mut settings = spool_settings(&config.spool);
    if keeping.inbox && keeping.spool_is_volatile {
        settings.sync = spool::Sync::Never;
    }
    settings
}
