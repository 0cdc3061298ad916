//! Decides which of several objects is the message if no list and no path says so (spec §8.3).
//!
//! Invariant: to, from and text below the top are never combined from objects that contradict one another,
//! unless these objects contain one another. No object that has a text and a destination is passed over.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::lookup::{Place, Places, first};

/// The part of a message that a name stands for.
pub(super) type Part = usize;
pub(super) const TO: Part = 0;
pub(super) const FROM: Part = 1;
pub(super) const BODY: Part = 2;

/// A key that is no path.
pub(super) struct KeyName<'k> {
    pub(super) part: Part,
    pub(super) name: &'k [u8],
    /// Whether its value may stand below the top.
    pub(super) is_sought: bool,
}

/// All places of a request, outer places before inner ones.
pub(super) struct Tree<'a> {
    /// Each place with the index of the place that contains it; a root contains itself.
    places: Vec<(Place<'a>, usize)>,
}

/// The to, from and text that an object itself has.
type Held<'a> = [Option<Cow<'a, [u8]>>; 3];

impl<'a> Tree<'a> {
    pub(super) fn new(roots: &[Place<'a>]) -> Tree<'a> {
        let places = roots.iter().enumerate();
        Tree {
            places: places.map(|(at, place)| (*place, at)).collect(),
        }
    }

    pub(super) fn place(&self, at: usize) -> Option<Place<'a>> {
        self.places.get(at).map(|(place, _)| *place)
    }

    /// Adds the places within a place.
    pub(super) fn add(&mut self, at: usize, inner: Vec<Place<'a>>) {
        self.places
            .extend(inner.into_iter().map(|place| (place, at)));
    }

    /// Whether one place equals the other or is within it.
    fn is_in(&self, mut inner: usize, outer: usize) -> bool {
        while inner > outer {
            match self.places.get(inner) {
                Some((_, parent)) if *parent < inner => inner = *parent,
                _ => return false,
            }
        }
        inner == outer
    }

    /// Returns objects that contradict one another, and whether the first of them is the one message;
    /// `None` if no objects do. The destinations of a `list` count as those of one object.
    pub(super) fn contradicting(
        &self,
        places: &Places<'a>,
        roots: usize,
        names: &[KeyName],
        list: Option<usize>,
    ) -> Option<(Vec<Place<'a>>, bool)> {
        let mut objects: Vec<(usize, Held)> = Vec::new();
        for (at, (place, _)) in self.places.iter().enumerate() {
            let held: Held = match list {
                Some(list) if at == list => [Some(Cow::Borrowed(b"")), None, None],
                Some(list) if self.is_in(at, list) => continue,
                _ => [TO, FROM, BODY].map(|part| held(places, *place, names, part)),
            };
            if held.iter().any(Option::is_some) {
                objects.push((at, held));
            }
        }
        // The body counts before the query.
        let root = (0..roots).find(|root| objects.iter().any(|(at, _)| self.is_in(*at, *root)))?;
        objects.retain(|(at, _)| self.is_in(*at, root));
        if agree(&objects) {
            return None;
        }
        let has = |held: &Held, part: Part| held.get(part).is_some_and(Option::is_some);
        let mut sought = [TO, FROM, BODY].to_vec();
        sought.retain(|part| objects.iter().any(|(_, held)| has(held, *part)));
        let is_whole = |(_, held): &(usize, Held)| sought.iter().all(|part| has(held, *part));
        // A text and a destination might make a message, too.
        let is_most = |(_, held): &(usize, Held)| {
            let mut parts = sought.iter().filter(|part| **part != FROM);
            parts.all(|part| has(held, *part))
        };
        let whole = objects.iter().position(is_whole);
        let is_message = sought.contains(&TO) && sought.contains(&BODY);
        if (whole.is_none() || !is_message) && self.is_chain(&objects) {
            return None;
        }
        let whole = whole.filter(|_| objects.iter().filter(|it| is_most(it)).count() == 1);
        if let Some(whole) = whole {
            objects.swap(0, whole);
        }
        let objects = objects.iter().filter_map(|(at, _)| self.place(*at));
        Some((objects.collect(), whole.is_some()))
    }

    /// Whether each of these objects is within the one before it.
    fn is_chain(&self, objects: &[(usize, Held)]) -> bool {
        let mut pairs = objects.iter().zip(objects.iter().skip(1));
        pairs.all(|((outer, _), (inner, _))| self.is_in(*inner, *outer))
    }
}

/// Whether no part has two values.
fn agree(objects: &[(usize, Held)]) -> bool {
    [TO, FROM, BODY].iter().all(|part| {
        let mut values = objects
            .iter()
            .filter_map(|(_, held)| held.get(*part)?.as_ref());
        let one = values.next();
        values.all(|value| Some(value) == one)
    })
}

/// Returns the value of that part which an object itself has under one of the names.
fn held<'a>(
    places: &Places<'a>,
    place: Place<'a>,
    names: &[KeyName],
    part: Part,
) -> Option<Cow<'a, [u8]>> {
    let mut names = names.iter().filter(|it| it.is_sought && it.part == part);
    let value = names.find_map(|it| first(places.child(place, it.name)?))?;
    Some(value.into_bytes())
}
