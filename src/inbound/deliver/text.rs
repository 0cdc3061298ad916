//! Delivers texts that are put together from parts, in as few messages as their call files allow.

use super::MessageResult;
use super::tell::run_hook;
use crate::inbound::Setup;
use crate::inbound::batch::{Batch, Unsafe};
use crate::inbound::source::FromTo;
use crate::message::{Message, Text};
use crate::proto::record::inbox::id_text;
use crate::proto::webhook::callfile::{self, Route, Unfit};
use crate::sys::clock;
use crate::sys::log::{self, Level};

/// Adds a text as few messages as its call files allow.
pub(super) fn add_pieces(message: &Message, route: &Route, pieces: &mut Vec<Message>) {
    let fits = !matches!(
        callfile::encode(message, route, 0, ""),
        Err(Unfit::TooLong { .. })
    );
    let text = message.text.to_utf8();
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle = middle.saturating_add(1);
    }
    match text.split_at_checked(middle) {
        Some((first, second)) if !fits && !first.is_empty() && !second.is_empty() => {
            for half in [first, second] {
                let mut part = message.clone();
                part.text = Text::parse_inbound(half.as_bytes(), None);
                add_pieces(&part, route, pieces);
            }
        }
        _ => pieces.push(message.clone()),
    }
}

/// Returns the place of a text's piece among the ids of its request, which has fewer messages than this.
pub(super) fn piece_id(place: u64, piece: u64) -> u64 {
    place.saturating_add(piece.saturating_mul(0x1_0000))
}

/// Delivers a text of which some parts are missing. Returns whether it is safe.
pub(in crate::inbound) fn deliver_text(
    setup: &Setup,
    interface: &str,
    id: u64,
    message: &Message,
) -> bool {
    let mut batch = Batch::default();
    let mut pieces = Vec::new();
    add_pieces(message, &setup.config.route, &mut pieces);
    for (piece, message) in (0..).zip(pieces) {
        let id = id.wrapping_add(piece_id(0, piece));
        let added = batch.add(setup, interface, id, &message, clock::now_s());
        if added.is_err() {
            return false;
        }
    }
    batch.keep_order(0);
    let (put, unique) = (batch.put(setup), id_text(id));
    let route = FromTo(message, setup.config.log_numbers);
    if let Err(Unsafe { fault, .. }) = put {
        let words = format_args!("{unique} a text in parts {route} waits: {fault}");
        log::event(Level::Error, words);
        return false;
    }
    let words = format_args!("{unique} a text in parts {route}, not all of which came");
    log::event(Level::Notice, words);
    let result = MessageResult::Delivered(id);
    if let Some(status) = &setup.status {
        status.counts.settle(interface, message, &result, "");
    }
    run_hook(setup, interface, message, &result);
    true
}
