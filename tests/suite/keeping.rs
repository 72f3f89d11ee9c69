//! What is kept in the inventory stays what it was: damage is found, seals belong to their tokens, others do not write it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tokentap::inventory::{
    Entry, Identity, Inventory, InventoryError, Listing, SeedChange, SlotKey, Sqlite, TokenChange,
};
use tokentap::seed::Seed;

use crate::inventory::{Desk, event};
use crate::support::{Dice, RESTRICTED, UNRESTRICTED, run_in, text};

const TRUST: &str = "--trust-host-clock";

/// A desk whose inventory seals its seeds, and the identity that opens them in a file.
pub fn sealing() -> (Desk, String) {
    let desk = Desk::new();
    let recipient = identity(&desk, "identity");
    desk.ok(&["inventory", "init", "--recipient", &recipient]);
    (desk, recipient)
}

/// A new identity in a file for its owner only; its recipient.
pub fn identity(desk: &Desk, name: &str) -> String {
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    private(&desk.path(name), &format!("{secret}\n"));
    identity.to_public().to_string()
}

pub fn private(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn run(desk: &Desk, args: &[&str]) -> Output {
    desk.command(args).output().unwrap()
}

/// An inventory with everything that one can have: tokens, sealed seeds, events, a batch, a job of unknown end.
fn filled() -> Desk {
    let (desk, _) = sealing();
    let mut tokens = Vec::new();
    for number in 0..12 {
        let serial = format!("{}{number:07}", ["8659612", "8659622"][number % 2]);
        tokens.push(desk.token(&serial));
    }
    for (number, reader) in tokens.iter().enumerate() {
        desk.ok(&["burn", "--reader", reader, "--generate", "--no-verify", TRUST]);
        let serial = reader.trim_start_matches("emulated:");
        desk.ok(&["inventory", "assign", serial, &format!("user{number}@example.org")]);
    }
    for reader in &tokens[..6] {
        desk.ok(&["info", "--reader", reader]);
    }
    desk.ok(&["sync", "--reader", &tokens[1], "--fast", "--erase-seed", TRUST]);
    fs::create_dir(desk.path("more")).unwrap();
    for number in 0..5 {
        let state = format!("more/{number}.json");
        let serial = format!("8659612100000{number}");
        desk.ok(&["emulate", "--create", "--serial", &serial, "--state", &state]);
    }
    let exit = run(&desk, &["--reader", "emulated:more", "batch", "--generate", "8", "--to", "csv=out.csv", TRUST]);
    assert_eq!(exit.status.code(), Some(10), "{}", text(&exit));
    desk
}

/// Everything that the inventory says.
fn outputs(desk: &Desk) -> Vec<String> {
    let all: [&[&str]; 6] = [
        &["--json", "inventory", "tokens"],
        &["--json", "inventory", "events"],
        &["--json", "inventory", "batches"],
        &["--json", "inventory", "batches", "--rows", "1"],
        &["--json", "inventory", "show", "86596120000000"],
        &["--json", "inventory", "export", "--identity", "identity", "--to", "csv=export.csv", "--force"],
    ];
    let mut said: Vec<String> = all.iter().map(|args| text(&run(desk, args))).collect();
    said.push(fs::read_to_string(desk.path("export.csv")).unwrap_or_default());
    said
}

/// Damage to a file: a bit that flips, an end that is missing, a page of zeros or noise, or another page in its place.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) -> String {
    const PAGE: usize = 4096;
    let pages = (bytes.len() / PAGE) as u64;
    let kind = dice.below(10);
    let at = dice.below(bytes.len() as u64) as usize;
    let page = dice.below(pages) as usize * PAGE;
    match kind {
        0..=5 => {
            let bit = dice.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
        6 => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        7 => {
            bytes[page..page + PAGE].fill(0);
            format!("page at {page} zeroed")
        }
        8 => {
            bytes[page..page + PAGE].iter_mut().for_each(|byte| *byte = dice.below(256) as u8);
            format!("page at {page} is noise")
        }
        _ => {
            let other = dice.below(pages) as usize * PAGE;
            bytes.copy_within(other..other + PAGE, page);
            format!("page at {other} copied to {page}")
        }
    }
}

#[test]
fn five_hundred_corruptions_are_each_found_by_check_or_change_nothing_that_is_said() {
    let desk = filled();
    let path = desk.path("inventory.sqlite");
    // Everything is in the file itself.
    Sqlite::open(&path).unwrap().settle().unwrap();
    let sound = fs::read(&path).unwrap();
    let restore = |bytes: &[u8]| {
        for end in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(desk.path(&format!("inventory.sqlite{end}")));
        }
        fs::write(&path, bytes).unwrap();
    };
    let said = outputs(&desk);
    // The export is on record too.
    restore(&sound);
    assert!(said[..5].iter().all(|said| said.contains("tokentap/1")), "{said:?}");
    let mut dice = Dice::new();
    let (mut found, mut harmless) = (0, 0);
    for _ in 0..500 {
        let mut bytes = sound.clone();
        let what = damage(&mut bytes, &mut dice);
        restore(&bytes);
        let check = run(&desk, &["--json", "inventory", "check", "--identity", "identity"]);
        assert!(
            !text(&check).contains("panicked") && !text(&check).contains("\"internal\""),
            "{what}: {}",
            text(&check)
        );
        if check.status.success() {
            restore(&bytes);
            let now = outputs(&desk);
            for (then, now) in said.iter().zip(&now) {
                assert_eq!(then, now, "{what}: nothing was found wrong, and this is said otherwise");
            }
            harmless += 1;
        } else {
            assert_eq!(check.status.code(), Some(1), "{what}: {}", text(&check));
            found += 1;
        }
    }
    println!("{found} found, {harmless} without effect");
    assert!(found > 100);
}

