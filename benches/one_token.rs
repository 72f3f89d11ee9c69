//! What the program adds to one token's job: whole processes against a bare loop that sends as many APDUs over the same
//! reader, taken in turn. Run by `scripts/bench one_token`.

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
    use std::time::Instant;

    use pcsc::{Context, Protocols, Scope, ShareMode};

    use super::harness::{READERS, Stack, anew, inside, is_inside};
    use super::measure::{median, run};
    use super::support::tokentap;

    const NAME: &str = "bench-one-token";
    const ROUNDS: usize = 60;

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
            let seed = folder.join("seed");
            fs::write(&seed, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
            let seed = seed.to_str().unwrap();
            println!("command             APDUs  bare loop     process   adds  ratio  peak memory");
            let jobs: [(&str, usize, &[&str]); 3] = [
                ("info", 1, &["info"]),
                ("sync --fast", 5, &["sync", "--fast"]),
                ("burn --no-verify", 6, &["burn", "--no-verify", "--seed-file", seed]),
            ];
            for (name, apdus, args) in jobs {
                let (mut bare, mut whole, mut peak) = (Vec::new(), Vec::new(), 0_f64);
                for _ in 0..ROUNDS {
                    bare.push(bare_loop(apdus));
                    let took = run(tokentap().args(args));
                    whole.push(took.wall_s);
                    peak = peak.max(took.peak_mib);
                }
                let (bare, whole) = (median(bare) * 1000.0, median(whole) * 1000.0);
                println!(
                    "{name:18} {apdus:6} {bare:7.2} ms {whole:8.2} ms {:5.2} ms {:5.2} {peak:8.1} MiB",
                    whole - bare,
                    whole / bare
                );
            }
            let start: Vec<f64> = (0..ROUNDS).map(|_| run(tokentap().arg("--version")).wall_s * 1000.0).collect();
            println!("--version takes {:.2} ms", median(start));
        });
    }

    /// Context, connection, so many get info, reset: what no program can do without. In seconds.
    fn bare_loop(apdus: usize) -> f64 {
        let began = Instant::now();
        let context = Context::establish(Scope::User).unwrap();
        let reader = CString::new(READERS[0]).unwrap();
        let card = context.connect(&reader, ShareMode::Shared, Protocols::ANY).unwrap();
        let mut buffer = [0; 300];
        for _ in 0..apdus {
            card.transmit(&[0x80, 0x41, 0, 0, 2, 2, 0x11], &mut buffer).unwrap();
        }
        drop(card);
        drop(context);
        began.elapsed().as_secs_f64()
    }
}
