//! Generates the same cases from the same seed, on every machine.

/// A small generator (xorshift64*); the same seed gives the same cases on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn seeded() -> Dice {
        let seed = number("WEBSMS_ORACLE_SEED").unwrap_or(20_260_101);
        println!("WEBSMS_ORACLE_SEED={seed}");
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    pub fn one<'a>(&mut self, of: &[&'a [u8]]) -> &'a [u8] {
        of[self.below(of.len())]
    }

    /// Returns up to `most` pieces in a row.
    pub fn some(&mut self, most: usize, of: &[&[u8]]) -> Vec<u8> {
        (0..self.below(most + 1))
            .flat_map(|_| self.one(of).to_vec())
            .collect()
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect(variable))
}

pub fn cases() -> usize {
    number("WEBSMS_ORACLE_CASES").unwrap_or(400) as usize
}
