//! Real counterparts agree: oathtool, pskctool, python-pskc, qrencode, zbarimg. `scripts/prepare --tests` installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{run_with_input, target_folder, text};

const SECRETS: [(&str, &str); 3] = [
    ("86596120001234", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
    ("0086596120001235", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"),
    ("86596120001236", "MFRGG"),
];

fn ok(output: Output) -> String {
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn tokentap(args: &[&str]) -> String {
    ok(run_with_input(args, b""))
}

fn csv(folder: &Path) -> PathBuf {
    let rows: Vec<String> = SECRETS
        .iter()
        .map(|(serial, secret)| {
            format!("{serial},{secret},totp,SHA1,30,,6,ana@example.org,Token2,OTPC-P1-i,Example Org,ana&ben")
        })
        .collect();
    let header = "serial,secret,type,hash,step,counter,digits,upn,manufacturer,model,issuer,account";
    let path = folder.join("seeds.csv");
    fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    path
}

#[test]
fn pskctool_validates_every_plain_pskc_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let (csv, xml) = (csv.to_str().unwrap(), folder.path().join("seeds.xml"));
    let xml = xml.to_str().unwrap();
    tokentap(&["seeds", "convert", csv, "--to", "pskc", "--drop", "account", "--out", xml]);
    // It prints OK or FAIL and exits with 0 either way.
    let said = ok(Command::new("pskctool").args(["--validate", xml]).output().expect("pskctool"));
    assert!(said.contains("OK") && !said.contains("FAIL"), "{said}");
    let said = ok(Command::new("pskctool").args(["--info", xml]).output().unwrap());
    for (serial, _) in SECRETS {
        assert!(said.contains(serial), "{said}");
    }
}

fn python(script: &str, args: &[&str]) -> String {
    let python = target_folder().join("tools/pskc/bin/python");
    ok(Command::new(&python)
        .arg("-c")
        .arg(script)
        .args(args)
        .output()
        .expect("python with python-pskc: scripts/prepare --tests"))
}

/// Prints `serial secret-in-hex` for each key of a file opened with a key or password.
const READ: &str = "
import sys
from pskc import PSKC
pskc = PSKC(sys.argv[1])
if sys.argv[2] == 'key':
    pskc.encryption.key = bytes.fromhex(sys.argv[3])
else:
    pskc.encryption.derive_key(sys.argv[3])
for key in pskc.keys:
    assert key.check() is not False
    print(key.serial, key.secret.hex())
";

/// Writes an encrypted file of one key.
const WRITE: &str = "
import sys
from pskc import PSKC
pskc = PSKC()
pskc.add_key(id='1', serial='86596120001234', secret=b'12345678901234567890', algorithm='urn:ietf:params:xml:ns:keyprov:pskc:totp', time_interval=60, response_length=6, response_encoding='DECIMAL', manufacturer='Token2')
if sys.argv[2] == 'key':
    key = bytes.fromhex(sys.argv[3])
    pskc.encryption.setup_preshared_key(algorithm='aes%d-cbc' % (8 * len(key)), key=key)
    pskc.mac.setup(algorithm='hmac-sha256' if len(key) > 16 else 'hmac-sha1')
else:
    pskc.encryption.setup_pbkdf2(sys.argv[3], iterations=1000)
pskc.write(sys.argv[1])
";

#[test]
fn python_pskc_opens_what_is_encrypted_here_and_what_it_encrypts_is_opened_here() {
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let csv = csv.to_str().unwrap();
    let secret = folder.path().join("secret");
    let secret_arg = secret.to_str().unwrap();
    // AES-128, AES-192 with HMAC-SHA256, AES-256 with HMAC-SHA256, and a password.
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    for (number, (kind, word)) in
        [("key", &key[..32]), ("key", &key[..48]), ("key", key), ("password", "correct horse")].into_iter().enumerate()
    {
        fs::write(&secret, format!("{word}\n")).unwrap();
        let ours = folder.path().join(format!("ours-{number}.xml"));
        let ours = ours.to_str().unwrap();
        let flag = format!("--to-pskc-{kind}");
        tokentap(&["seeds", "convert", csv, "--to", "pskc", "--drop", "account", "--out", ours, &flag, secret_arg]);
        let read = python(READ, &[ours, kind, word]);
        for (serial, secret) in SECRETS {
            let seed = tokentap::seed::Seed::parse(secret, Some(tokentap::seed::SecretEncoding::Base32)).unwrap().seed;
            let hex = seed.to_hex().to_lowercase();
            assert!(read.contains(&format!("{serial} {hex}")), "{kind}: {read}");
        }
        let theirs = folder.path().join(format!("theirs-{number}.xml"));
        let theirs = theirs.to_str().unwrap();
        python(WRITE, &[theirs, kind, word]);
        let flag = format!("--pskc-{kind}");
        let line = tokentap(&["seeds", "convert", theirs, &flag, secret_arg, "--to", "duo", "--drop", "manufacturer"]);
        assert_eq!(line.trim(), "86596120001234,3132333435363738393031323334353637383930,60");
    }
}

#[test]
fn oathtool_gives_the_same_codes_for_every_form_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let csv = csv.to_str().unwrap();
    for (number, (_, secret)) in (1..).zip(SECRETS) {
        let code = tokentap(&["code", "--seed-file", csv, "--row", &number.to_string(), "--at", "1700000000"]);
        let oathtool = |args: &[&str]| {
            ok(Command::new("oathtool").args(["--totp", "-N", "@1700000000"]).args(args).output().expect("oathtool"))
        };
        let duo =
            tokentap(&["seeds", "convert", csv, "--to", "pingid", "--drop", "user,manufacturer,model,issuer,account"]);
        let hex = duo.lines().nth(number - 1).unwrap().split(',').nth(1).unwrap().to_owned();
        assert_eq!(oathtool(&["-b", secret]), code);
        assert_eq!(oathtool(&[&hex]), code);
        for form in [hex.to_lowercase(), hex, secret.to_lowercase(), format!("otpauth://totp/a?secret={secret}")] {
            let seed = folder.path().join("seed");
            fs::write(&seed, form).unwrap();
            let encoding = if number == 3 { &["--secret-encoding", "base32"][..] } else { &[] };
            let file = seed.to_str().unwrap();
            let output =
                run_with_input(&[&["code", "--at", "1700000000", "--seed-file", file][..], encoding].concat(), b"");
            if output.status.success() {
                assert_eq!(String::from_utf8(output.stdout).unwrap(), code);
            } else {
                // Only the short secret is ambiguous, and then only as hex under the wrong name.
                assert_eq!(number, 3, "{}", text(&output));
            }
        }
    }
}

#[test]
fn zbarimg_reads_the_codes_that_are_made_and_those_of_qrencode_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let csv = csv.to_str().unwrap();
    let png = folder.path().join("ours.png");
    let png = png.to_str().unwrap();
    tokentap(&["seeds", "qr", csv, "--row", "1", "--png", png]);
    let said = ok(Command::new("zbarimg").args(["-q", "--raw", png]).output().expect("zbarimg"));
    assert!(
        said.starts_with("otpauth://totp/Example%20Org:ana%26ben?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&"),
        "{said}"
    );

    let uri = "otpauth://totp/Example:ana?secret=JBSWY3DPEHPK3PXP&issuer=Example&period=60";
    for extra in [&[][..], &["-s", "2"], &["--foreground=FFFFFF", "--background=000000"]] {
        let theirs = folder.path().join("theirs.png");
        let theirs = theirs.to_str().unwrap();
        ok(Command::new("qrencode").args(["-o", theirs]).args(extra).arg(uri).output().expect("qrencode"));
        let said = tokentap(&["seeds", "check", "--qr", theirs]);
        assert!(said.contains("issuer Example, account ana, 10 bytes, SHA1, 6 digits, 60 s"), "{extra:?}: {said}");
        assert!(!said.contains("JBSWY3DP"), "{said}");
        let code = tokentap(&["code", "--qr", theirs, "--at", "59"]);
        assert_eq!(code, tokentap(&["code", "--at", "59", "--seed-file", &file_with(folder.path(), uri)]));
    }
}

