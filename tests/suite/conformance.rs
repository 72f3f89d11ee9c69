//! The test data of python-pskc, the reference library: each key with the same secret, counter, interval and digits, or refused
//! with a reason; none is lost. The data is not part of this project: it is fetched from PyPI, and where that cannot be reached, the
//! test says so and compares nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{not_run, run_with_input, target_folder, text};

/// The release whose files are looked at.
const RELEASE: &str = "python-pskc==1.4";

/// The keys and passwords of its files, as its own tests use them.
const KEYS: [(&str, &str); 7] = [
    ("key", "12345678901234567890123456789012"),
    ("key", "123456789012345678901234567890123456789012345678"),
    ("key", "1234567890123456789012345678901234567890123456789012345678901234"),
    ("key", "4A057F6AB6FCB57AB5408E46A9835E68"),
    ("password", "qwerty"),
    ("password", "3FCA3158035072D6"),
    ("key", "3132333435363738393031323334353637383930313233343536373839303132"),
];

/// Prints what the reference library reads of a file.
const REFERENCE: &str = "
import json, sys
from pskc import PSKC
def value(get):
    try:
        return get()
    except Exception as error:
        return 'error: ' + type(error).__name__
def main():
    pskc = PSKC(sys.argv[1])
    if len(sys.argv) > 2 and sys.argv[2] == 'key':
        pskc.encryption.key = bytes.fromhex(sys.argv[3])
    elif len(sys.argv) > 2:
        pskc.encryption.derive_key(sys.argv[3])
    def one(key):
        secret = value(lambda: key.secret)
        return {'secret': bytes(secret).hex() if isinstance(secret, (bytes, bytearray)) else secret,
            'counter': value(lambda: key.counter), 'interval': value(lambda: key.time_interval), 'digits': key.response_length}
    return [one(key) for key in pskc.keys]
print(json.dumps(value(main)))
";

fn tool(name: &str) -> PathBuf {
    target_folder().join("tools/pskc/bin").join(name)
}

/// The folder of the release's test data, fetched once.
fn fetched() -> Option<PathBuf> {
    let folder = target_folder().join("tools/python-pskc");
    let tests = |folder: &Path| {
        let found = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path().join("tests"));
        found.into_iter().find(|path| path.is_dir())
    };
    if let Some(tests) = tests(&folder) {
        return Some(tests);
    }
    fs::create_dir_all(&folder).unwrap();
    let download = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", RELEASE, "--dest"];
    let got = Command::new(tool("pip")).args(download).arg(&folder).output().ok()?;
    if !got.status.success() {
        return None;
    }
    let archive = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let archive = archive.into_iter().find(|path| path.extension().is_some_and(|end| end == "gz"))?;
    let unpacked = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder).status().unwrap();
    assert!(unpacked.success());
    tests(&folder)
}

fn reference(file: &Path, key: Option<(&str, &str)>) -> Value {
    let mut command = Command::new(tool("python"));
    command.arg("-c").arg(REFERENCE).arg(file);
    if let Some((kind, key)) = key {
        command.args([kind, key]);
    }
    serde_json::from_slice(&command.output().expect("python with python-pskc: scripts/prepare --tests").stdout).unwrap()
}

/// Whether all secrets were read.
fn is_open(read: &Value) -> bool {
    let is_secret = |key: &Value| key["secret"].as_str().is_none_or(|secret| !secret.starts_with("error"));
    read.as_array().is_some_and(|keys| !keys.is_empty() && keys.iter().all(is_secret))
}

#[test]
fn every_key_of_the_reference_librarys_test_data_is_read_the_same_or_refused_by_name() {
    let Some(tests) = fetched() else {
        not_run(&format!("{RELEASE} cannot be fetched from here"));
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut same, mut refused) = (0, 0);
    for group in fs::read_dir(&tests).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path()) {
            if !file.extension().is_some_and(|end| end == "pskcxml" || end == "xml" || end == "pskc") {
                continue;
            }
            let plain = reference(&file, None);
            let key = KEYS.into_iter().find(|key| !is_open(&plain) && is_open(&reference(&file, Some(*key))));
            let keys = key.map_or(plain, |key| reference(&file, Some(key)));
            let mut args = vec!["seeds".to_owned(), "convert".to_owned(), file.display().to_string()];
            args.extend(["--from", "pskc", "--to", "csv", "--allow-shared-secret"].map(str::to_owned));
            if let Some((kind, key)) = key {
                let path = folder.path().join("key");
                fs::write(&path, key).unwrap();
                args.extend([format!("--pskc-{kind}"), path.display().to_string()]);
            }
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let output = run_with_input(&args, b"");
            let name = file.display();
            if !output.status.success() {
                let said = text(&output);
                assert_eq!(output.status.code(), Some(2), "{name}: {said}");
                assert!(said.contains("error: ") && said.contains("next: "), "{name}: {said}");
                refused += 1;
                continue;
            }
            let rows = String::from_utf8(output.stdout).unwrap();
            let rows: Vec<Vec<&str>> = rows.lines().skip(1).map(|line| line.split(',').collect()).collect();
            let keys = keys.as_array().unwrap_or_else(|| panic!("{name}: the reference refuses it: {keys}"));
            assert_eq!(rows.len(), keys.len(), "{name}: a key is lost");
            for (row, key) in rows.iter().zip(keys) {
                let secret = data_encoding::BASE32_NOPAD.decode(row[1].as_bytes()).unwrap();
                assert_eq!(key["secret"], data_encoding::HEXLOWER.encode(&secret), "{name}");
                let number = |text: &str| text.parse::<u64>().map_or(Value::Null, Value::from);
                let moving = if row[2] == "hotp" { ("counter", row[5]) } else { ("interval", row[4]) };
                assert_eq!(key[moving.0], number(moving.1), "{name}");
                assert_eq!(key["digits"], number(row[6]), "{name}");
            }
            same += 1;
        }
    }
    println!("{same} files the same, {refused} refused");
    assert!(same >= 15 && same + refused >= 70, "{same} the same, {refused} refused");
}
