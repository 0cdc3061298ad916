//! Generates, from a seed, files of INI text that touch every rule of PHP's scanner and parser.
//!
//! No word in them is the name of a PHP constant: those stay text here and do not in PHP.

/// Deterministic numbers (SplitMix64), and whether the file is a tame one, of which PHP accepts most. A
/// fault hides the rest of its file.
pub struct Random {
    state: u64,
    tame: bool,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random {
            state: seed,
            tame: false,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'p>(&mut self, choices: &[&'p [u8]]) -> &'p [u8] {
        choices[self.below(choices.len())]
    }

    /// Returns one file.
    pub fn file(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.tame = self.one_in(2);
        if self.one_in(25) {
            out.extend(self.pick(&[b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xef\xbb"]));
        }
        for _ in 0..=self.below(7) {
            self.statement(&mut out);
            out.extend(self.pick(&[
                b"\n", b"\n", b"\n", b"\n", b"\n", b"\r\n", b"\r", b"\n\r", b"",
            ]));
        }
        if self.one_in(3) {
            while out.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
                out.pop();
            }
        }
        if !self.tame && self.one_in(12) {
            out.truncate(self.below(out.len() + 1));
        }
        if !self.tame && self.one_in(8) {
            for _ in 0..=self.below(3) {
                self.mutate(&mut out);
            }
        }
        out
    }

    fn mutate(&mut self, out: &mut Vec<u8>) {
        let at = self.below(out.len() + 1);
        let end = (at + self.below(3)).min(out.len());
        let mut piece = Vec::new();
        self.soup(&mut piece);
        out.splice(at..end, piece);
    }

    /// Adds anything that has a meaning for the scanner.
    fn soup(&mut self, out: &mut Vec<u8>) {
        if self.tame {
            out.extend(self.pick(&[
                b":",
                b"\\",
                b"\xc3\xa5",
                b"\xff",
                b"x",
                b"5",
                b"/",
                b"-",
                b",",
            ]));
            return;
        }
        out.extend(self.pick(&[
            b"=",
            b"\n",
            b"\r",
            b"\r\n",
            b"\t",
            b" ",
            b";",
            b"&",
            b"|",
            b"^",
            b"$",
            b"~",
            b"(",
            b")",
            b"{",
            b"}",
            b"!",
            b"\"",
            b"[",
            b"]",
            b"'",
            b"''",
            b"\"\"",
            b"#",
            b",",
            b":",
            b"\\",
            b"\0",
            b"\xc3\xa5",
            b"\xff",
            b"\xe2\x82",
            b"\xf0\x9f\x98\x80",
            b"\x0b",
            b"\x0c",
            b"${",
            b"${FRUIT}",
            b"$\\",
            b"$$",
            b"\\\"",
            b"\\\\",
            b"yes",
            b"no",
            b"null",
            b"x",
            b"5",
            b" =",
            b"= ",
            b"k=",
            b"k[",
            b"]=",
            b"\x7f",
            b"/",
            b"%",
            b"-",
            b"+",
            b".",
        ]));
    }

    fn blanks(&mut self, out: &mut Vec<u8>) {
        out.extend(self.pick(&[b"", b"", b"", b" ", b" ", b"\t", b"  ", b" \t", b"\t "]));
    }

    fn statement(&mut self, out: &mut Vec<u8>) {
        match self.below(20) {
            0..=8 => {
                self.key(out);
                self.equals(out);
                self.value(out);
            }
            9..=12 => {
                self.key(out);
                out.push(b'[');
                self.index(out);
                out.push(b']');
                self.equals(out);
                self.value(out);
            }
            13..=15 => {
                if self.one_in(6) {
                    self.blanks(out);
                }
                out.push(b'[');
                self.section(out);
                out.push(b']');
                self.blanks(out);
                if self.one_in(5) {
                    self.statement(out);
                }
            }
            16 => self.key(out),
            17 => {
                self.blanks(out);
                out.push(if self.one_in(3) { b'#' } else { b';' });
                for _ in 0..self.below(4) {
                    self.text(out);
                    self.blanks(out);
                }
            }
            18 => self.blanks(out),
            _ => {
                for _ in 0..self.below(6) {
                    match self.below(3) {
                        0 => self.text(out),
                        _ => self.soup(out),
                    }
                }
            }
        }
        if self.one_in(8) {
            self.comment(out);
        }
    }

    fn comment(&mut self, out: &mut Vec<u8>) {
        self.blanks(out);
        out.push(b';');
        for _ in 0..self.below(4) {
            self.soup(out);
        }
    }

    fn equals(&mut self, out: &mut Vec<u8>) {
        self.blanks(out);
        out.push(b'=');
        self.blanks(out);
    }

    fn key(&mut self, out: &mut Vec<u8>) {
        if self.one_in(8) {
            out.extend(self.pick(&[b" ", b"\t", b"  "]));
        }
        match self.below(24) {
            0..=11 => out.extend(self.pick(&[b"a", b"b", b"c", b"key", b"two words"])),
            12..=17 => self.numeral(out),
            18 if !self.tame => self.keyword(out),
            19 => {
                self.keyword(out);
                out.extend(self.pick(&[b".x", b" x", b"x", b"-", b"\tx", b"\x0c", b"\x0b"]));
            }
            20 => {
                out.extend(self.pick(&[b"#k", b"//k", b"k]", b"k'", b"k\0x", b"k\\", b"k\xc3\xa5"]))
            }
            21 => self.soup(out),
            _ => self.text(out),
        }
        self.blanks(out);
    }

    fn numeral(&mut self, out: &mut Vec<u8>) {
        out.extend(self.pick(&[
            b"0",
            b"1",
            b"2",
            b"3",
            b"-1",
            b"-5",
            b"007",
            b"-0",
            b"+0",
            b"+5",
            b"-05",
            b"-010",
            b"+017",
            b"-08",
            b"+19",
            b"00",
            b"05",
            b"1.5",
            b"1e3",
            b"0x1F",
            b"9223372036854775807",
            b"9223372036854775806",
            b"9223372036854775808",
            b"-9223372036854775808",
            b"-9223372036854775809",
            b"+9223372036854775807",
            b"-00000000000000000000012",
            b"12345678901234567890123",
            b"5\x0b",
            b"\x0c7",
            b"\x0b-012",
            b"5\0",
            b"- 5",
            b"5-",
            b"-9223372036854775808\x0c",
            b"9223372036854775807\x0c",
            b"-",
            b"+",
            b"2147483648",
            b"4294967296",
            b"-2147483649",
            b"99999999999999999999",
            b"-99999999999999999999",
        ]));
    }

    fn keyword(&mut self, out: &mut Vec<u8>) {
        out.extend(self.pick(&[
            b"true", b"on", b"yes", b"false", b"off", b"no", b"none", b"null", b"TRUE", b"On",
            b"yEs", b"False", b"OFF", b"No", b"nOne", b"NULL",
        ]));
    }

    fn index(&mut self, out: &mut Vec<u8>) {
        self.blanks(out);
        match self.below(10) {
            0 | 1 => {}
            2..=4 => self.numeral(out),
            5 => self.keyword(out),
            _ => {
                for _ in 0..=self.below(2) {
                    self.name_part(out);
                }
            }
        }
        self.blanks(out);
    }

    fn section(&mut self, out: &mut Vec<u8>) {
        match self.below(8) {
            0 => {}
            1 => self.numeral(out),
            2..=4 => out.extend(self.pick(&[b"s", b"t", b"s", b"a", b" s "])),
            _ => {
                for _ in 0..=self.below(3) {
                    self.name_part(out);
                    self.blanks(out);
                }
            }
        }
    }

    fn name_part(&mut self, out: &mut Vec<u8>) {
        match self.below(14) {
            0..=3 => self.text(out),
            4 | 5 => self.raw(out),
            6 | 7 => self.quoted(out),
            8 => self.variable(out),
            9 => self.dollar(out),
            10 => {
                out.extend(self.pick(&[b"\\]", b"\\\\", b"\\;", b"\\\"", b"\\'", b"\\$", b"\\\n"]))
            }
            11 => self.keyword(out),
            12 => self.soup(out),
            _ => self.numeral(out),
        }
    }

    fn value(&mut self, out: &mut Vec<u8>) {
        match self.below(20) {
            0 => {}
            1 | 2 => self.keyword(out),
            3..=5 => self.expression(out, 3),
            6 => out.extend(self.pick(&[b"''", b"''x", b"''x=1", b"a''", b"'' ", b"\0", b"a\0b"])),
            _ => self.operand(out),
        }
        match self.below(12) {
            0 => self.comment(out),
            1 | 2 => self.blanks(out),
            _ => {}
        }
    }

    fn operand(&mut self, out: &mut Vec<u8>) {
        let parts = [1, 1, 1, 2, 2, 3, 4][self.below(7)];
        for _ in 0..parts {
            self.part(out);
            if self.one_in(2) {
                self.blanks(out);
            }
        }
    }

    fn part(&mut self, out: &mut Vec<u8>) {
        match self.below(40) {
            0..=11 => self.text(out),
            12..=16 => self.raw(out),
            17..=23 => self.quoted(out),
            24..=26 => self.variable(out),
            27..=29 => self.dollar(out),
            30..=32 => self.numeral(out),
            33 if !self.tame => self.keyword(out),
            34 => self.soup(out),
            35 => out.extend(self.pick(&[b"\\;", b"\\ ", b"\\", b"\\\\", b"\\n", b"\\'", b"\\\n"])),
            _ => {
                out.extend(self.pick(&[b"{", b"}", b"[", b"]", b"<a>", b"a,b", b"#", b"@", b"%41"]))
            }
        }
    }

    fn text(&mut self, out: &mut Vec<u8>) {
        match self.below(12) {
            0..=4 => {
                out.extend(self.pick(&[b"apple", b"pear", b"x", b"y", b"nobody", b"Yes1", b"_w"]))
            }
            5 => {
                self.keyword(out);
                out.extend(self.pick(&[b".", b",", b"_", b"1", b"-"]));
            }
            6 => {
                out.extend(self.pick(&[b"+46701234", b"1.2.3.4/24", b"http://h:1/p?q", b"[::]:80"]))
            }
            7 => out.extend(self.pick(&[
                b"\xc3\xa5",
                b"\xe2\x82\xac",
                b"\xf0\x9f\x98\x80",
                b"\xff",
                b"\xc2",
                b"\xe2\x82",
                b"\xc0\x80",
                b"\xed\xa0\x80",
                b"\xf4\x90\x80\x80",
                b"\xe0\x80\x80",
                b"\x80",
                b"\xf0\x80\x80\x80",
                b"\xf0\x9f\x98",
                b"\xf5",
                b"\xe2x\x82",
                b"\xc2\xc2\xa9",
                b"\x7f",
            ])),
            8 => out
                .extend(self.pick(&[b"a/b", b"\x01", b"\x1f", b"\x0b", b"\x0c", b"a\\b", b"\x08"])),
            9 => {
                for _ in 0..=self.below(5) {
                    out.push(b"abxyz0189._-:,@"[self.below(15)]);
                }
            }
            _ => self.numeral(out),
        }
    }

    fn raw(&mut self, out: &mut Vec<u8>) {
        out.push(b'\'');
        self.inside(out, b'\'');
        if self.tame || !self.one_in(20) {
            out.push(b'\'');
        }
    }

    fn quoted(&mut self, out: &mut Vec<u8>) {
        out.push(b'"');
        for _ in 0..self.below(4) {
            match self.below(6) {
                0 => self.variable(out),
                1 => out.extend(self.pick(&[
                    b"\\\"",
                    b"\\\\",
                    b"\\$",
                    b"\\'",
                    b"\\n",
                    b"\\\n",
                    b"\\\r",
                    b"\\;",
                    b"\\{",
                    b"\\${",
                    b"$",
                    b"$$",
                    b"$\\",
                    b"\\\\\\\"",
                    b"\\\\\\",
                    b"\\\0",
                ])),
                2 => out.extend(
                    self.pick(&[b"=", b";", b"'", b"\n", b"\r\n", b"|", b"(", b"\0", b"]"]),
                ),
                _ => self.inside(out, b'"'),
            }
        }
        match self.below(24) {
            0 if !self.tame => {}
            1 if !self.tame => out.extend(b"\\\""),
            _ => out.push(b'"'),
        }
    }

    fn inside(&mut self, out: &mut Vec<u8>, end: u8) {
        let from = out.len();
        for _ in 0..self.below(4) {
            if self.one_in(2) {
                self.text(out)
            } else {
                self.soup(out)
            }
        }
        if self.tame || !self.one_in(10) {
            let text: Vec<u8> = out.drain(from..).filter(|b| *b != end).collect();
            out.extend(text);
        }
    }

    fn variable(&mut self, out: &mut Vec<u8>) {
        if self.tame || self.one_in(2) {
            out.extend(self.pick(&[
                b"${FRUIT}",
                b"${ODD}",
                b"${SUM}",
                b"${EMPTY}",
                b"${absent}",
                b"${ FRUIT }",
                b"${ }",
                b"${FRUIT:-fig}",
                b"${a]}",
                b"${a'b}",
                b"${fruit}",
                b"${\xc3\xa5}",
                b"${a\0}",
            ]));
        } else {
            out.extend(self.pick(&[
                b"${}",
                b"${a\tb}",
                b"${a[}",
                b"${FRUIT",
                b"${FRUIT}}",
                b"${a=b}",
                b"${a\nb}",
            ]));
        }
    }

    fn dollar(&mut self, out: &mut Vec<u8>) {
        for _ in 0..=self.below(2) {
            out.extend(self.pick(&[
                b"$", b"$$", b"$x", b"$;", b"$=", b"$\"", b"$'", b"$ ", b"$\t", b"$\n", b"$\r",
                b"$\r\n", b"$\\", b"$\\x", b"$\\;", b"$\\\n", b"$\\{", b"$\\$", b"$\\\\", b"$\0",
                b"$\\\0", b"$(", b"$]", b"$|", b"ki$wi", b"$yes", b"$5",
            ]));
        }
    }

    fn expression(&mut self, out: &mut Vec<u8>, depth: usize) {
        let choice = if depth == 0 { 0 } else { self.below(12) };
        match choice {
            0..=3 => match self.below(4) {
                0 => self.operand(out),
                1 => self.quoted(out),
                _ => self.numeral(out),
            },
            4..=7 => {
                self.expression(out, depth - 1);
                self.blanks(out);
                out.extend(self.pick(&[b"|", b"&", b"^"]));
                self.blanks(out);
                self.expression(out, depth - 1);
            }
            8 | 9 => {
                out.extend(self.pick(&[b"~", b"!"]));
                self.blanks(out);
                self.expression(out, depth - 1);
            }
            _ => {
                out.push(b'(');
                self.blanks(out);
                self.expression(out, depth - 1);
                self.blanks(out);
                if self.tame || !self.one_in(12) {
                    out.push(b')');
                }
                if !self.tame && self.one_in(16) {
                    self.part(out);
                }
            }
        }
    }
}
