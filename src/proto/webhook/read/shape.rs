//! Decides, without `each`, whether lists and objects are one message, one to several, or several (spec
//! §8.3).
//!
//! Otherwise the last value of a name would be taken from each list, so that the text of one message could
//! go to the destination of another.

use alloc::vec::Vec;

use super::lookup::{Place, Places, Scope, first};
use super::objects::{BODY, FROM, KeyName, Part, TO, Tree};
use super::text::has_text;
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::json;

/// The number of messages in one place.
pub(super) enum Shape<'a> {
    /// There is one message.
    One,
    /// There is one message to several destinations; each of these places has one.
    To(Vec<Place<'a>>),
    /// There are several messages, each in an element of its own.
    Several(Vec<Place<'a>>, Level),
}

/// The place of the list of several messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The list is where `each` says.
    Named,
    /// The list is the whole.
    Top,
    /// The list is below the top.
    Inside,
    /// The messages are objects outside of lists, and the first of them is the one message.
    First,
}

impl<'a> Scope<'_, 'a> {
    /// Looks for a list of which two elements hold one of the keys of to, from and text, or one that
    /// `accept_if` names. Looks at objects outside of such lists next. A key at the top has its value,
    /// whatever stands deeper, and a path says by itself which element it means.
    pub(super) fn shape(&self, webhook: &Webhook) -> Shape<'a> {
        let (places, roots) = self.roots();
        if places.is_flat {
            return Shape::One;
        }
        let mut names: Vec<KeyName> = Vec::new();
        for (part, key) in [
            (TO, &webhook.key_to),
            (FROM, &webhook.key_from),
            (BODY, &webhook.key_body),
        ] {
            // A name with a value at the top, or at the end of a path, counts before all that follow it.
            let mut is_open = true;
            for name in key.iter() {
                let is_deep = is_deep(places, roots, name);
                is_open = is_open && (is_deep || self.find_name(name).is_none());
                if !json::is_path(name) {
                    names.push(KeyName {
                        part,
                        name,
                        is_sought: is_open,
                    });
                }
            }
        }
        for (part, condition) in (ASKED..).zip(webhook.accept_if.iter()) {
            let name = condition.key.as_slice();
            if is_deep(places, roots, name) {
                names.push(KeyName {
                    part,
                    name,
                    is_sought: true,
                });
            }
        }
        if !names.iter().any(|name| name.is_sought) {
            return Shape::One;
        }
        let mut destinations = None;
        // Outer lists come before the lists within them.
        let mut tree = Tree::new(roots);
        let mut at = 0_usize;
        while let Some(place) = tree.place(at) {
            let (is_list, inner) = places.inner(place);
            let holders = |part, all| holders(places, &inner, &names, part, all);
            if is_list
                && names
                    .iter()
                    .any(|it| it.is_sought && holders(it.part, false) > 1)
            {
                let level = match at < roots.len() {
                    true => Level::Top,
                    false => Level::Inside,
                };
                let to = holders(TO, true);
                let others = holders(FROM, true) > 0 || holders(BODY, true) > 0;
                if others || (to > 0 && level == Level::Top) {
                    return Shape::Several(inner, level);
                }
                if to > 1 && destinations.is_none() {
                    let mut holding = inner.clone();
                    holding.retain(|it| has_any(places, *it, &names, TO, false));
                    if !holding.is_empty() {
                        destinations = Some((at, holding));
                    }
                }
            }
            tree.add(at, inner);
            at = at.saturating_add(1);
        }
        let list = destinations.as_ref().map(|(at, _)| *at);
        // Objects without any text contain nothing that could be lost or go astray.
        let objects = has_text(*self, webhook)
            .then(|| tree.contradicting(places, roots.len(), &names, list))
            .flatten();
        match (objects, destinations) {
            (Some((objects, true)), _) => Shape::Several(objects, Level::First),
            (Some((objects, false)), _) => Shape::Several(objects, Level::Inside),
            (None, Some((_, holding))) => Shape::To(holding),
            (None, None) => Shape::One,
        }
    }
}

/// The number of the first condition, behind the parts; each condition has one.
const ASKED: Part = 3;

/// Whether a key is a name whose value does not stand at the top.
fn is_deep(places: &Places, roots: &[Place], key: &[u8]) -> bool {
    let is_on_top = |root: &Place| places.child(*root, key).and_then(first).is_some();
    !json::is_path(key) && !roots.iter().any(is_on_top)
}

/// Returns how many of these places hold a name of that part; 2 if there are more. Without `all`, only
/// names that may stand below the top count.
fn holders(places: &Places, inner: &[Place], names: &[KeyName], part: Part, all: bool) -> usize {
    let holding = inner
        .iter()
        .filter(|it| has_any(places, **it, names, part, all));
    holding.take(2).count()
}

/// Whether a name of that part has a value below a place.
fn has_any(places: &Places, place: Place, names: &[KeyName], part: Part, all: bool) -> bool {
    let mut names = names.iter();
    names
        .any(|it| it.part == part && (all || it.is_sought) && places.deep(place, it.name).is_some())
}
