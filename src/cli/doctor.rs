//! `tokentap doctor`: service, readers, permissions, host clock, the server of the inventory, each with its remedy.

use super::args::{DoctorArgs, Global, HostArgs};
use super::describe::local;
use super::host;
use super::output::Output;
use super::{Ran, interrupt};
use crate::clock::{Demands, ask, check_plausible, judge, kernel_word};
use crate::job::Exit;
use crate::reader::{Bounds, ReaderError, Slots};
use crate::report::{DoctorReport, Finding, host_clock_words, slot_words};
use crate::time::{HostClock, SystemClock};

pub fn run(global: &Global, args: &DoctorArgs, output: &Output) -> Ran {
    let mut findings = Vec::new();
    let bounds = Bounds::until(None, &interrupt::asked);
    match Slots::open(&bounds) {
        Err(error) => findings.push(Finding::bad("service", &error.into())),
        Ok(slots) => {
            findings.push(Finding::good("service", "the PC/SC service answers"));
            match slots.list(&bounds) {
                Err(error) => findings.push(Finding::bad("readers", &error.into())),
                Ok(list) if list.is_empty() => findings.push(Finding::bad("readers", &no_reader().into())),
                Ok(list) => {
                    findings.extend(list.iter().map(|slot| {
                        Finding::good("reader", format!("{}: {}", slot.name.escape_debug(), slot_words(slot)))
                    }));
                }
            }
        }
    }
    findings.extend(host_clock(&args.host));
    findings.extend(database(global));
    let exit = findings.iter().map(|finding| finding.exit).find(|exit| *exit != Exit::Done);
    output.report(&DoctorReport { findings });
    Ok(exit.unwrap_or(Exit::Done))
}

/// The host's clock: whether it can be right at all, and whether anything vouches for it.
fn host_clock(args: &HostArgs) -> [Finding; 2] {
    let now = SystemClock::new().now().wall;
    let plausible = match check_plausible(now) {
        Ok(_) => Finding::good("host clock", local(now)),
        Err(error) => Finding::bad("host clock", &error.into()),
    };
    let strict = Demands { strict: !args.trust_host_clock, ..host::demands(args) };
    let (kernel, answer) = (kernel_word(), ask(&strict.ntp));
    let vouched = match judge(&strict, kernel.clone(), answer.clone()) {
        Ok(standing) => Finding::good("host clock", host_clock_words(&standing)),
        Err(distrust) => {
            let asked = judge(&Demands { trust: true, ..strict }, kernel, answer);
            let detail = asked.map(|standing| host_clock_words(&standing)).unwrap_or_default();
            let found = Finding::bad("host clock", &distrust.into());
            Finding { fact: format!("{} ({detail})", found.fact), ..found }
        }
    };
    [plausible, vouched]
}

/// The inventory, where it is on a server: whether that answers, and whether the two clocks agree. What waits for it is said by every
/// command.
#[cfg(feature = "postgres")]
fn database(global: &Global) -> Option<Finding> {
    use super::store::{CLOCKS_WITHIN_S, Where, locate};
    use crate::inventory::Postgres;
    use crate::job::{Failure, unopened};
    use crate::report::clocks_apart;

    let address = match locate(global) {
        Ok(Some(Where::Server(address))) => address,
        Err(error @ crate::inventory::InventoryError::Address(_)) => {
            return Some(Finding::bad("inventory", &unopened(&error)));
        }
        _ => return None,
    };
    let name = address.shown().display().to_string();
    let opened =
        Postgres::open(*address).and_then(|server| server.greet(&super::record::station(), &SystemClock::new()));
    Some(match opened {
        Err(error) => Finding::bad("inventory", &unopened(&error)),
        Ok(clock_s) if clock_s.abs() > CLOCKS_WITHIN_S => {
            let next = "let both follow a time service";
            Finding::bad("inventory", &Failure::usage(clocks_apart(clock_s), next))
        }
        Ok(_) => Finding::good("inventory", format!("{name} answers")),
    })
}

#[cfg(not(feature = "postgres"))]
fn database(_: &Global) -> Option<Finding> {
    None
}

/// No reader: perhaps one is plugged in and the kernel's NFC driver has taken it.
fn no_reader() -> ReaderError {
    taken_by_kernel().map_or(ReaderError::NoReader, ReaderError::TakenByKernel)
}

/// An ACS reader on USB while the kernel's driver for its chip is loaded.
#[cfg(target_os = "linux")]
fn taken_by_kernel() -> Option<String> {
    const ACS: &str = "072f";
    let modules = std::fs::read_to_string("/proc/modules").ok()?;
    if !modules.lines().any(|line| line.starts_with("pn533_usb ")) {
        return None;
    }
    let devices = std::fs::read_dir("/sys/bus/usb/devices").ok()?;
    devices.flatten().find_map(|device| {
        let vendor = std::fs::read_to_string(device.path().join("idVendor")).ok()?;
        let product = std::fs::read_to_string(device.path().join("product")).unwrap_or_default();
        (vendor.trim() == ACS).then(|| format!("an ACS reader ({})", product.trim().escape_debug()))
    })
}

#[cfg(not(target_os = "linux"))]
fn taken_by_kernel() -> Option<String> {
    None
}