#[test]
fn events_without_their_triggers_or_with_a_gap_are_found() {
    let desk = filled();
    let path = desk.path("inventory.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("DROP TRIGGER events_last").unwrap();
    assert!(desk.fails(1, &["inventory", "check"])["details"].to_string().contains("\\\"events_last\\\" is missing"));
    connection.execute_batch("DELETE FROM events WHERE id = 5").unwrap();
    let error = desk.fails(1, &["inventory", "check"]);
    assert!(error["details"].to_string().contains("events are missing"), "{error}");
}

#[test]
fn a_seal_in_another_tokens_row_is_burned_by_no_command() {
    let (desk, _) = sealing();
    let other = "86596220009999";
    for serial in [RESTRICTED, other] {
        let reader = desk.token(serial);
        desk.ok(&["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    }
    let before = (desk.seed_of(RESTRICTED), desk.seed_of(other));
    let reader = format!("emulated:{RESTRICTED}");
    // Somebody who can write the inventory has put another seal, or another fingerprint, into a token's record.
    for moves_seal in [true, false] {
        let sound = fs::read(desk.path("inventory.sqlite")).unwrap();
        {
            let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
            let (own, foreign) = (
                inventory.token(&SlotKey::only(RESTRICTED)).unwrap().unwrap(),
                inventory.token(&SlotKey::only(other)).unwrap().unwrap(),
            );
            let strange = inventory.fingerprint_key().of(&Seed::from_bytes(b"another seed".to_vec()).unwrap());
            let (seed, sealed) = if moves_seal { (own.seed.unwrap(), foreign.sealed) } else { (strange, own.sealed) };
            let seed = SeedChange::Is { seed, sealed, replaces: true };
            let token = Some(TokenChange { seed, ..TokenChange::of(SlotKey::only(RESTRICTED)) });
            inventory.keep(&Entry { event: event(RESTRICTED, 1, ""), token, row: None }).unwrap();
            inventory.settle().unwrap();
        }
        for command in [
            &["sync", "--fast", "--reader", &reader, "--identity", "identity", TRUST][..],
            &["burn", "--no-verify", "--reader", &reader, "--identity", "identity", TRUST],
            &["inventory", "export", "--identity", "identity", "--to", "csv=out.csv"],
        ] {
            let error = desk.fails(5, command);
            assert_eq!(error["kind"], "wrong-seal", "{command:?}: {error}");
        }
        let visit = run(&desk, &["--json", "desk", "--reader", &reader, "--identity", "identity", "--fast", TRUST]);
        assert_eq!(visit.status.code(), Some(10), "{}", text(&visit));
        assert!(text(&visit).contains("wrong-seal"), "{}", text(&visit));
        assert_eq!((desk.seed_of(RESTRICTED), desk.seed_of(other)), before, "no token was written");
        assert!(!desk.path("out.csv").exists());
        let check = desk.fails(1, &["inventory", "check", "--identity", "identity"]);
        assert!(check["details"].to_string().contains(RESTRICTED), "{check}");
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(desk.path(&format!("inventory.sqlite{end}")));
        }
        fs::write(desk.path("inventory.sqlite"), sound).unwrap();
    }
}

#[test]
fn an_inventory_that_is_there_and_cannot_be_read_is_not_nothing_known() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    private(&desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let burn =
        ["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", "--hash", "sha256", "--step", "60", TRUST];
    desk.ok(&burn);
    let path = desk.path("inventory.sqlite");
    let sound = fs::read(&path).unwrap();
    let profile = || {
        let state: Value = serde_json::from_slice(&fs::read(desk.path(UNRESTRICTED)).unwrap()).unwrap();
        (state["hash"].clone(), state["step"].clone())
    };
    let burned = profile();
    let mut later = sound.clone();
    // The schema's version, in the header (SQLite's file format, section 1.3).
    later[60..64].copy_from_slice(&99_u32.to_be_bytes());
    for (what, content) in
        [("cut off", sound[..100].to_vec()), ("of a later version", later), ("no database", b"x".to_vec())]
    {
        fs::write(&path, content).unwrap();
        for command in [&["sync", "--fast"][..], &["--time", "0"], &["config", "--display", "60", "--fast"]] {
            let words = [command, &["--reader", &reader]].concat();
            let error = desk.fails(1, &words);
            assert_eq!(error["kind"], "inventory", "{what}: {error}");
            assert!(error["next"].as_str().unwrap().contains("--hash and --step"), "{error}");
            assert_eq!(profile(), burned, "{what}, {command:?}");
        }
    }
    // Somebody who knows the profile may go on, and so may somebody who wants no record.
    desk.ok(&["sync", "--fast", "--reader", &reader, "--hash", "sha256", "--step", "60", TRUST]);
    assert_eq!(profile(), burned);
    desk.ok(&["sync", "--fast", "--reader", &reader, "--inventory", "none", TRUST]);
}

#[test]
fn an_inventory_that_another_program_keeps_locked_is_not_nothing_known_either() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["info", "--reader", &reader]);
    let holder = rusqlite::Connection::open(desk.path("inventory.sqlite")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let before = fs::read(desk.path(UNRESTRICTED)).unwrap();
    assert_eq!(desk.fails(1, &["sync", "--fast", "--reader", &reader, TRUST])["kind"], "inventory");
    assert_eq!(fs::read(desk.path(UNRESTRICTED)).unwrap(), before);
}

#[test]
fn an_inventory_that_others_can_write_seals_and_burns_nothing() {
    let (desk, _) = sealing();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["info", "--reader", &reader]);
    let path = desk.path("inventory.sqlite");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let burn = ["burn", "--reader", &reader, "--generate", "--no-verify", TRUST];
    private(&desk.path("rows.csv"), &format!("serial,secret\n{UNRESTRICTED},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n"));
    for (target, open, shut) in [(path.as_path(), 0o666, 0o600), (desk.0.path(), 0o777, 0o700)] {
        mode(target, open);
        for command in
            [&burn[..], &["batch", "rows.csv", "--reader", &reader, TRUST], &["inventory", "import", "rows.csv"]]
        {
            let error = desk.fails(1, command);
            assert!(error["message"].as_str().unwrap().contains("others can"), "{error}");
            assert!(error["next"].as_str().unwrap().contains("chmod go-w"), "{error}");
        }
        assert_eq!(desk.seed_of(UNRESTRICTED), "");
        assert!(desk.ok(&["info", "--reader", &reader]).contains("others can"), "what only reads goes on, and says so");
        mode(target, shut);
    }
    desk.ok(&burn);
    // Another owner, where this user may make one.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        let error = desk.fails(1, &burn);
        assert!(error["message"].as_str().unwrap().contains("belongs to another user"), "{error}");
    }
}

