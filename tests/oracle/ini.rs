//! Compares the trees of generated files and of the goldens with those of PHP 8.2.
//!
//! `WEBSMS_ORACLE_CASES` sets the number of files and `WEBSMS_ORACLE_SEED` the seed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use websms::proto::wire::ini;

use crate::ini_files;

/// The environment of PHP and of our parser.
const VARIABLES: [(&str, &str); 4] = [
    ("FRUIT", "kiwi"),
    ("ODD", "a\"b'c;d=e|f ${FRUIT} \\ "),
    ("SUM", "12 x"),
    ("EMPTY", ""),
];

const CASES_DEFAULT: u64 = 2000;
const SEED_DEFAULT: u64 = 20_240_229;
/// The number of files that PHP gets at once.
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

/// Removes lines and bytes as long as the two still disagree.
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
    let mut random = ini_files::Random::new(seed);
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
    // A generator of faults alone, or without any, would show little.
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

/// PHP's parser has a stack of fixed size. Each row has the text that is repeated before and after, the
/// text in between, and how often PHP accepts it; once more is refused.
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

/// Checks the one difference: PHP replaces a constant's name with its value, and we warn that it would.
#[test]
fn a_constant_of_php_is_text_with_a_surprise() {
    let mut php = Php::start("constant-ini");
    for (name, theirs) in [
        ("E_ALL", "32767"),
        ("M_PI", "3.1415926535898"),
        ("PHP_INT_SIZE", "8"),
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

/// Checks that nearly every constant that this PHP defines is noticed: all that have an underscore and no small
/// letter.
#[test]
fn constants_of_php_surprise() {
    let list = "echo implode(\"\\n\", array_keys(get_defined_constants()));";
    let output = Command::new("php")
        .args(["-r", list])
        .output()
        .expect("php");
    let names = String::from_utf8(output.stdout).unwrap();
    let (mut noticed, mut others) = (0, 0);
    for name in names.lines() {
        let usual = name.contains('_') && !name.contains(|c: char| c.is_ascii_lowercase());
        let file = format!("k={name}\n");
        let ini = ini::parse(file.as_bytes(), &|_| None).unwrap();
        assert_eq!(ini.surprises.len(), usize::from(usual), "{name}");
        match usual {
            true => noticed += 1,
            false => others += 1,
        }
    }
    assert!(
        noticed > 500 && others * 10 < noticed,
        "{noticed} noticed, {others} not"
    );
}
