//! Seed files of the kinds that people have, and variations of them: each is read right or refused by name, and no refusal repeats
//! any of the secret.

use std::fs;

use crate::support::{text, tokentap};

/// Base32 and hex of one secret of 20 bytes, and of another.
const B32: &str = "ASQ6O7ISZNOPKP4Y44NZ6FQMSFNCU64N";
const HEX: &str = "04A1E77D12CB5CF53F98E71B9F160C915A2A7B8D";
const B32_2: &str = "32TXXPN6RGTQTJXBZDWD3Y2NOTKOAZPA";
const HEX_2: &str = "DEA77BBDBE89A709A6E1C8EC3DE34D74D4E065E0";

/// What becomes of a file: its rows as `serial|type|hash|step|counter|digits|user`, the usual ones empty, or a part of what is said.
enum Is {
    Read(&'static [&'static str]),
    Refused(&'static str),
}
use Is::{Read, Refused};

fn filled(content: &str) -> String {
    content.replace("$B2", B32_2).replace("$H2", HEX_2).replace("$B", B32).replace("$H", HEX)
}

fn check(content: &str, args: &[&str], is: &Is) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("seeds"), filled(content)).unwrap();
    let mut command = tokentap();
    command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none");
    let output = command.args(["seeds", "convert", "seeds", "--to", "csv"]).args(args).output().unwrap();
    let said = text(&output);
    match is {
        Refused(word) => {
            assert_eq!(output.status.code(), Some(2), "{content} {args:?}: {said}");
            assert!(said.contains(word), "{content} {args:?}: \"{word}\" is not said: {said}");
            for secret in [B32, HEX, B32_2, HEX_2] {
                let has_piece = (0..secret.len() - 8).any(|at| said.contains(&secret[at..at + 8]));
                assert!(!has_piece, "{content}: {said}");
            }
        }
        Read(rows) => {
            assert_eq!(output.status.code(), Some(0), "{content} {args:?}: {said}");
            let stdout = String::from_utf8(output.stdout).unwrap();
            let found: Vec<String> = stdout
                .lines()
                .skip(1)
                .map(|line| {
                    let fields: Vec<&str> = line.split(',').collect();
                    assert!(fields[1] == B32 || fields[1] == B32_2, "{content}: another secret");
                    let kind = if fields[2] == "totp" { "" } else { fields[2] };
                    [fields[0], kind, fields[3], fields[4], fields[5], fields[6], fields[7]].join("|")
                })
                .collect();
            assert_eq!(found, *rows, "{content} {args:?}: {said}");
        }
    }
}

#[test]
fn a_serial_and_a_seed_parted_by_blanks_tabs_or_commas_are_a_row() {
    for content in [
        "A86596120001 $B",
        "A86596120001\t$B",
        "A86596120001    $H  ",
        "  A86596120001 $B\n",
        "A86596120001,$B",
        "A86596120001;$B",
    ] {
        check(content, &[], &Read(&["A86596120001||||||"]));
    }
    check("86596120001201 $H\n86596120001202 $H2\n", &[], &Read(&["86596120001201||||||", "86596120001202||||||"]));
    check("Serial Secret\n1201 $B\n", &[], &Read(&["1201||||||"]));
    check("Serial Secret Interval\n1201 $B 60\n", &[], &Read(&["1201|||60|||"]));
    // A group too many is no part of the secret.
    check("86596120001201 $H 30\n", &[], &Refused("3"));
    check("86596120001201 $B $B2\n", &[], &Refused("3"));
}

#[test]
fn columns_are_known_by_the_words_that_people_use() {
    for (head, row, is) in [
        ("serial,seed,Time Step (s),OTP Length,Hash Algorithm", "1201,$B,60,8,SHA256", "1201||SHA256|60||8|"),
        ("Token S/N;Shared Secret;Period;Digits;HMAC", "1201;$B;60;6;sha-256", "1201||SHA256|60||6|"),
        (
            "serial_number,otpkey,time_step_seconds,otp-len,hashfunction",
            "1201,$H,60,8,HmacSHA256",
            "1201||SHA256|60||8|",
        ),
        ("SN,Seed [HEX],Interval (sec),validity", "1201,$H,60,", "twice"),
        ("serial,secret_base32,validity period", "1201,$B,60 s", "1201|||60|||"),
        ("serial,secret,type,counter", "1201,$B,event-based,7", "1201|hotp|||7||"),
        ("serial,secret,counter", "1201,$B,7", "1201|hotp|||7||"),
        ("serial,secret,counter", "1201,$B,", "1201||||||"),
        ("serial,secret,User Principal Name", "1201,$B,ana@example.org", "1201||||||ana@example.org"),
        ("serial,secret,otptype", "1201,$B,TOTP", "1201||||||"),
        ("serial,secret,period", "1201,$B,30.0", "1201|||30|||"),
    ] {
        let content = format!("{head}\n{row}\n");
        match is {
            "twice" => check(&content, &[], &Refused("there twice")),
            row => check(&content, &[], &Read(Box::leak(vec![row].into_boxed_slice()))),
        }
    }
}