#[test]
fn recipients_that_were_changed_behind_the_users_back_seal_nothing_until_they_are_confirmed() {
    let (desk, recipient) = sealing();
    let stranger = identity(&desk, "stranger");
    let reader = desk.token(UNRESTRICTED);
    let burn = ["burn", "--reader", &reader, "--generate", "--no-verify", TRUST];
    desk.ok(&burn);
    let held = desk.seed_of(UNRESTRICTED);
    let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
    inventory.set_recipients(std::slice::from_ref(&stranger), &event(UNRESTRICTED, 1, "")).unwrap();
    drop(inventory);
    let error = desk.fails(1, &burn);
    let said = format!("{} {}", error["message"], error["next"]);
    assert!(said.contains(&recipient) && said.contains(&stranger), "{said}");
    // A customer key neither.
    let molto = desk.path("molto.json").display().to_string();
    desk.ok(&["emulate", "--create", "--family", "molto2", "--state", &molto]);
    let had = std::fs::read(&molto).unwrap();
    private(&desk.path("new-key"), "MyOwnKey-2026-01");
    let new_key = desk.path("new-key").display().to_string();
    let on_molto = format!("emulated:{molto}");
    desk.fails(1, &["customer-key", "set", "--new-key", &new_key, "--yes", "--reader", &on_molto]);
    assert_eq!(std::fs::read(&molto).unwrap(), had, "nothing was sent to it");
    assert_eq!(desk.seed_of(UNRESTRICTED), held);
    for _ in 0..2 {
        assert!(desk.ok(&["info", "--reader", &reader]).contains("recipients"), "said at each command");
    }
    // The remedy, as it stands.
    desk.ok(&["inventory", "init", "--recipient", &stranger]);
    desk.ok(&[&burn[..], &["--replace-seed"]].concat());
    assert!(!desk.ok(&["info", "--reader", &reader]).contains("recipients"));
}