fn file_with(folder: &Path, content: &str) -> String {
    let path = folder.join("content");
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A screen with pictures on it, as a PNG file.
fn screenshot(folder: &Path, codes: &[(&str, u32, u32)], turn: bool) -> String {
    let mut screen = image::GrayImage::from_pixel(1280, 800, image::Luma([200]));
    for (number, (content, x, y)) in codes.iter().enumerate() {
        let path = folder.join(format!("code{number}.png"));
        ok(Command::new("qrencode")
            .args(["-s", "4", "-o", path.to_str().unwrap(), content])
            .output()
            .expect("qrencode"));
        let code = image::open(&path).unwrap().to_luma8();
        let code = if turn { image::imageops::rotate90(&code) } else { code };
        image::imageops::replace(&mut screen, &code, i64::from(*x), i64::from(*y));
    }
    let path = folder.join("screen.png");
    screen.save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_screenshot_with_several_codes_names_each_and_a_rotated_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let uris = [
        "otpauth://totp/One:ana?secret=JBSWY3DPEHPK3PXP&issuer=One",
        "otpauth://totp/Two:ben?secret=JBSWY3DPEHPK3PXA&issuer=Two",
    ];
    for turn in [false, true] {
        let screen = screenshot(folder.path(), &[(uris[0], 40, 60), (uris[1], 700, 400)], turn);
        let said = tokentap(&["seeds", "check", "--qr", &screen]);
        assert!(said.contains("issuer One, account ana") && said.contains("issuer Two, account ben"), "{said}");
        // The same as a JPEG picture.
        let jpeg = folder.path().join("screen.jpg");
        image::open(&screen).unwrap().save(&jpeg).unwrap();
        let said = tokentap(&["seeds", "check", "--qr", jpeg.to_str().unwrap()]);
        assert!(said.contains("issuer One, account ana") && said.contains("issuer Two, account ben"), "{said}");
        let refused = run_with_input(&["code", "--qr", &screen], b"");
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    }
}

#[test]
fn the_usual_wrong_codes_are_named_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    for (content, said) in [
        ("86596120001234", "a serial number"),
        ("phonefactor://activate_account?code=1", "a different authenticator app"),
        ("FIDO:/013082", "a passkey's code"),
        ("https://example.org/enrol", "a web address"),
        ("hello", "something else than a seed"),
        ("otpauth://totp/a?issuer=b", "a broken otpauth:// code"),
    ] {
        let picture = screenshot(folder.path(), &[(content, 100, 100)], false);
        let output = run_with_input(&["--reader", "emulated", "burn", "--qr", &picture], b"");
        assert_eq!(output.status.code(), Some(2), "{content}: {}", text(&output));
        assert!(text(&output).contains(said), "{content}: {}", text(&output));
    }
    let empty = screenshot(folder.path(), &[], false);
    assert!(text(&run_with_input(&["seeds", "check", "--qr", &empty], b"")).contains("no QR code"));
}

