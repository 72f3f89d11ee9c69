//! No seed is left in memory when a command has ended, well or not, and nobody could look at it or dump it meanwhile.
//!
//! Each case runs the program's own entry in a process of its own, with the program's allocator, and then looks through
//! all of its writable memory: heap, freed heap, stacks. What is looked for is kept masked, so that it finds only copies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

#[cfg(target_os = "linux")]
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "--case") {
        linux::child(&args[2..]);
    } else if args.get(1).is_some_and(|arg| arg == "look-at-picture-on-standard-input") {
        // The program's own child, which looks at a picture.
        std::process::exit(tokentap::cli::run(args.into_iter().map(Into::into).collect()).into());
    } else if is_wanted(&args[1..]) {
        linux::parent();
    } else {
        println!("not run: other tests were asked for");
    }
}

/// Whether `cargo test` was asked for this test too: by no name at all, or by a part of its own.
#[cfg(target_os = "linux")]
fn is_wanted(args: &[String]) -> bool {
    let after_skip = |place: usize| place > 0 && args[place - 1] == "--skip";
    let mut names = (0..args.len()).filter(|place| !args[*place].starts_with('-') && !after_skip(*place)).peekable();
    names.peek().is_none() || names.any(|place| "memory".contains(args[place].as_str()))
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("not run: the memory of a process is read through /proc, which only Linux has");
}

