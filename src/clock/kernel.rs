//! The operating system's own word on its clock. The only system call that is made by hand is in here.

/// The system's word on its own clock. Errors are in seconds and are what the system claims, not what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct KernelWord {
    /// Whether something keeps the clock synchronised; `None` where the system cannot be asked.
    pub synchronised: Option<bool>,
    /// The estimated error.
    pub estimated_error_s: Option<f64>,
    /// The maximum error: 16 s when unsynchronised, and it grows offline. Shown, never judged.
    pub maximum_error_s: Option<f64>,
}

/// Asks the kernel (adjtimex(2)): it is unsynchronised while the call returns `TIME_ERROR` or `STA_UNSYNC` is set.
#[cfg(target_os = "linux")]
#[must_use]
#[allow(unsafe_code, reason = "no safe wrapper of adjtimex is in a well-kept crate")]
pub fn kernel_word() -> KernelWord {
    // SAFETY: a timex of zeros is valid, and with `modes` 0 the call only fills it in.
    let (state, time) = unsafe {
        let mut time: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut time), time)
    };
    if state < 0 {
        return KernelWord::default();
    }
    let seconds = |microseconds: libc::c_long| Some(microseconds as f64 / 1e6);
    KernelWord {
        synchronised: Some(state != libc::TIME_ERROR && time.status & libc::STA_UNSYNC == 0),
        estimated_error_s: seconds(time.esterror),
        maximum_error_s: seconds(time.maxerror),
    }
}

/// Asks Windows' time service. Its words are translated, its leap indicator is a number everywhere: 3 is unsynchronised.
#[cfg(windows)]
#[must_use]
pub fn kernel_word() -> KernelWord {
    let output = std::process::Command::new("w32tm").args(["/query", "/status"]).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned();
    let leap = text.lines().find_map(|line| line.split_once(": ")?.1.trim().chars().next()?.to_digit(10));
    KernelWord { synchronised: leap.map(|leap| leap != 3), ..KernelWord::default() }
}

/// macOS and others have nothing to ask that could be relied on.
#[cfg(not(any(target_os = "linux", windows)))]
#[must_use]
pub fn kernel_word() -> KernelWord {
    KernelWord::default()
}
