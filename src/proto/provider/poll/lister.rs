//! What a configuration says of a provider's list: plain values.

use alloc::string::String;
use alloc::vec::Vec;

use crate::proto::grammar::{Alternatives, Conditions};
use crate::proto::wire::form::Pair;

/// How a list is asked for and read (`poll_…`).
#[derive(Debug, Clone)]
pub struct Lister {
    /// `poll_path`, a template.
    pub path: String,
    /// `poll_static`, whose values are templates.
    pub statics: Vec<Pair>,
    /// `poll_each`, the path of the list; empty: the whole answer.
    pub each: Vec<u8>,
    /// `poll_empty`: an answer of which all these hold means that there is nothing.
    pub empty: Conditions,
    /// How the next page is asked for.
    pub paging: Paging,
    /// `poll_order`.
    pub order: Order,
    /// `poll_done`.
    pub done: Option<Done>,
    /// `poll_consumes`: what was read once is never shown again.
    pub consumes: bool,
    /// Our own numbers, of which each is asked for in turn, in the form that the provider wants; empty where
    /// the list is one for all.
    pub numbers: Vec<String>,
}

/// How the next page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// There is one page.
    None,
    /// At the URL that stands there (`poll_next`); none there: the list has ended.
    Url(Alternatives),
    /// By `{page}`, from this number on. A page without elements ends the list.
    Page(u64),
    /// By `{offset}`, the number of elements before it. A page without elements ends the list.
    Offset,
    /// By `{next}`, the value that stands there; none there: the list has ended.
    Value(Alternatives),
}

/// `poll_order`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest SMS stands first.
    Newest,
    /// The oldest does.
    Oldest,
}

/// A request that tells the provider what is stored here (`poll_done`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its method.
    pub method: &'static str,
    /// A template. With `{id}` in it there is a request for each SMS, without it one for a poll.
    pub path: String,
}
