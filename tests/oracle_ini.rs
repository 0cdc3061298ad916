//! Files made by a grammar, and the goldens → the same tree as PHP 8.2 makes of them.
//!
//! `WEBSMS_ORACLE_CASES` and `WEBSMS_ORACLE_SEED` set how many files are made and which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]
#![allow(
    clippy::print_stdout,
    reason = "the seed and the shares are the test's report"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use websms::proto::ini;

/// The environment of PHP and of our parser.
const VARIABLES: [(&str, &str); 4] = [
    ("FRUIT", "kiwi"),
    ("ODD", "a\"b'c;d=e|f ${FRUIT} \\ "),
    ("SUM", "12 x"),
    ("EMPTY", ""),
];

const CASES_DEFAULT: u64 = 2000;
const SEED_DEFAULT: u64 = 20_240_229;
/// Files handed to PHP at once.
const CHUNK: u64 = 1000;

fn ours(file: &[u8]) -> String {
    let variable = |name: &[u8]| {
        let name = str::from_utf8(name).ok()?;
        VARIABLES
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_bytes().to_vec())
    };
    match ini::parse(file, &variable) {
        Ok(ini) => ini::encode_json(&ini.root),
        Err(_) => "error".to_owned(),
    }
}

/// One PHP process for all cases, and the folder that it reads them from.
struct Php {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Php {
    fn start(name: &str) -> Php {
        let folder = std::env::temp_dir().join(format!("websms-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new("php")
            .args(["-n", "-d", "display_errors=0"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/ini.php"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(VARIABLES)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("php, the command line of PHP 8.2, is needed for this test");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut php = Php {
            child,
            input,
            output,
            folder,
        };
        let version = php.line();
        assert!(
            version.starts_with("8.2."),
            "PHP 8.2 is needed, this is {version}"
        );
        php
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "php ended early");
        line.truncate(line.len() - 1);
        line
    }

    fn ask<'c>(&mut self, files: impl IntoIterator<Item = &'c [u8]>) -> Vec<String> {
        let mut count = 0;
        for file in files {
            fs::write(self.folder.join(format!("{count}.ini")), file).unwrap();
            count += 1;
        }
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{}\t{count}", self.folder.display()).unwrap();
        input.flush().unwrap();
        (0..count).map(|_| self.line()).collect()
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Leaves out lines and bytes as long as the two still disagree.
fn shrink(php: &mut Php, file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let mut size = file.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < file.len() {
            let mut shorter = file.clone();
            shorter.drain(from..(from + size).min(file.len()));
            if php.ask([&shorter[..]])[0] == ours(&shorter) {
                from += size;
            } else {
                file = shorter;
            }
        }
        size /= 2;
    }
    file
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn generated_files_mean_what_they_mean_to_php() {
    let cases = number("WEBSMS_ORACLE_CASES", CASES_DEFAULT);
    let seed = number("WEBSMS_ORACLE_SEED", SEED_DEFAULT);
    println!("seed {seed}, {cases} files");
    let mut random = Random {
        state: seed,
        tame: false,
    };
    let mut php = Php::start("oracle-ini");
    let (mut accepted, mut wrong) = (0u64, 0);
    let mut done = 0;
    while done < cases {
        let chunk: Vec<_> = (0..CHUNK.min(cases - done))
            .map(|_| random.file())
            .collect();
        let answers = php.ask(chunk.iter().map(Vec::as_slice));
        for (file, theirs) in chunk.iter().zip(&answers) {
            accepted += u64::from(theirs != "error");
            if ours(file) == *theirs {
                continue;
            }
            wrong += 1;
            let short = shrink(&mut php, file);
            println!(
                "file  {}\n php  {theirs}\n ours {}",
                file.escape_ascii(),
                ours(file)
            );
            let again = php.ask([&short[..]]).remove(0);
            println!(
                "short {}\n php  {again}\n ours {}",
                short.escape_ascii(),
                ours(&short)
            );
            assert!(wrong < 10, "ten files differ, the rest is not tried");
        }
        done += chunk.len() as u64;
    }
    println!("PHP accepted {accepted} of {cases}");
    assert_eq!(wrong, 0, "files that differ");
    // A generator that only makes faults, or none, would show little.
    assert!(
        accepted * 4 > cases && accepted * 20 < cases * 19,
        "one-sided files"
    );
}

fn goldens() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ini");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "ini"));
    assert!(paths.len() >= 60, "{} goldens", paths.len());
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn goldens_are_what_php_says() {
    let goldens = goldens();
    let answers = Php::start("golden-ini").ask(goldens.iter().map(|(_, file)| &file[..]));
    for ((path, _), theirs) in goldens.iter().zip(answers) {
        let golden = match fs::read_to_string(path.with_extension("json")) {
            Ok(json) => json.trim_end().to_owned(),
            Err(_) => "error".to_owned(),
        };
        assert_eq!(
            path.with_extension("error").exists(),
            golden == "error",
            "{}",
            path.display()
        );
        assert_eq!(golden, theirs, "{}", path.display());
    }
}

#[test]
fn beginnings_of_goldens_mean_what_they_mean_to_php() {
    let mut php = Php::start("prefix-ini");
    for (path, file) in goldens() {
        let answers = php.ask((0..file.len()).map(|end| &file[..end]));
        for (end, theirs) in answers.iter().enumerate() {
            assert_eq!(
                ours(&file[..end]),
                *theirs,
                "the first {end} of {}",
                path.display()
            );
        }
    }
}

/// PHP's parser has a stack of fixed size. Each row: what is repeated before and after, what stands
/// between, and how often PHP takes it; one more is refused.
#[test]
fn nesting_ends_where_it_ends_in_php() {
    let rows: [(&str, &str, &str, &str, usize); 17] = [
        ("k=", "(", "1", ")", 9993),
        ("k=", "(", "1 2", ")", 9993),
        ("k=", "(", "\"a\"", ")", 9992),
        ("k=", "(", "\"\"", ")", 9992),
        ("k=", "(", "x\"a\"", ")", 9991),
        ("k=", "(", "${a}", ")", 9992),
        ("k=", "(", "x${a}", ")", 9991),
        ("k=", "(", "\"${a}\"", ")", 9990),
        ("k=", "(", "x\"${a}\"", ")", 9989),
        ("k=", "(", "1|2", ")", 9992),
        ("k=", "(", "1|2 3", ")", 9991),
        ("k=", "!", "1", "", 9994),
        ("k=", "~", "x'y'", "", 9993),
        ("k=", "1|(", "1", ")", 3331),
        ("k[a]=", "(", "1", ")", 9991),
        ("k[]=", "!", "1", "", 9992),
        ("[s]\na=1\nk=", "(", "1", ")", 9993),
    ];
    let mut php = Php::start("nesting-ini");
    for (before, open, middle, close, most) in rows {
        for times in [most - 1, most, most + 1] {
            let file = format!(
                "{before}{}{middle}{}\n",
                open.repeat(times),
                close.repeat(times)
            );
            let ours = ours(file.as_bytes());
            assert_eq!(
                php.ask([file.as_bytes()])[0],
                ours,
                "{open} {middle} {close} {times}"
            );
            assert_eq!(
                ours == "error",
                times > most,
                "{open} {middle} {close} {times}"
            );
        }
    }
}

/// The one difference: PHP puts a constant's value in the place of its name, we say that it would.
#[test]
fn a_constant_of_php_is_text_with_a_surprise() {
    let mut php = Php::start("constant-ini");
    for (name, theirs) in [
        ("E_ALL", "32767"),
        ("M_PI", "3.1415926535898"),
        ("INF", "INF"),
        ("LOG_ERR", "3"),
    ] {
        let file = format!("k={name}\n");
        assert_eq!(
            php.ask([file.as_bytes()])[0],
            format!("{{\"k\":\"{theirs}\"}}")
        );
        assert_eq!(ours(file.as_bytes()), format!("{{\"k\":\"{name}\"}}"));
        let ini = ini::parse(file.as_bytes(), &|_| None).unwrap();
        assert_eq!(ini.surprises.len(), 1, "{name}");
        assert!(ini.surprises[0].text.contains("constant"), "{name}");
    }
}

/// Every constant that this PHP defines is known to be one.
#[test]
fn all_constants_of_php_surprise() {
    let list = "echo implode(\"\\n\", array_keys(get_defined_constants()));";
    let output = Command::new("php")
        .args(["-r", list])
        .output()
        .expect("php");
    let names = String::from_utf8(output.stdout).unwrap();
    assert!(
        names.lines().count() > 500,
        "{} constants",
        names.lines().count()
    );
    // These three are the keywords, which are values of their own.
    for name in names
        .lines()
        .filter(|name| !["TRUE", "FALSE", "NULL"].contains(name))
    {
        let file = format!("k={name}\n");
        let ini = ini::parse(file.as_bytes(), &|_| None).unwrap();
        assert_eq!(ini.surprises.len(), 1, "{name}");
    }
}

/// Deterministic numbers (SplitMix64), and whether the file is a tame one, of which PHP takes most:
/// a fault hides all the rest of its file.
struct Random {
    state: u64,
    tame: bool,
}

impl Random {
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

    fn file(&mut self) -> Vec<u8> {
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

    /// Anything that means something to the scanner.
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
