//! What a whole process takes: wall time and peak memory, from the kernel's own accounting; the results as JSON.

use std::process::Command;
use std::time::Instant;

/// The results of a bench, for other programs: `target/bench/NAME.json`, written anew by each run.
pub struct Results {
    name: &'static str,
    results: Vec<serde_json::Value>,
}

#[allow(dead_code, reason = "each bench uses what it needs")]
impl Results {
    /// None so far.
    pub fn of(name: &'static str) -> Self {
        Self { name, results: Vec::new() }
    }

    /// One more, with its units in the names of its fields.
    pub fn add(&mut self, result: serde_json::Value) {
        self.results.push(result);
    }

    /// Writes the file.
    pub fn write(self) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}.json", self.name));
        let all =
            serde_json::json!({ "bench": self.name, "version": env!("CARGO_PKG_VERSION"), "results": self.results });
        std::fs::write(&file, format!("{all:#}\n")).unwrap();
        println!("as JSON: target/bench/{}.json", self.name);
    }
}

/// A finished process.
pub struct Took {
    /// Wall time in seconds.
    pub wall_s: f64,
    /// Peak resident memory in MiB.
    pub peak_mib: f64,
}

/// Runs a command that must succeed. Its output is thrown away.
#[allow(
    unsafe_code,
    clippy::zombie_processes,
    reason = "only wait4 tells a single child's peak memory, and it reaps it"
)]
pub fn run(command: &mut Command) -> Took {
    let began = Instant::now();
    let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    // SAFETY: both structures are plain data that the call fills in, and the child is waited for nowhere else.
    let (reaped, status, usage) = unsafe {
        let mut status = 0;
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), status, usage)
    };
    let wall_s = began.elapsed().as_secs_f64();
    assert!(reaped == pid && status == 0, "{command:?} failed: {status}");
    Took { wall_s, peak_mib: usage.ru_maxrss as f64 / 1024.0 }
}

/// The middle one of some values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