#[test]
fn a_column_that_nobody_knows_is_refused_where_it_may_change_a_code_and_named_where_not() {
    for (head, row) in [
        ("serial,secret,hashing", "1201,$B,SHA256"),
        ("serial,secret,my interval", "1201,$B,60"),
        ("serial,secret,x", "1201,$B,60"),
        ("serial,secret,x", "1201,$B,sha256"),
        ("serial,secret,flavour", "1201,$B,hotp"),
        ("serial,secret,code digit count", "1201,$B,8"),
        ("serial,secret,Time Step (ms)", "1201,$B,60000"),
        ("serial,Secret (Base64),step", "1201,BKHnfRLLXPU=,60"),
        ("serial,secret,offset", "1201,$B,5"),
        ("serial,secret,variant", "1201,$B,60 sec"),
        ("serial,secret,variant", "1201,$B,SHA-256/60s"),
        ("serial,secret,variant", "1201,$B,time based"),
        ("serial,secret,T0", "1201,$B,100"),
        ("serial,secret,PIN", "1201,$B,1234"),
    ] {
        check(&format!("{head}\n{row}\n"), &[], &Refused("1:"));
    }
    check("serial,secret,box\n1201,$B,shelf 4\n", &[], &Read(&["1201||||||"]));
    check("1201,$B,60\n", &["--columns", "serial,secret,stpe"], &Refused("\"stpe\", which is no column"));
    check("1201,$B,60\n", &["--columns", "serial,secret,-"], &Read(&["1201||||||"]));
    // More fields than columns are named for belong to nothing.
    check("1201,$B,60\n", &["--columns", "serial,secret"], &Refused("3 fields"));
}

#[test]
fn first_lines_are_headers_or_rows_by_what_they_look_like() {
    check("Serial No,Seed\n1201,$B\n", &["--columns", "serial,secret"], &Read(&["1201||||||"]));
    check("serial,secret\n1201,$H\n", &["--from", "duo"], &Refused("this line is a header"));
    check("serial,secret,type\n1201,$H,totp\n", &["--from", "linotp"], &Refused("this line is a header"));
    check("ana@example.org,1201,$B,30,Token2,X\n", &["--from", "entra"], &Refused("this line is no header"));
    check("1,$B,ana,SHA1,6,30\n", &["--from", "molto2"], &Read(&["||SHA1|30||6|"]));
    check(
        "\"OTP Token\",\"1201\",\"x\",\"TokenKey=BKHnfRLLXPU/mOcbnxYMkVoqe40=\"\n",
        &["--from", "webadm"],
        &Read(&["1201||||||"]),
    );
}

#[test]
fn each_servers_lines_mean_what_they_mean_there() {
    check("1201, $H\n", &["--from", "linotp"], &Read(&["1201|hotp|SHA1||||"]));
    check("1201, $H\n", &["--from", "privacyidea"], &Read(&["1201|hotp|SHA1||||"]));
    check("1201, $H\n", &["--from", "netiq"], &Read(&["1201|hotp|SHA1||||"]));
    check("1201, $H\n", &["--from", "duo"], &Read(&["1201||||||"]));
    check("1201, $H\n1202, $H2, totp\n", &[], &Read(&["1201|hotp|SHA1||||", "1202||SHA1||||"]));
    check("# a comment, with a comma\n1201, $H, totp, 6, 60\n", &[], &Read(&["1201||SHA1|60||6|"]));
    check("1201, $H, totp, 6, 60, sha256\n", &[], &Read(&["1201||SHA256|60||6|"]));
    check(
        "n/a, 1201, $B, totp, 6, 60\nana, 1202, $B2, totp, 6\n",
        &[],
        &Read(&["1201||SHA1|60||6|", "1202||SHA1|||6|ana"]),
    );
    check("1201, $H, daypassword, 6, 60\n", &["--from", "privacyidea"], &Refused("neither totp nor hotp"));
    check("1201,$H,5\n", &[], &Refused("--hotp"));
}

/// A key of PSKC, with what stands in its places.
fn pskc(attributes: &str, parameters: &str, data: &str, behind: &str) -> String {
    format!(
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><DeviceInfo><SerialNo>1201</SerialNo>\
         </DeviceInfo><Key Id=\"1\" {attributes}><AlgorithmParameters>{parameters}</AlgorithmParameters><Data><Secret><PlainValue>\
         BKHnfRLLXPU/mOcbnxYMkVoqe40=</PlainValue></Secret>{data}</Data>{behind}</Key></KeyPackage></KeyContainer>"
    )
}

