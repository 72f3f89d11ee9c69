//! Seed files: what one format writes another reads, and real counterparts agree.

use std::io::Cursor;

use proptest::prelude::*;
use tokentap::otp::{Hash, TimeStep};
use tokentap::report::row_problem;
use tokentap::seed::Seed;
use tokentap::seedfile::{
    Converted, FORMATS, Field, Format, Kind, PskcKeys, ReadOptions, Row, Rules, Sink, Source, Target, WriteOptions,
    convert,
};

/// Rows written in a format.
fn written(format: &'static Format, rows: Vec<Row>, options: &WriteOptions) -> Converted {
    let sink = Sink::new(format, Target::Memory(Default::default())).unwrap();
    convert(Box::new(rows.into_iter().map(Ok)), vec![sink], options, Rules::default(), &|_| None).unwrap()
}

fn text(format: &'static Format, rows: Vec<Row>) -> Vec<u8> {
    let converted = written(format, rows, &WriteOptions::default());
    assert!(!converted.has_failed(), "{}: {:?}", format.name, converted.problems);
    converted.memory[0].to_vec()
}

fn read(format: &'static Format, text: Vec<u8>) -> Vec<Row> {
    read_as(format, text, false)
}

fn read_as(format: &'static Format, text: Vec<u8>, hotp: bool) -> Vec<Row> {
    let options = ReadOptions { hotp, ..ReadOptions::default() };
    let source = Source::new(Cursor::new(text)).unwrap();
    let rows = (format.read)(source, &options).unwrap_or_else(|problem| panic!("{}: {problem}", format.name));
    rows.map(|row| row.unwrap_or_else(|problem| panic!("{}: {problem}", format.name))).collect()
}

fn writable() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().filter(|format| format.write.is_some())
}

/// What a row says in the fields that two formats carry, as comparable text.
fn common(row: &Row, one: &Format, other: &Format) -> Vec<String> {
    let both = |field: &Field| one.carries.contains(field) && other.carries.contains(field);
    let mut said = vec![row.seed.to_hex().to_string()];
    for field in Field::ALL.into_iter().filter(both) {
        said.push(format!(
            "{}: {}",
            field.name(),
            match field {
                Field::Serial => format!("{:?}", row.serial),
                Field::Counter => format!("{:?} {:?}", row.kind, row.counter),
                Field::Hash => row.effective_hash().to_string(),
                Field::Step =>
                    if row.kind == Kind::Totp {
                        row.effective_step().to_string()
                    } else {
                        String::new()
                    },
                Field::Digits => row.effective_digits().to_string(),
                Field::User => format!("{:?}", row.user),
                Field::Manufacturer => format!("{:?}", row.manufacturer),
                Field::Model => format!("{:?}", row.model),
                Field::Issuer => format!("{:?}", row.issuer),
                Field::Account => format!("{:?}", row.account),
                // Molto2 files number what names no slot.
                Field::Slot => String::new(),
            }
        ));
    }
    said
}

#[test]
fn a_row_of_a_slot_keeps_it_where_the_format_has_a_place_for_it_and_is_refused_where_it_has_none() {
    let row = |slot: Option<u16>| {
        let mut row = Row::of_seed(Seed::from_bytes(vec![slot.map_or(0xEE, |slot| slot as u8); 20]).unwrap());
        (row.serial, row.slot) = (Some("826658719844499".to_owned()), slot);
        row
    };
    let csv = Format::of_name("csv").unwrap();
    let rows = || vec![row(Some(6)), row(Some(13)), row(None)];
    let content = text(csv, rows());
    assert!(
        content
            .starts_with(b"serial,secret,type,hash,step,counter,digits,upn,manufacturer,model,issuer,account,slot\n")
    );
    let slots: Vec<Option<u16>> = read(csv, content).into_iter().map(|row| row.slot).collect();
    assert_eq!(slots, [Some(6), Some(13), None]);
    // Where the first row names none there is no column, and a later one is not dropped without a word.
    assert!(written(csv, vec![row(None), row(Some(6))], &WriteOptions::default()).has_failed());
    assert!(
        !text(csv, vec![row(None)])
            .starts_with(b"serial,secret,type,hash,step,counter,digits,upn,manufacturer,model,issuer,account,slot")
    );
    for format in writable().filter(|format| !format.carries.contains(&Field::Slot)) {
        assert!(written(format, vec![row(Some(6))], &WriteOptions::default()).has_failed(), "{}", format.name);
    }
}

/// Words as people have them: commas, quotes, umlauts, semicolons, ampersands; no spaces around them.
fn words() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[A-Za-z0-9äé,;\"'&%=+.@<>-]{1,6}( [A-Za-zß,\"&]{1,5})?")
}