#[test]
fn recipients_that_appear_in_an_inventory_that_had_none_seal_nothing_either() {
    let desk = Desk::new();
    let stranger = identity(&desk, "stranger");
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["sync", "--fast", "--reader", &reader, TRUST]);
    let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
    inventory.set_recipients(std::slice::from_ref(&stranger), &event(UNRESTRICTED, 1, "")).unwrap();
    drop(inventory);
    let error = desk.fails(1, &["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    assert!(error["message"].as_str().unwrap().contains("confirmed: none"), "{error}");
    assert_eq!(desk.seed_of(UNRESTRICTED), "");
}

#[test]
fn serials_that_no_token_has_are_not_imported_and_those_on_record_can_be_forgotten() {
    let (desk, _) = sealing();
    for serial in ["=cmd|x", "8659-612-0000777", "+1"] {
        private(&desk.path("rows.csv"), &format!("serial,secret\n{serial},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n"));
        desk.fails(2, &["inventory", "import", "rows.csv"]);
        private(&desk.path("serials"), &format!("{serial}\n"));
        desk.fails(2, &["seeds", "generate", "--serials", "serials", "--to", "csv=new.csv"]);
    }
    // An earlier version took more.
    let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
    let token = Some(TokenChange::of(SlotKey::only("8659-612-0000777")));
    inventory.keep(&Entry { event: event("8659-612-0000777", 1, ""), token, row: None }).unwrap();
    drop(inventory);
    desk.ok(&["inventory", "check"]);
    desk.ok(&["inventory", "forget", "8659-612-0000777", "--yes"]);
}

#[test]
fn recipients_that_are_named_during_a_run_seal_what_is_burned_from_then_on() {
    let desk = Desk::new();
    let recipient = identity(&desk, "identity");
    let mut rows = "serial,secret\n".to_owned();
    fs::create_dir(desk.path("tokens")).unwrap();
    for number in 0..12 {
        let serial = format!("8659612{number:07}");
        desk.ok(&["emulate", "--create", "--serial", &serial, "--state", &format!("tokens/{serial}.json")]);
        let seed = Seed::from_bytes(format!("the seed of {serial}").into_bytes()).unwrap();
        rows.push_str(&format!("{serial},{}\n", seed.to_base32().as_str()));
    }
    private(&desk.path("rows.csv"), &rows);
    let batch = ["batch", "rows.csv", "--precise", "--reader", "emulated:tokens", TRUST];
    let mut running = desk.command(&batch).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let count = |sealed: bool| {
        let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
        let mut found = 0;
        let filter = tokentap::inventory::TokenFilter { sealed, ..Default::default() };
        inventory.visit_tokens(&filter, u64::MAX, &mut |token| found += usize::from(token.seed.is_some())).unwrap();
        found
    };
    while !desk.path("inventory.sqlite").exists() || count(false) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    desk.ok(&["inventory", "init", "--recipient", &recipient]);
    let then = count(false);
    assert!(running.wait().unwrap().success());
    // The one that was in hand may have begun before.
    assert!(
        count(true) >= 12 - then - 1 && count(true) > 0,
        "{} of {} sealed, {then} before",
        count(true),
        count(false)
    );
}

#[test]
fn an_import_is_all_or_nothing_and_one_transaction() {
    let (desk, _) = sealing();
    let mut rows = "serial,secret,upn\n".to_owned();
    for number in 0..2000 {
        let seed = Seed::from_bytes(format!("imported seed {number:06}").into_bytes()).unwrap();
        rows.push_str(&format!("8659612{number:07},{},user{number}@example.org\n", seed.to_base32().as_str()));
    }
    private(&desk.path("rows.csv"), &rows);
    let tokens = || {
        let mut count = 0;
        let inventory = Sqlite::open(&desk.path("inventory.sqlite")).unwrap();
        inventory.visit_tokens(&Default::default(), u64::MAX, &mut |_| count += 1).unwrap();
        count
    };
    let mut dice = Dice::new();
    for _ in 0..6 {
        let mut child = desk.command(&["inventory", "import", "rows.csv"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(dice.below(300)));
        let _ = child.kill();
        child.wait().unwrap();
        assert!([0, 2000].contains(&tokens()), "{} tokens after a kill", tokens());
    }
    desk.ok(&["inventory", "import", "rows.csv"]);
    assert_eq!(tokens(), 2000);
    desk.ok(&["inventory", "check", "--identity", "identity"]);
}

#[test]
fn an_output_never_overwrites_what_the_same_command_reads_or_writes() {
    let (desk, _) = sealing();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    private(&desk.path("rows.csv"), "serial,secret\n86596120000009,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n");
    private(&desk.path("users"), "ada\n");
    private(&desk.path("key"), "00112233445566778899aabbccddeeff\n");
    fs::hard_link(desk.path("identity"), desk.path("linked")).unwrap();
    let inventory = desk.path("inventory.sqlite");
    let own = format!("csv={}", inventory.display());
    let wal = format!("csv={}-wal", inventory.display());
    let export = ["inventory", "export", "--identity", "identity", "--force"];
    let commands: Vec<Vec<&str>> = vec![
        [&export[..], &["--to", "csv=identity"]].concat(),
        [&export[..], &["--to", "csv=./linked"]].concat(),
        [&export[..], &["--to", &own]].concat(),
        [&export[..], &["--to", &wal]].concat(),
        [&export[..], &["--to", "csv=a", "--to", "csv=a"]].concat(),
        [&export[..], &["--to", "pskc=a", "--to-pskc-key", "key", "--to", "csv=key"]].concat(),
        vec!["batch", "rows.csv", "--to", "csv=a", "--to", "privacyidea=a.part", "--force", "--reader", &reader],
        vec!["batch", "rows.csv", "--to", "csv=rows.csv", "--force", "--reader", &reader],
        vec!["batch", "rows.csv", "--to", &own, "--force", "--reader", &reader],
        vec!["batch", "--generate", "1", "--users", "users", "--to", "csv=users", "--force", "--reader", &reader],
        vec!["batch", "rows.csv", "--token-key", "key", "--to", "csv=key", "--force", "--reader", &reader],
        vec!["seeds", "convert", "rows.csv", "--to", "csv=b", "--to", "privacyidea=b", "--force"],
        vec!["seeds", "convert", "rows.csv", "--to", "csv=rows.csv", "--force"],
        vec!["seeds", "generate", "--serials", "users", "--to", "csv=users", "--force"],
        vec!["seeds", "qr", "rows.csv", "--png", "rows.csv", "--force"],
        vec!["burn", "--generate", "--out", "identity", "--identity", "identity", "--reader", &reader],
        vec!["inventory", "backup", "inventory.sqlite", "--force"],
        vec!["seeds", "generate", "--count", "1", "--to", &own, "--force"],
        vec!["seeds", "convert", "rows.csv", "--to", &own, "--force"],
    ];
    let kept = || ["identity", "rows.csv", "users", "key"].map(|name| fs::read(desk.path(name)).unwrap());
    let before = kept();
    for command in commands {
        let output = run(&desk, &command);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {}", text(&output));
        assert_eq!(kept(), before, "{command:?}");
        assert!(Sqlite::open(&inventory).is_ok(), "{command:?}");
    }
}

#[test]
fn seeds_that_do_not_arrive_on_standard_output_are_a_failure() {
    let (desk, _) = sealing();
    private(&desk.path("rows.csv"), "serial,secret\n86596120000009,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n");
    for command in
        [&["seeds", "generate", "--count", "3", "--to", "csv"][..], &["seeds", "convert", "rows.csv", "--to", "csv"]]
    {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = desk.command(command).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", text(&output));
        assert!(text(&output).contains("standard output"), "{}", text(&output));
    }
}

#[test]
fn forgetting_names_the_owner_asks_and_needs_yes_in_a_script() {
    let (desk, _) = sealing();
    let reader = desk.token(UNRESTRICTED);
    desk.ok(&["burn", "--reader", &reader, "--generate", "--no-verify", TRUST]);
    desk.ok(&["inventory", "assign", UNRESTRICTED, "ada@example.org"]);
    let error = desk.fails(2, &["inventory", "forget", UNRESTRICTED]);
    let said = error["message"].as_str().unwrap();
    assert!(said.contains("ada@example.org") && said.contains(", burned 20"), "{error}");
    assert_eq!(desk.json(&["inventory", "show", UNRESTRICTED])["token"]["seed"], "sealed");
    desk.ok(&["inventory", "forget", UNRESTRICTED, "--yes"]);
    assert_eq!(desk.json(&["inventory", "show", UNRESTRICTED])["token"]["seed"], "");
}

#[test]
fn a_damaged_identity_is_not_a_wrong_passphrase() {
    use tokentap::inventory::{SealError, new_locked_identity};
    let (_, file) = new_locked_identity("correct horse").unwrap();
    let unlocked = |bytes: &[u8]| Identity::unlock(bytes, "correct horse").err();
    assert_eq!(unlocked(&file), None);
    let mut changed = file.clone();
    let last = changed.len() - 3;
    changed[last] ^= 1;
    assert_eq!(unlocked(&changed), Some(SealError::Damaged));
    assert_eq!(unlocked(&file[..file.len() - 40]), Some(SealError::Damaged));
    assert_eq!(unlocked(&file[..30]), Some(SealError::Damaged));
}

#[test]
fn secrets_that_others_can_read_are_warned_of() {
    let (desk, _) = sealing();
    let reader = desk.token(UNRESTRICTED);
    private(&desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let burn = ["burn", "--reader", &reader, "--seed-file", "seed", "--no-verify", TRUST];
    assert!(!desk.ok(&burn).contains("others on this computer"));
    fs::set_permissions(desk.path("seed"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(desk.ok(&burn).contains("others on this computer can read seed"));
    fs::set_permissions(desk.path("identity"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(
        desk.ok(&["inventory", "check", "--identity", "identity"])
            .contains("others on this computer can read identity")
    );
}

#[test]
fn an_inventory_that_was_moved_or_replaced_takes_no_records_until_it_is_back() {
    let desk = Desk::new();
    let (path, aside) = (desk.path("inventory.sqlite"), desk.path("aside"));
    let inventory = Sqlite::open(&path).unwrap();
    let entry = |at| Entry { event: event("86596120000001", at, "sync"), token: None, row: None };
    inventory.keep(&entry(1)).unwrap();
    fs::rename(&path, &aside).unwrap();
    let kept = inventory.keep(&entry(2));
    assert!(matches!(kept, Err(InventoryError::Replaced(_))), "{kept:?}");
    // Nothing is begun beside the log of the old one either.
    for command in [&["inventory", "init"], &["inventory", "tokens"]] {
        let error = desk.fails(1, command);
        assert!(error["next"].as_str().unwrap().contains("put the inventory back"), "{error}");
    }
    assert!(!path.exists());
    fs::copy(&aside, &path).unwrap();
    let kept = inventory.keep(&entry(2));
    assert!(matches!(kept, Err(InventoryError::Replaced(_))), "{kept:?}");
    fs::rename(&aside, &path).unwrap();
    inventory.keep(&entry(2)).unwrap();
    drop(inventory);
    assert_eq!(desk.events().len(), 2);
}

#[test]
fn an_inventory_under_a_second_name_is_refused_until_the_name_is_gone() {
    let desk = Desk::new();
    desk.ok(&["inventory", "init"]);
    fs::hard_link(desk.path("inventory.sqlite"), desk.path("other.sqlite")).unwrap();
    for name in ["inventory.sqlite", "other.sqlite"] {
        let error = desk.fails(1, &["inventory", "tokens", "--inventory", name]);
        assert!(error["message"].as_str().unwrap().contains("a second name"), "{error}");
    }
    fs::remove_file(desk.path("other.sqlite")).unwrap();
    desk.ok(&["inventory", "tokens"]);
}

#[test]
fn recipients_that_are_gone_are_taken_as_none_only_when_the_user_says_so() {
    let (desk, _) = sealing();
    desk.ok(&["inventory", "tokens"]);
    let reader = desk.token(UNRESTRICTED);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(desk.path(&format!("inventory.sqlite{end}")));
    }
    private(&desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let burn = ["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", TRUST];
    let error = desk.fails(1, &burn);
    let next = error["next"].as_str().unwrap();
    let command = next.split("confirm that it keeps no seeds: tokentap ").nth(1).expect(next);
    desk.ok(&command.split(' ').collect::<Vec<_>>());
    desk.ok(&burn);
}

#[test]
fn an_empty_variable_names_no_inventory_and_words_are_taken_as_they_are_printed() {
    let desk = Desk::new();
    let reader = desk.token(UNRESTRICTED);
    private(&desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let burn = ["burn", "--reader", &reader, "--no-verify", "--seed-file", "seed", "--hash", "SHA256", TRUST];
    desk.ok(&burn);
    let events = desk.json(&["inventory", "events", "--outcome", "Done"]);
    assert_eq!(events["events"].as_array().unwrap().len(), 1, "{events}");
    let home = desk.path("home");
    fs::create_dir(&home).unwrap();
    let mut info = desk.command(&["info", "--reader", &reader]);
    info.env("TOKENTAP_INVENTORY", "").env("HOME", &home).env("XDG_DATA_HOME", &home);
    let output = info.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(home.join("tokentap").join("inventory.sqlite").exists());
}

#[test]
fn a_dry_run_writes_nothing_where_there_is_no_token_to_show_it_for() {
    let desk = Desk::new();
    private(&desk.path("seeds.csv"), "serial,secret\n86596120001234,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n");
    desk.ok(&["inventory", "init"]);
    for command in [
        &["seeds", "generate", "--count", "1", "--to", "csv=out.csv"][..],
        &["seeds", "convert", "seeds.csv", "--to", "duo", "--out", "out.csv"],
        &["emulate", "--create", "--state", "out.csv"],
        &["inventory", "backup", "out.csv"],
        &["inventory", "import", "seeds.csv"],
    ] {
        let error = desk.fails(2, &[command, &["--dry-run"]].concat());
        assert!(error["message"].as_str().unwrap().contains("--dry-run"), "{error}");
        assert!(!desk.path("out.csv").exists(), "{command:?}");
    }
    desk.fails(2, &["desk", "--ask-code"]);
}

#[test]
fn a_seed_goes_to_a_second_token_only_by_its_users_word_which_then_holds() {
    let desk = Desk::new();
    let (first, second) = (desk.token(UNRESTRICTED), desk.token(RESTRICTED));
    private(&desk.path("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    desk.ok(&["burn", "--reader", &first, "--no-verify", "--seed-file", "seed", TRUST]);
    let burn = ["burn", "--reader", &second, "--no-verify", "--seed-file", "seed", TRUST];
    assert_eq!(desk.fails(5, &burn)["kind"], "seed-held");
    desk.ok(&[&burn[..], &["--allow-shared-secret"]].concat());
    desk.ok(&["sync", "--fast", "--reader", &second, "--seed-file", "seed", TRUST]);
    desk.ok(&burn);
    assert_eq!(desk.json(&["inventory", "check"])["command"], "inventory");
}

#[test]
fn a_key_that_a_token_has_refused_is_not_tried_again_until_somebody_says_so() {
    // Tokens made before 2025 lock for good after some wrong answers (docs/protocol.md §1).
    let place = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| run_in(place.path(), args);
    let wrong_answers = || {
        let state = std::fs::read_to_string(place.path().join("token.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&state).unwrap()["wrong_answers"].clone()
    };
    std::fs::write(place.path().join("own.key"), "000102030405060708090a0b0c0d0e0f").unwrap();
    std::fs::write(place.path().join("other.key"), "ff0102030405060708090a0b0c0d0e0f").unwrap();
    std::fs::write(place.path().join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    std::fs::write(place.path().join("rows.csv"), "serial,secret\n86596120000001,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ\n")
        .unwrap();
    let made = ["emulate", "--create", "--state", "token.json", "--token-key", "own.key", "--lock-after", "4"];
    assert_eq!(run(&made).0, 0);
    let reader = ["--reader", "emulated:token.json", "--trust-host-clock"];
    let sync =
        |more: &[&str]| run(&[&["sync", "--fast", "--hash", "sha1", "--step", "30"], &reader[..], more].concat());
    assert_eq!((sync(&[]).0, wrong_answers()), (6, 1.into()));
    for _ in 0..3 {
        let (exit, said) = sync(&[]);
        assert_eq!((exit, wrong_answers()), (6, 1.into()), "{said}");
        assert!(said.contains("by the inventory") && said.contains("--token-key FILE"), "{said}");
    }
    let (_, said) = run(&["info", "--reader", "emulated:token.json"]);
    assert!(said.contains("refused the key") && said.contains("--token-key FILE"), "{said}");
    for args in [
        &["burn", "--no-verify", "--seed-file", "seed"][..],
        &["config", "--hash", "sha256"],
        &["sync", "--dry-run"],
        &["--time", "0"],
    ] {
        let (exit, said) = run(&[args, &reader].concat());
        assert_eq!((exit, wrong_answers()), (6, 1.into()), "{args:?}: {said}");
    }
    let (exit, said) = run(&[&["desk", "--assume-factory-profile"], &reader[..]].concat());
    assert_eq!((exit, wrong_answers()), (10, 1.into()), "{said}");
    let (_, said) = run(&[&["batch", "rows.csv"], &reader[..]].concat());
    assert_eq!(wrong_answers(), 1, "{said}");
    // Another key is another try; the first one is still not tried.
    assert_eq!((sync(&["--token-key", "other.key"]).0, wrong_answers()), (6, 2.into()));
    assert_eq!((sync(&["--token-key", "other.key"]).0, wrong_answers()), (6, 2.into()));
    assert_eq!((sync(&[]).0, wrong_answers()), (6, 2.into()));
    // Somebody knows better.
    assert_eq!((sync(&["--try-again"]).0, wrong_answers()), (6, 3.into()));
    // The right one settles it.
    assert_eq!((sync(&["--token-key", "own.key"]).0, wrong_answers()), (0, 0.into()));
    assert_eq!((sync(&[]).0, wrong_answers()), (6, 1.into()));
}

/// An inventory has no lines: what cannot be exported is named by its token, and a kind that is in the way can be left out.
#[test]
fn an_export_that_cannot_be_made_names_its_tokens_with_their_slots_and_can_leave_a_kind_out() {
    let (desk, _) = sealing();
    for (family, state) in [("molto2", "molto.json"), ("hotp-key", "key.json")] {
        desk.ok(&["emulate", "--create", "--family", family, "--state", state]);
    }
    let molto = ["--reader", "emulated:molto.json", "burn", "--generate", "--no-verify", TRUST, "--slot"];
    desk.ok(&[&molto[..], &["0", "--out", "new.csv"]].concat());
    desk.ok(&[&molto[..], &["4"]].concat());
    desk.ok(&["--reader", "emulated:key.json", "burn", "--hotp", "--generate", "--no-verify"]);
    let written = fs::read_to_string(desk.path("new.csv")).unwrap();
    assert!(written.lines().nth(1).unwrap().ends_with(",0"), "{written}");

    let export = ["inventory", "export", "--identity", "identity", "--force", "--to"];
    let said = run(&desk, &[&export[..], &["pskc=all.xml"]].concat());
    assert_eq!(said.status.code(), Some(2));
    let slot = "the inventory: 826658719844499/0: pskc cannot carry the slot of 2 rows, the first of which is this";
    assert!(text(&said).contains(slot), "{}", text(&said));
    let said = run(&desk, &[&export[..], &["duo=all.csv", "--drop", "slot"]].concat());
    let kinds = "826658719844499/0: duo: a file of this format holds either TOTP or HOTP tokens, not both (write each kind into a file \
                 of its own: tokentap inventory export does that with --type totp and --type hotp)";
    assert!(text(&said).contains(kinds), "{}", text(&said));
    // Two tokens of one serial: a server would take the second for the first.
    let said = run(&desk, &[&export[..], &["duo=all.csv", "--drop", "slot", "--type", "totp"]].concat());
    let serials = "826658719844499/4: duo: without their slots, several rows have the serial 826658719844499";
    assert!(said.status.code() == Some(2) && text(&said).contains(serials), "{}", text(&said));
    desk.ok(&[&export[..], &["duo=hotp.csv", "--type", "hotp"]].concat());
    assert_eq!(fs::read_to_string(desk.path("hotp.csv")).unwrap().lines().count(), 1);
    let one = ["duo=one.csv", "--drop", "slot", "--serial", "826658719844499/4"];
    desk.ok(&[&export[..], &one].concat());
    assert_eq!(fs::read_to_string(desk.path("one.csv")).unwrap().lines().count(), 1);
    // As the remedy says: csv, with serials of their own.
    desk.ok(&[&export[..], &["csv=all-of.csv"]].concat());
    let table = fs::read_to_string(desk.path("all-of.csv")).unwrap();
    let own: String = table
        .lines()
        .filter(|line| !line.contains("hotp"))
        .map(|line| {
            let (rest, slot) = line.rsplit_once(',').unwrap();
            format!("{}\n", rest.replace("826658719844499", &format!("826658719844499-{slot}")))
        })
        .collect();
    private(&desk.path("own.csv"), &own);
    desk.ok(&["seeds", "convert", "own.csv", "--to", "duo=own.duo", "--drop", "user"]);
    assert!(fs::read_to_string(desk.path("own.duo")).unwrap().contains("826658719844499-4"));
    assert!(desk.ok(&["inventory", "tokens"]).contains("826658719844499/0  Molto2"));
}
