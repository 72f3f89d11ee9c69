//! The desk as a page: what ten thousand visits leave in its memory, and whether browsers that hang delay a write. Run by
//! `scripts/bench web`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

#[cfg(all(target_os = "linux", feature = "web"))]
#[path = "../tests/suite/web/harness.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod harness;
#[cfg(all(target_os = "linux", feature = "web"))]
#[allow(dead_code, reason = "no process is run to its end here")]
mod measure;
#[cfg(all(target_os = "linux", feature = "web"))]
#[path = "../tests/suite/support.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod support;

#[cfg(not(all(target_os = "linux", feature = "web")))]
fn main() {
    eprintln!("this bench needs Linux and the feature \"web\"");
}

#[cfg(all(target_os = "linux", feature = "web"))]
fn main() {
    linux::main();
}

#[cfg(all(target_os = "linux", feature = "web"))]
mod linux {
    use std::io::Write;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use serde_json::json;
    use tokentap::emulator::{CardState, StateFile, TokenClock};
    use tokentap::time::{HostClock, SystemClock, unix_ns};

    use super::harness::Web;
    use super::measure::{Results, median};

    /// Tokens whose clocks are set, for each half of a pair.
    const TOKENS: usize = 200;
    const PAIRS: usize = 7;
    /// Browsers that hang.
    const HUNG: usize = 16;
    /// Visits whose memory is looked at.
    const VISITS: usize = 10_000;

    pub fn main() {
        if !std::env::args().any(|argument| argument == "--bench") {
            return;
        }
        let mut results = Results::of("web");
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            alone.push(serve(TOKENS, -97.25, 0).0 * 1000.0 / TOKENS as f64);
            beside.push(serve(TOKENS, -97.25, HUNG).0 * 1000.0 / TOKENS as f64);
        }
        let ratios: Vec<f64> = alone.iter().zip(&beside).map(|(alone, beside)| beside / alone).collect();
        let (alone, beside, ratio) = (median(alone), median(beside), median(ratios));
        println!(
            "a token whose clock is set: {alone:.2} ms, beside {HUNG} browsers that hang {beside:.2} ms, ratio {ratio:.2}"
        );
        results.add(json!({ "what": "a token set", "alone_ms": alone, "beside_hung_ms": beside, "ratio": ratio }));
        let (took_s, peak_mib) = serve(VISITS, -0.2, 0);
        println!("after {VISITS} visits in {took_s:.0} s: {peak_mib:.1} MiB at the most");
        results.add(json!({ "what": "memory", "visits": VISITS, "peak_mib": peak_mib }));
        results.write();
    }

    /// Opens the desk over so many tokens, which are off by so many seconds; how long it takes until all are done, in seconds, and
    /// how much memory that takes at the most, in MiB.
    fn serve(tokens: usize, drift_s: f64, hung: usize) -> (f64, f64) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tokens")).unwrap();
        let now = unix_ns(SystemClock::new().now().wall);
        for number in 0..tokens {
            let serial = format!("8659612{number:07}");
            let state = CardState::new(&serial, false, TokenClock::new(now, drift_s, 0.0, false));
            StateFile::new(folder.path().join(format!("tokens/{serial}.json"))).save(&state).unwrap();
        }
        let began = Instant::now();
        let web = Web::start_in(folder, &["--assume-factory-profile", "--fast"]);
        let bearer = web.session();
        let hanging: Vec<TcpStream> = (0..hung).map(|number| hang(&web, &bearer, number % 2 == 0)).collect();
        let (mut seen, mut last) = (0, Instant::now());
        let took_s = loop {
            let state = web.state(&bearer, 0);
            let done = state["tokens"].as_u64().unwrap();
            if done >= tokens as u64 {
                break began.elapsed().as_secs_f64();
            }
            if done > seen {
                (seen, last) = (done, Instant::now());
            }
            assert!(last.elapsed() < Duration::from_secs(60), "nothing happens any more");
            std::thread::sleep(Duration::from_millis(20));
        };
        drop(hanging);
        let status = std::fs::read_to_string(format!("/proc/{}/status", web.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kib: f64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        web.end();
        (took_s, peak_kib / 1024.0)
    }

    /// A browser that hangs: in the middle of a request, or with an answer that it never reads.
    fn hang(web: &Web, bearer: &str, is_half: bool) -> TcpStream {
        let mut stream = web.connect();
        let host = web.origin.strip_prefix("http://").unwrap();
        let end = if is_half { "" } else { "\r\n" };
        let request =
            format!("GET /api/state?after=0 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {bearer}\r\n{end}");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}
