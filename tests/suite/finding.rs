//! From a person to a token, and what is said of it: found by user, last digits or serial; checked with what is at hand; due.

use std::fs;

use serde_json::Value;

use crate::support::{in_folder, run_in, text};

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

struct Place(tempfile::TempDir);

impl Place {
    /// An inventory with these tokens, each burned with a seed of its own, and their users.
    fn new(tokens: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (number, (serial, user)) in tokens.iter().enumerate() {
            let state = format!("{serial}.json");
            place.ok(&["emulate", "--create", "--serial", serial, "--state", &state]);
            let seed = format!("{}{}", &SEED[..30], ["AA", "BB", "CC", "DD"][number]);
            fs::write(place.0.path().join(format!("{serial}.txt")), seed).unwrap();
            let file = format!("{serial}.txt");
            let reader = format!("emulated:{state}");
            let burn = ["burn", "--no-verify", "--seed-file", &file, "--reader", &reader, "--trust-host-clock"];
            let owner = ["--user", user];
            place.ok(&[&burn[..], if user.is_empty() { &[] } else { &owner }].concat());
        }
        place
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        run_in(self.0.path(), args)
    }

    /// What a command that must succeed prints, without its notes.
    fn ok(&self, args: &[&str]) -> String {
        let output = in_folder(self.0.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.0.path().join(name), content).unwrap();
    }
}

const ANA: (&str, &str) = ("86596120001234", "Ana@Example.org");
const ANATOL: (&str, &str) = ("86596120005678", "anatol@example.org");
const NOBODY: (&str, &str) = ("86596120009999", "");

