//! From readings of a token's clock to its rate, an interval that holds its drift at a later time, and the date by which it must
//! come back (`docs/drift.md`). Everything here is pure.

mod clock_state;
mod fit;
mod fleet;
mod forecast;
mod jump;
mod prior;
mod runs;
mod visit;
mod wander;
mod window;

pub use fit::{Fit, Rate, Standing};
pub use fleet::{Fleet, History};
pub use forecast::{Come, Forecast, Interval};
pub use jump::{Cause, Jump};
pub use prior::{Prior, PriorSource};
pub use visit::{Bounded, Left, Visit};
pub use wander::Wander;
pub use window::{Following, Window};

/// One part in a million, in seconds a day.
pub const PPM: f64 = 0.0864;

/// A day, in seconds.
const DAY_S: f64 = 86_400.0;

/// So many standard deviations to either side hold 95 % of a normal distribution.
const SIGMAS_95: f64 = 1.96;