#[test]
fn whatever_in_pskc_changes_a_code_or_forbids_a_use_is_read_or_refused() {
    const TOTP: &str = "Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"";
    const SIX: &str = "<ResponseFormat Encoding=\"DECIMAL\" Length=\"6\"/>";
    let value = |name: &str, value: &str| format!("<{name}><PlainValue>{value}</PlainValue></{name}>");
    for (parameters, data, behind, row) in [
        (SIX, value("TimeInterval", "60"), "", "1201|||60||6|"),
        // Base64 of the digits, and of the bytes.
        (SIX, value("TimeInterval", "NjA="), "", "1201|||60||6|"),
        (SIX, value("TimeInterval", "AAAAAAAAADw="), "", "1201|||60||6|"),
        (SIX, value("Time", "0"), "", "1201|||||6|"),
        ("<Suite>SHA256</Suite>", String::new(), "", "1201||SHA256||||"),
        ("<Suite>HMAC-SHA256</Suite>", String::new(), "", "1201||SHA256||||"),
        ("<Suite hashalgo=\"sha256\"/>", String::new(), "", "1201||SHA256||||"),
        ("<ResponseFormat Encoding=\"DECIMAL\" Length=\"8\" CheckDigits=\"false\"/>", String::new(), "", "1201|||||8|"),
        (SIX, String::new(), "<UserId>ana</UserId><FriendlyName>x</FriendlyName>", "1201|||||6|ana"),
        (
            SIX,
            String::new(),
            "<Policy><KeyUsage>OTP</KeyUsage><ExpiryDate>2999-01-01T00:00:00Z</ExpiryDate></Policy>",
            "1201|||||6|",
        ),
    ] {
        check(&pskc(TOTP, parameters, &data, behind), &[], &Read(Box::leak(vec![row].into_boxed_slice())));
    }
    for (parameters, data, behind, word) in [
        ("<ResponseFormat Encoding=\"DECIMAL\" Length=\"6\" CheckDigits=\"true\"/>", String::new(), "", "check digit"),
        ("<ResponseFormat Encoding=\"ALPHANUMERIC\" Length=\"6\"/>", String::new(), "", "ALPHANUMERIC"),
        ("<ResponseFormat Encoding=\"DECIMAL\" Length=\"6\" Shuffle=\"true\"/>", String::new(), "", "Shuffle"),
        ("<ChallengeFormat Encoding=\"DECIMAL\" Min=\"6\" Max=\"6\"/>", String::new(), "", "challenges"),
        ("<Suite>HMAC-MD5</Suite>", String::new(), "", "suite"),
        ("<Suite truncation=\"4\">SHA256</Suite>", String::new(), "", "suite"),
        (SIX, value("Time", "1000"), "", "count from another time"),
        (SIX, value("TimeInterval", "sixty"), "", "no number"),
        (SIX, value("Epoch", "5"), "", "Epoch"),
        (SIX, "<TimeInterval><EncryptedValue><CipherData><CipherValue>AAAA</CipherValue></CipherData></EncryptedValue></TimeInterval>".to_owned(), "", "encrypted"),
        (SIX, String::new(), "<Policy><KeyUsage>Encrypt</KeyUsage></Policy>", "not to be used"),
        (SIX, String::new(), "<Policy><ExpiryDate>2006-05-31T00:00:00Z</ExpiryDate></Policy>", "expired"),
        (SIX, String::new(), "<Policy><StartDate>2999-05-31T00:00:00Z</StartDate></Policy>", "before"),
        (SIX, String::new(), "<Policy><NumberOfTransactions>5</NumberOfTransactions></Policy>", "NumberOfTransactions"),
        (SIX, String::new(), "<Policy><PINPolicy PINUsageMode=\"Append\"/></Policy>", "PIN"),
        (SIX, String::new(), "<KeyProfileId>p</KeyProfileId>", "profile"),
    ] {
        check(&pskc(TOTP, parameters, &data, behind), &[], &Refused(word));
    }
    check(&pskc("Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:pin\"", SIX, "", ""), &[], &Refused("PIN"));
    check(&pskc("", SIX, "", ""), &[], &Refused("no algorithm"));
    check(&pskc(TOTP, SIX, "", "").replace("Version=\"1.0\"", "Version=\"2.0\""), &[], &Refused("version \"2.0\""));
    // What is there twice, misplaced, or no Base64 at all.
    let whole = pskc(TOTP, SIX, "", "");
    for (from, to, word) in [
        ("</Data>", "</Data><AlgorithmParameters><Suite>SHA256</Suite></AlgorithmParameters>", "AlgorithmParameters"),
        ("<Key ", "<AlgorithmParameters><Suite>SHA256</Suite></AlgorithmParameters><Key ", "AlgorithmParameters"),
        ("<Key ", "<Policy><ExpiryDate>2001-01-01T00:00:00Z</ExpiryDate></Policy><Key ", "Policy"),
        ("<Key ", "<Key Hash=\"SHA256\" ", "Hash"),
        ("</Secret>", "</Secret><TimeInterval Unit=\"minutes\"><PlainValue>1</PlainValue></TimeInterval>", "Unit"),
        ("</Data>", "</Data><TimeInterval>60</TimeInterval>", "TimeInterval"),
        ("</KeyPackage>", "</KeyPackage><Group><KeyPackage/></Group>", "Group"),
        ("</KeyContainer>", "</KeyContainer><KeyContainer/>", "second document"),
        ("BKHnfRLLXPU/mOcbnxYMkVoqe40=", HEX, "hex or Base32"),
        ("BKHnfRLLXPU/mOcbnxYMkVoqe40=", B32, "hex or Base32"),
    ] {
        check(&whole.replace(from, to), &[], &Refused(word));
    }
    // All keys of a package are read.
    let two = pskc(TOTP, SIX, "", "").replace("</Key>", &format!("</Key><Key Id=\"2\" {TOTP}><Data><Secret><PlainValue>3qd7vb6Jpwmm4cjsPeNNdNTgZeA=</PlainValue></Secret></Data></Key>"));
    check(&two, &[], &Refused("the serial is in line 1 too"));
}