#[derive(Debug, Clone)]
struct Anything {
    secret: Vec<u8>,
    hotp: bool,
    sha256: bool,
    minute: bool,
    eight: bool,
    counter: u64,
    words: [Option<String>; 6],
}

fn anything() -> impl Strategy<Value = Anything> {
    let secret = prop::collection::vec(any::<u8>(), 1..=63);
    let words = [words(), words(), words(), words(), words(), words()];
    (secret, any::<[bool; 4]>(), 0..1_000_000_u64, words).prop_map(
        |(secret, [hotp, sha256, minute, eight], counter, words)| Anything {
            secret,
            hotp,
            sha256,
            minute,
            eight,
            counter,
            words,
        },
    )
}

/// A row that both formats can carry whole.
fn row_for(number: usize, any: &Anything, one: &Format, other: &Format) -> Row {
    let named = |name: &str| one.name == name || other.name == name;
    let both = |field: Field| one.carries.contains(&field) && other.carries.contains(&field);
    let mut secret = any.secret.clone();
    // By these lengths privacyIDEA takes hashes that no token knows.
    if named("privacyidea") && matches!(secret.len(), 28 | 48) {
        secret.push(0);
    }
    // A Molto2 takes zeros for an order to clear the slot, and has titles of 12 bytes.
    if named("molto2") && secret.iter().all(|byte| *byte == 0) {
        secret[0] = 1;
    }
    let mut row = Row::of_seed(Seed::from_bytes(secret).unwrap());
    row.serial = Some(format!("0{number:06}"));
    if both(Field::Counter) && any.hotp {
        (row.kind, row.counter) = (Kind::Hotp, Some(any.counter));
    }
    let hash = if named("privacyidea") { row.seed.len() == 32 } else { any.sha256 };
    row.hash = Some(if hash && both(Field::Hash) { Hash::Sha256 } else { Hash::Sha1 });
    if named("privacyidea") && hash && !both(Field::Hash) {
        // A secret of 32 bytes has SHA-256 there, which the other cannot carry: shorten it.
        row.seed = Seed::from_bytes(row.seed.expose()[1..].to_vec()).unwrap();
    }
    row.step = Some(if any.minute && both(Field::Step) { TimeStep::S60 } else { TimeStep::S30 });
    row.digits = Some(if any.eight && both(Field::Digits) { 8 } else { 6 });
    let [user, manufacturer, model, issuer, account, _] = any.words.clone();
    let guid = "01234567-89ab-cdef-0123-456789abcdef".to_owned();
    row.user = if named("graph") { user.map(|_| guid) } else { user }.filter(|_| both(Field::User));
    row.manufacturer = manufacturer.filter(|_| both(Field::Manufacturer));
    row.model = model.filter(|_| both(Field::Model));
    row.issuer = issuer.filter(|_| both(Field::Issuer));
    let is_short = |account: &String| !named("molto2") || account.len() <= 12;
    row.account = account.filter(|account| both(Field::Account) && is_short(account));
    row
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn there_and_back_again_gives_every_field_that_both_formats_carry(mut samples in prop::collection::vec(anything(), 1..5)) {
        // A Duo file holds one kind of token.
        let hotp = samples[0].hotp;
        samples.iter_mut().for_each(|sample| sample.hotp = hotp);
        for one in writable() {
            for other in writable() {
                let rows: Vec<Row> = samples.iter().enumerate().map(|(number, any)| row_for(number, any, one, other)).collect();
                let without_serial = |format: &Format, row: Row| {
                    if format.carries.contains(&Field::Serial) { row } else { row.without(Field::Serial) }
                };
                let first: Vec<Row> = rows.iter().cloned().map(|row| without_serial(one, row)).collect();
                let hotp = hotp && one.carries.contains(&Field::Counter) && other.carries.contains(&Field::Counter);
                let mut there = read_as(one, text(one, first), hotp);
                // A format that needs serials gets back those that the other one could not carry.
                let serials = rows_serials(&samples);
                let back = |format: &'static Format, rows: Vec<Row>| {
                    let rows = rows.into_iter().zip(&serials).map(|(mut row, serial)| {
                        row.serial = format.carries.contains(&Field::Serial).then(|| serial.clone());
                        row.slot = row.slot.filter(|_| format.carries.contains(&Field::Slot));
                        row
                    });
                    read_as(format, text(format, rows.collect()), hotp)
                };
                there = back(other, there);
                there = back(one, there);
                prop_assert_eq!(there.len(), rows.len());
                for (row, again) in rows.iter().zip(&there) {
                    prop_assert_eq!(common(row, one, other), common(again, one, other), "{} -> {} -> back", one.name, other.name);
                }
            }
        }
    }

    #[test]
    fn an_encrypted_pskc_comes_back_under_its_key_and_password_and_no_other(samples in prop::collection::vec(anything(), 1..4)) {
        let pskc = Format::of_name("pskc").unwrap();
        let rows: Vec<Row> = samples.iter().enumerate().map(|(number, any)| row_for(number, any, pskc, pskc)).collect();
        let keys = || PskcKeys::pre_shared(&[7; 16]).unwrap();
        let options = WriteOptions { pskc: Some(keys()), ..WriteOptions::default() };
        let converted = written(pskc, rows.clone(), &options);
        let open = |keys: PskcKeys| {
            let options = ReadOptions { pskc: Some(keys), ..ReadOptions::default() };
            let source = Source::new(Cursor::new(converted.memory[0].to_vec())).unwrap();
            (pskc.read)(source, &options).and_then(|rows| rows.collect::<Result<Vec<_>, _>>())
        };
        let again = open(keys()).unwrap();
        for (row, again) in rows.iter().zip(&again) {
            prop_assert_eq!(common(row, pskc, pskc), common(again, pskc, pskc));
        }
        prop_assert!(open(PskcKeys::pre_shared(&[8; 16]).unwrap()).is_err());
    }
}

