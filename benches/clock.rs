//! How well clocks are set: 200 syncs of emulated tokens through pcscd, with the error that each token itself knows
//! beside the error that the tool reported; and how long a sync takes where the tick is not waited for first, in pairs. Run by
//! `scripts/bench clock`; takes about nine minutes.

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
#[allow(dead_code, reason = "other benches run whole processes with it")]
mod measure;
#[cfg(target_os = "linux")]
#[path = "../tests/suite/support.rs"]
#[allow(dead_code, reason = "made for the tests")]
mod support;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the bench of the clock needs Linux: pcscd and its virtual reader");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::time::Instant;

    use chrono::Utc;
    use tokentap::emulator::StateFile;

    use super::harness::{Stack, anew, inside, is_inside};
    use super::measure::Results;

    const NAME: &str = "bench-clock";

    /// One sync: what it was, and what came of it. Times in seconds.
    struct Run {
        free_running: bool,
        latency_ms: u32,
        true_error: f64,
        reported: f64,
        resolution: f64,
        took: f64,
        keeps_phase: bool,
    }

    pub fn main() {
        // cargo bench passes --bench; cargo test --benches only wants to see that it starts.
        if !std::env::args().any(|argument| argument == "--bench") {
            return;
        }
        if !is_inside(NAME) {
            let status = anew(NAME, &["--bench"]).status().expect("unshare of util-linux");
            assert!(status.success());
            return;
        }
        inside(|folder| {
            let stack = Stack::start(folder);
            let runs: Vec<Run> = std::thread::scope(|scope| {
                let stack = &stack;
                let workers = [0, 1].map(|slot| scope.spawn(move || sync_on(stack, folder, slot)));
                workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
            });
            report(&runs);
            pairs(&stack, folder);
        });
    }

    /// A hundred syncs on one slot: both kinds of clock, drifts from -3 h to +3 h, latencies of 0, 5 and 30 ms.
    fn sync_on(stack: &Stack, folder: &Path, slot: usize) -> Vec<Run> {
        let reader = (slot + 1).to_string();
        (0..100_u32)
            .map(|number| {
                let state = folder.join(format!("{slot}-{number}.json"));
                let file = state.to_str().unwrap();
                // Spread evenly over six hours, with fractions of a second spread by the golden ratio.
                let position = f64::from(number * 2 + slot as u32) / 200.0;
                let drift = -10_800.0 + 21_600.0 * position + (f64::from(number) * 0.618_034).fract();
                let free_running = number % 2 == 1;
                let latency_ms = [0, 5, 30][number as usize / 2 % 3];
                let (drift, latency) = (drift.to_string(), latency_ms.to_string());
                let mut args = vec!["--drift", &drift, "--latency", &latency, "--state", file];
                if free_running {
                    args.push("--free-running");
                }
                let token = stack.lay(slot, &args);
                let began = Instant::now();
                let sync = stack.json(&["--reader", &reader, "sync", "--trust-host-clock"]);
                let took = began.elapsed().as_secs_f64();
                token.take_off();
                let clock = StateFile::new(file).load().unwrap().unwrap().clock;
                let after = &sync["clock"]["after"];
                Run {
                    free_running,
                    latency_ms,
                    true_error: clock.drift_s(Utc::now().timestamp_nanos_opt().unwrap()),
                    reported: after["drift_s"].as_f64().unwrap(),
                    resolution: after["resolution_s"].as_f64().unwrap(),
                    took,
                    keeps_phase: sync["keeps_phase"] == true,
                }
            })
            .collect()
    }

    /// Pairs of syncs in turn: of a clock that is further off than the bound, which is set without waiting for its tick first, and of one
    /// that is so far off that it may stand still, for which the tick is waited for as it was for all before.
    const PAIRS: u32 = 40;

    fn pairs(stack: &Stack, folder: &Path) {
        let (mut rough, mut waited) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for number in 0..PAIRS {
            let part = (f64::from(number) * 0.618_034).fract();
            let sign = if number % 2 == 0 { 1.0 } else { -1.0 };
            for (name, drift_s, into) in
                [("near", 3.0 + 597.0 * part, &mut rough), ("far", 601.0 + 599.0 * part, &mut waited)]
            {
                let file = folder.join(format!("{name}-{number}.json")).to_str().unwrap().to_owned();
                let token = stack.lay(0, &["--drift", &(sign * drift_s).to_string(), "--state", &file]);
                let began = Instant::now();
                let _ = stack.json(&["--reader", "1", "sync", "--trust-host-clock"]);
                into[0].push(began.elapsed().as_secs_f64());
                token.take_off();
                let clock = StateFile::new(&file).load().unwrap().unwrap().clock;
                into[1].push(clock.drift_s(Utc::now().timestamp_nanos_opt().unwrap()).abs());
            }
        }
        let mut results = Results::of("clock_pairs");
        for (name, [mut took, mut error]) in [("3 to 600 s off", rough), ("601 to 1200 s off, tick waited for", waited)]
        {
            let (took, error) = (quantile(&mut took, 0.5), quantile(&mut error, 0.5));
            println!("{PAIRS} syncs in pairs, {name}: {took:.2} s at the median, true error {error:.4} s");
            results.add(serde_json::json!({ "drift": name, "took_median_s": took, "true_error_median_s": error }));
        }
        results.write();
    }

    fn quantile(values: &mut [f64], share: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * share).round() as usize]
    }

    fn report(runs: &[Run]) {
        println!(
            "clock          latency  runs  |true error| median   95 %    max  resolution max  contained  took median    max"
        );
        for free_running in [false, true] {
            for latency_ms in [0, 5, 30] {
                let chosen: Vec<&Run> = runs
                    .iter()
                    .filter(|run| (run.free_running, run.latency_ms) == (free_running, latency_ms))
                    .collect();
                let mut errors: Vec<f64> = chosen.iter().map(|run| run.true_error.abs()).collect();
                let mut resolutions: Vec<f64> = chosen.iter().map(|run| run.resolution).collect();
                let mut times: Vec<f64> = chosen.iter().map(|run| run.took).collect();
                let holds = |run: &&&Run| (run.true_error - run.reported).abs() <= run.resolution;
                println!(
                    "{:14} {latency_ms:4} ms {:5}      {:10.4} s {:6.4} s {:6.4} s {:11.4} s  {:4}/{:<4}  {:8.2} s {:5.2} s",
                    if free_running { "free-running" } else { "restarting" },
                    chosen.len(),
                    quantile(&mut errors, 0.5),
                    quantile(&mut errors, 0.95),
                    quantile(&mut errors, 1.0),
                    quantile(&mut resolutions, 1.0),
                    chosen.iter().filter(holds).count(),
                    chosen.len(),
                    quantile(&mut times, 0.5),
                    quantile(&mut times, 1.0),
                );
            }
        }
        let told = runs.iter().filter(|run| run.keeps_phase).count();
        println!("clocks of which it was said that they keep their phase: {told}");
        let mut results = Results::of("clock");
        for run in runs {
            results.add(serde_json::json!({
                "free_running": run.free_running, "latency_ms": run.latency_ms, "true_error_s": run.true_error,
                "reported_s": run.reported, "resolution_s": run.resolution, "took_s": run.took,
            }));
        }
        results.write();
    }
}