#[test]
fn what_swallows_parameters_of_a_uri_is_split_decoded_or_refused() {
    for (uri, row) in [
        ("otpauth://totp/E:a?secret=$B&amp;period=60", "|||60|||"),
        ("\"otpauth://totp/E:a?secret=$B&period=60\",", "|||60|||"),
        ("otpauth://totp/E:a?secret=$B&Interval=60&hash=sha256&length=8", "||SHA256|60||8|"),
        ("apple-otpauth://totp/E:a?secret=$B&period=60", "|||60|||"),
        ("otpauth://totp/E:a?secret=$B&period=60#fragment", "|||60|||"),
        ("otpauth://totp/E:a?secret=$B&image=https%3A%2F%2Fexample.org%2Fa.png&color=FF0000", "||||||"),
    ] {
        check(uri, &[], &Read(Box::leak(vec![row].into_boxed_slice())));
    }
    check(
        "otpauth://totp/a?secret=$B&period=60 otpauth://totp/b?secret=$B2&period=60",
        &[],
        &Read(&["|||60|||", "|||60|||"]),
    );
    for (uri, word) in [
        ("otpauth://totp/E:a?secret=$B#&period=60", "#"),
        ("otpauth://totp/E:a?issuer=E secret=$B", "no secret"),
        ("otpauth://totp/E:a?secret=$B2&issuer=E $B", "more than a name"),
        ("otpauth://totp/E:a?secret=$B2&issuer=Esecret=$B", "more than a name"),
        ("otpauth://totp/E:a?secret=$B&period=30&period=60", "twice"),
        ("otpauth://totp/E:a?secret=$B&epoch=5", "may change the codes"),
        ("otpauth://totp/E:a?secret=$B&perod=60", "may change the codes"),
        ("otpauth://totp/E:a?secret=$B&time=60", "may change the codes"),
        ("otpauth://totp/E:a?secret=$B&counter=5", "counter"),
        ("otpauth://totp/E:a?secret=$B&algorithm=$B2", "algorithm"),
        ("otpauth://totp/E:a?secret=$H", "hex"),
        ("otpauth://steam/E:a?secret=$B", "Steam"),
        ("otpauth://totp/E:a?secret=$B&encoder=steam", "Steam"),
    ] {
        check(uri, &[], &Refused(word));
    }
}

#[test]
fn encrypted_exports_of_authenticators_open_with_their_password_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    for (name, word) in [("right", "correct horse\n"), ("wrong", "incorrect horse")] {
        fs::write(folder.path().join(name), word).unwrap();
    }
    for file in ["aegis.json", "2fas.json"] {
        let content = fs::read_to_string(crate::support::data("encrypted").join(file)).unwrap();
        let password = |name: &str| folder.path().join(name).display().to_string();
        check(&content, &["--file-password", &password("right")], &Read(&["||SHA1|30||6|"]));
        check(&content, &["--file-password", &password("wrong")], &Refused("the password is another one"));
        check(&content, &[], &Refused("--file-password"));
    }
}

