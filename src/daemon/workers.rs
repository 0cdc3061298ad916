//! Starts the threads that run beside those of connections: queue, inbox, polls.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Fault, refused};
use crate::inbound::inbox;
use crate::inbound::{CurrentSetup, Keeps, Service};
use crate::limits::{CONNECTION_STACK_BYTES, INBOX_STACK_BYTES, SENDER_STACK_BYTES};
use crate::poll as polls;
use crate::queue::{self, Waker};
use crate::state::State;
use crate::sys::threads;

pub(super) const NO_THREAD: &str = "cannot start a thread";

/// Starts to drain the outbound queue, if there is one.
pub(super) fn drain_queue(service: &Arc<Service>) -> Result<Waker, Fault> {
    let waker = Waker::default();
    let Some(state) = State::of(&service.setup().config) else {
        return Ok(waker);
    };
    let folder = state.queue();
    let service = Arc::clone(service);
    let source: queue::CurrentConfig = Arc::new(move || Arc::clone(&service.setup().config));
    let own = waker.clone();
    let drain = move || queue::drain(&folder, &source, &own);
    let spawned = threads::spawn("queue", SENDER_STACK_BYTES, drain);
    spawned.map_err(|error| refused(NO_THREAD, &error))?;
    Ok(waker)
}

/// Starts the polling thread if a provider is to be polled, or tells the running one that the configuration has
/// changed.
pub(super) fn ask_providers(
    service: &Arc<Service>,
    asking: &Mutex<Option<threads::Sender<()>>>,
) -> io::Result<()> {
    let mut asking = asking.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = asking.as_ref() {
        sender.send(());
        return Ok(());
    }
    if service.setup().config.polls.is_empty() {
        return Ok(());
    }
    let (sender, news) = threads::channel();
    let service = Arc::clone(service);
    let source: CurrentSetup = Arc::new(move || service.setup());
    threads::spawn("poll", CONNECTION_STACK_BYTES, move || {
        polls::run(&source, &news)
    })?;
    *asking = Some(sender);
    Ok(())
}

/// Starts to deliver from the inbox, if SMS are kept there or an earlier run has left some, unless that
/// thread is running already.
pub(super) fn deliver_inbox(service: &Arc<Service>) -> Result<(), Fault> {
    let setup = service.setup();
    if let Some(parts) = &setup.parts {
        let service = Arc::clone(service);
        let attended = parts.attend(Arc::new(move || service.setup()));
        attended.map_err(|error| refused(NO_THREAD, &error))?;
    }
    let Some(inbox) = &setup.inbox else {
        return Ok(());
    };
    if setup.keeps == Keeps::Spool && !inbox.is_left() {
        return Ok(());
    }
    let Some(mail) = inbox.attend() else {
        return Ok(());
    };
    let (inbox, service) = (Arc::clone(inbox), Arc::clone(service));
    let source: CurrentSetup = Arc::new(move || service.setup());
    let deliver = move || inbox::deliver(&inbox, &mail, &source);
    let spawned = threads::spawn("inbox", INBOX_STACK_BYTES, deliver);
    spawned.map_err(|error| refused(NO_THREAD, &error))
}