fn rows_serials(samples: &[Anything]) -> Vec<String> {
    (0..samples.len()).map(|number| format!("0{number:06}")).collect()
}

#[test]
fn a_password_opens_what_it_locked() {
    let pskc = Format::of_name("pskc").unwrap();
    let mut row = Row::of_seed(Seed::from_bytes(b"12345678901234567890".to_vec()).unwrap());
    row.serial = Some("1".into());
    let password = |text: &str| PskcKeys::password(text.to_owned().into()).unwrap();
    let options = WriteOptions { pskc: Some(password("qwerty")), ..WriteOptions::default() };
    let converted = written(pskc, vec![row.clone()], &options);
    let open = |keys| {
        let options = ReadOptions { pskc: Some(keys), ..ReadOptions::default() };
        let rows = (pskc.read)(Source::new(Cursor::new(converted.memory[0].to_vec())).unwrap(), &options);
        rows.and_then(|rows| rows.collect::<Result<Vec<_>, _>>())
    };
    assert_eq!(open(password("qwerty")).unwrap()[0].seed, row.seed);
    assert!(open(password("azerty")).is_err());
}

#[test]
fn what_a_format_cannot_carry_is_refused_until_it_is_named() {
    let mut row = Row::of_seed(Seed::from_bytes(vec![1; 20]).unwrap());
    (row.serial, row.user, row.hash) = (Some("1".into()), Some("ana".into()), Some(Hash::Sha256));
    let duo = Format::of_name("duo").unwrap();
    let converted = written(duo, vec![row.clone()], &WriteOptions::default());
    let said: Vec<String> = converted.problems.iter().map(row_problem).collect();
    assert!(converted.has_failed() && converted.memory.is_empty());
    assert!(
        // A hash changes the codes: to drop it is never offered.
        !said.iter().any(|line| line.contains("--drop hash")) && said.iter().any(|line| line.contains("--drop user")),
        "{said:?}"
    );
    let sink = Sink::new(duo, Target::Memory(Default::default())).unwrap();
    let drop = [Field::Hash, Field::User];
    let converted = convert(
        Box::new([Ok(row)].into_iter()),
        vec![sink],
        &WriteOptions::default(),
        Rules { drop: &drop, ..Rules::default() },
        &|_| None,
    )
    .unwrap();
    assert!(!converted.has_failed(), "{:?}", converted.problems);
}

#[test]
fn privacyidea_is_not_told_a_hash_that_it_would_take_otherwise() {
    let format = Format::of_name("privacyidea").unwrap();
    for (length, hash, fits) in [
        (20, Hash::Sha1, true),
        (32, Hash::Sha256, true),
        (32, Hash::Sha1, false),
        (28, Hash::Sha1, false),
        (48, Hash::Sha1, false),
        (20, Hash::Sha256, false),
    ] {
        let mut row = Row::of_seed(Seed::from_bytes(vec![1; length]).unwrap());
        (row.serial, row.hash) = (Some("1".into()), Some(hash));
        assert_eq!(!written(format, vec![row], &WriteOptions::default()).has_failed(), fits, "{length} bytes, {hash}");
    }
}