#[test]
fn a_shifted_column_shows_no_secret_in_any_message() {
    for content in [
        "serial,hash,secret\n1201,$B,SHA1\n",
        "serial,type,secret\n1201,$B2,$B\n",
        "serial,step,secret\n1201,$H,$B\n",
        "serial,digits,secret\n1201,$H,$B\n",
        "$B,1201,totp,6,30\n",
        "{\"$B\":{\"secret\":1}}",
        "<$B/>",
        "Secret: ASQ6O7IS ZNOPKP4Y\n",
        "serial,hash,secret\n1201,SGVsbG8h3q2+70hlbGxvId6tvu8=,$B\n",
        "ASQ6O7IS,ZNOPKP4Y\n",
    ] {
        check(content, &[], &Refused("error"));
    }
}

#[test]
fn a_list_of_users_and_the_vendors_seeds_become_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), filled(content)).unwrap();
    write("seeds.csv", "serial,secret\n86596120001201,$B\n86596120001202,$B2\n");
    let run = |args: &[&str]| {
        let mut command = tokentap();
        command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none").args(args);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), text(&output))
    };
    for (users, exit, words) in [
        ("user,serial\neva,86596120001202\nana,86596120001201\n", 0, vec![",eva,", ",ana,"]),
        ("ana\neva\n", 0, vec!["86596120001201,ASQ6", ",eva,"]),
        ("user\nana\n", 0, vec!["the seed of 86596120001202 goes to nobody"]),
        ("ana\neva\nida\n", 2, vec!["users.csv:3: ida gets no seed"]),
        (
            "86596120001201,ana\n86596120009999,eva\n",
            2,
            vec!["eva gets no seed", "86596120009999", "86596120001202 goes to nobody"],
        ),
        ("86596120001201,ana\n86596120001201,eva\n", 2, vec!["is in line 1 too"]),
    ] {
        write("users.csv", users);
        let (code, said) = run(&["seeds", "convert", "seeds.csv", "--users", "users.csv", "--to", "csv"]);
        assert_eq!(code, exit, "{users}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{users}: {said}");
    }
    // A batch deals the same rows.
    write("users.csv", "86596120001201,ana\n86596120001202,eva\n");
    fs::create_dir(folder.path().join("tokens")).unwrap();
    for serial in ["86596120001201", "86596120001202"] {
        let state = format!("tokens/{serial}.json");
        assert_eq!(run(&["emulate", "--create", "--serial", serial, "--state", &state]).0, 0);
    }
    let batch = [
        "batch",
        "seeds.csv",
        "--users",
        "users.csv",
        "--to",
        "entra=entra.csv",
        "--reader",
        "emulated:tokens",
        "--trust-host-clock",
    ];
    let (code, said) = run(&batch);
    assert_eq!(code, 0, "{said}");
    let entra = fs::read_to_string(folder.path().join("entra.csv")).unwrap();
    assert!(entra.contains(&format!("eva,86596120001202,{B32_2},30")), "{entra}");
}

#[test]
fn only_the_row_that_is_meant_has_to_be_right_and_two_tokens_share_a_secret_on_purpose() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), filled(content)).unwrap();
    let run = |args: &[&str]| {
        let mut command = tokentap();
        command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none").args(args);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), text(&output))
    };
    assert_eq!(run(&["emulate", "--create", "--serial", "86596120001201", "--state", "t.json"]).0, 0);
    write(
        "rows.csv",
        "serial,secret,type,digits,upn\n86596120001201,$B,totp,6,ana\n86596120001202,no seed!,totp,6,eva\n86596120001203,$B2,ocra,6,ida\n",
    );
    let burn = |choice: &[&str]| {
        let burn =
            ["burn", "--reader", "emulated:t.json", "--no-verify", "--trust-host-clock", "--seed-file", "rows.csv"];
        run(&[&burn[..], choice].concat())
    };
    for choice in [&[][..], &["--row", "1"], &["--serial", "86596120001201"], &["--user", "ANA"]] {
        let (code, said) = burn(choice);
        assert!(code == 0 && said.contains("2 other rows"), "{choice:?}: {said}");
    }
    for (choice, word) in [
        (["--row", "2"], "rows.csv:3:2"),
        (["--user", "eva"], "rows.csv:3:2"),
        (["--serial", "86596120001203"], "rows.csv:4:3"),
    ] {
        let (code, said) = burn(&choice);
        assert!(code == 2 && said.contains(word), "{choice:?}: {said}");
    }
    write("rows.csv", "serial,secret,type,digits\n1,$B,totp,6\n2,$B2,totp,8\n3,$B2,hotp,6\n1,$B,totp,6\n");
    let (code, said) = run(&["seeds", "convert", "rows.csv", "--to", "csv", "--skip-unusable"]);
    assert!(code == 0 && said.matches("left out").count() == 3 && said.contains(B32), "{said}");
    write("rows.csv", "serial,secret\n86596120001201,$B\n86596120001202,$B\n");
    assert_eq!(run(&["seeds", "check", "rows.csv"]).0, 2);
    let (code, said) = run(&["seeds", "check", "rows.csv", "--allow-shared-secret"]);
    assert!(code == 0 && said.contains("2 rows, 1 warning"), "{said}");
}