#[test]
fn a_token_is_found_by_its_user_its_last_digits_and_its_serial_with_blanks() {
    let place = Place::new(&[ANA, ANATOL, NOBODY]);
    for text in ["86596120001234", "8659 6120 0012 34", " 1234", "ana@example.org", "ANA@EXAMPLE.ORG", "ana@"] {
        let shown = place.json(&["inventory", "show", text]);
        assert_eq!(shown["token"]["serial"], ANA.0, "{text}");
    }
    let (exit, said) = place.run(&["inventory", "show", "ana"]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains(ANA.0) && said.contains(ANATOL.0) && said.contains("anatol@example.org"), "{said}");
    let (exit, said) = place.run(&["inventory", "show", "eva@example.org"]);
    assert!(exit == 2 && said.contains("no token in the inventory matches"), "{said}");
    let listed = place.json(&["inventory", "tokens", "--user", "example.org"]);
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(place.json(&["inventory", "tokens", "--serial", "9999"])["tokens"][0]["serial"], NOBODY.0);
    for args in [&["--user", "ana@example.org"][..], &["--serial", "1234"]] {
        let events = place.json(&[&["inventory", "events"], args].concat());
        assert!(events["events"].as_array().unwrap().iter().all(|event| event["serial"] == ANA.0), "{events}");
        assert!(!events["events"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_token_goes_to_another_user_or_on_record_unseen_only_where_that_is_said() {
    let place = Place::new(&[ANA, NOBODY]);
    let owner = |serial: &str| place.json(&["inventory", "show", serial])["token"]["user"].clone();
    let assign = |args: &[&str]| place.run(&[&["inventory", "assign"], args].concat());
    assert_eq!(assign(&["9999", "eva@example.org"]).0, 0);
    assert_eq!(owner("9999"), "eva@example.org");
    // The same user in other letters is no other user.
    assert_eq!(assign(&["1234", "ANA@example.ORG"]).0, 0);
    assert_eq!(owner("1234"), "Ana@Example.org");
    let (exit, said) = assign(&["1234", "eva@example.org"]);
    assert!(exit == 2 && said.contains("belongs to Ana@Example.org") && said.contains("--reassign"), "{said}");
    assert_eq!(owner("1234"), "Ana@Example.org");
    assert_eq!(assign(&["1234", "eva@example.org", "--reassign"]).0, 0);
    let events = place.ok(&["inventory", "events", "--serial", "1234"]);
    assert!(events.contains("before that Ana@Example.org's"), "{events}");
    // The two the wrong way round, and a letter in the place of a digit.
    assert!(assign(&["eva@example.org", "86596120001234", "--reassign"]).1.contains("the user is a serial"));
    assert_eq!(assign(&["865961200O7777", "zoe@example.org", "--unseen"]).0, 2);
    let (exit, said) = assign(&["86596120007777", "zoe@example.org"]);
    assert!(exit == 2 && said.contains("never seen") && said.contains("--unseen"), "{said}");
    assert_eq!(assign(&["86596120007777", "zoe@example.org", "--unseen"]).0, 0);
    assert_eq!(owner("7777"), "zoe@example.org");
    // A burn for somebody else is a move too.
    let burn = [
        "burn",
        "--no-verify",
        "--seed-file",
        "86596120009999.txt",
        "--reader",
        "emulated:86596120009999.json",
        "--trust-host-clock",
        "--user",
        "zoe@example.org",
    ];
    let (exit, said) = place.run(&burn);
    assert!(exit == 5 && said.contains("belongs to eva@example.org"), "{said}");
    assert_eq!(owner("9999"), "eva@example.org");
    place.ok(&[&burn[..], &["--reassign"]].concat());
    place.ok(&["inventory", "unassign", "7777"]);
    assert_eq!(owner("7777"), Value::Null);
}

#[test]
fn assignments_come_from_a_table_all_or_none() {
    let place = Place::new(&[ANA, ANATOL, NOBODY]);
    let assign = |args: &[&str]| place.run(&[&["inventory", "assign", "--csv", "users.csv"], args].concat());
    let users = || {
        let list = place.json(&["inventory", "tokens"]);
        list["tokens"].as_array().unwrap().iter().map(|token| token["user"].clone()).collect::<Vec<_>>()
    };
    let before = users();
    for (table, named) in [
        ("serial,user\n86596120009999,eva@example.org\n86596120001234,\n", ":3:"),
        ("serial,user\n86596120009999,eva@example.org\n86596120009999,zoe@example.org\n", "comes twice"),
        ("serial,user\nhello,eva@example.org\n", ":2:"),
        ("serial,user\n86596120009999,eva@example.org\n86596120001234,eva@example.org\n", "--reassign"),
        ("serial,user\n", "no rows"),
    ] {
        place.write("users.csv", table);
        let (exit, said) = assign(&[]);
        assert!(exit == 2 && said.contains(named), "{table}: {said}");
        assert_eq!(users(), before, "{table}");
    }
    place.write("users.csv", "UPN;Serial Number\neva@example.org;86596120009999\nzoe@example.org;86596120001234\n");
    assert_eq!(assign(&["--reassign"]).0, 0);
    assert_eq!(users(), ["zoe@example.org", "anatol@example.org", "eva@example.org"]);
}

#[test]
fn verify_and_code_take_the_row_of_the_token_on_the_reader_and_the_sealed_seed() {
    let place = Place::new(&[]);
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    place.write("identity", &secret);
    place.ok(&["inventory", "init", "--recipient", &identity.to_public().to_string()]);
    place.ok(&["emulate", "--create", "--state", "token.json"]);
    let rows = format!(
        "serial,secret,upn\n86596120000001,{SEED},ana@example.org\n86596120000002,{}Q,eva@example.org\n",
        &SEED[1..]
    );
    place.write("rows.csv", &rows);
    let reader = ["--reader", "emulated:token.json"];
    place.ok(
        &[
            &[
                "burn",
                "--no-verify",
                "--seed-file",
                "rows.csv",
                "--hash",
                "sha256",
                "--step",
                "60",
                "--trust-host-clock",
            ][..],
            &reader,
        ]
        .concat(),
    );
    let display =
        || place.json(&["emulate", "--press", "--state", "token.json"])["display"].as_str().unwrap().to_owned();
    for source in [&["--seed-file", "rows.csv"][..], &["--identity", "identity"]] {
        // A step may end in between.
        let is_right = (0..3).any(|_| place.run(&[&["verify", &display()], source, &reader].concat()).0 == 0);
        assert!(is_right, "{source:?}");
        // Near a step's end, a token that is a part of a second off shows another code for as long.
        let is_shown = (0..5).any(|tries| {
            std::thread::sleep(std::time::Duration::from_millis(if tries == 0 { 0 } else { 600 }));
            place.ok(&[&["code"], source, &reader].concat()).starts_with(&display())
        });
        assert!(is_shown, "{source:?}");
    }
    // A bare seed is known by its fingerprint: the profile on record is no guess.
    place.write("bare", SEED);
    let is_right = (0..3).any(|_| place.run(&["verify", &display(), "--seed-file", "bare"]).0 == 0);
    assert!(is_right);
    // Who names the reader means the token on it, also with one seed; a file of another token's seed is not taken.
    place.write("one.csv", &format!("serial,secret\n86596120000002,{SEED}\n"));
    for file in ["bare", "one.csv"] {
        let shown = display();
        let args = [&["verify", &shown, "--remark", "ticket 7", "--seed-file", file][..], &reader].concat();
        let (exit, said) = place.run(&args);
        assert!(said.contains("86596120000001"), "{file}: {said}");
        assert_eq!(exit == 5, file == "one.csv", "{file}: {said}");
    }
    // A token whose last code was wrong is not said to work, until one is right.
    let (exit, said) = place.run(&[&["verify", "123456", "--seed-file", "bare"][..], &reader].concat());
    assert_eq!(exit, 8, "{said}");
    let info = |place: &Place| place.json(&[&["info"][..], &reader].concat());
    assert_eq!(info(&place)["verdict"], "code-wrong");
    assert!(info(&place)["verdict_text"].as_str().unwrap().contains("tokentap verify --seed-file FILE"));
    let is_right = (0..3).any(|_| place.run(&["verify", &display(), "--seed-file", "bare"]).0 == 0);
    assert!(is_right);
    assert_eq!(info(&place)["verdict"], "works");
    assert!(place.ok(&["inventory", "events", "--with-remark", "ticket 7"]).contains("86596120000001"));
    let (exit, said) = place.run(&["verify", "123456", "--seed-file", "bare", "--reader", "emulated:none.json"]);
    assert!(exit == 1 && said.contains("there is no emulated token"), "{exit}: {said}");
    let (_, said) = place.run(&[&["code", "--trace", "--seed-file", "bare"][..], &reader].concat());
    assert!(said.contains("80 41"), "{said}");
    place.write("unknown", &SEED.replace('J', "K"));
    let (_, said) = place.run(&["verify", "123456", "--remark", "ticket 8", "--seed-file", "unknown"]);
    assert!(said.contains("the remark is not recorded"), "{said}");
    // Without the token: its user, or its last digits.
    for named in [["--user", "ANA@example.org"], ["--serial", "0001"]] {
        let code = place.json(&[&["code", "--identity", "identity"][..], &named].concat());
        let is_right =
            (0..3).any(|_| place.run(&[&["verify", &display(), "--identity", "identity"][..], &named].concat()).0 == 0);
        assert!(is_right && code["code"].as_str().unwrap().len() == 6, "{named:?}");
    }
    let events = place.ok(&["inventory", "events", "--serial", "0001", "--outcome", "right"]);
    assert!(events.lines().count() > 3, "{events}");
    // Without an identity, or with a token that is on no list, it says so.
    let (exit, said) =
        place.run(&[&["verify", "123456", "--seed-file", "rows.csv", "--reader", "emulated"][..]].concat());
    assert!(exit == 8 || exit == 5, "{said}");
}

#[test]
fn codes_of_a_clock_that_is_days_off_are_the_clock_and_not_another_seed() {
    let place = Place::new(&[]);
    place.write("seed", SEED);
    let at = |ago: i64| (chrono::Utc::now().timestamp() - ago).to_string();
    for ago in [3 * 86_400, 40 * 86_400, 300 * 86_400] {
        let code = |ago: i64| place.ok(&["code", "--seed-file", "seed", "--at", &at(ago)]).trim().to_owned();
        let (exit, said) = place.run(&["verify", &code(ago), &code(ago - 30), "--seed-file", "seed"]);
        assert_eq!(exit, 8, "{said}");
        assert!(
            said.contains("clock") && said.contains("days slow") && !said.contains("another seed"),
            "{ago}: {said}"
        );
    }
    // A token on the reader says what time it takes it for: then one code is enough, and years are nothing.
    place.ok(&["emulate", "--create", "--state", "token.json", "--drift", "-800000000"]);
    place.write("rows.csv", &format!("serial,secret\n86596120000001,{SEED}\n86596120000002,{}Q\n", &SEED[1..]));
    let code = place.ok(&["code", "--seed-file", "seed", "--at", &at(800_000_000)]);
    let args = ["verify", code.trim(), "--seed-file", "rows.csv", "--reader", "emulated:token.json"];
    let (exit, said) = place.run(&args);
    assert!(exit == 8 && said.contains("its clock is wrong"), "{said}");
}

#[test]
fn a_hotp_counter_begins_where_the_file_says_and_no_server_is_set_back() {
    let place = Place::new(&[]);
    // RFC 4226, appendix D: the codes of counters 3 and 4.
    let uri = |counter: u64| format!("otpauth://hotp/t?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter={counter}");
    place.write("at0", &uri(0));
    let said = place.ok(&["verify", "--hotp", "969429", "338314", "--seed-file", "at0"]);
    assert!(said.contains("counter to 5") && said.contains("if it is not further on"), "{said}");
    place.write("at9", &uri(9));
    let (exit, said) = place.run(&["verify", "--hotp", "969429", "338314", "--seed-file", "at9"]);
    assert!(exit == 8 && said.contains("from counter 9"), "{said}");
    let said = place.ok(&["verify", "--hotp", "969429", "338314", "--seed-file", "at9", "--counter", "0"]);
    assert!(said.contains("do not set a server back"), "{said}");
}

#[test]
fn a_ticket_s_number_is_recorded_shown_and_found() {
    let place = Place::new(&[ANA, NOBODY]);
    let reader = ["--reader", "emulated:86596120001234.json", "--trust-host-clock"];
    for (args, ticket) in [(&["info"][..], "INC-1"), (&["sync"], "INC-2"), (&["config", "--display", "60"], "INC-3")] {
        place.ok(&[args, &reader[..if args[0] == "info" { 2 } else { 3 }], &["--remark", ticket]].concat());
    }
    place.ok(&["inventory", "assign", "9999", "eva@example.org", "--remark", "INC-4"]);
    for ticket in ["INC-1", "inc-2", "INC-3", "INC-4"] {
        let events = place.json(&["inventory", "events", "--with-remark", ticket]);
        assert!(!events["events"].as_array().unwrap().is_empty(), "{ticket}");
    }
    assert!(place.ok(&["inventory", "show", "1234"]).contains("INC-2"));
    assert_eq!(place.run(&["inventory", "events", "--remark", "x"]).0, 2);
    assert_eq!(place.run(&["info", "--remark", "a\u{1b}[2J", "--reader", "emulated"]).0, 2);
}

#[test]
fn tokens_that_are_due_are_listed() {
    let place = Place::new(&[ANA, ANATOL]);
    place.ok(&["inventory", "assign", "86596120007777", "zoe@example.org", "--unseen"]);
    let due = |args: &[&str]| {
        let list = place.json(&[&["inventory", "tokens"], args].concat());
        list["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["serial"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // Burned just now; the third was never set.
    assert_eq!(due(&["--not-synced-for", "12mo"]), ["86596120007777"]);
    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::days(1)).format("%Y-%m-%d").to_string();
    assert_eq!(due(&["--not-synced-for", &tomorrow]).len(), 3);
    assert_eq!(due(&["--before", &tomorrow]).len(), 3);
    assert_eq!(due(&["--before", "1d"]), Vec::<String>::new());
    let (exit, said) = place.run(&["inventory", "tokens", "--not-synced-for", "soon"]);
    assert!(exit == 2 && said.contains("--not-synced-for is not a time"), "{said}");
    let csv = place.ok(&["inventory", "tokens", "--csv"]);
    let times: Vec<&str> = csv.lines().nth(1).unwrap().split(',').filter(|cell| cell.starts_with("20")).collect();
    assert!(
        !times.is_empty()
            && times.iter().all(|time| chrono::DateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S %:z").is_ok()),
        "{csv}"
    );
}

#[test]
fn a_new_seed_goes_to_the_server_s_file_before_it_is_burned_and_a_slip_to_its_user() {
    let place = Place::new(&[]);
    place.ok(&["emulate", "--create", "--state", "token.json"]);
    let burn = [
        "burn",
        "--generate",
        "--no-verify",
        "--user",
        "ana@example.org",
        "--reader",
        "emulated:token.json",
        "--trust-host-clock",
    ];
    let with = |more: &[&str]| place.run(&[&burn[..], more].concat());
    // Duo has no place for a user: that must be said; maker and model are nobody's loss.
    let (exit, said) = with(&["--to", "duo=duo.csv"]);
    assert!(exit == 2 && said.contains("user"), "{said}");
    let (exit, said) =
        with(&["--to", "duo=duo.csv", "--to", "entra=entra.csv", "--drop", "user", "--slip", "slip.html"]);
    assert_eq!(exit, 0, "{said}");
    let read = |name: &str| fs::read_to_string(place.0.path().join(name)).unwrap();
    assert!(read("duo.csv").starts_with("86596120000001,"), "{}", read("duo.csv"));
    assert!(
        read("entra.csv").contains("ana@example.org") && read("entra.csv").contains("Token2,OTPC-P1-i"),
        "{}",
        read("entra.csv")
    );
    assert!(read("slip.html").contains("ana@example.org") && !read("slip.html").contains("<svg"));
    let state: Value = serde_json::from_str(&read("token.json")).unwrap();
    assert!(read("duo.csv").to_lowercase().contains(state["seed"].as_str().unwrap()));
    // What is there is not written over, and nothing is burned then.
    let before = read("token.json");
    assert_eq!(with(&["--to", "csv=duo.csv", "--replace-seed"]).0, 1);
    assert_eq!(read("token.json"), before);
    let (exit, said) = with(&["--to", "csv=second.csv", "--replace-seed", "--slip", "with.html", "--with-secret"]);
    assert_eq!(exit, 0, "{said}");
    assert!(read("with.html").contains("<svg"));
}

#[test]
fn a_check_for_entra_names_rows_that_it_will_refuse() {
    let place = Place::new(&[]);
    place.write("rows.csv", &format!("serial,secret,upn\n86596120000001,{SEED},ana@example.org\n86596120000002,{}Q,\n1234567,{}R,eva@example.org\n", &SEED[1..], &SEED[1..]));
    let (exit, said) = place.run(&["seeds", "check", "rows.csv", "--for", "entra"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("rows.csv:3") && said.contains("no user (UPN)"), "{said}");
    assert!(said.contains("rows.csv:4") && said.contains("no manufacturer, no model"), "{said}");
    assert!(!said.contains("rows.csv:2"), "{said}");
    // The remedy of a check can be typed behind it as it stands.
    let (exit, said) = place.run(&["seeds", "check", "rows.csv", "--for", "duo"]);
    assert!(exit == 2 && said.contains("--drop user"), "{exit}: {said}");
    let (exit, said) = place.run(&["seeds", "check", "rows.csv", "--for", "duo", "--drop", "user"]);
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn a_batch_of_new_seeds_goes_by_its_users_and_is_not_begun_again_when_it_is_done() {
    let place = Place::new(&[]);
    fs::create_dir(place.0.path().join("tokens")).unwrap();
    for serial in ["86596120000001", "86596120000002"] {
        place.ok(&["emulate", "--create", "--serial", serial, "--state", &format!("tokens/{serial}.json")]);
    }
    place.write("users.txt", "ana@example.org\neva@example.org\n");
    // privacyIDEA tells the hash by the seed's length: a seed for SHA-256 has 32 bytes.
    let batch = [
        "batch",
        "--users",
        "users.txt",
        "--hash",
        "sha256",
        "--to",
        "privacyidea=p.csv",
        "--drop",
        "user",
        "--slips",
        "slips.html",
        "--reader",
        "emulated:tokens",
        "--trust-host-clock",
    ];
    let said = place.ok(&batch);
    assert!(said.contains("2 of 2 rows done") && said.contains("import it there"), "{said}");
    let slips = fs::read_to_string(place.0.path().join("slips.html")).unwrap();
    assert!(slips.contains("ana@example.org") && slips.contains("eva@example.org"), "{slips}");
    let again: Vec<&str> = batch.iter().copied().chain(["--force"]).collect();
    for args in [&batch[..10], &again[..]] {
        let args: Vec<&str> = if args.len() == 10 {
            batch.iter().copied().filter(|arg| !arg.contains("slip")).collect()
        } else {
            args.to_vec()
        };
        let said = place.ok(&args);
        assert!(said.contains("all 2 rows are burned already"), "{said}");
    }
    fs::remove_file(place.0.path().join("slips.html")).unwrap();
    place.ok(&batch);
    assert!(fs::read_to_string(place.0.path().join("slips.html")).unwrap().contains("eva@example.org"));
    // A box that was burned elsewhere: the way on is named.
    let other =
        [&["batch", "rows.csv", "--to", "csv=other.csv", "--reader", "emulated:tokens", "--trust-host-clock"][..]]
            .concat();
    place.write("rows.csv", &format!("secret\n{SEED}\n{}Q\n", &SEED[1..]));
    let (exit, said) = place.run(&other);
    assert!(exit == 10 && said.contains("2 tokens hold another seed") && said.contains("--reburn"), "{said}");
    place.ok(&[&other[..], &["--reburn"]].concat());
}

#[test]
fn a_profile_on_record_that_the_server_s_file_cannot_carry_is_said_before_the_seed_is_burned() {
    let place = Place::new(&[]);
    place.ok(&["emulate", "--create", "--state", "token.json"]);
    let reader = ["--reader", "emulated:token.json", "--trust-host-clock"];
    place.ok(&[&["config", "--hash", "sha256", "--step", "30"], &reader[..]].concat());
    // Nor does a batch move it from one user to another in silence.
    place.ok(&["inventory", "assign", "86596120000001", "ana@example.org"]);
    place.write("eva.csv", &format!("serial,secret,upn\n86596120000001,{SEED},eva@example.org\n"));
    let moves = [&["batch", "eva.csv"][..], &reader].concat();
    let (exit, said) = place.run(&moves);
    assert!(exit == 10 && said.contains("belongs to ana@example.org") && said.contains("--reassign"), "{said}");
    assert_eq!(place.run(&[&moves[..], &["--reassign", "--dry-run"]].concat()).0, 0);
    // The row says nothing of the hash; the record does, and Duo's file has no place for it.
    place.write("rows.csv", &format!("serial,secret\n86596120000001,{SEED}\n"));
    let state = || fs::read_to_string(place.0.path().join("token.json")).unwrap();
    let before = state();
    let batch = ["batch", "rows.csv", "--to", "duo=duo.csv"];
    let (exit, said) = place.run(&[&batch[..], &reader].concat());
    assert!(exit == 10 && said.contains("cannot carry the hash"), "{said}");
    assert_eq!(state(), before);
    place.ok(&[&batch[..], &reader, &["--hash", "sha1", "--step", "30", "--new-batch"]].concat());
}
