//! Remedies for a host's clock that cannot be trusted, in words, by system.

use crate::clock::ClockRemedy;

/// How a host's clock is kept right by the system.
pub const SYNCHRONISE: &str = if cfg!(windows) {
    "as an administrator: net start w32time, then w32tm /resync"
} else if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else {
    "timedatectl set-ntp true"
};

/// A remedy for the host's clock in words.
#[must_use]
pub fn remedy_of_clock(remedy: ClockRemedy) -> String {
    match remedy {
        ClockRemedy::Set => {
            format!("set the host's clock, best by NTP ({SYNCHRONISE}), and run the same command again")
        }
        ClockRemedy::Synchronise => {
            format!("synchronise it ({SYNCHRONISE}), or use --ntp SERVER, or accept the clock with --trust-host-clock")
        }
        ClockRemedy::Compare => {
            "find out which of the two is right (another server: --ntp SERVER); then set the host's \
                                 clock, or correct by the server with --allow-large-correction"
                .to_owned()
        }
        ClockRemedy::Correct => {
            "set the host's clock, or drop --ntp-check to correct the written time, or accept the clock \
                                 with --trust-host-clock"
                .to_owned()
        }
        ClockRemedy::OtherServer => {
            "use another server with --ntp SERVER, or drop --ntp, or accept the host's clock with \
                                     --trust-host-clock"
                .to_owned()
        }
    }
}