#[cfg(target_os = "linux")]
#[path = "suite/certificate.rs"]
mod certificate;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::os::unix::fs::FileExt;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::Arc;

    const MASK: u8 = 0xA5;

    /// The seed, masked: 20 bytes that look like none of the program's own.
    const SEED: [u8; 20] = [
        0x7B, 0x18, 0x48, 0x4A, 0x6F, 0x5B, 0xA4, 0x86, 0xE0, 0xC2, 0x24, 0x0E, 0xCC, 0xAA, 0x48, 0x54, 0x76, 0x90,
        0xB2, 0xDC,
    ];

    fn masked(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ MASK).collect()
    }

    /// The forms in which the seed could lie in memory, masked. Twelve bytes of each are enough to know it by.
    fn forms() -> Vec<(&'static str, Vec<u8>)> {
        let seed = masked(&SEED);
        let forms = vec![
            ("as bytes", masked(&seed[..12])),
            ("in hex", masked(&data_encoding::HEXLOWER.encode(&seed).as_bytes()[..16])),
            ("in capital hex", masked(&data_encoding::HEXUPPER.encode(&seed).as_bytes()[..16])),
            ("in Base32", masked(&data_encoding::BASE32_NOPAD.encode(&seed).as_bytes()[..16])),
            ("in small Base32", masked(&data_encoding::BASE32_NOPAD.encode(&seed).to_lowercase().as_bytes()[..16])),
            ("in Base64", masked(&data_encoding::BASE64.encode(&seed).as_bytes()[..16])),
            ("its end as bytes", masked(&seed[8..])),
            // The pads of HMAC (RFC 2104, section 2).
            ("as HMAC's inner pad", seed[..12].iter().map(|byte| byte ^ 0x36 ^ MASK).collect()),
            ("as HMAC's outer pad", seed[..12].iter().map(|byte| byte ^ 0x5C ^ MASK).collect()),
        ];
        // Freed, and so wiped: the allocator is this program's too.
        drop(zeroize::Zeroizing::new(seed));
        forms
    }

    /// Where the seed lies in this process's memory.
    fn scan() -> Vec<String> {
        // So that a process without privileges may look into itself again.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable).unwrap();
        let forms = forms();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut found = Vec::new();
        let mut looked_at = 0_u64;
        let mut buffer = vec![0; 1 << 16];
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (range, mode) = (words.next().unwrap(), words.next().unwrap());
            if !mode.starts_with("rw") {
                continue;
            }
            let name = words.nth(3).unwrap_or("anonymous");
            let (from, to) = range.split_once('-').unwrap();
            let (mut at, end) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
            while at < end {
                let own = buffer.as_ptr() as u64;
                let wanted = usize::try_from((end - at).min(buffer.len() as u64)).unwrap();
                let Ok(read @ 1..) = memory.read_at(&mut buffer[..wanted], at) else { break };
                looked_at += read as u64;
                for (what, form) in &forms {
                    for (offset, window) in buffer[..read].windows(form.len()).enumerate() {
                        let place = at + offset as u64;
                        // What was copied here to be looked at is not found a second time.
                        let is_own = (own..own + buffer.len() as u64).contains(&place);
                        if !is_own && window.iter().zip(form).all(|(byte, masked)| byte ^ MASK == *masked) {
                            found.push(format!("{what} at {place:x} in {name}"));
                        }
                    }
                }
                // Pieces overlap by a form's length.
                at += if read == wanted && at + (read as u64) < end { read as u64 - 16 } else { read as u64 };
            }
        }
        assert!(looked_at > 1 << 18, "only {looked_at} bytes were looked at");
        found
    }

    /// Runs one case and prints what is left of the seed.
    pub fn child(args: &[String]) {
        let mut args = args.to_vec();
        // A copy that is left behind on purpose: on the heap, or on the stack after the command.
        let (held, leaked) = (args[0] == "held", args[0] == "leaked");
        if let Some(file) = args[0].strip_prefix("interrupt-when:").map(str::to_owned) {
            std::thread::spawn(move || {
                while !Path::new(&file).exists() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                let own = rustix::process::getpid();
                rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
            });
        }
        args[0] = "tokentap".to_owned();
        let kept = held.then(|| fs::read(args.last().unwrap()).unwrap());
        let exit = tokentap::cli::run(args.iter().map(Into::into).collect());
        if leaked {
            leave_on_the_stack(&fs::read(args.last().unwrap()).unwrap());
        }
        let private = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(private, rustix::process::DumpableBehavior::NotDumpable, "others may read this process's memory");
        let core = rustix::process::getrlimit(rustix::process::Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)), "a crash would leave a core dump");
        for place in scan() {
            println!("FOUND {place}");
        }
        println!("EXIT {exit}");
        drop(kept);
    }

    /// Leaves copies in a frame that nobody wipes.
    #[inline(never)]
    fn leave_on_the_stack(seed: &[u8]) {
        let mut frame = [0_u8; 40 * 2000];
        frame.chunks_mut(seed.len()).for_each(|piece| piece.copy_from_slice(&seed[..piece.len()]));
        std::hint::black_box(&frame);
    }

    /// A connection, with TLS or without.
    trait Connection: Read + Write {}
    impl<C: Read + Write> Connection for C {}

    /// What is asked: its method and path, and the headers' end.
    fn request(from: &mut dyn BufRead) -> String {
        let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
        from.read_line(&mut first).unwrap();
        while from.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = zeroize::Zeroizing::new(vec![0; length]);
        from.read_exact(&mut body).unwrap();
        first.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    /// A server that says yes to everything, on a port of its own: `answer` makes the JSON for a method and path.
    fn serve(tls: Option<Arc<rustls::ServerConfig>>, mut answer: impl FnMut(&str) -> String + Send + 'static) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for tcp in listener.incoming().map(Result::unwrap) {
                let connection: Box<dyn Connection> = match &tls {
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(Arc::clone(tls)).unwrap();
                        Box::new(rustls::StreamOwned::new(session, tcp))
                    }
                    None => Box::new(tcp),
                };
                let mut connection = BufReader::new(connection);
                let answer = answer(&request(&mut connection));
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
                connection.get_mut().write_all(format!("{head}{answer}").as_bytes()).unwrap();
            }
        });
        port
    }

    /// As privacyIDEA: what it was told to create is there afterwards, and the token of a sync was there before.
    fn privacyidea() -> impl FnMut(&str) -> String + Send {
        let mut is_there = false;
        move |asked| {
            is_there |= asked.contains("/token/init");
            let asks_for_sync = asked.contains("86596120000001");
            let value = match asked.split(' ').nth(1).unwrap_or_default() {
                path if path.starts_with("/auth") => r#"{"token":"ticket","role":"admin","rights":["*"]}"#.to_owned(),
                path if path.starts_with("/token/?") && (is_there || asks_for_sync) => {
                    let serial = if asks_for_sync { "86596120000001" } else { "86596220000002" };
                    format!(
                        r#"{{"tokens":[{{"serial":"{serial}","tokentype":"totp","count":0,"active":true,"info":{{}}}}]}}"#
                    )
                }
                path if path.starts_with("/token/?") => r#"{"tokens":[]}"#.to_owned(),
                _ => "true".to_owned(),
            };
            format!(r#"{{"result":{{"status":true,"value":{value}}}}}"#)
        }
    }

    /// As Duo, which has nothing and creates what it is told to.
    fn duo(asked: &str) -> String {
        let response = if asked.starts_with("GET") { "[]" } else { r#"{"token_id":"DH1"}"# };
        format!(r#"{{"stat":"OK","response":{response}}}"#)
    }

    /// As Entra ID, the same.
    fn entra(asked: &str) -> String {
        let answer = match asked {
            asked if asked.contains("/oauth2/") => {
                r#"{"token_type":"Bearer","expires_in":3600,"access_token":"ticket"}"#
            }
            asked if asked.starts_with("GET") => r#"{"value":[]}"#,
            _ => r#"{"id":"00000000-0000-0000-0000-000000000001"}"#,
        };
        answer.to_owned()
    }

    struct Case {
        name: &'static str,
        args: Vec<String>,
        exit: u8,
        stdin: Option<Vec<u8>>,
    }

    fn run(folder: &Path, case: &Case) -> (String, Vec<String>) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--case").args(&case.args).current_dir(folder);
        command.env("TOKENTAP_INVENTORY", folder.join("inventory.sqlite")).env_remove("TOKENTAP_READER");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing leaves the pipe.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), case.stdin.as_deref().unwrap_or_default());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        let found = text.lines().filter_map(|line| line.strip_prefix("FOUND ").map(str::to_owned)).collect();
        assert!(text.contains("EXIT "), "{}: it did not come to its end: {said}", case.name);
        (said, found)
    }

    pub fn parent() {
        // Core dumps are allowed here, so that it is the program that switches them off.
        let core = rustix::process::getrlimit(rustix::process::Resource::Core);
        let allowed = rustix::process::Rlimit { current: core.maximum, maximum: core.maximum };
        rustix::process::setrlimit(rustix::process::Resource::Core, allowed).unwrap();
        if core.maximum == Some(0) {
            println!("core dumps are switched off on this machine: that the program does so is not seen");
        }
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let seed = masked(&SEED);
        let hex = data_encoding::HEXLOWER.encode(&seed);
        let base32 = data_encoding::BASE32_NOPAD.encode(&seed);
        let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
        write("seed", hex.clone());
        write("broken", format!("{hex}!"));
        write("uri", format!("otpauth://totp/someone?secret={base32}"));
        write("duo.csv", format!("86596120000001,{hex}\n"));
        write("bad.csv", format!("serial,secret\n1,{base32}\n2,{base32}!\n"));
        write(
            "rows.csv",
            format!("serial,secret\n86596120000001,{base32}\n86596220000002,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ\n"),
        );
        write("blanks.txt", format!("86596120000001 {base32}\n"));
        write("tokens.yaml", format!("- otpkey: {hex}\n  serial: '86596120000001'\n  type: totp\n"));
        write(
            "accounts.json",
            format!("[{{\"secret\":\"{base32}\",\"issuer\":\"E\",\"label\":\"a\",\"type\":\"TOTP\"}}]"),
        );
        write("logins.csv", format!("Title,Username,Password,OTPAuth\nE,ana,x,otpauth://totp/a?secret={base32}\n"));
        write("users.txt", "ana\n".to_owned());
        write("one.csv", format!("serial,secret\n86596220000002,{base32}\n"));
        let identity = age::x25519::Identity::generate();
        write("identity", age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned());
        for (state, serial) in [("token.json", "86596120000001"), ("restricted.json", "86596220000002")] {
            let args = ["emulate", "--create", "--state", state, "--serial", serial, "--drift=-97"];
            let made = Command::new(env!("CARGO_BIN_EXE_tokentap")).args(args).current_dir(folder).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        for (state, family) in [("molto.json", "molto2"), ("key.json", "hotp-key")] {
            let args = ["emulate", "--create", "--state", state, "--family", family];
            let made = Command::new(env!("CARGO_BIN_EXE_tokentap")).args(args).current_dir(folder).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        fs::create_dir(folder.join("box")).unwrap();
        for state in ["token.json", "restricted.json"] {
            fs::copy(folder.join(state), folder.join("box").join(state)).unwrap();
        }

        let case = |name: &'static str, exit: u8, args: &str| {
            let args = args.replace("TOKEN", "--trust-host-clock --reader emulated:token.json");
            let args = args.replace("RESTRICTED", "--trust-host-clock --reader emulated:restricted.json");
            Case { name, args: args.split(' ').map(str::to_owned).collect(), exit, stdin: None }
        };
        // The credential is the seed's own text, so that one scan finds both.
        let add_server = format!(
            "run server add pi --kind privacyidea --url http://127.0.0.1:{} --account admin --credential-file seed",
            serve(None, privacyidea())
        );
        let (tls, authority) = super::certificate::tls("localhost", -1..1);
        fs::write(folder.join("ca.pem"), authority).unwrap();
        let [duo, entra] = [duo, entra].map(|answer: fn(&str) -> String| serve(Some(Arc::clone(&tls)), answer));
        let add_duo = format!(
            "run server add duo --kind duo --url https://localhost:{duo} --account DI --credential-stdin --ca ca.pem"
        );
        let entra = format!("https://localhost:{entra}");
        let add_entra = format!(
            "run server add entra --kind entra --url {entra} --sign-in-url {entra} --tenant example.org --account client \
             --credential-file seed --ca ca.pem"
        );
        let recipient = format!("run inventory init --recipient {}", identity.to_public());
        let cases = [
            Case {
                args: recipient.split(' ').map(str::to_owned).collect(),
                ..case("an inventory that seals seeds", 0, "")
            },
            case("a burn", 0, "run burn TOKEN --no-verify --seed-file seed"),
            Case {
                stdin: Some(hex.clone().into()),
                ..case("a burn from standard input", 0, "run burn TOKEN --no-verify --seed-stdin")
            },
            case("a burn whose code is wrong", 8, "run burn TOKEN --verify 000000 --seed-file uri"),
            case(
                "a burn of a restricted token",
                0,
                "run burn RESTRICTED --no-verify --allow-shared-secret --seed-file seed",
            ),
            case("a sync that burns a sealed seed again", 0, "run sync RESTRICTED --fast --identity identity"),
            case("a fine sync with its seed", 0, "run sync RESTRICTED --seed-file seed"),
            case("a wrong serial", 5, "run burn TOKEN --no-verify --seed-file seed --expect-serial 1"),
            case("no token at all", 1, "run burn --reader emulated:none.json --no-verify --seed-file seed"),
            case("a broken seed", 2, "run burn TOKEN --no-verify --seed-file broken"),
            case("a config", 0, "run config RESTRICTED --fast --step 60 --seed-file seed"),
            case("a burn with the profile of before", 0, "run burn RESTRICTED --no-verify --seed-file seed"),
            case("an import", 0, "run inventory import one.csv --force"),
            case(
                "a desk that burns sealed seeds again",
                0,
                "run desk --reader emulated:restricted.json --trust-host-clock --fast --if-drift-over 0 --identity identity",
            ),
            case(
                "a burn of a slot",
                0,
                "run burn --slot 3 --trust-host-clock --reader emulated:molto.json --no-verify --allow-shared-secret --seed-file seed",
            ),
            case(
                "another customer key, which waits for the button",
                10,
                "run customer-key set --yes --new-key seed --reader emulated:molto.json",
            ),
            case(
                "the customer key that is kept, opened",
                0,
                "run customer-key check --identity identity --reader emulated:molto.json",
            ),
            case(
                "the customer key that is kept, written to a file",
                0,
                "run customer-key export 826658719844499 --identity identity --out kept-key",
            ),
            case(
                "a burn of a FIDO2 key",
                0,
                "run burn --hotp --trust-host-clock --reader emulated:key.json --no-verify --allow-shared-secret --seed-file seed",
            ),
            case("a code", 0, "run code --seed-file seed"),
            case("a verification", 8, "run verify 000000 --seed-file seed"),
            case("a check of a file", 0, "run seeds check duo.csv --from duo"),
            case("a check of a bad file", 2, "run seeds check bad.csv"),
            case("a conversion", 0, "run seeds convert duo.csv --from duo --to csv=out.csv"),
            case("a table of blanks", 0, "run seeds convert blanks.txt --users users.txt --to csv=blanks.csv"),
            case("an export as YAML", 0, "run seeds convert tokens.yaml --to csv=yaml.csv"),
            case("an export as JSON", 0, "run seeds convert accounts.json --to csv=json.csv"),
            case("logins", 0, "run seeds convert logins.csv --to csv=logins-out.csv"),
            case("a QR code", 0, "run seeds qr rows.csv --row 1 --png code.png"),
            case("a QR code that is read", 0, "run code --qr code.png"),
            case(
                "an encrypted PSKC file",
                0,
                "run seeds convert duo.csv --from duo --to pskc=out.xml --to-pskc-password identity",
            ),
            case("an export that is refused", 2, "run inventory export --identity identity --to molto2=exported.csv"),
            case(
                "an export",
                0,
                "run inventory export --identity identity --to csv=exported.csv --serial 86596220000002",
            ),
            Case {
                args: add_server.split(' ').map(str::to_owned).collect(),
                ..case("a server whose credential is sealed", 0, "")
            },
            case("a server's credential that is opened", 0, "run server check pi --identity identity"),
            case("a hand-over", 0, "run hand-over pi --serial 86596220000002 --unassigned --identity identity"),
            case("a sync that mends a server", 0, "run sync TOKEN --fast --mend pi --identity identity"),
            Case { stdin: Some(hex.clone().into()), ..case("Duo, its secret key from standard input", 0, &add_duo) },
            case("a hand-over to Duo", 0, "run hand-over duo --serial 86596220000002 --unassigned --identity identity"),
            case("Entra ID", 0, &add_entra),
            case(
                "a hand-over to Entra ID",
                0,
                "run hand-over entra --serial 86596220000002 --unassigned --identity identity",
            ),
            case(
                "an interrupted batch",
                130,
                "interrupt-when:server.csv.part batch rows.csv --precise --to duo=server.csv --reader emulated:box --trust-host-clock",
            ),
        ];
        let mut failures = Vec::new();
        for case in &cases {
            let (said, found) = run(folder, case);
            let is_exit_right = said.contains(&format!("EXIT {}\n", case.exit));
            println!("{}: {}", case.name, if found.is_empty() && is_exit_right { "nothing is left" } else { "FAILED" });
            if !is_exit_right || !found.is_empty() {
                failures.push(format!("{}: {found:#?}\n{said}", case.name));
            }
        }
        // The scan itself: what is left on purpose is found, on the heap and on the stack.
        for (kind, place) in [("held", ""), ("leaked", "[stack]")] {
            let args = [kind, "code", "--seed-file", "seed"].map(str::to_owned).to_vec();
            let (said, found) = run(folder, &Case { name: "a copy left on purpose", args, exit: 0, stdin: None });
            let is_found = found.iter().any(|found| found.contains("in hex") && found.contains(place));
            assert!(is_found, "{kind}: the scan does not find it: {said}");
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
