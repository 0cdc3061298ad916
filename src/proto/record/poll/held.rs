//! Reads and writes a file of elements that are not stored yet, from a list that shows each element once.
//!
//! The file begins with its version. Before each element stands a line with its length, because an element
//! may hold any bytes.

use alloc::format;
use alloc::vec::Vec;

/// The first line of the file.
const VERSION: &[u8] = b"websms held 1\n";

/// Encodes the whole file.
pub fn encode<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut file = VERSION.to_vec();
    for element in elements {
        file.extend_from_slice(format!("{}\n", element.len()).as_bytes());
        file.extend_from_slice(element);
        file.push(b'\n');
    }
    file
}

/// Reads a file up to the first damage.
pub fn parse(file: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    let mut rest = file.strip_prefix(VERSION).unwrap_or_default();
    while let Some((element, behind)) = next(rest) {
        elements.push(element.to_vec());
        rest = behind;
    }
    elements
}

fn next(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (digits, rest) = rest.split_at_checked(end)?;
    let length = core::str::from_utf8(digits).ok();
    let length = length.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let rest = rest.strip_prefix(b"\n")?;
    let (element, behind) = rest.split_at_checked(length?.parse().ok()?)?;
    Some((element, behind.strip_prefix(b"\n")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_was_written_and_as_far_as_it_goes() {
        let elements: [&[u8]; 4] = [b"{\"a\":\n1}", b"", b"\xff\0\n12\n", b"7"];
        let file = encode(elements.into_iter());
        assert_eq!(parse(&file), elements);
        assert_eq!(parse(&encode([].into_iter())), Vec::<Vec<u8>>::new());
        let cut = file.get(..file.len() - 1).unwrap_or_default();
        assert_eq!(parse(cut).len(), 3);
        for other in [
            "",
            "websms held 2\n1\nx\n",
            "websms held 1\n-1\nx\n",
            "websms held 1\n99\nx\n",
        ] {
            assert_eq!(parse(other.as_bytes()), Vec::<Vec<u8>>::new(), "{other}");
        }
    }
}