#[test]
fn a_line_that_begins_with_a_hash_mark_is_a_row_where_it_holds_a_secret() {
    check("serial,secret\n#N/A,$B\n1202,$B2\n", &[], &Refused("2:1"));
    check("serial,secret\n########,$B\n1202,$B2\n", &[], &Refused("2:1"));
    check("No,Serial,Seed\n#1,1201,$B\n#2,1202,$B2\n", &[], &Read(&["1201||||||", "1202||||||"]));
    check("#serial,secret,step\n1201,$B,60\n", &[], &Read(&["1201|||60|||"]));
    check("# 200 tokens, of March\nserial,secret\n1201,$B\n", &[], &Read(&["1201||||||"]));
}

#[test]
fn what_hides_or_swallows_a_row_or_a_field_is_refused() {
    // A quote that is not closed.
    check("serial,secret,remark\n1201,$B,\"12\n1202,$B2,x\n", &[], &Refused("not closed"));
    // Values below no heading, or behind the last one.
    check("serial,secret,\n1201,$B,60\n", &[], &Refused("what changes codes"));
    check("serial,secret\n1201,$B,60\n", &[], &Refused("3 fields"));
    // A bracket that says more than is understood.
    for head in
        ["serial,Seed (SHA-256)", "serial,Secret (60 s)", "serial,Secret (encrypted)", "serial,Secret (ASCII string)"]
    {
        check(&format!("{head}\n1201,$B\n"), &[], &Refused("in a unit that is not read"));
    }
    // A row is no header, whatever word is in it.
    check(
        "1201,$B,Token\n1202,$B2,Token\n",
        &["--columns", "serial,secret,model"],
        &Read(&["1201||||||", "1202||||||"]),
    );
    check("secret,serial\n$B,1201\n", &["--columns", "serial,secret"], &Refused("the list of columns contradicts it"));
    // Between blanks an empty column cannot be seen.
    check("serial secret step digits\n1201 $B 60 6\n1202 $B2    6\n", &[], &Refused("pieces, and the header has 4"));
    // Two halves of one secret are no serial and secret.
    check("11223344556677889900112233aabbcc 7788990011223344556677889900aabb\n", &[], &Refused("error"));
    // Secret and serial in the other order.
    check("$B,86596120001201\n", &[], &Read(&["86596120001201||||||"]));
    check("$H 86596120001201\n", &[], &Read(&["86596120001201||||||"]));
    check("serial,secret\n$B,86596120001201\n", &[], &Refused("2:2"));
    check("serial,secret\n86596120001201,86596120001201 $H\n", &[], &Refused("more than a secret"));
    check("ana@example.org,$B\n", &[], &Refused("error"));
    // Encodings that differ from row to row are each clear.
    check("serial,secret\n1201,$B\n1202,$H2\n", &[], &Read(&["1201||||||", "1202||||||"]));
    check("serial,secret\n=\"1201\",=\"$B\"\n", &[], &Read(&["1201||||||"]));
    check("serial,secret\n1201,foo\n", &[], &Refused("2:2 (secret)"));
    // A comma too many moves a password into the secrets' column.
    check(
        "url,username,password,totp,extra,name,grouping,fav\nhttps://x/a,b,ana,applepie,$B,,Ex,,0\n",
        &[],
        &Refused("9 fields"),
    );
}

#[test]
fn serials_that_are_read_nowhere_let_no_other_tokens_seed_pass() {
    for head in ["Device Serial No", "Numéro de série", "Serial ID", "Barcode", "Serial number of token", "Ser. No."]
    {
        check(&format!("{head},Seed\n86596120009999,$B\n"), &[], &Read(&["86596120009999||||||"]));
    }
    check("Gerät,Seed\n86596120009999,$B\n", &[], &Refused("serials"));
    check(
        "{\"value\":[{\"serialNumber\":86596120001202,\"secretKey\":\"$B\"}]}",
        &[],
        &Read(&["86596120001202||||||"]),
    );
    check("{\"value\":[{\"serialNumber\":8.6E13,\"secretKey\":\"$B\"}]}", &[], &Refused("serial"));
    check("[{\"serial\":\"1202\",\"secret\":\"$B\"}]", &[], &Read(&["1202||||||"]));
    check("otpauth://totp/E:a?secret=$B&serial=1202", &[], &Read(&["1202||||||"]));
}

