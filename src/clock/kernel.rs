//! The operating system's own word on its clock. The only system call that is made by hand is in here.

/// The system's word on its own clock. Errors are in seconds and are what the system claims, not what is measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KernelWord {
    /// Whether something keeps the clock synchronised; `None` where the system cannot be asked.
    pub synchronised: Option<bool>,
    /// The estimated error.
    pub estimated_error_s: Option<f64>,
    /// The maximum error: 16 s when unsynchronised, and it grows offline. Shown, never judged.
    pub maximum_error_s: Option<f64>,
    /// What keeps it synchronised, and since when it has not heard from that, where the system tells (Windows' time service).
    pub source: Option<ClockSource>,
}

/// What keeps a clock synchronised, in the system's own words and language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSource {
    /// Its name.
    pub name: String,
    /// When it was last heard.
    pub last: String,
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
        source: None,
    }
}

/// How long Windows' time service may take for its answer. It is usually there in a tenth of a second.
#[cfg(windows)]
const SERVICE_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Asks Windows' time service (`w32tm /query /status`). One that is not running says nothing: another program may keep the clock.
#[cfg(windows)]
#[must_use]
pub fn kernel_word() -> KernelWord {
    let (told, answer) = std::sync::mpsc::channel();
    // Left behind where the service stands still.
    std::thread::spawn(move || {
        // Windows' own program, and none of that name that lies in the working folder.
        let root = std::env::var_os("SystemRoot").unwrap_or_else(|| "C:\\Windows".into());
        let program = std::path::Path::new(&root).join("System32").join("w32tm.exe");
        let output = std::process::Command::new(program).args(["/query", "/status"]).output();
        let said = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
        let _ = told.send(said.unwrap_or_default());
    });
    let said = answer.recv_timeout(SERVICE_WITHIN).unwrap_or_default();
    service_word(&String::from_utf8_lossy(&said))
}

/// The answer of Windows' time service. Its words are translated and its lines are not: leap indicator (3 is unsynchronised),
/// stratum (0 is none), precision, root delay, root dispersion, reference (`LOCL`: the computer's own clock, which nothing keeps), the
/// last time of synchronisation, source.
#[cfg(any(windows, test))]
fn service_word(said: &str) -> KernelWord {
    let mut values = said.lines().filter_map(|line| line.split_once(':')).map(|(_, value)| value.trim());
    let leap = values.next().and_then(|value| value.chars().next()?.to_digit(10)).filter(|leap| *leap <= 3);
    let is_without_source = values.next().is_some_and(|stratum| stratum.starts_with('0'));
    let seconds = |value: &str| {
        let number: String = value.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
        number.replace(',', ".").parse::<f64>().ok()
    };
    let mut values = values.skip(1);
    let (delay, dispersion) = (values.next().and_then(seconds), values.next().and_then(seconds));
    let is_own_clock = values.next().is_some_and(|reference| reference.to_ascii_uppercase().starts_with("0X4C4F434C"));
    let (last, name) = (values.next(), values.next());
    let source = |(name, last): (&str, &str)| ClockSource { name: name.to_owned(), last: last.to_owned() };
    let is_kept = leap.map(|leap| leap != 3 && !is_without_source && !is_own_clock);
    // RFC 5905, section 11.2: the root distance. Of a clock that nothing keeps it says nothing.
    let distance = delay.zip(dispersion).map(|(delay, dispersion)| delay / 2.0 + dispersion);
    KernelWord {
        synchronised: is_kept,
        maximum_error_s: distance.filter(|_| is_kept == Some(true)),
        source: name.zip(last).filter(|_| is_kept == Some(true)).map(source),
        ..KernelWord::default()
    }
}

/// macOS and others have nothing to ask that could be relied on.
#[cfg(not(any(target_os = "linux", windows)))]
#[must_use]
pub fn kernel_word() -> KernelWord {
    KernelWord::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Windows 10 prints it, in English and in German.
    const KEPT: [&str; 2] = [
        "Leap Indicator: 0(no warning)\r\nStratum: 4 (secondary reference - syncd by (S)NTP)\r\nPrecision: -23 (119.209ns per tick)\r\n\
         Root Delay: 0.0341655s\r\nRoot Dispersion: 7.8067311s\r\nReferenceId: 0x0A000001 (source IP:  10.0.0.1)\r\n\
         Last Successful Sync Time: 5/14/2026 10:24:38 AM\r\nSource: time.windows.com,0x8\r\nPoll Interval: 10 (1024s)\r\n",
        "Sprungindikator: 0(Keine Warnung)\r\nStratum: 3 (Sekund\u{fffd}rreferenz - synchr. \u{fffd}ber (S)NTP)\r\n\
         Pr\u{fffd}zision: -23 (119.209ns pro Tick)\r\nStammverz\u{fffd}gerung: 0,0341655s\r\nStammabweichung: 7,8067311s\r\n",
    ];

    #[test]
    fn windows_time_service_is_understood_in_any_language() {
        for said in KEPT {
            let word = service_word(said);
            assert_eq!(word.synchronised, Some(true));
            assert!((word.maximum_error_s.unwrap() - 7.823_813_85).abs() < 1e-9);
        }
        let source = service_word(KEPT[0]).source.unwrap();
        assert_eq!((source.name.as_str(), source.last.as_str()), ("time.windows.com,0x8", "5/14/2026 10:24:38 AM"));
        assert_eq!(service_word(KEPT[1]).source, None, "an answer that ends before it names none");
        let free = service_word(
            "Leap Indicator: 3(not synchronized)\nStratum: 0 (unspecified)\nPrecision: -23\nRoot Delay: 0.0s\nRoot Dispersion: 0.0s\n",
        );
        assert_eq!((free.synchronised, free.maximum_error_s), (Some(false), None));
        // Its own clock counts as a source of stratum 1 where somebody has set it up so.
        let own = "Leap Indicator: 0(no warning)\nStratum: 1 (primary reference)\nPrecision: -23\nRoot Delay: 0.0s\n\
                   Root Dispersion: 10.0s\nReferenceId: 0x4C4F434C (source name:  \"LOCL\")\nSource: Local CMOS Clock\n";
        assert_eq!(service_word(own).synchronised, Some(false));
    }

    #[test]
    fn what_is_no_answer_of_the_time_service_says_nothing() {
        for said in
            ["", "The service has not been started. (0x80070426)", "Error: x", "Leap Indicator: 9", ":::::", "a\nb\n"]
        {
            assert_eq!(service_word(said), KernelWord::default(), "{said}");
        }
    }
}
