//! A seed is never seen: not in what is printed, not in arguments, not in a trace.

use std::fs;

use crate::support::{run_with_input, text};

const HEX: &str = "deadbeefcafe0123456789abcdef0011deadbeef";

/// Every way in which the seed could be written, in both cases.
fn forms() -> Vec<String> {
    let bytes = data_encoding::HEXLOWER.decode(HEX.as_bytes()).unwrap();
    let base32 = data_encoding::BASE32_NOPAD.encode(&bytes);
    let base64 = data_encoding::BASE64.encode(&bytes);
    let decimal = bytes.iter().take(6).map(u8::to_string).collect::<Vec<_>>().join(", ");
    vec![HEX.to_uppercase(), HEX.to_owned(), base32.to_lowercase(), base32, base64, decimal]
}

fn assert_unseen(what: &str, printed: &str) {
    assert!(!printed.is_empty(), "{what} printed nothing");
    for form in forms() {
        let piece = &form[..12.min(form.len())];
        assert!(!printed.contains(piece), "{what} shows the seed:\n{printed}");
    }
}

#[test]
fn no_command_prints_a_seed_that_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seed.txt");
    fs::write(&file, HEX).unwrap();
    let file = file.to_str().unwrap();
    let uri = format!("otpauth://totp/a?digits=8&secret={}", forms()[3]);
    let uri_file = folder.path().join("uri.txt");
    fs::write(&uri_file, uri).unwrap();
    let uri_file = uri_file.to_str().unwrap();
    let broken = folder.path().join("broken.txt");
    fs::write(&broken, format!("{HEX}!")).unwrap();
    let broken = broken.to_str().unwrap();
    let emulated = ["--reader", "emulated", "-v", "--trace"];
    for command in [
        &["burn", "--no-verify", "--seed-file", file][..],
        &["burn", "--no-verify", "--seed-stdin"],
        &["--json", "burn", "--no-verify", "--seed-file", file],
        &["--dry-run", "burn", "--seed-file", file],
        &["burn", "--seed-file", file, "--expect-serial", "1"],
        &["burn", "--verify", "000000", "--seed-file", file],
        &["burn", "--seed-file", uri_file],
        &["burn", "--seed-file", broken],
        &["sync", "--fast", "--seed-file", file],
        &["config", "--fast", "--step", "60", "--seed-file", file],
        &["verify", "000000", "--seed-file", file],
        &["verify", "000000", "111111", "--hotp", "--seed-file", file],
        &["code", "--seed-file", file],
        &["--json", "code", "--seed-file", broken],
    ] {
        let args = [&emulated[..], command].concat();
        assert_unseen(&args.join(" "), &text(&run_with_input(&args, HEX.as_bytes())));
    }
}

#[test]
fn a_generated_seed_is_only_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new.csv");
    let args = ["--reader", "emulated", "burn", "--no-verify", "--generate", "--trace", "--out", out.to_str().unwrap()];
    let printed = text(&run_with_input(&args, b""));
    let kept = fs::read_to_string(&out).unwrap();
    let secret = kept.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    assert_eq!(secret.len(), 32);
    assert!(printed.contains("seed burned") && !printed.contains(secret), "{printed}");
}

#[cfg(target_os = "linux")]
#[test]
fn while_it_works_the_seed_is_not_among_its_arguments() {
    use std::io::Write;
    let mut command = crate::support::tokentap();
    command.args(["--reader", "emulated", "burn", "--no-verify", "--seed-stdin"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(HEX.as_bytes()).unwrap();
    input.flush().unwrap();
    // It still waits for the end of its input.
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", child.id());
        // Both are empty until the new program is in place; after that, the environment is for root's eyes only.
        let read = || match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => b"nobody may look".to_vec(),
            read => read.unwrap(),
        };
        let seen = std::iter::repeat_with(read).find(|seen| !seen.is_empty()).unwrap();
        assert_unseen(file, &String::from_utf8_lossy(&seen));
    }
    drop(input);
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn show_secrets_shows_it_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new.csv");
    let out_arg = out.to_str().unwrap();
    let args = ["--reader", "emulated", "burn", "--no-verify", "--generate", "--show-secrets", "--out", out_arg];
    let printed = text(&run_with_input(&args, b""));
    let kept = fs::read_to_string(&out).unwrap();
    let secret = kept.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    assert!(printed.contains(secret), "{printed}");
}

