//! Compares the results of our parser and its JSON with golden files from PHP.

use std::fs;
use std::path::{Path, PathBuf};
use websms::proto::wire::ini;

fn variable(name: &[u8]) -> Option<Vec<u8>> {
    let value: &[u8] = match name {
        b"FRUIT" => b"kiwi",
        b"ODD" => b"a\"b'c;d=e|f ${FRUIT} \\ ",
        b"SUM" => b"12 x",
        b"EMPTY" => b"",
        _ => return None,
    };
    Some(value.to_vec())
}

fn goldens() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ini");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "ini"));
    paths.sort();
    assert!(paths.len() >= 60, "{} goldens", paths.len());
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

#[test]
fn goldens_mean_what_they_mean_to_php() {
    for (path, file) in goldens() {
        let ours = match ini::parse(&file, &variable) {
            Ok(ini) => ini::encode_json(&ini.root),
            Err(_) => "error".to_owned(),
        };
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
        assert_eq!(ours, golden, "{}", path.display());
    }
}

#[test]
fn every_part_of_a_golden_is_read_or_refused() {
    for (path, file) in goldens() {
        let lines = 1 + file
            .iter()
            .map(|b| u32::from(matches!(b, b'\n' | b'\r')))
            .sum::<u32>();
        for end in 0..=file.len() {
            for start in [0, end / 2] {
                let lines_named: Vec<u32> = match ini::parse(&file[start..end], &variable) {
                    Ok(ini) => ini.surprises.iter().map(|surprise| surprise.line).collect(),
                    Err(bad) => vec![bad.line],
                };
                for line in lines_named {
                    assert!(line >= 1 && line <= lines, "{} {line}", path.display());
                }
            }
        }
    }
}
