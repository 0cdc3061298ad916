//! Holds parameters as PHP does: in an ordered map with integer keys, filled name by name.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::key::Key;
use super::name;
use crate::limits::{PARAMETER_NODES_MAX, PARAMETERS_MAX};

/// A parameter's name and its value, both as they were sent.
pub type Pair = (Vec<u8>, Vec<u8>);

/// There are more parameters, parts or arrays than the limits allow; the text says which. The answer is
/// 413.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch(pub &'static str);

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The bytes of a plain value, as they were sent.
    Scalar(Box<[u8]>),
    /// An array, as in `a[x]=1&a[]=2`.
    Array(Array),
}

/// A PHP array: an ordered map that knows its next index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Array {
    entries: Vec<(Key, Value)>,
    /// One more than the largest integer key so far, at most `i64::MAX`.
    next: Option<i64>,
}

impl Array {
    /// Returns an array with one entry.
    pub fn of(name: &[u8], value: Vec<u8>) -> Array {
        let mut array = Array::default();
        array.push(Key::parse(name), Value::Scalar(value.into()));
        array
    }

    /// Adds a value behind all others, as `[]` does.
    pub fn append(&mut self, value: Vec<u8>) {
        if let Some(key) = self.free_key() {
            self.push(key, Value::Scalar(value.into()));
        }
    }

    /// Replaces the value of a key that is there.
    pub fn set(&mut self, name: &[u8], value: Value) {
        if let Some((_, slot)) = self.entries.iter_mut().find(|(key, _)| key.is(name)) {
            *slot = value;
        }
    }

    /// Returns keys and values in order.
    pub fn entries(&self) -> &[(Key, Value)] {
        &self.entries
    }

    /// Returns keys and values in order, with values that can be changed.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Value)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Returns the value of a key.
    pub fn get(&self, name: &[u8]) -> Option<&Value> {
        let found = self.entries.iter().find(|(key, _)| key.is(name));
        found.map(|(_, value)| value)
    }

    fn position(&self, key: &Key) -> Option<usize> {
        self.entries.iter().position(|(other, _)| other == key)
    }

    /// Adds an entry whose key is not there yet.
    fn push(&mut self, key: Key, value: Value) {
        if let Key::Int(number) = key {
            let next = number.saturating_add(1);
            self.next = Some(self.next.map_or(next, |old| old.max(next)));
        }
        if self.entries.is_empty() {
            // Most arrays hold one entry, and deeply nested ones hold nothing else.
            self.entries.reserve_exact(1);
        }
        self.entries.push((key, value));
    }

    /// Returns the place for the value of one step of a name, and makes it if it is missing; `None` if PHP
    /// drops the pair. `nodes` counts the places that were made.
    fn slot(&mut self, step: name::Step, nodes: &mut usize) -> Result<Option<&mut Value>, TooMuch> {
        let key = match step {
            name::Step::Index(key) => Some(key),
            name::Step::Append => self.free_key(),
            name::Step::Drop => None,
        };
        let Some(key) = key else {
            return Ok(None);
        };
        let place = self.position(&key).unwrap_or(self.entries.len());
        if place == self.entries.len() {
            *nodes = nodes.saturating_add(1);
            if *nodes > PARAMETER_NODES_MAX {
                return Err(TooMuch("parameter arrays"));
            }
            self.push(key, Value::Scalar(Box::default()));
        }
        Ok(self.entries.get_mut(place).map(|(_, value)| value))
    }

    /// Returns the key of the next `[]`; `None` after the largest possible one.
    fn free_key(&self) -> Option<Key> {
        let key = Key::Int(self.next.unwrap_or(0));
        (self.position(&key).is_none()).then_some(key)
    }
}

/// A tree of parameters that is being filled, and its cost so far.
#[derive(Default)]
pub(super) struct Filling {
    pub(super) root: Array,
    parameters: usize,
    nodes: usize,
}

impl Filling {
    pub(super) fn count_parameter(&mut self) -> Result<(), TooMuch> {
        self.parameters = self.parameters.saturating_add(1);
        (self.parameters <= PARAMETERS_MAX)
            .then_some(())
            .ok_or(TooMuch("parameters"))
    }

    /// Sets the value that `name` describes, as PHP's `php_register_variable_ex` does.
    pub(super) fn set(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), TooMuch> {
        let (steps, last) = match name::parse(name) {
            name::ParameterName::Path(steps, last) => (steps, last),
            name::ParameterName::TooDeep(top) => {
                self.root.entries.retain(|(key, _)| *key != top);
                return Ok(());
            }
            name::ParameterName::None => return Ok(()),
        };
        let mut array = &mut self.root;
        for step in steps {
            let Some(slot) = array.slot(step, &mut self.nodes)? else {
                return Ok(());
            };
            if matches!(slot, Value::Scalar(_)) {
                *slot = Value::Array(Array::default());
            }
            let Value::Array(inner) = slot else {
                return Ok(());
            };
            array = inner;
        }
        if let Some(slot) = array.slot(last, &mut self.nodes)? {
            *slot = Value::Scalar(value.into());
        }
        Ok(())
    }
}