#[test]
fn json_and_yaml_members_that_change_codes_are_read_or_refused() {
    for (content, word) in [
        ("[{\"secret\":\"$B\",\"issuer\":\"E\",\"label\":\"a\",\"type\":\"TOTP\",\"interval\":60}]", "interval"),
        ("[{\"secret\":\"$B\",\"issuer\":\"E\",\"label\":\"a\",\"hash\":\"SHA256\"}]", "hash"),
        ("{\"value\":[{\"serialNumber\":\"1201\",\"secretKey\":\"$B\",\"timeInterval\":60}]}", "timeInterval"),
        ("{\"value\":[{\"serialNumber\":\"1201\",\"secretKey\":\"$B\",\"hashFunction\":256}]}", "hashFunction"),
        ("{\"value\":[{\"serialNumber\":\"1201\",\"secretKey\":\"$B\",\"secretKey\":\"$B2\"}]}", "twice"),
        ("{\"value\":[{\"serialNumber\":\"1201\",\"secretKey\":\"$H\"}]}", "--secret-encoding hex"),
        (
            "{\"version\":1,\"header\":{},\"db\":{\"entries\":[{\"type\":\"totp\",\"info\":{\"secret\":\"$B\",\"period\":\"60s\"}}]}}",
            "period",
        ),
        ("- otpkey: $H\n  serial: '1201'\n  type: totp\n  timestep: 60\n", "timestep"),
        ("- otpkey: $H\n  serial: '1201'\n  type: totp\n  info_list:\n    timeStep: '0'\n", "timeStep"),
    ] {
        check(content, &[], &Refused(word));
    }
    check("- otpkey: $H\n  serial: 0086596120001\n  type: totp\n", &[], &Read(&["0086596120001||||||"]));
    check(
        "{\"version\":1,\"header\":{},\"db\":{\"entries\":[{\"type\":\"totp\",\"info\":{\"secret\":\"$B\",\"period\":60.0,\"digits\":8.0}}]}}",
        &[],
        &Read(&["|||60||8|"]),
    );
    check(
        "{\"value\":[{\"serialNumber\":\"1201\",\"secretKey\":\"$H\"}]}",
        &["--secret-encoding", "hex"],
        &Read(&["1201||||||"]),
    );
}

#[test]
fn a_list_that_is_no_list_of_users_gives_nobody_a_token_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), filled(content)).unwrap();
    write("seeds.csv", "serial,secret\n86596120001201,$B\n86596120001202,$B2\n");
    for users in [
        "86596120001201,$B\n86596120001202,$B2\n",
        "serial,secret\n86596120001201,$B\n",
        "otpauth://totp/a?secret=$B\n",
        "86596120001201\n86596120001202\n",
        "Müller, Anna\nSchmidt, Eva\n",
        "1,86596120001201,ana\n2,86596120001202,eva\n",
        "86596120001201 Anna Müller\n",
        "#ana\neva\n",
        "serial,secret\n86596120001201,JBSWYDDPEHPKZPXPJBSWYDDPEHPKZPXP\n",
        "UPN,Laptop Serial,Token Serial\nana,,86596120001202\neva,,86596120001201\n",
        "Nummer,UPN\n86596120001202,ana\n86596120001201,eva\n",
        "ana 86596120001202\neva 86596120001201\n",
        "Kennung\nana@example.org\neva@example.org\n",
        "serial,name,box\n86596120001201,ana,1\n",
    ] {
        write("users.csv", users);
        let mut command = tokentap();
        command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none");
        let args = ["seeds", "convert", "seeds.csv", "--users", "users.csv", "--to", "duo", "--drop", "user"];
        let output = command.args(args).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{users}: {said}");
        assert!(!said.contains(&B32[..8]) && said.contains("users.csv"), "{users}: {said}");
    }
    for users in [
        "Name\nana\neva\n",
        "serial,employee\n86596120001201,ana\n86596120001202,eva\n",
        "Display Name,Serial Number\nana,86596120001201\neva,86596120001202\n",
    ] {
        write("users.csv", users);
        let mut command = tokentap();
        command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none");
        let args = ["seeds", "convert", "seeds.csv", "--users", "users.csv", "--to", "csv"];
        let said = text(&command.args(args).output().unwrap());
        assert!(said.contains(&format!("86596120001201,{B32},totp,,,,,ana,")), "{users}: {said}");
    }
}

