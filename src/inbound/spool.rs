//! `[astqueue]` as the spool's settings.

use crate::config;
use crate::sys::spool;

/// A configuration's `[astqueue]` → the spool's settings.
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
