//! Tests each state of the table, and files that are left alone, in a real folder.

use super::*;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that belongs to one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("websms-queue-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn folder(&self) -> Folder {
        Folder::new(&self.0, |name| name.starts_with("m-"))
    }

    /// Returns where a name stands, as a row of the table.
    fn state(&self, name: &str) -> [bool; 3] {
        ["tmp", "new", "failed"].map(|folder| self.0.join(folder).join(name).exists())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const Q1: [bool; 3] = [true, false, false];
const Q2: [bool; 3] = [false, true, false];
const Q3: [bool; 3] = [true, true, false];
const Q4: [bool; 3] = [false, false, true];
const NOWHERE: [bool; 3] = [false; 3];

#[test]
fn every_state_of_the_table() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    queue.prepare().unwrap();
    // The process was killed while it wrote: the caller knows of nothing, and the message is not in the
    // queue.
    fs::write(scratch.0.join("tmp/m-1"), "half").unwrap();
    assert_eq!(scratch.state("m-1"), Q1);
    assert!(queue.list(Place::New).unwrap().is_empty());
    queue.put("m-1", b"whole").unwrap();
    assert_eq!(scratch.state("m-1"), Q2);
    assert_eq!(queue.list(Place::New).unwrap(), ["m-1"]);
    // The process was killed while it replaced the file: the earlier contents count.
    fs::write(scratch.0.join("tmp/m-1"), "half").unwrap();
    assert_eq!(scratch.state("m-1"), Q3);
    assert_eq!(queue.read(Place::New, "m-1", 99).unwrap(), b"whole");
    queue.replace("m-1", b"tried").unwrap();
    assert_eq!(scratch.state("m-1"), Q2);
    assert_eq!(queue.read(Place::New, "m-1", 99).unwrap(), b"tried");
    assert!(queue.bury("m-1", b"why", 9).unwrap().is_empty());
    assert_eq!(scratch.state("m-1"), Q4);
    assert_eq!(queue.read(Place::Failed, "m-1", 99).unwrap(), b"why");
    queue.put("m-2", b"sent").unwrap();
    queue.remove("m-2").unwrap();
    assert_eq!(scratch.state("m-2"), NOWHERE);
    queue.remove("m-2").unwrap();
}

#[test]
fn of_those_given_up_the_oldest_go() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    for (name, gone) in [("m-1", vec![]), ("m-2", vec![]), ("m-3", vec!["m-1"])] {
        queue.put(name, b"x").unwrap();
        assert_eq!(queue.bury(name, b"x", 2).unwrap(), gone, "{name}");
    }
    assert_eq!(queue.list(Place::Failed).unwrap(), ["m-2", "m-3"]);
    // The newest message stays, however old its name is.
    queue.put("m-0", b"x").unwrap();
    assert_eq!(queue.bury("m-0", b"x", 2).unwrap(), ["m-2"]);
}

#[test]
fn what_cannot_be_read_is_set_aside_whatever_it_is() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    queue.prepare().unwrap();
    fs::create_dir(scratch.0.join("new/m-1")).unwrap();
    assert!(matches!(
        queue.read(Place::New, "m-1", 99),
        Err(Unreadable::NotRegular)
    ));
    queue.put("m-2", b"nonsense").unwrap();
    for name in queue.list(Place::New).unwrap() {
        queue.set_aside(&name, 9).unwrap();
    }
    assert_eq!(queue.list(Place::Failed).unwrap(), ["m-1.bad", "m-2.bad"]);
    assert!(queue.list(Place::New).unwrap().is_empty());
}

#[test]
fn strangers_files_are_left_alone() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    queue.prepare().unwrap();
    fs::write(scratch.0.join("new/notes"), "x").unwrap();
    fs::write(scratch.0.join("new/m-1.bad"), "x").unwrap();
    assert!(queue.list(Place::New).unwrap().is_empty());
    assert_eq!(queue.sweep(), 0);
}

#[test]
fn one_process_drains() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.folder(), scratch.folder());
    assert!(!one.is_drained().unwrap());
    let drain = one.drain().unwrap();
    assert!(drain.is_some() && other.is_drained().unwrap());
    assert!(other.drain().unwrap().is_none());
    drop(drain);
    assert!(!other.is_drained().unwrap());
    assert!(other.drain().unwrap().is_some());
}

#[test]
fn a_flush_is_asked_for_answered_and_written_down() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    queue.prepare().unwrap();
    assert!(!queue.wants_flush());
    queue.request_flush().unwrap();
    queue.request_flush().unwrap();
    assert!(queue.wants_flush());
    queue.end_flush().unwrap();
    assert!(!queue.wants_flush());
    assert_eq!(queue.flushed_s(), None);
    queue.stamp_flush(1_795_392_000).unwrap();
    queue.stamp_flush(1_795_392_001).unwrap();
    assert_eq!(queue.flushed_s(), Some(1_795_392_001));
    fs::write(scratch.0.join("flushed"), "soon").unwrap();
    assert_eq!(queue.flushed_s(), None);
}

#[test]
fn news_come_of_messages_requests_and_folders_made_anew() {
    let scratch = Scratch::new();
    let queue = scratch.folder();
    let mut news = queue.news().unwrap();
    queue.put("m-1", b"x").unwrap();
    news.wait().unwrap();
    queue.request_flush().unwrap();
    news.wait().unwrap();
    fs::remove_dir_all(&scratch.0).unwrap();
    news.wait().unwrap();
    // Old news may still be reported.
    queue.put("m-2", b"x").unwrap();
    news.wait().unwrap();
    assert_eq!(queue.list(Place::New).unwrap(), ["m-2"]);
}
