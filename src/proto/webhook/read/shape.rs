//! One message, one to several, or several: what a list says where no `each` names it (spec §8.3).
//!
//! Without it the last value of a name would be taken of each list, so that the text of one message could
//! go to the destination of another.

use alloc::vec::Vec;

use super::lookup::{Place, Places, Scope, first};
use crate::proto::grammar::Alternatives;
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::json;

/// How many messages there are in one place.
pub(super) enum Shape<'a> {
    /// One.
    One,
    /// One, to several destinations, of which each of these has one.
    To(Vec<Place<'a>>),
    /// Several, an element each.
    Several(Vec<Place<'a>>, Level),
}

/// Where the list of several messages stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Where `each` says.
    Named,
    /// It is the whole.
    Top,
    /// Below.
    Inside,
}

impl<'a> Scope<'_, 'a> {
    /// Looks for a list two elements of which hold one of the keys of to, from and text, or one that
    /// `accept_if` asks for. A key that stands at the top has its value, whatever lies deeper, and a path says
    /// by itself which element it means.
    pub(super) fn shape(&self, webhook: &Webhook) -> Shape<'a> {
        let (places, roots) = self.roots();
        let keys = [&webhook.key_to, &webhook.key_from, &webhook.key_body];
        let deep = keys.map(|key| deep_names(*self, key));
        let asked = webhook.accept_if.iter().map(|it| it.key.as_slice());
        let asked: Vec<&[u8]> = asked.filter(|key| is_deep(places, roots, key)).collect();
        if deep.iter().all(Vec::is_empty) && asked.is_empty() {
            return Shape::One;
        }
        let names = keys.map(|key| key.iter().collect::<Vec<_>>());
        let mut shape = Shape::One;
        // Outer lists come before those within them.
        let mut queue = roots.to_vec();
        let mut at = 0_usize;
        while let Some(place) = queue.get(at) {
            let (is_list, inner) = places.inner(*place);
            let are_several = |names: &[&[u8]]| holders(places, &inner, names) > 1;
            let mut asked = asked.chunks(1);
            if is_list && (deep.iter().any(|it| are_several(it)) || asked.any(are_several)) {
                let [to, from, body] = names.each_ref().map(|it| holders(places, &inner, it));
                let level = match at < roots.len() {
                    true => Level::Top,
                    false => Level::Inside,
                };
                if from > 0 || body > 0 || (to > 0 && level == Level::Top) {
                    return Shape::Several(inner, level);
                }
                let [deep_to, ..] = &deep;
                if to > 1 && matches!(shape, Shape::One) {
                    let holding = inner.iter().filter(|it| has_any(places, **it, deep_to));
                    let holding: Vec<Place> = holding.copied().collect();
                    if !holding.is_empty() {
                        shape = Shape::To(holding);
                    }
                }
            }
            queue.extend(inner);
            at = at.saturating_add(1);
        }
        shape
    }
}

/// The names of a key whose value does not stand at the top, up to the one whose does: that one counts before
/// all that follow it.
fn deep_names<'k>(scope: Scope<'_, '_>, key: &'k Alternatives) -> Vec<&'k [u8]> {
    let (places, roots) = scope.roots();
    let mut deep = Vec::new();
    for name in key.iter() {
        match is_deep(places, roots, name) {
            true => deep.push(name),
            false if scope.find_name(name).is_some() => break,
            false => {}
        }
    }
    deep
}

/// Whether a key is a name whose value does not stand at the top.
fn is_deep(places: &Places, roots: &[Place], key: &[u8]) -> bool {
    let is_on_top = |root: &Place| places.child(*root, key).and_then(first).is_some();
    !json::is_path(key) && !roots.iter().any(is_on_top)
}

/// How many of these hold one of the names: two where there are more.
fn holders(places: &Places, inner: &[Place], names: &[&[u8]]) -> usize {
    let holding = inner.iter().filter(|it| has_any(places, **it, names));
    holding.take(2).count()
}

/// Whether one of those keys that are names has a value below a place.
fn has_any(places: &Places, place: Place, names: &[&[u8]]) -> bool {
    let mut names = names.iter().filter(|name| !json::is_path(name));
    names.any(|name| places.deep(place, name).is_some())
}
