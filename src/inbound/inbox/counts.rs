//! Counts the SMS in the inbox, per destination and over time, and decides whether there is a place for more.

use super::NotKept;
use std::time::{Duration, Instant};

use crate::limits::{INBOX_BURST, INBOX_BYTES_MAX, SPOOL_SHARES};
use crate::proto::record::inbox::InboxName;
use crate::proto::record::quota::Rate;
use crate::proto::sorted::Sorted;
use crate::sys::clock;

/// The contents of the inbox, including SMS that are being put in.
#[derive(Default)]
pub(super) struct Counts {
    /// Whether the earlier contents of the folder have been counted.
    pub(super) is_known: bool,
    /// When the oldest SMS came, seconds since 1970; 0 if unknown.
    pub(super) oldest_s: u64,
    whole: Held,
    /// The SMS of each destination.
    held: Sorted<u64, Held>,
    /// The highest order number given so far.
    last: u64,
    /// SMS that are being put in, and those that the delivering thread has not heard of.
    putting: Vec<(InboxName, u64)>,
    /// The time at which all SMS so far would have come at the permitted rate.
    paced: Option<Instant>,
}

#[derive(Default, Clone, Copy)]
struct Held {
    items: usize,
    bytes: u64,
}

impl Counts {
    pub(super) fn items(&self) -> usize {
        self.whole.items
    }

    /// Reserves places for all of these SMS, or none, and returns them with their order numbers.
    pub(super) fn take(
        &mut self,
        mut wanted: Vec<(InboxName, u64)>,
        items_max: usize,
        rate: Option<Rate>,
    ) -> Result<Vec<(InboxName, u64)>, NotKept> {
        for taken in 0..wanted.len() {
            let judged = match wanted.get(taken) {
                Some((name, bytes)) => self.judge(taken, name, *bytes, items_max),
                None => Ok(()),
            };
            let judged = match judged {
                Ok(()) if taken == 0 => self.pace(wanted.len(), rate, Instant::now()),
                judged => judged,
            };
            if let Err(no) = judged {
                for (name, bytes) in wanted.iter().take(taken) {
                    self.settle(name);
                    self.remove(name.destination, *bytes);
                }
                return Err(no);
            }
            if let Some((name, bytes)) = wanted.get_mut(taken) {
                name.order = clock::now_us().max(self.last.saturating_add(1));
                self.putting.push((*name, *bytes));
                self.add(name, *bytes);
            }
        }
        Ok(wanted)
    }

    /// Whether there is a place for one more. A destination gets a further place while it holds no more than a
    /// third of those still free.
    fn judge(
        &self,
        item: usize,
        name: &InboxName,
        bytes: u64,
        items_max: usize,
    ) -> Result<(), NotKept> {
        let Held { items, .. } = self.whole;
        let free = items_max.saturating_sub(items);
        let free_bytes = INBOX_BYTES_MAX.saturating_sub(self.whole.bytes);
        if free == 0 || bytes > free_bytes {
            return Err(NotKept::Full { items });
        }
        let held = self.held.get(&name.destination).copied();
        let held = held.unwrap_or_default();
        let shares = u64::try_from(SPOOL_SHARES).unwrap_or(1);
        match held.items.saturating_mul(SPOOL_SHARES) > free
            || held.bytes.saturating_mul(shares) > free_bytes
        {
            true => Err(NotKept::Crowded {
                item,
                held: held.items,
            }),
            false => Ok(()),
        }
    }

    /// Whether so many SMS may come now. A request larger than a burst is taken if the rate has been idle long
    /// enough.
    fn pace(&mut self, many: usize, rate: Option<Rate>, now: Instant) -> Result<(), NotKept> {
        let Some(rate) = rate else {
            return Ok(());
        };
        let time = |many: u64| {
            let us = rate.per.s().saturating_mul(1_000_000).saturating_mul(many);
            Duration::from_micros(us.checked_div(rate.count).unwrap_or(us))
        };
        let many = u64::try_from(many).unwrap_or(u64::MAX);
        let ahead = self.paced.map(|paced| paced.saturating_duration_since(now));
        let ahead = ahead.unwrap_or_default();
        let behind = ahead.saturating_add(time(many));
        let burst = rate.count.saturating_mul(INBOX_BURST);
        if !ahead.is_zero() && behind > time(burst) {
            return Err(NotKept::TooFast);
        }
        self.paced = now.checked_add(behind);
        Ok(())
    }

    /// Starts a new count of the folder with the SMS that are being put in.
    pub(super) fn begin(&mut self) {
        (self.whole, self.held) = (Held::default(), Sorted::new());
        for (name, bytes) in self.putting.clone() {
            self.add(&name, bytes);
        }
        self.is_known = true;
    }

    /// Counts an SMS that is in the folder, or will be.
    pub(super) fn add(&mut self, name: &InboxName, bytes: u64) {
        self.last = self.last.max(name.order);
        self.whole.add(bytes);
        match self.held.get_mut(&name.destination) {
            Some(held) => held.add(bytes),
            None => self.held.insert(name.destination, Held { items: 1, bytes }),
        }
    }

    /// Notes that an SMS has been put in and heard of, or could not be put in.
    pub(super) fn settle(&mut self, name: &InboxName) {
        self.putting.retain(|(other, _)| other.id != name.id);
    }