#[test]
fn burn_takes_the_row_of_the_token_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let csv = csv.to_str().unwrap();
    let state = folder.path().join("token.json");
    let state = state.to_str().unwrap();
    tokentap(&["emulate", "--create", "--serial", "86596120001236", "--state", state]);
    let reader = format!("emulated:{state}");
    let burn = |extra: &[&str]| {
        let args = [
            &["--reader", &reader, "--json", "burn", "--no-verify", "--allow-short-seed"][..],
            &["--seed-file", csv],
            extra,
        ]
        .concat();
        let output = run_with_input(&args, b"");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (exit, said) = burn(&[]);
    assert!(exit == 0 && said.contains("\"seed_bytes\":3"), "{said}");
    for choice in [&["--row", "1"][..], &["--serial", "86596120001234"]] {
        let (exit, said) = burn(choice);
        assert!(exit == 5 && said.contains("wrong-token"), "{said}");
    }
    let (exit, said) = burn(&["--user", "ana@example.org"]);
    assert!(exit == 2 && said.contains("several rows"), "{said}");
    tokentap(&["emulate", "--create", "--serial", "86596120009999", "--state", &format!("{state}2")]);
    let other = format!("emulated:{state}2");
    let output = run_with_input(&["--reader", &other, "burn", "--no-verify", "--seed-file", csv], b"");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
}

#[test]
fn a_target_that_cannot_be_written_is_named_and_leaves_everything_as_it_was() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let csv = csv(folder.path());
    let csv = csv.to_str().unwrap();
    let old = folder.path().join("old.csv");
    fs::write(&old, "old").unwrap();
    let link = folder.path().join("link.csv");
    symlink(&old, &link).unwrap();
    let names = || fs::read_dir(folder.path()).unwrap().count();
    let before = names();
    for (target, said) in [
        (old.to_str().unwrap(), "exists already"),
        (link.to_str().unwrap(), "is a symbolic link"),
        ("/dev/full", "is not a regular file"),
        ("/proc/new.csv", "cannot be written"),
        ("/no/such/folder/new.csv", "cannot be written"),
    ] {
        let output = run_with_input(&["seeds", "convert", csv, "--to", "csv", "--out", target], b"");
        assert_eq!(output.status.code(), Some(1), "{target}: {}", text(&output));
        assert!(text(&output).contains(said), "{target}: {}", text(&output));
        assert_eq!((fs::read_to_string(&old).unwrap().as_str(), names()), ("old", before), "{target}");
    }
    tokentap(&["seeds", "convert", csv, "--to", "csv", "--force", "--out", old.to_str().unwrap()]);
    assert!(fs::read_to_string(&old).unwrap().contains("JBSWY3DP"));
    assert_eq!(names(), before);
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let (full, big) = (folder.path().join("full"), folder.path().join("big.csv"));
    fs::create_dir(&full).unwrap();
    let rows: Vec<String> = (0..2000).map(|row| format!("8659612{row:07},{row:040X},60\n")).collect();
    fs::write(&big, rows.concat()).unwrap();
    let mut unshare = Command::new("unshare");
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        unshare.args(["-U", "-r"]);
    }
    let script = "mount -t tmpfs -o size=16k none \"$1\" && { \"$2\" seeds convert \"$3\" --to csv --out \"$1/out.csv\"; \
                  echo \"exit $?\"; ls -A \"$1\"; }";
    let output = unshare
        .args(["-m", "sh", "-c", script, "sh"])
        .args([&full, Path::new(env!("CARGO_BIN_EXE_tokentap")), &big])
        .output()
        .expect("unshare of util-linux");
    let said = text(&output);
    assert!(said.contains("cannot be written: No space left on device") && said.contains("exit 1"), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap().trim().ends_with("exit 1"), "a remnant is left: {said}");
}
