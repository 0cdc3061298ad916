//! A hash table from keys that are random already to numbers.

/// A hash table that holds a number for each of some keys, which are random already. 0 means none.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The slots: a power of two of them, at least half of them free; or none.
    slots: Vec<(u64, u32)>,
    /// The number of keys that have a number.
    pub(super) used: usize,
}

impl Table {
    pub(super) fn get(&self, key: u64) -> u32 {
        let slot = self.slots.get(self.slot(key));
        slot.map_or(0, |(_, number)| *number)
    }

    pub(super) fn add(&mut self, key: u64, number: u32) {
        let number = self.get(key).saturating_add(number);
        if number > 0 {
            self.set(key, number);
        }
    }

    /// Sets a key's number, which is not 0.
    pub(super) fn set(&mut self, key: u64, number: u32) {
        if self.used.saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        let place = self.slot(key);
        if let Some(slot) = self.slots.get_mut(place) {
            if slot.1 == 0 {
                self.used = self.used.saturating_add(1);
            }
            *slot = (key, number);
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, u32)> {
        self.slots.iter().copied().filter(|slot| slot.1 > 0)
    }

    /// Returns the slot where a key is, or where it belongs.
    fn slot(&self, key: u64) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        // The lower half of a key is as random as the whole.
        let [.., a, b, c, d] = key.to_be_bytes();
        let random = usize::try_from(u32::from_be_bytes([a, b, c, d]));
        let mut place = random.unwrap_or(0) & mask;
        while self
            .slots
            .get(place)
            .is_some_and(|slot| slot.1 > 0 && slot.0 != key)
        {
            place = place.wrapping_add(1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let slots = self.slots.len().saturating_mul(2).max(16);
        let mut larger = Table {
            slots: vec![(0, 0); slots],
            used: 0,
        };
        for (key, number) in self.entries() {
            larger.set(key, number);
        }
        *self = larger;
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_each_of_many_keys() {
        let mut table = Table::default();
        assert_eq!(table.get(7), 0);
        // Keys that agree in their lower half, and keys that follow each other.
        let keys = (0..500_u64).flat_map(|n| [n << 32, n + 1]);
        let keys: Vec<u64> = keys.collect();
        for (key, number) in keys.iter().zip(1..) {
            assert_eq!(table.get(*key), 0, "{key}");
            table.set(*key, number);
        }
        for (key, number) in keys.iter().zip(1..) {
            assert_eq!(table.get(*key), number, "{key}");
        }
        assert_eq!(table.used, keys.len());
        assert_eq!(table.entries().count(), keys.len());
        table.set(7, 9);
        assert_eq!((table.get(7), table.used), (9, keys.len()));
    }
}
