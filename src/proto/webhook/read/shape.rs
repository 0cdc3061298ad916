//! One message, one to several, or several: what a list says where no `each` names it (spec §8.3).
//!
//! Without it the last value of a name would be taken of each list, so that the text of one message could
//! go to the destination of another.

use alloc::vec::Vec;

use super::lookup::{Place, Scope, first, is_list, place_of};
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::json;

/// How many messages there are in one place.
pub(super) enum Shape<'a> {
    /// One.
    One,
    /// One, to several destinations, of which this is the first.
    To(Place<'a>),
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
    /// Looks for a list two elements of which hold one of the keys of to, from and text, or what `accept_if`
    /// asks for. A key that stands at the top has its value, whatever lies deeper, and a path says by itself
    /// which element it means.
    pub(super) fn shape(&self, webhook: &Webhook) -> Shape<'a> {
        let (places, roots) = self.roots();
        let is_name = |key: &&[u8]| !key.is_empty() && !json::is_path(key);
        let is_deep = |key: &&[u8]| {
            let mut roots = roots.iter();
            !roots.any(|root| places.child(*root, key).and_then(first).is_some())
        };
        let keys = [&webhook.key_to, &webhook.key_from, &webhook.key_body].map(Vec::as_slice);
        let [to, more @ ..] = keys;
        let condition = webhook.accept_if.as_ref().map(|it| it.key.as_slice());
        let sought = keys.into_iter().chain(condition);
        let sought: Vec<&[u8]> = sought.filter(is_name).filter(is_deep).collect();
        let holds = |place: &Place<'a>, key: &[u8]| places.deep(*place, key).is_some();
        let mut shape = Shape::One;
        // Outer lists come before those within them.
        let mut queue = roots.to_vec();
        let mut at = 0_usize;
        while let Some(place) = queue.get(at).copied().filter(|_| !sought.is_empty()) {
            let (is_list, inner) = places.inner(place);
            let holders = |key: &[u8]| {
                let holding = inner.iter().filter(|it| holds(it, key));
                holding.take(2).count()
            };
            if is_list && sought.iter().any(|key| holders(key) > 1) {
                let (level, of_messages) = match at < roots.len() {
                    true => (Level::Top, keys.as_slice()),
                    false => (Level::Inside, more.as_slice()),
                };
                let mut names = of_messages.iter().filter(|key| is_name(key));
                if names.any(|key| holders(key) > 0) {
                    return Shape::Several(inner, level);
                }
                if matches!(shape, Shape::One) && sought.contains(&to) && holders(to) > 1 {
                    let first = inner.iter().find(|it| holds(it, to));
                    shape = first.map_or(Shape::One, |first| Shape::To(*first));
                }
            }
            queue.extend(inner);
            at = at.saturating_add(1);
        }
        shape
    }
}

impl<'a> super::lookup::Places<'a> {
    /// What a place consists of, and whether that is a list.
    fn inner(&self, place: Place<'a>) -> (bool, Vec<Place<'a>>) {
        match place {
            Place::Scalar(bytes) => match self.json(bytes) {
                Some(value) => self.inner(Place::Json(value)),
                None => (false, Vec::new()),
            },
            Place::Json(value) => (value.is_array(), value.entries().map(Place::Json).collect()),
            Place::Array(array) => {
                let values = array.entries().iter().map(|(_, value)| place_of(value));
                (is_list(array), values.collect())
            }
        }
    }
}
