//! The clocks: what a reading says about a token's drift, and whether the host's own clock can be used.

mod drift;
mod host;
mod measure;
mod set;
mod tick;

pub use drift::{Drift, Method, Reading};
pub use host::{HostClockError, check_plausible};
pub use measure::{Fine, Poller, SCAN_APDUS, SCAN_LIMIT, open, read};
pub use set::{SetClock, Target, set_on_the_second};
pub use tick::{Estimator, Seen};
