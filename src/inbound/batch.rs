//! The messages of one request, made safe together: in the inbox or in Asterisk's spool.

use super::Setup;
use super::inbox::NotKept;
use crate::message::Message;
use crate::proto::record::inbox::{Item as Waiting, Kind, id_text};
use crate::proto::webhook::callfile::{self, CallFile, Unfit};
use crate::sys::clock;
use crate::sys::spool::{File, SpoolFault};

/// The messages of one request: for the inbox, or as call files for the spool.
#[derive(Default)]
pub(super) struct Batch {
    /// Messages for the inbox.
    pub waiting: Vec<Waiting>,
    /// Call files for the spool.
    pub files: Vec<CallFile>,
    /// The index of the message to which each entry or file belongs.
    pub owners: Vec<usize>,
}

/// The reason why no message is safe.
pub(super) struct Unsafe {
    /// The index of the entry or file whose destination has no place, if that is the reason.
    pub crowded: Option<usize>,
    /// The reason in words, for the log.
    pub fault: String,
}

impl Batch {
    /// Adds a message under this id: as an entry for the inbox, or as its call files.
    pub fn add(
        &mut self,
        setup: &Setup,
        interface: &str,
        id: u64,
        message: &Message,
        now_s: u64,
    ) -> Result<(), Unfit> {
        let files = callfile::encode(message, &setup.config.route, now_s, &id_text(id))?;
        match setup.keeper() {
            None => self.files.extend(files),
            Some(_) => self.waiting.push(Waiting {
                id,
                interface: interface.to_owned(),
                message: message.clone(),
                arrived_s: if clock::is_sane(now_s) { now_s } else { 0 },
                kind: Kind::Sms,
                reason: String::new(),
            }),
        }
        Ok(())
    }

    /// Whether the batch holds no message.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Assigns what was just added to this message.
    pub fn own(&mut self, owner: usize) {
        let many = self.waiting.len().max(self.files.len());
        self.owners.resize(many, owner);
    }

    /// Lets the call files from this index on arrive one after another, because their messages are pieces of
    /// one text.
    pub fn keep_order(&mut self, from: usize) {
        for (delay_s, file) in (0..).zip(self.files.iter_mut().skip(from)) {
            file.delay_s = delay_s;
        }
    }

    /// Removes a message from the batch.
    pub fn leave(&mut self, owner: usize) {
        let mut each = self.owners.iter();
        let mut stays = || each.next() != Some(&owner);
        self.waiting.retain(|_| stays());
        self.files.retain(|_| stays());
        self.owners.retain(|other| *other != owner);
    }

    /// Makes all messages safe, or none.
    pub fn put(&self, setup: &Setup) -> Result<(), Unsafe> {
        if let Some(inbox) = setup.keeper() {
            let put = inbox.put(&self.waiting, &setup.config.spool);
            return put.map_err(|not| Unsafe {
                crowded: match not {
                    NotKept::Crowded { item, .. } => Some(item),
                    _ => None,
                },
                fault: not.to_string(),
            });
        }
        let files: Vec<File> = self.files.iter().map(spool_file).collect();
        setup.spool.deliver(&files).map_err(|fault| Unsafe {
            crowded: match fault {
                SpoolFault::Crowded { file, .. } => Some(file),
                _ => None,
            },
            fault: fault.to_string(),
        })
    }
}

fn spool_file(file: &CallFile) -> File<'_> {
    File {
        name: &file.name,
        bytes: &file.bytes,
        delay_s: file.delay_s,
    }
}