#[test]
fn every_format_has_its_section_and_its_example_in_the_documentation_and_the_example_is_read() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats.md")).unwrap();
    for format in FORMATS {
        let heading = format!("\n## `{}`", format.name);
        let section =
            page.split_once(&heading).unwrap_or_else(|| panic!("docs/formats.md has no section on {}", format.name)).1;
        let section = section.split("\n## ").next().unwrap();
        let blocks: Vec<&str> =
            section.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1).collect();
        assert!(!blocks.is_empty(), "{} has no example", format.name);
        for example in &blocks {
            assert!(!read(format, example.as_bytes().to_vec()).is_empty(), "{}: {example}", format.name);
        }
        let rows = read(format, blocks[0].as_bytes().to_vec());
        let carries: Vec<&str> = format.carries.iter().map(|field| field.name()).collect();
        let line = format!("Carries: {}.", carries.join(", "));
        assert!(section.contains(&line), "{}: docs/formats.md should say \"{line}\"", format.name);
        if format.write.is_some() {
            // What is written is what the example shows, but for a stated default.
            let again = read(format, text(format, rows.clone()));
            assert_eq!(again.len(), rows.len(), "{}", format.name);
        } else {
            assert!(section.contains("Read only."), "{}", format.name);
        }
    }
    assert_eq!(page.matches("\n## `").count(), FORMATS.len());
}

#[test]
fn encodings_separators_and_line_ends_of_real_files_are_read() {
    let entra = "upn,serial number,secret key,time interval,manufacturer,model";
    let row = "\"doe, ana@example.org\", 0086596120001234 ,jbsw y3dp-ehpk3pxp,30,Token2,OTPC-P1-i";
    let commas = format!("{entra}\n{row}\n");
    let semicolons = format!(
        "{}\n{}\n",
        entra.replace(',', ";"),
        "doe, ana@example.org;0086596120001234;JBSWY3DPEHPK3PXP;30;Token2;OTPC-P1-i"
    );
    let utf16 = |little: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(commas.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("plain", commas.clone().into_bytes()),
        ("UTF-8 with a byte order mark", [b"\xEF\xBB\xBF", commas.as_bytes()].concat()),
        ("UTF-16, little end first", utf16(true)),
        ("UTF-16, big end first", utf16(false)),
        ("CR LF", commas.replace('\n', "\r\n").into_bytes()),
        ("CR", commas.replace('\n', "\r").into_bytes()),
        ("semicolons", semicolons.clone().into_bytes()),
        ("sep=", format!("sep=;\n{semicolons}").into_bytes()),
        ("tabs", semicolons.replace(';', "\t").into_bytes()),
        ("a trailing comma", commas.replace("OTPC-P1-i", "OTPC-P1-i,").into_bytes()),
        ("empty lines", format!("\n{}\n\n", commas.replace('\n', "\n\n")).into_bytes()),
        ("columns in another order and case", b"Model,SECRET KEY,Serial Number,UPN\nOTPC-P1-i,JBSWY3DPEHPK3PXP,0086596120001234,\"doe, ana@example.org\"\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let mut source = Source::new(Cursor::new(bytes)).unwrap();
        let format = tokentap::seedfile::recognise(&mut source, &ReadOptions::default())
            .unwrap_or_else(|problem| panic!("{what}: {problem}"));
        assert_eq!(format.name, "entra", "{what}");
        let rows: Vec<Row> = (format.read)(source, &ReadOptions::default()).unwrap().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 1, "{what}");
        assert_eq!(rows[0].serial.as_deref(), Some("0086596120001234"), "{what}");
        assert_eq!(rows[0].user.as_deref(), Some("doe, ana@example.org"), "{what}");
        assert_eq!(rows[0].seed.to_base32().as_str(), "JBSWY3DPEHPK3PXP", "{what}");
    }
}

/// The files that people have, cut at every place, through every reader.
#[test]
fn no_reader_panics_wherever_a_file_that_people_have_is_cut_off() {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let mut files = 0;
    for group in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/cases.in")).unwrap() {
        for file in std::fs::read_dir(group.unwrap().path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            tokentap::seedfile::read_arbitrary(&names, &bytes);
            files += 1;
            for at in (0..bytes.len().min(600)).step_by(3) {
                tokentap::seedfile::read_arbitrary(&names, &bytes[..at]);
            }
        }
    }
    assert!(files > 100, "{files}");
}

/// The files of the transcripts, good and bad, cut and bent at every place that counts, through every reader.
#[test]
fn no_reader_panics_whatever_is_cut_off_or_changed() {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/bad-seeds.in");
    let mut files = 0;
    for group in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(group.unwrap().path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            files += 1;
            tokentap::seedfile::read_arbitrary(&names, &bytes);
            if bytes.len() > 2000 {
                continue;
            }
            for at in 0..bytes.len() {
                tokentap::seedfile::read_arbitrary(&names, &bytes[..at]);
                for byte in [0, b'\n', b'"', b',', b'9', 0x80, 0xFF] {
                    let mut bent = bytes.clone();
                    bent[at] = byte;
                    tokentap::seedfile::read_arbitrary(&names, &bent);
                }
            }
        }
    }
    assert!(files > 60, "{files}");
}
