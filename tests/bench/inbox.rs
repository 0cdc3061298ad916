//! Webhooks a second with an inbox and without one, against a loop that only writes the files.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::inbound::{Sync, bare_loop, wrk};
use super::rig::{self, Scratch};
use super::{Daemon, Plan, Table, median};

/// The treatment of call files.
#[derive(Clone, Copy)]
enum Phones {
    /// Every SMS is for one number, and its first call file stays.
    Away,
    /// Every SMS has a number of its own, and its call file is taken at once, as Asterisk does. So each is moved
    /// and forgotten in the same second.
    Back,
}

/// One contestant.
struct Case {
    inbox: &'static str,
    /// As on a router; else the spool is beside the state.
    is_spool_in_memory: bool,
    sync: Sync,
    phones: Phones,
    connections: usize,
}

pub fn measure(plan: &Plan, table: &mut Table) {
    let memory = Path::new("/dev/shm");
    let disk = std::env::current_dir().unwrap().join("target");

    table.heading("SMS in a second with an inbox, `sync = no`, all on a tmpfs, 8 connections");
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..plan.rounds {
        rates[0].push(Case::with(Sync::No, 8).rate(memory));
        rates[1].push(Case::without(Sync::No, 8).rate(memory));
    }
    let [with, without] = rates.map(median);
    table.figure("`inbox = yes`", format!("{with:.0}"));
    table.figure("`inbox = no`", format!("{without:.0}"));
    table.figure("with against without", percent(with, without));

    table.heading("SMS in a second that are on the disk, `sync = yes`");
    let mut rates = [(); 7].map(|()| Vec::new());
    for _ in 0..plan.rounds {
        rates[0].push(bare_loop(&disk, Sync::Yes));
        let (away, back) = (Phones::Away, Phones::Back);
        rates[1].push(Case::on_router(away, 1).rate(&disk));
        rates[2].push(Case::on_router(away, 8).rate(&disk));
        rates[3].push(Case::on_router(back, 1).rate(&disk));
        rates[4].push(Case::on_router(back, 8).rate(&disk));
        rates[5].push(Case::without(Sync::Yes, 1).rate(&disk));
        rates[6].push(Case::without(Sync::Yes, 8).rate(&disk));
    }
    let [bare, rest @ ..] = rates.map(median);
    let words = "a bare loop that writes and syncs one file an SMS";
    table.figure(words, format!("{bare:.0}"));
    for (what, rate, least) in [
        ("inbox, phone away, 1 connection", rest[0], 80.0),
        ("inbox, phone away, 8 connections", rest[1], 120.0),
        ("inbox, all taken meanwhile, 1 connection", rest[2], 0.0),
        ("inbox, all taken meanwhile, 8 connections", rest[3], 0.0),
        (
            "`inbox = no`, spool on the disk, 1 connection",
            rest[4],
            0.0,
        ),
        (
            "`inbox = no`, spool on the disk, 8 connections",
            rest[5],
            0.0,
        ),
    ] {
        let share = 100.0 * rate / bare;
        let figure = format!("{rate:.0}, {share:.0} % of the loop");
        match least > 0.0 {
            true => table.wanted(what, figure, &format!("≥ {least:.0} %"), share >= least),
            false => table.figure(what, figure),
        }
    }
}

impl Case {
    /// State and spool on one filesystem.
    fn with(sync: Sync, connections: usize) -> Case {
        Case {
            inbox: "yes",
            is_spool_in_memory: false,
            sync,
            phones: Phones::Back,
            connections,
        }
    }

    fn without(sync: Sync, connections: usize) -> Case {
        let inbox = "no";
        Case {
            inbox,
            ..Case::with(sync, connections)
        }
    }

    /// State on the disk, spool on a tmpfs.
    fn on_router(phones: Phones, connections: usize) -> Case {
        Case {
            is_spool_in_memory: true,
            phones,
            ..Case::with(Sync::Yes, connections)
        }
    }

    /// Answers a second, with the state below `parent`.
    fn rate(&self, parent: &Path) -> f64 {
        let (inbox, sync) = (self.inbox, self.sync.word());
        let mut conf =
            format!("[astqueue]\ninbox = {inbox}\ninbox_rate =\nsync = {sync}\nmax = 1000000\n");
        let memory = self
            .is_spool_in_memory
            .then(|| Scratch::within(Path::new("/dev/shm")));
        if let Some(scratch) = &memory {
            let (outgoing, staging) = (scratch.folder("outgoing"), scratch.folder("staging"));
            let (outgoing, staging) = (outgoing.display(), staging.display());
            conf += &format!("outgoingdir = \"{outgoing}\"\nstagingdir = \"{staging}\"\n");
        }
        let daemon = Daemon::start(&rig::binary(), parent, &conf);
        let outgoing = memory.as_ref().unwrap_or(&daemon.scratch).join("outgoing");
        match self.phones {
            Phones::Away => wrk(daemon.address, self.connections, &[]),
            Phones::Back => {
                let is_over = Arc::new(AtomicBool::new(false));
                let heard = Arc::clone(&is_over);
                let asterisk = thread::spawn(move || take(&outgoing, &heard));
                let rate = wrk(daemon.address, self.connections, &["numbers"]);
                is_over.store(true, Ordering::Relaxed);
                assert!(asterisk.join().unwrap() > 0, "no call file came");
                rate
            }
        }
    }
}

/// Takes call files until all is over; how many.
fn take(outgoing: &Path, is_over: &AtomicBool) -> usize {
    let mut taken = 0;
    while !is_over.load(Ordering::Relaxed) {
        let files = fs::read_dir(outgoing).unwrap();
        taken += files
            .filter(|file| fs::remove_file(file.as_ref().unwrap().path()).is_ok())
            .count();
        thread::sleep(Duration::from_millis(10));
    }
    taken
}

fn percent(rate: f64, of: f64) -> String {
    format!("{:.0} %", 100.0 * rate / of)
}
