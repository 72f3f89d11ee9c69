//! What the program adds to one token's job: whole processes, with and without an inventory, against a bare loop that
//! sends the very same APDUs over the same reader, taken in turn. Run by `scripts/bench one_token`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

#[cfg(target_os = "linux")]
#[path = "../tests/suite/stack/harness.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod harness;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
#[path = "../tests/suite/support.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod support;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this bench needs Linux: pcscd and its virtual reader");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CString;
    use std::fs;
    use std::path::Path;
    use std::time::Instant;

    use chrono::Utc;
    use pcsc::{Card, Context, Protocols, Scope, ShareMode};
    use serde_json::json;
    use tokentap::device::Profile;
    use tokentap::device::token2::TokenKey;
    use tokentap::device::token2::command::{AnswerChallenge, GetChallenge, GetInfo, WriteConfig, WriteSeed};
    use tokentap::iso7816::Apdu;
    use tokentap::seed::Seed;

    use super::harness::{READERS, Stack, anew, inside, is_inside};
    use super::measure::{Results, median, run};
    use super::support::tokentap;

    const NAME: &str = "bench-one-token";
    const ROUNDS: usize = 60;

    /// What a job sends.
    #[derive(Clone, Copy)]
    enum Job {
        Info,
        Sync,
        Burn,
    }

    pub fn main() {
        if !std::env::args().any(|argument| argument == "--bench") {
            return;
        }
        if !is_inside(NAME) {
            assert!(anew(NAME, &["--bench"]).status().expect("unshare of util-linux").success());
            return;
        }
        inside(|folder| {
            let stack = Stack::start(folder);
            let _token = stack.lay(0, &[]);
            fs::write(folder.join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
            let mut results = Results::of("one_token");
            jobs(folder, &mut results);
            start(&mut results);
            results.write();
        });
    }

    fn jobs(folder: &Path, results: &mut Results) {
        let seed = folder.join("seed");
        let seed = seed.to_str().unwrap();
        // Beside the bench's own files, on a disk that syncs.
        let inventory = folder.join("inventory.sqlite");
        println!("                    bare loop   without inventory            with inventory               peak");
        println!("command             median      median      adds  ratio      median      adds  ratio      memory");
        let jobs: [(&str, Job, &[&str]); 3] = [
            ("info", Job::Info, &["info"]),
            ("sync --fast", Job::Sync, &["sync", "--fast"]),
            ("burn --no-verify", Job::Burn, &["burn", "--no-verify", "--seed-file", seed]),
        ];
        for (name, job, args) in jobs {
            let (mut bare, mut without, mut with, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0_f64);
            for _ in 0..ROUNDS {
                bare.push(bare_loop(job) * 1000.0);
                let took = run(tokentap().args(args));
                without.push(took.wall_s * 1000.0);
                let recorded = run(tokentap().args(args).env("TOKENTAP_INVENTORY", &inventory));
                with.push(recorded.wall_s * 1000.0);
                peak = peak.max(took.peak_mib).max(recorded.peak_mib);
            }
            let (bare, without, with) = (median(bare), median(without), median(with));
            println!(
                "{name:18} {bare:7.2} ms {without:8.2} ms {:6.2} ms {:6.2} {with:8.2} ms {:6.2} ms {:6.2} {peak:7.1} MiB",
                without - bare,
                without / bare,
                with - bare,
                with / bare,
            );
            results.add(json!({
                "command": name, "bare_ms": bare, "without_inventory_ms": without, "with_inventory_ms": with,
                "ratio_without": without / bare, "ratio_with": with / bare, "peak_mib": peak,
            }));
        }
    }

    fn start(results: &mut Results) {
        let start: Vec<f64> = (0..ROUNDS).map(|_| run(tokentap().arg("--version")).wall_s * 1000.0).collect();
        let start = median(start);
        println!("--version takes {start:.2} ms");
        results.add(json!({ "command": "--version", "median_ms": start }));
    }

    /// What no program can do without: context, connection, the very APDUs that the job sends, the reset. In seconds.
    fn bare_loop(job: Job) -> f64 {
        let key = TokenKey::factory();
        let began = Instant::now();
        let context = Context::establish(Scope::User).unwrap();
        let reader = CString::new(READERS[0]).unwrap();
        let card = context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap();
        send(&card, &GetInfo.apdu());
        if !matches!(job, Job::Info) {
            let challenge = send(&card, &GetChallenge.apdu());
            let challenge = GetChallenge.parse(&challenge).unwrap();
            send(&card, &AnswerChallenge { challenge }.apdu(&key));
            let clock = u32::try_from(Utc::now().timestamp()).unwrap();
            send(&card, &WriteConfig { profile: Profile::FACTORY, clock }.apdu(&key));
            if matches!(job, Job::Burn) {
                let seed = Seed::from_bytes(b"Hello!\xDE\xAD\xBE\xEFHello!\xDE\xAD\xBE\xEF".to_vec()).unwrap();
                send(&card, &WriteSeed { seed: &seed }.apdu(&key));
            }
            send(&card, &GetInfo.apdu());
        }
        drop(card);
        drop(context);
        began.elapsed().as_secs_f64()
    }

    /// One command, which must succeed; its answer's data.
    fn send(card: &Card, command: &Apdu) -> Vec<u8> {
        let mut buffer = [0; 300];
        let reply = card.transmit(command.as_bytes(), &mut buffer).unwrap();
        let data = reply.strip_suffix(&[0x90, 0x00]).unwrap_or_else(|| panic!("{reply:02X?}"));
        data.to_vec()
    }
}
