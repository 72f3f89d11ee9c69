//! Seed files by the million, as whole processes. Run by `scripts/bench seeds`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench fails by panicking"
)]

#[cfg(target_os = "linux")]
mod measure;

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this bench needs Linux, for its accounting of memory");
}

#[cfg(target_os = "linux")]
fn main() {
    use std::fmt::Write;
    use std::process::Command;

    use measure::{Results, median, run};

    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut results = Results::of("seeds");
    println!("job                              rows      time (median of 5)   peak memory");
    for (name, rows) in [("duo -> csv, with duplicates", 1_000_000_u64), ("duo, checked", 100_000)] {
        let file = folder.path().join(format!("{rows}.csv"));
        let mut text = String::new();
        for row in 0..rows {
            // Any distinct secrets will do: a multiplier spreads the row's number over 160 bits.
            let spread = u128::from(row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            writeln!(text, "8659612{row:07},{spread:032X}{row:08X}").unwrap();
        }
        std::fs::write(&file, &text).unwrap();
        // A child's peak begins with what this process holds when it starts it.
        drop(text);
        let out = folder.path().join("out.csv");
        let took: Vec<_> = (0..5)
            .map(|_| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_tokentap"));
                command.arg("seeds");
                if rows == 1_000_000 {
                    command
                        .arg("convert")
                        .arg(&file)
                        .args(["--from", "duo", "--to", "csv", "--force", "--out"])
                        .arg(&out);
                } else {
                    command.arg("check").arg(&file).args(["--from", "duo"]);
                }
                run(&mut command)
            })
            .collect();
        let peak = took.iter().map(|took| took.peak_mib).fold(0.0, f64::max);
        let time = median(took.iter().map(|took| took.wall_s).collect());
        println!("{name:28} {rows:9} {time:18.2} s {peak:14.0} MiB");
        results.add(serde_json::json!({ "job": name, "rows": rows, "median_s": time, "peak_mib": peak }));
    }
    results.write();
}