    /// Counts an SMS that has left the folder.
    pub(super) fn remove(&mut self, destination: u64, bytes: u64) {
        self.whole.remove(bytes);
        if let Some(held) = self.held.get_mut(&destination) {
            held.remove(bytes);
            if held.items == 0 {
                self.held.remove(&destination);
            }
        }
    }

    /// Returns the ids of SMS that are being put in, or that the delivering thread has not heard of.
    pub(super) fn putting(&self) -> Vec<u64> {
        self.putting.iter().map(|(name, _)| name.id).collect()
    }
}

impl Held {
    fn add(&mut self, bytes: u64) {
        self.items = self.items.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn remove(&mut self, bytes: u64) {
        self.items = self.items.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::proto::record::quota::Per;

    fn name(id: u64, destination: u64) -> InboxName {
        InboxName {
            order: 0,
            id,
            destination,
            part: 1,
            marker: None,
        }
    }

    /// Returns how many SMS of this destination and size get a place, up to `many`.
    fn placed(counts: &mut Counts, many: u64, destination: u64, bytes: u64, max: usize) -> u64 {
        let mut one = |id| counts.take(vec![(name(id, destination), bytes)], max, None);
        let placed = (0..many).filter(|id| one(*id).is_ok()).count();
        u64::try_from(placed).unwrap()
    }

    #[test]
    fn the_inbox_has_so_many_places_and_bytes() {
        let mut counts = Counts::default();
        for destination in 0..9 {
            assert_eq!(placed(&mut counts, 1, destination, 1, 10), 1);
        }
        let two = vec![(name(1, 20), 1), (name(2, 21), 1)];
        let full = counts.take(two, 10, None);
        assert!(matches!(full, Err(NotKept::Full { items: 10 })));
        assert_eq!(counts.items(), 9, "all or none");
        assert_eq!(placed(&mut counts, 2, 30, 1, 10), 1);
        counts.remove(3, 1);
        assert_eq!(placed(&mut counts, 2, 31, 1, 10), 1);
        let mut counts = Counts::default();
        assert_eq!(placed(&mut counts, 1, 1, INBOX_BYTES_MAX + 1, 10), 0);
        assert_eq!(placed(&mut counts, 1, 1, INBOX_BYTES_MAX, 10), 1);
        assert_eq!(placed(&mut counts, 1, 2, 1, 10), 0);
    }

    #[test]
    fn one_destination_leaves_room_for_all_others() {
        let mut counts = Counts::default();
        assert_eq!(placed(&mut counts, 1000, 1, 1, 1000), 251);
        assert_eq!(placed(&mut counts, 1000, 2, 1, 1000), 188);
        assert_eq!(placed(&mut counts, 1, 3, 1, 1000), 1);
        // Long texts take no more than their share of the bytes.
        let mut counts = Counts::default();
        let half = placed(&mut counts, 1000, 1, 16_384, 1000);
        assert!((60..70).contains(&half), "{half}");
        assert_eq!(placed(&mut counts, 1, 2, 16_384, 1000), 1);
    }

    #[test]
    fn each_is_behind_all_that_were_there() {
        let mut counts = Counts::default();
        counts.add(
            &InboxName {
                order: u64::MAX - 2,
                ..name(1, 1)
            },
            1,
        );
        let taken = counts.take(vec![(name(2, 1), 1), (name(3, 1), 1)], 10, None);
        let orders: Vec<u64> = taken.unwrap().iter().map(|(name, _)| name.order).collect();
        assert_eq!(orders, [u64::MAX - 1, u64::MAX]);
        assert_eq!(counts.putting(), [2, 3]);
        counts.settle(&name(2, 1));
        assert_eq!(counts.putting(), [3]);
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let rate = Some(Rate {
            count: 20,
            per: Per::Second,
        });
        let mut counts = Counts::default();
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        assert!(counts.pace(199, rate, start).is_ok());
        assert!(counts.pace(1, rate, start).is_ok());
        assert!(counts.pace(1, rate, start).is_err());
        assert!(counts.pace(1, rate, after(49)).is_err());
        assert!(counts.pace(1, rate, after(50)).is_ok());
        assert!(counts.pace(1, rate, after(50)).is_err());
        assert!(counts.pace(20, rate, after(1050)).is_ok());
        assert!(counts.pace(1, None, after(1050)).is_ok());
        // A fast rate is not rounded to milliseconds: 800 a second are not 1000, and 5000 are bounded.
        for count in [800, 5000] {
            let rate = Some(Rate {
                count,
                per: Per::Second,
            });
            let mut counts = Counts::default();
            let passed = (0..20 * count).filter(|_| counts.pace(1, rate, start).is_ok());
            assert_eq!(u64::try_from(passed.count()).unwrap(), 10 * count);
        }
        // A single request may exceed a burst.
        let slow = Some(Rate {
            count: 1,
            per: Per::Minute,
        });
        let mut counts = Counts::default();
        assert!(counts.pace(100, slow, start).is_ok());
        assert!(counts.pace(1, slow, after(60_000)).is_err());
        assert!(counts.pace(1, slow, after(91 * 60_000)).is_ok());
    }
}
