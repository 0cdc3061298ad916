//! Keeps keys and values in the order of the keys, in one piece of memory.
//!
//! New keys mostly come in order, so that they are appended; a removal moves all entries behind it. The
//! standard library's tree is faster for insertions in the middle of very many entries, but adds 5 KiB to
//! the program on a router for each kind of key.
//!
//! Invariant: the keys ascend, and each occurs once.

use alloc::borrow::Borrow;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// An ordered map. With `()` as its value type it is a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sorted<K, V = ()> {
    entries: Vec<(K, V)>,
}

impl<K: Ord, V> Sorted<K, V> {
    /// Returns an empty map.
    pub const fn new() -> Sorted<K, V> {
        Sorted {
            entries: Vec::new(),
        }
    }

    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        search(self.entries.len(), &|nth| match self.entries.get(nth) {
            Some((other, _)) => other.borrow().cmp(key),
            None => Ordering::Greater,
        })
    }

    /// Returns the value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// Returns the value of a key for changing.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Whether a key is there.
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => {
                if let Some((_, old)) = self.entries.get_mut(place) {
                    *old = value;
                }
            }
            Err(place) => self.entries.insert(place, (key, value)),
        }
    }

    /// Removes a key and its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Ok(place) = self.place(key) {
            self.entries.remove(place);
        }
    }

    /// Keeps the entries for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.entries.retain(|(key, value)| keep(key, value));
    }

    /// Returns all entries, in order.
    pub fn iter(&self) -> core::slice::Iter<'_, (K, V)> {
        self.entries.iter()
    }

    /// Returns all values for changing, in the order of their keys.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Returns the place of a key, or the one where it belongs; `compare` tells how the nth key compares to it. It
/// is one search for all kinds of keys, each of which would have a copy of its own.
fn search(len: usize, compare: &dyn Fn(usize) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, len);
    // Most keys are new and the largest so far.
    let mut nth = len.saturating_sub(1);
    while low < high {
        match compare(nth) {
            Ordering::Less => low = nth.saturating_add(1),
            Ordering::Equal => return Ok(nth),
            Ordering::Greater => high = nth,
        }
        nth = low.midpoint(high);
    }
    Err(low)
}

impl<K: Ord, V> Default for Sorted<K, V> {
    fn default() -> Sorted<K, V> {
        Sorted::new()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Sorted<K, V> {
        let mut sorted = Sorted::new();
        for (key, value) in entries {
            sorted.insert(key, value);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;

    #[test]
    fn it_does_what_a_tree_does() {
        let mut sorted = Sorted::new();
        let mut tree = alloc::collections::BTreeMap::new();
        // These numbers jump about and repeat.
        let mut number = 7u32;
        for turn in 0..10_000u32 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = number >> 24;
            match turn % 3 {
                0 => {
                    sorted.remove(&key);
                    tree.remove(&key);
                }
                1 if turn % 1000 == 1 => {
                    sorted.retain(|key, value| (key ^ value) & 1 == 0);
                    tree.retain(|key, value| (*key ^ *value) & 1 == 0);
                }
                _ => {
                    sorted.insert(key, turn);
                    tree.insert(key, turn);
                }
            }
            assert_eq!(sorted.get(&key), tree.get(&key));
            assert_eq!(sorted.contains(&key), tree.contains_key(&key));
            assert_eq!(sorted.len(), tree.len());
        }
        let all: Vec<_> = sorted.iter().copied().collect();
        assert!(!all.is_empty());
        assert_eq!(all, tree.into_iter().collect::<Vec<_>>());
        assert_eq!(all.iter().copied().collect::<Sorted<_, _>>(), sorted);
    }

    #[test]
    fn values_change_in_place() {
        let mut sorted: Sorted<_, _> = [("b", 2), ("a", 1)].into_iter().collect();
        for value in sorted.values_mut() {
            *value += 10;
        }
        if let Some(value) = sorted.get_mut(&"b") {
            *value += 100;
        }
        assert_eq!(sorted.get_mut(&"c"), None);
        assert_eq!(sorted.iter().collect::<Vec<_>>(), [&("a", 11), &("b", 112)]);
        assert!(!sorted.is_empty() && Sorted::<u8>::default().is_empty());
    }
}