#[test]
fn debug_of_everything_that_holds_a_seed_or_key_shows_neither() {
    use tokentap::device::token2::{TokenKey, command::WriteSeed};
    use tokentap::seedfile::Row;
    let bytes = data_encoding::HEXLOWER.decode(HEX.as_bytes()).unwrap();
    let seed = tokentap::seed::Seed::from_bytes(bytes).unwrap();
    let apdu = WriteSeed { seed: &seed }.apdu(&TokenKey::factory());
    let plan = crate::support::plan(Some(seed.clone()));
    let shown = format!("{seed:?} {apdu:?} {plan:?} {:?} {:?}", Row::of_seed(seed.clone()), TokenKey::factory());
    assert_unseen("Debug", &shown);
    assert!(!shown.to_lowercase().contains("8ad206"), "{shown}");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for secret in
        [HEX.to_owned(), forms()[3].clone(), forms()[4].clone(), format!("otpauth://totp/a?secret={}", forms()[3])]
    {
        let equals = |flag: &str| format!("{flag}={secret}");
        let (seed, stdin, flag, word) =
            (equals("--seed"), equals("--seed-stdin"), equals("--seed-file"), format!("--{secret}"));
        for args in [
            &["burn", "--seed-file", &secret][..],
            &["burn", &flag],
            &["burn", &stdin],
            &["burn", &seed],
            &["burn", &word],
            &["burn", &secret],
            &["burn", "--qr", &secret],
            &["burn", "--seed-env", &secret],
            &["burn", "--hash", &secret],
            &["burn", "--step", &secret],
            &["burn", "--time", &secret],
            &["burn", "--generate=x", &secret],
            &["burn", "--verify", &secret],
            &["burn", "--token-key", &secret],
            &["burn", "--identity", &secret],
            &["burn", "--from", &secret, "--seed-file", "Cargo.toml"],
            &["burn", "--serial", &secret, "--seed-file", "/dev/null"],
            &["sync", "--time", &secret],
            &["sync", &secret],
            &["--wait", &secret, "info"],
            &["--expect-serial", &secret, "info"],
            &["verify", "000000", "--seed-file", &secret],
            &["verify", &secret],
            &["code", "--seed-file", &secret],
            &["batch", &secret],
            &["batch", "Cargo.toml", "--to", &secret],
            &["batch", "Cargo.toml", "--drop", &secret],
            &["batch", "--generate", &secret],
            &["batch", "--generate", "1", "--users", &secret],
            &["seeds", "check", &secret],
            &["seeds", "check", "--qr", &secret],
            &["seeds", "check", "Cargo.toml", "--pskc-key", &secret],
            &["seeds", "check", "Cargo.toml", "--secret-encoding", &secret],
            &["seeds", "convert", &secret, "--to", "csv"],
            &["seeds", "generate", "--serials", &secret, "--to", "csv"],
            &["seeds", "generate", "--serial-range", &secret, "--to", "csv"],
            &["inventory", "init", "--recipient", &secret],
            &["inventory", "import", &secret],
            &["inventory", "show", &secret],
            &["inventory", "events", "--since", &secret],
            &["inventory", "events", "--outcome", &secret],
            &[&secret],
            &["--time", &secret],
        ] {
            for json in [false, true] {
                let mut command = crate::support::tokentap();
                command.current_dir(env!("CARGO_MANIFEST_DIR")).args(if json { &["--json"][..] } else { &[] });
                command.env("TOKENTAP_INVENTORY", folder.path().join("inventory.sqlite"));
                let output = command.args(args).output().unwrap();
                assert_ne!(output.status.code(), Some(0), "{args:?}");
                assert_unseen(&format!("{args:?}"), &text(&output));
            }
        }
    }
}
