//! The clocks: what a reading says about a token's drift, and whether the host's own clock can be used.

mod drift;
mod host;
mod kernel;
mod measure;
mod ntp;
mod phase;
mod remedy;
mod set;
mod sntp;
mod tick;
mod trust;

pub use drift::{Drift, Method, Reading};
pub use host::{HostClockError, check_plausible};
pub use kernel::{ClockSource, KernelWord, kernel_word};
pub use measure::{Fine, Poller, SCAN_APDUS, SCAN_LIMIT, measure, open, read};
pub use ntp::{NtpError, NtpReading, ask};
pub use phase::{SecondAtWrite, second_at_write};
pub use remedy::ClockRemedy;
pub use set::{SetClock, Target, set_on_the_second};
pub use tick::{Estimator, Seen};
pub use trust::{Demands, Distrust, Standing, assess, judge, jump_between};
