//! Reads an INI file as PHP's `parse_ini_file(FILE, true)` does (PHP 8.2).
//!
//! `scan` divides the bytes into tokens, `read` makes statements of them, and `value` computes the
//! right-hand sides; both read through `reader`, which adds remarks. `tree` keeps entries as PHP's arrays
//! would, `file` holds the result, and `json` prints it.
//!
//! Every rule of the original is kept, even the odd ones, because a file that works with PHP must mean the
//! same here. If such a rule loses or changes a part of the file, a [`Surprise`] says so. There is one
//! difference: PHP's constants (`E_ALL`, `PHP_VERSION`) stay text.
//!
//! Invariant: no text of a [`Surprise`] or a [`BadIni`] holds a byte of the file.

mod file;
mod json;
mod read;
mod reader;
mod scan;
mod tree;
mod value;

use alloc::vec::Vec;

pub use file::{BadIni, Entry, Ini, Key, Map, Surprise, Value};
pub use json::encode_json;

/// Parses a whole file. `variable` looks up `${name}`: PHP's directive or an environment variable; a
/// missing one is "". Time and memory grow with the length of the file alone; nothing recurses.
pub fn parse(file: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Result<Ini, BadIni> {
    read::parse(file, variable)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use crate::limits::INI_SURPRISES_MAX;

    fn fig(name: &[u8]) -> Option<Vec<u8>> {
        (name == b"FIG").then(|| b"fig".to_vec())
    }

    /// Checks the surprises of a file: their lines, each with a part of its text.
    fn check(file: &str, expected: &[(u32, &str)]) {
        let found = parse(file.as_bytes(), &fig).unwrap().surprises;
        let lines: Vec<_> = found.iter().map(|surprise| surprise.line).collect();
        let expected_lines: Vec<_> = expected.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, expected_lines, "{file:?} {found:?}");
        for (surprise, (_, part)) in found.iter().zip(expected) {
            assert!(surprise.text.contains(part), "{file:?} {surprise:?}");
            assert!(
                surprise.text.is_ascii()
                    && !surprise.text.contains('\n')
                    && !surprise.text.contains("  "),
                "{surprise:?}"
            );
        }
    }

    #[test]
    fn bare_words_are_told_apart() {
        let file = "a=yes\nb=\"yes\"\nc=1\nd[x] = None ;c\ne=yess\nf=\n[s]\ng=off\n";
        assert_eq!(parse(file.as_bytes(), &fig).unwrap().words, [1, 4, 8]);
        let file = "a=p@ss^word\nb=\"p@ss^word\"\nc=1|2\nd=x\n";
        assert_eq!(parse(file.as_bytes(), &fig).unwrap().computed, [1, 3]);
    }

    #[test]
    fn what_is_kept_surprises_nobody() {
        check("", &[]);
        check("; c\n[s] ; c\n\n a = b ;c\nk [i] = v\nk[]=w\n", &[]);
        check("a=yes\nb=No\nc=null ;c\nd=on", &[]);
        check(
            "a=\"x;y|z\"\nb='x\"y'\nc=\"x\" ;c\nd='x';c\ne=\"a\nb\"\n",
            &[],
        );
        check("# text\n#\n#text;c\n", &[]);
        check("a=''\nb='' \nc='' ;c\nd=''", &[]);
        check("a=${FIG}\nb=\"${FIG}/x\"\nc=${FIG}'x'\n", &[]);
        check("a=\"\\${x} \\\\ \\\"\"\nb='${x}'\nc=a$b\n", &[]);
        check("[s]\n[s]\na=1\n", &[]);
        check("a=http://h:1/p?q\n", &[]);
        check(
            "a=e_all\nb=ALL\nc=E_all.x\nd=\"E_ALL\"\nE_ALL=1\n[M_PI]\ne=_A\nf=1_A\n",
            &[],
        );
    }

    #[test]
    fn a_lost_entry_surprises() {
        check("a=1\nb=2\n\na=3\n", &[(4, "line 1 is lost")]);
        check("a=1\na=2\na=3\n", &[(2, "line 1 "), (3, "line 2 ")]);
        check("k[x]=1\nk[x]=2\n", &[(2, "line 1 is lost")]);
        check("k[x]=1\nk[y]=2\nk=3\n", &[(3, "latest in line 2")]);
        check("k=1\nk[x]=2\n", &[(2, "without an index of line 1")]);
        check("[s]\na=1\n[t]\n[s]\n", &[(4, "given twice")]);
        check("s=1\n[s]\n", &[(2, "given twice")]);
        check("k[9223372036854775807]=1\nk[]=2\n", &[(2, "dropped")]);
        check("+5[x]=1\n", &[(1, "another name")]);
        check("5[x]=1\n05[x]=1\n", &[]);
    }

    #[test]
    fn a_lost_text_surprises() {
        check("a\n", &[(1, "without a =")]);
        check("a", &[(1, "without a =")]);
        check("a\tb=1\n", &[(1, "a tab ends a name")]);
        check("[s] text\n", &[(1, "without a =")]);
        check("a=x;y\n", &[(1, "comment")]);
        check("a=;y\nb=x;", &[(1, "comment"), (2, "comment")]);
        check("\na=''x\n", &[(2, "'' ends")]);
        check("a=''b=2\n", &[(1, "'' ends")]);
        check("a=O''Hara\n", &[(1, "'' ends")]);
        check("a=x\0y\nb=\0\n", &[(1, "NUL"), (2, "NUL")]);
        check("a=x$", &[(1, "$ at the end is dropped")]);
        check("a=x$\0\n", &[(1, "$ at the end is dropped")]);
    }

    #[test]
    fn a_changed_text_surprises() {
        check("a=p@ss^word\n", &[(1, "compute")]);
        check(
            "a=1\nb=1|2\nc=(x)\nd=!x\n",
            &[(2, "compute"), (3, "compute"), (4, "compute")],
        );
        check("a=O'Hara\nb=1\n", &[(1, "rest of the file")]);
        check(
            "a=O'Hara\nb=d'Anjou\nc=1\n",
            &[(1, "next lines"), (1, "are dropped")],
        );
        check("a=yes'x\nb=1\n", &[(1, "rest of the file")]);
        check("a=don't and won't\n", &[(1, "apostrophes inside")]);
        check("a=x \"y\" z\n", &[(1, "double quotes inside")]);
        check("a='x\ny'\nb=\n", &[(1, "next lines")]);
        check("a=x$\ny\n", &[(1, "next line")]);
        check(
            "a=${x}\nb=\"${x}\"\n[${x}]\n",
            &[(1, "variable"), (2, "variable"), (3, "variable")],
        );
        check(
            "a=E_ALL\nb=M_PI x\nk[PHP_OS]=1\n",
            &[(1, "const"), (2, "const"), (3, "const")],
        );
        check(
            "k[true]=1\nk[null]=2\nk[yes]=3\n",
            &[(1, "index"), (2, "index")],
        );
        check(
            "# a=1\n#\tb=1\n#\t[s]\n#x[1]=2\n",
            &[(1, "#"), (2, "#"), (3, "#"), (4, "#")],
        );
        check("a=1\r\nb=(x)\rc=(x)\n\rd=(x)", &[(2, ""), (3, ""), (5, "")]);
    }

    #[test]
    fn surprises_are_bounded() {
        for (words, kept) in [
            (INI_SURPRISES_MAX - 1, INI_SURPRISES_MAX - 1),
            (INI_SURPRISES_MAX, INI_SURPRISES_MAX),
            (INI_SURPRISES_MAX + 1, INI_SURPRISES_MAX),
        ] {
            assert_eq!(
                parse("w\n".repeat(words).as_bytes(), &fig)
                    .unwrap()
                    .surprises
                    .len(),
                kept
            );
        }
    }

    /// Checks the line and a part of the text of a fault.
    #[test]
    fn a_fault_has_its_line() {
        for (file, line, part) in [
            ("a=1\nb=\"x\nc=1\n", 2, "never closed"),
            ("a=\"x\ny\" \"z\n", 2, "never closed"),
            ("a=1\n\n\n[s\n", 4, "not closed"),
            ("a=1\r\n [s]\r\n", 2, "blanks before a section"),
            ("k[a]\n", 1, "no ="),
            ("a=b=c\n", 1, "second ="),
            ("=c\n", 1, "without a name"),
            ("\nyes=1\n", 2, "cannot be a name"),
            ("a=yes x\n", 1, "beside other text"),
            ("a=x|\n", 1, "right side"),
            ("a=(x\n", 1, "not closed"),
            ("a=x)\n", 1, "computes nothing"),
            ("a=(x)y\n", 1, "behind a )"),
            ("a='x\n", 1, "never closed"),
            ("a!=1\n", 1, "stands where"),
            ("a=${}\n", 1, "variable"),
            ("a= ;x", 1, "empty value"),
        ] {
            let bad = parse(file.as_bytes(), &fig).unwrap_err();
            assert_eq!(bad.line, line, "{file:?} {bad:?}");
            assert!(
                bad.text.contains(part) && bad.text.is_ascii(),
                "{file:?} {bad:?}"
            );
        }
    }

    #[test]
    fn no_text_holds_a_byte_of_the_file() {
        for file in [
            "a=hunter2;hunter2\n",
            "a=hunter2^hunter2\n",
            "a=''hunter2\n",
            "hunter2\n",
            "a=${hunter2}\n",
            "k[hunter2]=1\nk[hunter2]=1\n",
            "hunter2\thunter2=1\n",
            "[hunter2]\na=1\n[hunter2]\n",
            "a=hunter2'hunter2\n",
            "a=hunter2=1",
            "hunter2(=1",
            "a=\"hunter2",
            "a=hunter2\0hunter2\n",
            "hunter2=1\nhunter2[x]=1\nhunter2=1\n",
        ] {
            let text = match parse(file.as_bytes(), &fig) {
                Ok(ini) => ini
                    .surprises
                    .into_iter()
                    .map(|surprise| surprise.text)
                    .collect(),
                Err(bad) => bad.text,
            };
            assert!(
                !text.is_empty() && !text.contains("hunter"),
                "{file:?} {text}"
            );
        }
    }

    /// Reads a file of 256 KiB on the smallest stack in use.
    #[test]
    fn depth_of_a_file_costs_no_stack() {
        let work = || {
            for piece in [
                "(", "!", "~ ", "1|(", "[", "k[", "${", "\"", "'", "\"${", "1^", "$\\",
            ] {
                for before in ["", "k=", "k[a]=", "["] {
                    let file = format!("{before}{}", piece.repeat((256 << 10) / piece.len()));
                    let _ = parse(file.as_bytes(), &fig);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(work)
            .unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn an_entry_has_the_line_that_set_it() {
        let ini = parse(b"a=1\n[s]\nk[x]=1\nb=2\nk[y]=2\nb=3\n[s2]\n", &fig).unwrap();
        let lines = |map: &Map| {
            map.entries
                .iter()
                .map(|entry| entry.line)
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&ini.root), [1, 2, 7]);
        let Value::Map(section) = &ini.root.entries[1].value else {
            panic!()
        };
        assert_eq!(lines(section), [5, 6]);
        let Value::Map(array) = &section.entries[0].value else {
            panic!()
        };
        assert_eq!(lines(array), [3, 5]);
    }
}
