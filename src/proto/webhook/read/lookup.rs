//! Finds the value of a key among a request's parameters (spec §8.3).
//!
//! A key is looked up in this order, each time in the body before the query:
//! 1. the parameter of that name: its value counts whatever it looks like;
//! 2. if the key is a path, the value at its end;
//! 3. if it is a name, the value of this name at any depth, the last in order.
//!
//! A parameter whose value is JSON is searched inside like an array. A parameter that a key names is not,
//! nor anything below it: the text of an SMS may look like JSON and name another sender. A string inside
//! JSON is never parsed again.
//!
//! A value is a scalar or the first of a list of scalars; anything else is passed over. If a key has
//! several names, the first name that has a value counts, wherever the others have theirs.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::slice;

use super::source::Sources;
use crate::limits::JSON_VALUES_MAX;
use crate::proto::grammar::{Alternatives, Condition};
use crate::proto::sorted::Sorted;
use crate::proto::webhook::interface::Webhook;
use crate::proto::wire::form::{Array, Key, TooMuch, Value};
use crate::proto::wire::json::{self, BadJson};
use crate::proto::wire::parameters::{Parameters, is_container};

/// A place in a request's parameters.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// A value of a form.
    Scalar(&'a [u8]),
    /// Several values of a form.
    Array(&'a Array),
    /// A JSON value, from the body or from a parameter.
    Json(json::Value<'a>),
}

/// All parameters of a request, and their JSON values.
pub(super) struct Places<'a> {
    covered: Vec<Place<'a>>,
    uncovered: Vec<Place<'a>>,
    /// Whether nothing stands below the top: there are forms alone, without arrays and JSON.
    pub(super) is_flat: bool,
    /// The form values that are JSON, by the address of their bytes, and the parsed JSON.
    opened: Sorted<*const u8, json::Value<'a>>,
    /// The byte, counted from 1, at which the first form value that looks like JSON is malformed.
    pub(super) malformed: Option<usize>,
}

impl<'a> Places<'a> {
    /// Reads all JSON of a request once. Exceeding a limit is an error; malformed JSON counts as plain
    /// text.
    pub(super) fn new(source: &'a Sources<'a>, webhook: &Webhook) -> Result<Places<'a>, TooMuch> {
        let root = |root: &'a Parameters<'a>| match root {
            Parameters::Form(array) => Ok(Some(Place::Array(array))),
            Parameters::Json(text) => opened(text),
        };
        let mut places = Places {
            covered: Vec::new(),
            uncovered: Vec::new(),
            is_flat: true,
            opened: Sorted::new(),
            malformed: None,
        };
        for covered in &source.covered {
            places.covered.extend(root(covered)?);
        }
        for uncovered in &source.uncovered {
            places.uncovered.extend(root(uncovered)?);
        }
        let is_flat = |(_, value): &(Key, Value)| match value {
            Value::Array(_) => false,
            Value::Scalar(bytes) => !is_container(bytes),
        };
        for root in source.covered.iter().chain(&source.uncovered) {
            match root {
                Parameters::Form(array) if array.entries().iter().all(is_flat) => {}
                Parameters::Form(array) => {
                    places.is_flat = false;
                    let named = webhook.named();
                    let values = values(array, &named);
                    places.open(array, &named, &values)?;
                }
                Parameters::Json(_) => places.is_flat = false,
            }
        }
        Ok(places)
    }

    /// Records every scalar below `array` that is JSON and that no key names.
    fn open(
        &mut self,
        array: &'a Array,
        named: &[&[u8]],
        values: &[*const u8],
    ) -> Result<(), TooMuch> {
        for (key, value) in array.entries() {
            if named.iter().any(|name| key.is(name)) {
                continue;
            }
            match value {
                Value::Array(inner) => self.open(inner, named, values)?,
                Value::Scalar(bytes) if values.contains(&bytes.as_ptr()) => {}
                Value::Scalar(bytes) if is_container(bytes) => match json::parse(bytes) {
                    Ok(value) => self.opened.insert(bytes.as_ptr(), value),
                    Err(BadJson::Malformed { at }) => {
                        self.malformed = self.malformed.or(Some(at));
                    }
                    Err(error) => return Err(error.into()),
                },
                Value::Scalar(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the JSON of a form's scalar.
    fn json(&self, bytes: &[u8]) -> Option<json::Value<'a>> {
        is_container(bytes).then_some(())?;
        self.opened.get(&bytes.as_ptr()).copied()
    }

    pub(super) fn child(&self, place: Place<'a>, step: &[u8]) -> Option<Place<'a>> {
        match place {
            Place::Array(array) => array.get(step).map(place_of),
            Place::Json(value) => value.child(step).map(Place::Json),
            Place::Scalar(bytes) => self.json(bytes)?.child(step).map(Place::Json),
        }
    }

    fn at(&self, place: Place<'a>, path: &[&[u8]]) -> Option<Place<'a>> {
        path.iter()
            .try_fold(place, |place, step| self.child(place, step))
    }

    /// Returns the last place of this name below another place that has a value.
    pub(super) fn deep(&self, place: Place<'a>, name: &[u8]) -> Option<Place<'a>> {
        match place {
            Place::Scalar(bytes) => self.deep(Place::Json(self.json(bytes)?), name),
            Place::Json(value) => value
                .members(name)
                .map(Place::Json)
                .filter(has_value)
                .last(),
            Place::Array(array) => {
                let mut last = None;
                for (key, value) in array.entries() {
                    let place = place_of(value);
                    let here = Some(place).filter(|place| key.is(name) && has_value(place));
                    last = self.deep(place, name).or(here).or(last);
                }
                last
            }
        }
    }

    /// Adds a scalar, or every element of a list of scalars.
    fn scalars(&self, place: Place<'a>, found: &mut Vec<Place<'a>>) {
        let Some(one) = first(place) else {
            return;
        };
        match self.inner(place) {
            (true, all) => found.extend(all.into_iter().filter_map(first)),
            _ => found.push(one),
        }
    }

    /// Adds every value of this name below a place.
    fn deep_every(&self, place: Place<'a>, name: &[u8], found: &mut Vec<Place<'a>>) {
        match place {
            Place::Scalar(bytes) => {
                if let Some(value) = self.json(bytes) {
                    self.deep_every(Place::Json(value), name, found);
                }
            }
            Place::Json(value) => {
                for value in value.members(name) {
                    self.scalars(Place::Json(value), found);
                }
            }
            Place::Array(array) => {
                for (key, value) in array.entries() {
                    let place = place_of(value);
                    if key.is(name) {
                        self.scalars(place, found);
                    }
                    self.deep_every(place, name, found);
                }
            }
        }
    }

    /// Returns the place of a key's value, a scalar or a list of scalars. Looks in `roots` in the order
    /// that the module describes.
    fn place(&self, roots: &[Place<'a>], key: &[u8], depth: Depth) -> Option<Place<'a>> {
        if key.is_empty() {
            return None;
        }
        let mut roots_in_turn = roots.iter().copied();
        let named = roots_in_turn.find_map(|root| self.child(root, key).filter(has_value));
        named.or_else(|| {
            if json::is_path(key) {
                let path = json::steps(key)?;
                let mut roots = roots.iter().copied();
                return roots.find_map(|root| self.at(root, &path).filter(has_value));
            }
            let mut roots = roots.iter().filter(|_| depth == Depth::Any).copied();
            roots.find_map(|root| self.deep(root, key))
        })
    }

    /// Returns the elements of the list at `path`, where `[]` is the whole JSON body. An object counts as a
    /// list of one.
    pub(super) fn list(&self, path: &[u8]) -> Option<Vec<Place<'a>>> {
        let path = json::steps(path)?;
        let mut roots = self.covered.iter().copied();
        roots.find_map(|root| {
            let place = self.at(root, &path)?;
            if path.is_empty() && matches!(place, Place::Array(_)) {
                return None;
            }
            self.elements(place)
        })
    }

    /// Returns the elements of a list. An object counts as a list of one.
    fn elements(&self, place: Place<'a>) -> Option<Vec<Place<'a>>> {
        let (is_list, inner) = self.inner(place);
        let is_object = match place {
            Place::Scalar(bytes) => self.json(bytes).is_some(),
            Place::Json(value) => value.is_object(),
            Place::Array(_) => true,
        };
        match is_list {
            true => Some(inner),
            false => is_object.then(|| vec![place]),
        }
    }

    /// Returns whether a place is a list, and the places within it.
    pub(super) fn inner(&self, place: Place<'a>) -> (bool, Vec<Place<'a>>) {
        let mut inner = Vec::new();
        let value = match place {
            Place::Scalar(bytes) => self.json(bytes),
            Place::Json(value) => Some(value),
            Place::Array(array) => {
                inner.extend(array.entries().iter().map(|(_, value)| place_of(value)));
                return (is_list(array), inner);
            }
        };
        inner.extend(value.iter().flat_map(json::Value::entries).map(Place::Json));
        (value.is_some_and(|value| value.is_array()), inner)
    }

    /// Whether a condition holds for the parts that the permit does not cover; `None` if these do not have
    /// its key.
    pub(super) fn uncovered(&self, condition: &Condition) -> Option<bool> {
        let found = self.place(&self.uncovered, &condition.key, Depth::Any);
        Some(condition.holds(&first(found?)?.into_bytes()))
    }
}

/// The part of a request in which a key is looked up.
#[derive(Clone, Copy)]
pub(super) enum Scope<'p, 'a> {
    /// The whole request.
    Whole(&'p Places<'a>),
    /// The top, or the end of a path, but not inside the list of messages.
    Beside(&'p Places<'a>),
    /// One element of a list.
    Element(&'p Places<'a>, Place<'a>),
    /// One object, and the top or the end of a path of the whole request, or of the given element.
    Object(&'p Places<'a>, Option<Place<'a>>, Place<'a>),
}

impl<'a> Scope<'_, 'a> {
    /// Returns the value of a key: that of the first of its names that has one.
    #[inline(never)]
    pub(super) fn find(&self, key: &Alternatives) -> Option<Cow<'a, [u8]>> {
        key.iter().find_map(|name| self.find_name(name))
    }

    /// Returns the value of a name or path; `None` for an empty one.
    pub(super) fn find_name(&self, key: &[u8]) -> Option<Cow<'a, [u8]>> {
        if lists(key).is_some() {
            return self.all_of(key, 1).into_iter().next();
        }
        Some(first(self.place(key)?)?.into_bytes())
    }

    fn place(&self, key: &[u8]) -> Option<Place<'a>> {
        let (places, roots) = self.roots();
        let depth = match self {
            Scope::Beside(_) | Scope::Object(..) => Depth::Top,
            Scope::Whole(_) | Scope::Element(..) => Depth::Any,
        };
        let place = places.place(roots, key, depth);
        place.or_else(|| match self {
            Scope::Object(places, _, object) if !json::is_path(key) => {
                places.place(slice::from_ref(object), key, Depth::Any)
            }
            _ => None,
        })
    }

    /// Returns every value of a key, and whether they stand in a list; empty if it has no value.
    pub(super) fn list(&self, key: &Alternatives) -> (bool, Vec<Cow<'a, [u8]>>) {
        let (places, _) = self.roots();
        for name in key.iter() {
            if lists(name).is_some() {
                let all = self.all_of(name, JSON_VALUES_MAX);
                if !all.is_empty() {
                    return (true, all);
                }
            } else if let Some(place) = self.place(name) {
                let mut found = Vec::new();
                places.scalars(place, &mut found);
                let (is_list, _) = places.inner(place);
                return (is_list, found.into_iter().map(Place::into_bytes).collect());
            }
        }
        (false, Vec::new())
    }

    /// Returns the value of a name when only its presence matters. A value that is no scalar gives bytes
    /// that no configuration contains.
    pub(super) fn presence(&self, key: &[u8]) -> Option<Cow<'a, [u8]>> {
        self.find_name(key).or_else(|| {
            let (places, roots) = self.roots();
            let path = match json::is_path(key) {
                true => json::steps(key)?,
                false => vec![key],
            };
            let mut roots = roots.iter();
            let there = roots.any(|root| places.at(*root, &path).is_some());
            there.then_some(Cow::Borrowed(b"\0".as_slice()))
        })
    }

    /// Returns every value of a key that names several, at most `values_max` of them, in order: `a*` means
    /// `a`, `a0`, `a1` and so on, as far as they exist; `a[].b` means `b` in each element of a list.
    pub(super) fn all(&self, key: &Alternatives, values_max: usize) -> Vec<Cow<'a, [u8]>> {
        let mut found = key.iter().map(|name| self.all_of(name, values_max));
        found.find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn all_of(&self, key: &[u8], values_max: usize) -> Vec<Cow<'a, [u8]>> {
        if let Some(stem) = key.strip_suffix(b"*") {
            let numbered = |n: usize| self.find_name(&[stem, n.to_string().as_bytes()].concat());
            let all = core::iter::once(self.find_name(stem)).chain((0..=values_max).map(numbered));
            return all.flatten().take(values_max).collect();
        }
        let (list, rest) = lists(key).unwrap_or((key, b""));
        let Some(path) = json::steps(list).filter(|path| !path.is_empty()) else {
            return Vec::new();
        };
        let (places, roots) = self.roots();
        let Some(list) = roots.iter().find_map(|root| places.at(*root, &path)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in places.elements(list).unwrap_or_else(|| vec![list]) {
            let value = match rest {
                [] => first(element),
                rest => places.place(&[element], rest, Depth::Any).and_then(first),
            };
            if found.len() < values_max {
                found.extend(value.map(Place::into_bytes));
            }
        }
        found
    }

    /// Returns every value of a key that may have several places below the top, in order. [`Scope::find`]
    /// returns the last one, or the first of a list. `a[].b` has the same meaning as in [`Scope::all`].
    pub(super) fn every(&self, key: &Alternatives) -> Vec<Cow<'a, [u8]>> {
        let mut found = key.iter().map(|name| self.every_of(name));
        found.find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn every_of(&self, key: &[u8]) -> Vec<Cow<'a, [u8]>> {
        if key.windows(2).any(|two| two == b"[]") {
            return self.all_of(key, JSON_VALUES_MAX);
        }
        if json::is_path(key) {
            return self.find_name(key).into_iter().collect();
        }
        let (places, roots) = self.roots();
        let mut found = Vec::new();
        // A value at the top is the key's only value; deeper ones do not count.
        for root in roots {
            if found.is_empty()
                && let Some(place) = places.child(*root, key)
            {
                places.scalars(place, &mut found);
            }
        }
        if found.is_empty() {
            let roots = match self {
                Scope::Object(_, _, object) => slice::from_ref(object),
                _ => roots,
            };
            for root in roots {
                places.deep_every(*root, key, &mut found);
            }
        }
        found.into_iter().map(Place::into_bytes).collect()
    }

    /// Returns the scope of one place within this one.
    pub(super) fn inside(self, place: Place<'a>) -> Self {
        match self {
            Scope::Whole(places)
            | Scope::Beside(places)
            | Scope::Element(places, _)
            | Scope::Object(places, ..) => Scope::Element(places, place),
        }
    }

    /// Returns this scope with one of its objects as the message.
    pub(super) fn of(self, object: Place<'a>) -> Self {
        match self {
            Scope::Whole(places) | Scope::Beside(places) => Scope::Object(places, None, object),
            Scope::Element(places, element) => Scope::Object(places, Some(element), object),
            Scope::Object(places, element, _) => Scope::Object(places, element, object),
        }
    }

    pub(super) fn roots(&self) -> (&Places<'a>, &[Place<'a>]) {
        match self {
            Scope::Element(places, element) | Scope::Object(places, Some(element), _) => {
                (places, slice::from_ref(element))
            }
            Scope::Whole(places) | Scope::Beside(places) | Scope::Object(places, None, _) => {
                (places, &places.covered)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Top,
    Any,
}

impl<'a> Place<'a> {
    /// Returns the bytes of a scalar.
    pub(super) fn into_bytes(self) -> Cow<'a, [u8]> {
        match self {
            Place::Scalar(bytes) => Cow::Borrowed(bytes),
            Place::Json(value) => Cow::Owned(value.scalar().unwrap_or_default()),
            Place::Array(_) => Cow::Borrowed(b""),
        }
    }
}

/// Splits `a[].b` into the path of the list and the key within each element; `None` for any other key.
fn lists(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = key.windows(3).position(|three| three == b"[].")?;
    let (list, rest) = key.split_at_checked(at)?;
    Some((list, rest.get(3..)?))
}

fn place_of(value: &Value) -> Place<'_> {
    match value {
        Value::Scalar(bytes) => Place::Scalar(bytes),
        Value::Array(array) => Place::Array(array),
    }
}

/// Returns a scalar, or the first of a list of scalars.
pub(super) fn first(place: Place<'_>) -> Option<Place<'_>> {
    match place {
        Place::Scalar(_) => Some(place),
        Place::Json(value) => value.first().map(Place::Json),
        Place::Array(array) => {
            let mut scalars = array.entries().iter().map(|(_, value)| match value {
                Value::Scalar(bytes) => Some(Place::Scalar(bytes)),
                Value::Array(_) => None,
            });
            let all = is_list(array) && scalars.clone().all(|scalar| scalar.is_some());
            scalars.next().flatten().filter(|_| all)
        }
    }
}

fn has_value(place: &Place<'_>) -> bool {
    first(*place).is_some()
}

/// Whether the keys are 0, 1, 2 and so on.
fn is_list(array: &Array) -> bool {
    let keys = array.entries().iter().map(|(key, _)| key);
    (0_i64..).zip(keys).all(|(n, key)| *key == Key::Int(n))
}

/// Parses bytes that are a JSON object or array.
fn opened(bytes: &[u8]) -> Result<Option<Place<'_>>, TooMuch> {
    if !is_container(bytes) {
        return Ok(None);
    }
    match json::parse(bytes) {
        Ok(value) => Ok(Some(Place::Json(value))),
        Err(BadJson::Malformed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the addresses of the values at the end of those keys that are paths, in a form alone.
fn values(array: &Array, keys: &[&[u8]]) -> Vec<*const u8> {
    let mut found = Vec::new();
    let paths = keys.iter().filter(|key| json::is_path(key));
    for path in paths.filter_map(|key| json::steps(key)) {
        let mut place = (!path.is_empty()).then_some(Place::Array(array));
        for step in path {
            place = match place {
                Some(Place::Array(array)) => array.get(step).map(place_of),
                _ => None,
            };
        }
        collect(place, &mut found);
    }
    found
}

/// Records the address of every scalar of a place.
fn collect(place: Option<Place>, found: &mut Vec<*const u8>) {
    match place {
        Some(Place::Scalar(bytes)) => found.push(bytes.as_ptr()),
        Some(Place::Array(array)) => {
            for (_, value) in array.entries() {
                collect(Some(place_of(value)), found);
            }
        }
        _ => {}
    }
}
