//! `websms --flush`: tries everything in the queue now, through a running `websmsd` or in this process.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::pass::{CurrentConfig, drain_once};
use crate::config::Config;
use crate::limits::FLUSH_WAIT;
use crate::outbound::hold;
use crate::proto::record::envelope::QueueName;
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::clock::{self, Deadline};
use crate::sys::files;
use crate::sys::hook;
use crate::sys::log::{self, Level};
use crate::sys::queue::{Folder, Place};

/// The result of a flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flushed {
    /// One line for each message.
    pub lines: Vec<String>,
    /// The number of messages that still wait.
    pub left: usize,
}

/// The pause between two checks whether a running `websmsd` has finished.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Tries all messages that wait, and reports the results.
pub fn flush(config: Config) -> Result<Flushed, String> {
    let folder = State::of(&config)
        .ok_or("[queue] dir is empty, so there is no queue")?
        .queue();
    let root = folder.root().display().to_string();
    let fault = |error: std::io::Error| format!("{root}: {}", Cause(&error));
    let before = waiting(&folder).map_err(fault)?;
    let config = Arc::new(config);
    let source: CurrentConfig = Arc::new(move || Arc::clone(&config));
    let deadline = Deadline::after(FLUSH_WAIT);
    loop {
        if let Some(drain) = folder.drain().map_err(fault)? {
            match folder.stamp_flush(clock::now_s()) {
                // Messages that are sent make room.
                Err(error) if files::is_full(&error) => {
                    log::event(Level::Warning, format_args!("{}", fault(error)));
                }
                stamped => stamped.map_err(fault)?,
            }
            drain_once(&folder, drain, &source);
            hook::finish();
            break;
        }
        folder.request_flush().map_err(fault)?;
        while folder.wants_flush() && folder.is_drained().map_err(fault)? && !deadline.is_over() {
            thread::sleep(LOOK_PAUSE);
        }
        // The request was answered, or the time is over; otherwise the process that drained has ended, and
        // this one drains.
        if !folder.wants_flush() || deadline.is_over() {
            break;
        }
    }
    let after = waiting(&folder).map_err(fault)?;
    let lines = before.iter().map(|name| fate(&folder, name)).collect();
    Ok(Flushed {
        lines,
        left: after.len(),
    })
}

fn waiting(folder: &Folder) -> std::io::Result<Vec<QueueName>> {
    let names = folder.list(Place::New)?;
    Ok(names
        .iter()
        .filter_map(|name| QueueName::parse(name))
        .collect())
}

fn fate(folder: &Folder, name: &QueueName) -> String {
    let id = &name.id;
    for (place, word) in [(Place::New, "waits"), (Place::Failed, "failed")] {
        if let Ok(item) = hold::read_at(folder, place, name) {
            let reason = match item.reason.as_str() {
                "" => "not tried yet",
                reason => reason,
            };
            let to = item.message.to.as_str();
            return format!("{id} {word} to {to}: {reason}");
        }
    }
    // Messages that cannot be read are not known to be sent.
    let failed = folder.list(Place::Failed).unwrap_or_default();
    if folder.holds(&name.text()) {
        format!("{id} waits: its file cannot be read")
    } else if failed.iter().any(|it| it.starts_with(&name.text())) {
        format!("{id} failed: its file cannot be read")
    } else {
        format!("{id} sent")
    }
}
