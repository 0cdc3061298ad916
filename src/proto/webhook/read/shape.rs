//! One message, one to several, or several: what a list says where no `each` names it (spec §8.3).
//!
//! Without it the last value of a name would be taken of each list, so that the text of one message could
//! go to the destination of another.

use alloc::vec::Vec;

use super::lookup::{Place, Places, Scope, first};
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
        let condition = webhook.accept_if.as_ref();
        let condition = condition.map_or(b"".as_slice(), |condition| &condition.key);
        let [to, from, body] = [&webhook.key_to, &webhook.key_from, &webhook.key_body];
        let sought = [to, from, body, condition];
        let sought = sought.map(|key| {
            if is_deep(places, roots, key) {
                key
            } else {
                b""
            }
        });
        if sought.iter().all(|key| key.is_empty()) {
            return Shape::One;
        }
        let mut shape = Shape::One;
        // Outer lists come before those within them.
        let mut queue = roots.to_vec();
        let mut at = 0_usize;
        while let Some(place) = queue.get(at) {
            let (is_list, inner) = places.inner(*place);
            if is_list && sought.iter().any(|key| holders(places, &inner, key) > 1) {
                let [to, from, body] = [to, from, body].map(|key| holders(places, &inner, key));
                let level = match at < roots.len() {
                    true => Level::Top,
                    false => Level::Inside,
                };
                if from > 0 || body > 0 || (to > 0 && level == Level::Top) {
                    return Shape::Several(inner, level);
                }
                let [key, ..] = sought;
                if to > 1 && !key.is_empty() && matches!(shape, Shape::One) {
                    let first = inner.iter().find(|it| places.deep(**it, key).is_some());
                    shape = first.map_or(Shape::One, |first| Shape::To(*first));
                }
            }
            queue.extend(inner);
            at = at.saturating_add(1);
        }
        shape
    }
}

/// Whether a key is a name whose value does not stand at the top.
fn is_deep(places: &Places, roots: &[Place], key: &[u8]) -> bool {
    let is_on_top = |root: &Place| places.child(*root, key).and_then(first).is_some();
    !key.is_empty() && !json::is_path(key) && !roots.iter().any(is_on_top)
}

/// How many of these hold a key that is a name: two where there are more.
fn holders(places: &Places, inner: &[Place], key: &[u8]) -> usize {
    if key.is_empty() || json::is_path(key) {
        return 0;
    }
    let holding = inner.iter().filter(|it| places.deep(**it, key).is_some());
    holding.take(2).count()
}
