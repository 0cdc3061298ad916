//! Plain values: the configuration of a provider's list.

use alloc::string::String;
use alloc::vec::Vec;

use crate::proto::grammar::{Alternatives, Conditions};
use crate::proto::wire::form::Pair;

/// The settings for asking for a list and reading it (`poll_…`).
#[derive(Debug, Clone)]
pub struct Lister {
    /// `poll_path`, a template.
    pub path: String,
    /// `poll_static`: parameters whose values are templates.
    pub statics: Vec<Pair>,
    /// `poll_each`, the path of the list; empty if the whole answer is the list.
    pub each: Vec<u8>,
    /// `poll_empty`: an answer for which all of these hold means that there are no SMS.
    pub empty: Conditions,
    /// The way in which the next page is asked for.
    pub paging: Paging,
    /// `poll_order`, the order of the list.
    pub order: Order,
    /// `poll_done`, the request that confirms an SMS.
    pub done: Option<Done>,
    /// `poll_consumes`: the provider shows each SMS only once.
    pub consumes: bool,
    /// Our own numbers in the provider's form; each is asked for in turn. Empty if one list holds the SMS
    /// of all numbers.
    pub numbers: Vec<String>,
}

/// The way in which the next page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// There is one page.
    None,
    /// The next page is at the URL at one of these places (`poll_next`). The list ends where there is none.
    Url(Alternatives),
    /// Pages are counted by `{page}`, from this number on. A page without elements ends the list.
    Page(u64),
    /// `{offset}` is the number of elements before the page. A page without elements ends the list.
    Offset,
    /// `{next}` is the value at one of these places. The list ends where there is none.
    Value(Alternatives),
}

/// The order of a list (`poll_order`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest SMS is first.
    Newest,
    /// The oldest SMS is first.
    Oldest,
}

/// A request that tells the provider which SMS are stored here (`poll_done`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The method of the request.
    pub method: &'static str,
    /// A template. If it holds `{id}`, there is one request per SMS; otherwise one per poll.
    pub path: String,
}