#[test]
fn rows_and_settings_are_not_lost_in_tables_of_logins_accounts_and_comments() {
    // A secret of letters alone, below a header.
    let letters = "JBSWYDDPEHPKZPXPABCDEFGHIJKLMNOP";
    let content = format!("#,Serial,Secret\n#1,1201,{letters}\n#2,1202,$B2\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("seeds"), filled(&content)).unwrap();
    let mut command = tokentap();
    command.current_dir(folder.path()).env("TOKENTAP_INVENTORY", "none").args(["seeds", "check", "seeds"]);
    assert!(text(&command.output().unwrap()).contains("2 rows"));
    check("serial,secret\n#1201,$B\n1202,$B2\n", &[], &Refused("begins as a comment"));
    for content in [
        "Title,Username,Password,TOTP,TOTP Period\nE,ana,x,$B,60\n",
        "Title,Username,Password,TOTP,Algorithm\nE,ana,x,$B,SHA256\n",
        "Title,Username,Password,TOTP,Type\nE,ana,x,$B,HOTP\n",
        "Title,Username,Password,TOTP,OTPAuth\nE,ana,x,$B2,otpauth://totp/a?secret=$B\n",
        "{\"items\":[{\"name\":\"E\",\"login\":{\"username\":\"ana\",\"totp\":\"$B\",\"hashFunction\":\"SHA256\"}}]}",
        "{\"items\":[{\"login\":{\"totp\":\"$B\"}}],\"accounts\":[{\"secret\":\"$B2\"}]}",
        "serial,secret,step,counter\n1201,$B,30,0\n",
    ] {
        check(content, &[], &Refused("error"));
    }
    check(
        "{\"items\":[{\"name\":\"E\",\"totp\":\"$B\",\"algorithm\":\"SHA256\",\"period\":60}]}",
        &[],
        &Read(&["||SHA256|60|||"]),
    );
    check(
        "Title,Username,Password,TOTP,OTPAuth\nE,ana,x,,otpauth://totp/a?secret=$B\nF,eva,x,$B2,\n",
        &[],
        &Read(&["||||||", "||||||"]),
    );
    check("$H,86596120001201123456\n", &[], &Read(&["86596120001201123456||||||"]));
    check("86596120001201 $B 60\n", &[], &Refused("add a header"));
}

#[test]
fn ordinary_columns_beside_the_tokens_are_no_obstacle() {
    for head in [
        "Username,Email",
        "Manufacturer,Vendor",
        "Model,Product Name",
        "Laptop Serial Number,x",
        "Warranty Period,Price",
    ] {
        let last = if head.starts_with("Warranty") { "60" } else { "x" };
        check(
            &format!("Serial Number,Secret Key,{head}\n1201,$B,24,{last}\n"),
            &[],
            &Read(Box::leak(
                vec![match head {
                    "Username,Email" => "1201||||||24",
                    _ => "1201||||||",
                }]
                .into_boxed_slice(),
            )),
        );
    }
    check("serial,secret,first name,city\n1201,$B,Natasha,Shanghai\n", &[], &Read(&["1201||||||"]));
    check("serial,secret,upn\n1201, \"$B\",ana\n", &[], &Read(&["1201||||||ana"]));
    check("otpauth://totp/E:a?secret=$B&creation_date=2026-01-01&offset=0", &[], &Read(&["||||||"]));
    let totp = "Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\" xmlns:foo=\"urn:foo\" xml:lang=\"en\"";
    check(&pskc(totp, "", "", ""), &[], &Read(&["1201||||||"]));
}

/// What a Molto2 cannot have is not written into its file: DEVICES of `docs/formats.md`, `molto2`.
#[test]
fn a_molto2_s_file_has_only_what_the_device_can_have_numbered_as_it_numbers_its_slots() {
    use tokentap::seedfile::{Format, WriteOptions};
    let format = Format::of_name("molto2").unwrap();
    let written = |uri: &str, line: u64| {
        let mut row = tokentap::seedfile::otpauth::parse(uri).unwrap();
        row.place.line = line;
        (format.write.as_ref().unwrap().row)(&row, &WriteOptions::default(), false).map(|text| text.to_string())
    };
    let uri = |rest: &str| format!("otpauth://totp/{rest}");
    let secret = "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let first = written(&uri(&format!("ana?{secret}&digits=8&period=60&algorithm=SHA256")), 1).unwrap();
    assert_eq!(first, "0,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,ana,SHA256,8,60\n");
    for refused in [
        format!("ana?{secret}&digits=7"),
        format!("ana?{secret}&algorithm=SHA512"),
        format!("ana?{secret}&period=45"),
        format!("Z%C3%BCrich-Konto?{secret}"),
        "ana?secret=AAAAAAAAAAAAAAAA".to_owned(),
    ] {
        assert!(written(&uri(&refused), 1).is_err(), "{refused}");
    }
    assert!(written(&format!("otpauth://hotp/ana?{secret}&counter=0"), 1).is_err());
    assert!(
        written(&uri(&format!("ana?{secret}")), 100).is_ok() && written(&uri(&format!("ana?{secret}")), 101).is_err()
    );
}
