//! A profile as the stores keep it: three columns.

use crate::device::{DisplayTime, Profile};
use crate::otp::{Hash, TimeStep};

/// The profile of a hash, a time step and a display time, both in seconds.
///
/// # Errors
/// The name of the column whose value this program never writes.
pub fn profile_of(hash: &str, step_s: u32, display_s: u32) -> Result<Profile, &'static str> {
    let hash = match hash {
        "SHA1" => Hash::Sha1,
        "SHA256" => Hash::Sha256,
        _ => return Err("hash"),
    };
    let step = TimeStep::new(step_s).ok_or("step_s")?;
    let display = DisplayTime::of_seconds(display_s).map_err(|_| "display_s")?;
    Ok(Profile::new(hash, step, display))
}
