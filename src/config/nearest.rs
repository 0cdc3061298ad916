//! Finds the known name that is most similar to an unknown one, for remarks on typos.

/// The search for the known name with the smallest distance to an unknown one; of several, the one with the
/// fewest letters changed, one that ends alike, or the first.
pub struct Nearest<'a> {
    /// The nearest name so far; empty before the first.
    pub name: &'a str,
    unknown: Vec<u8>,
    least: (usize, usize, bool),
}

impl<'a> Nearest<'a> {
    /// Begins the search.
    pub fn to(unknown: &[u8]) -> Nearest<'a> {
        // A longer name is no typo of ours, and a comparison takes as long as the product of both lengths.
        let mut unknown = unknown.to_ascii_lowercase();
        unknown.truncate(NAME_BYTES_COMPARED);
        for byte in &mut unknown {
            if matches!(byte, b'-' | b' ' | b'.') {
                *byte = b'_';
            }
        }
        Nearest {
            name: "",
            unknown,
            least: (usize::MAX, 0, false),
        }
    }

    /// Compares one more known name.
    pub fn offer(&mut self, known: &'a str) {
        let (unknown, name) = (&self.unknown, known.as_bytes());
        let ends_alike = name.last() == unknown.last();
        let letters = levenshtein(unknown, name);
        let far = (distance(unknown, name), letters, !ends_alike);
        if far < self.least {
            (self.name, self.least) = (known, far);
        }
    }
}

/// The number of bytes of an unknown name that are compared.
const NAME_BYTES_COMPARED: usize = 64;

/// Returns the number of letters to change from one name to the other. A name that shares a word with the
/// other (`permit`, `password`, `trusted_proxy`) is nearer than that: it counts one for each word that is
/// left over.
fn distance(unknown: &[u8], known: &[u8]) -> usize {
    let mut least = levenshtein(unknown, known);
    let divides = |byte: &&u8| **byte == b'_';
    let left_over = unknown.iter().chain(known).filter(divides).count();
    for our in long_words(known) {
        for their in long_words(unknown) {
            least = least.min(levenshtein(their, our).saturating_add(left_over));
        }
    }
    least
}

/// Returns the words of a name that are long enough to be compared.
fn long_words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|byte| *byte == b'_')
        .filter(|word| word.len() >= 4)
}

fn levenshtein(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..b.len().saturating_add(1)).collect();
    for (i, from) in a.iter().enumerate() {
        // This is the earlier value of the cell above and to the left of the next one.
        let mut corner = i;
        let mut left = i.saturating_add(1);
        let mut cells = row.iter_mut();
        if let Some(first) = cells.next() {
            *first = left;
        }
        for (cell, to) in cells.zip(b) {
            let changed = corner.saturating_add(usize::from(from != to));
            corner = *cell;
            left = changed.min(left.min(corner).saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        fn check(a: &str, b: &str, expected: usize) {
            assert_eq!(levenshtein(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        }
        check("", "", 0);
        check("", "abc", 3);
        check("abc", "", 3);
        check("abc", "abc", 0);
        check("kitten", "sitting", 3);
        check("flaw", "lawn", 2);
    }
}
