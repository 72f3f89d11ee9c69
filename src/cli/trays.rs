//! The readers of a run of many tokens.

use std::path::Path;
use std::sync::Arc;

use super::args::Global;
use super::interrupt;
use crate::emulator::{EmulatedTray, FixedTrays};
use crate::job::Failure;
use crate::reader::{Interrupted, PcscTrays, Selector, Trays, Wanted};
use crate::time::{HostClock, SystemClock};

/// Whether no flag is for one token alone.
///
/// # Errors
/// A usage failure that names the flag.
pub fn check_for_many(global: &Global) -> Result<(), Failure> {
    if global.expect_serial.is_some() {
        return Err(Failure::usage("--expect-serial is for one token", "remove it"));
    }
    if global.trace {
        return Err(Failure::usage("--trace is for one token", "remove it, or trace the token with tokentap info"));
    }
    Ok(())
}

/// The readers that the arguments name: all of them, those that a name fits, or a folder of emulated tokens.
///
/// # Errors
/// A failure of the service, or of the emulated tokens' folder.
pub fn open(global: &Global, wanted: Wanted, clock: &SystemClock) -> Result<Box<dyn Trays>, Failure> {
    let interrupted: Interrupted = Arc::new(interrupt::asked);
    let trays: Box<dyn Trays> = match global.reader.as_deref() {
        Some("emulated") => {
            return Err(Failure::usage(
                "no folder of emulated tokens was specified",
                "name a folder of their states: --reader emulated:FOLDER (tokentap emulate --create makes them)",
            ));
        }
        Some(reader) => match reader.strip_prefix("emulated:") {
            Some(path) => {
                let shared: Arc<dyn HostClock> = Arc::new(clock.clone());
                let tray = EmulatedTray::open(reader, Path::new(path), wanted, shared).map_err(|error| {
                    let next = "name a folder of state files that tokentap emulate --create made";
                    Failure::file(error.to_string(), next)
                })?;
                Box::new(FixedTrays::new(vec![Box::new(tray)]))
            }
            None => Box::new(PcscTrays::open(Selector::Named(reader.to_owned()), wanted, interrupted)?),
        },
        None => Box::new(PcscTrays::open(Selector::Any, wanted, interrupted)?),
    };
    interrupt::begin_work();
    Ok(trays)
}
