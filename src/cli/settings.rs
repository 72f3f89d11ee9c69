//! Settings: the arguments of a write, resolved into the requests that jobs take. Below this no argument is known.

use std::path::Path;

use super::args::{
    BurnArgs, ChoiceArgs, ClockArgs, ConfigArgs, Global, ProfileArgs, SlotArgs, SlotSettingArgs, SyncArgs, WriteArgs,
};
use super::describe::without_blanks;
use super::record::Need;
use super::unused::unused;
use super::{secret, station, time_arg};
use crate::device::{CapabilityError, Family, Key, Serial, Title};
use crate::job::request::{BurnRequest, ClockRequest, ConfigRequest, ProfileRequest, SyncRequest, Terms};
use crate::job::{Failure, Opener, SeedChoice, SlotWish};
use crate::otp::Hash;
use crate::time::UnixTime;

/// Values that the arguments name elsewhere: the seed, what opens sealed ones, and the host's time.
pub struct Named {
    /// The seed.
    pub seed: Option<SeedChoice>,
    /// The opener of sealed seeds.
    pub opener: Option<Opener>,
    /// The host's time.
    pub now: UnixTime,
}

/// The request of `sync`.
///
/// # Errors
/// A usage failure.
pub fn sync(global: &Global, args: &SyncArgs, named: Named) -> Result<SyncRequest, Failure> {
    let clock = time_arg::clock(&args.time, named.now, args.write.allow_other_time)?;
    check_used(&args.write, &args.seed.choice, named.seed.as_ref(), Some(clock))?;
    let slot = on_slot(&args.slot, None)?;
    Ok(SyncRequest {
        clock,
        profile: profile(&args.profile),
        seed: named.seed,
        erase_seed: args.erase_seed,
        if_drift_over_s: args.if_drift_over,
        fast: args.fast,
        terms: terms(global, &args.write, &args.seed.choice, named.opener, slot)?,
    })
}

/// The same for one of all slots of a Molto2; its customer key is read once for all of them.
///
/// # Errors
/// A usage failure.
pub fn sync_slot(global: &Global, args: &SyncArgs, named: Named, slot: u16) -> Result<SyncRequest, Failure> {
    let clock = time_arg::clock(&args.time, named.now, args.write.allow_other_time)?;
    check_used(&args.write, &args.seed.choice, None, Some(clock))?;
    let on = OnSlot { family: Family::Molto2, slot, wish: SlotWish::default(), key: None };
    let terms = terms(global, &args.write, &args.seed.choice, named.opener, on)?;
    Ok(SyncRequest { clock, fast: args.fast, terms, ..SyncRequest::default() })
}

/// The request of `config`.
///
/// # Errors
/// A usage failure.
pub fn config(global: &Global, args: &ConfigArgs, named: Named) -> Result<ConfigRequest, Failure> {
    let clock = clock(&args.clock, named.now, args.write.allow_other_time)?;
    check_used(&args.write, &args.seed.choice, named.seed.as_ref(), Some(clock))?;
    let slot = on_slot(&args.slot, Some(&args.setting))?;
    Ok(ConfigRequest {
        profile: profile(&args.profile),
        clock,
        seed: named.seed,
        erase_seed: args.erase_seed,
        fast: args.fast,
        terms: terms(global, &args.write, &args.seed.choice, named.opener, slot)?,
    })
}

/// The request of `burn`.
///
/// # Errors
/// A usage failure.
pub fn burn(global: &Global, args: &BurnArgs, named: Named) -> Result<BurnRequest, Failure> {
    let clock = match args.seed_only {
        true => None,
        false => Some(clock(&args.clock, named.now, args.write.allow_other_time)?),
    };
    if args.generate.is_some() && args.write.allow_short_seed {
        return Err(unused("--allow-short-seed", "a new seed is never short"));
    }
    // --user names the user of a seed that names none.
    let choice = ChoiceArgs { user: None, ..args.seed.choice.clone() };
    check_used(&args.write, &choice, named.seed.as_ref(), clock)?;
    let slot = match args.hotp {
        true => {
            let wish = SlotWish { digits: args.setting.digits, enter: args.enter, ..SlotWish::default() };
            OnSlot { family: Family::HotpKey, slot: 0, wish, key: None }
        }
        false => on_slot(&args.slot, Some(&args.setting))?,
    };
    Ok(BurnRequest {
        seed: named.seed,
        user: args.seed.choice.user.clone(),
        seed_only: args.seed_only,
        profile: profile(&args.profile),
        clock: clock.unwrap_or_default(),
        precise: args.precise,
        replace_seed: args.replace_seed,
        reassign: args.reassign,
        terms: terms(global, &args.write, &args.seed.choice, named.opener, slot)?,
    })
}

/// The slot that flags name, on a device that has several.
pub struct OnSlot {
    /// The family of that device.
    pub family: Family,
    /// The slot.
    pub slot: u16,
    /// What is wanted of it beside seed, profile and clock.
    pub wish: SlotWish,
    /// The device's own key.
    pub key: Option<Key>,
}

/// The slot of a Molto2 that flags name; without one, an NFC token is meant.
///
/// # Errors
/// A usage failure: a flag that needs a slot, a title or a customer key that cannot be.
pub fn on_slot(args: &SlotArgs, setting: Option<&SlotSettingArgs>) -> Result<OnSlot, Failure> {
    let nothing = SlotSettingArgs::default();
    let setting = setting.unwrap_or(&nothing);
    let Some(slot) = args.slot else {
        for (is_given, flag) in [
            (args.customer_key.is_some(), "--customer-key"),
            (setting.digits.is_some(), "--digits"),
            (setting.title.is_some(), "--title"),
        ] {
            if is_given {
                let fact = format!("{flag} is for a slot of a Molto2, and no slot was named");
                return Err(Failure::usage(
                    fact,
                    format!("add --slot N for the slot that is meant; for a token, remove {flag}"),
                ));
            }
        }
        return Ok(OnSlot { family: Family::Nfc, slot: 0, wish: SlotWish::default(), key: None });
    };
    let can = Family::Molto2.usual();
    if slot >= can.slots {
        let fact = format!("a Molto2 has no slot {slot}: they are numbered from 0 to {}", can.slots - 1);
        return Err(Failure::usage(fact, "use one of those"));
    }
    let usage = |error: CapabilityError| Failure::usage(error.to_string(), "use one that the slot can have");
    let title = setting.title.as_deref().map(|title| Title::new(title, can.title_bytes)).transpose().map_err(usage)?;
    can.check_code(None, None, setting.digits).map_err(usage)?;
    let wish = SlotWish { digits: setting.digits, title, ..SlotWish::default() };
    let key = args.customer_key.as_deref().map(|path| secret::stated_customer_key(Some(path))).transpose()?;
    Ok(OnSlot { family: Family::Molto2, slot, wish, key })
}

/// The profile that flags state.
pub fn profile(args: &ProfileArgs) -> ProfileRequest {
    ProfileRequest { hash: args.hash.map(Hash::from), step_s: args.step, display_s: args.display }
}

/// How much a command needs the inventory that writes a profile: it may know the one that flags do not state.
/// Of a device with slots it may keep the customer key, whatever is stated.
pub fn need(flags: &ProfileArgs, slot: &SlotArgs) -> Need {
    match slot.slot {
        Some(_) => Need::Must,
        None if flags.hash.is_some() && flags.step.is_some() => Need::Stated,
        None => Need::Profile,
    }
}

/// The meaning of `--time`, `--auto-sync` and `--no-auto-sync` for the clock.
fn clock(args: &ClockArgs, now: UnixTime, allow_other: bool) -> Result<ClockRequest, Failure> {
    match &args.time {
        _ if args.no_auto_sync => Ok(ClockRequest::CarryOn),
        None => Ok(ClockRequest::Now),
        Some(time) => time_arg::clock(time, now, allow_other),
    }
}

/// The terms of every write.
fn terms(
    global: &Global,
    write: &WriteArgs,
    choice: &ChoiceArgs,
    opener: Option<Opener>,
    on: OnSlot,
) -> Result<Terms, Failure> {
    if on.family == Family::Molto2 && write.token_key.is_some() {
        return Err(unused("--token-key", "a Molto2 is opened with its customer key: --customer-key"));
    }
    let expected = station::guard(global, write.allow_unknown_model)?.expect_serial;
    // Whoever names a serial means that token, also where there is no row to choose by it.
    let chosen = match &choice.serial {
        None => None,
        Some(serial) => Some(
            Serial::new(&without_blanks(serial))
                .ok_or_else(|| Failure::usage("--serial is not a serial", "use the digits on the back of the token"))?,
        ),
    };
    Ok(Terms {
        expect_serial: expected.or(chosen).map(|serial| serial.to_string()),
        slot: on.slot,
        family: on.family,
        wish: on.wish,
        allow_unknown_model: write.allow_unknown_model,
        allow_short_seed: write.allow_short_seed,
        allow_shared_secret: write.allow_shared_secret,
        try_again: write.try_again,
        key: match on.key {
            Some(key) => key,
            None => secret::token_key(write.token_key.as_deref().map(Path::new))?,
        },
        opener,
    })
}

/// Whether an identity opens anything beside a seed, where one `is_named`: the customer key of a device that has one.
///
/// # Errors
/// A usage failure.
pub fn check_identity(write: &WriteArgs, is_named: bool, slot: &SlotArgs) -> Result<(), Failure> {
    match write.identity.is_some() && is_named && slot.slot.is_none() {
        true => Err(unused("--identity", "the seed is named")),
        false => Ok(()),
    }
}

/// Whether every permission that was given permits something, and every choice chooses.
///
/// # Errors
/// A usage failure that names the flag.
fn check_used(
    write: &WriteArgs,
    choice: &ChoiceArgs,
    seed: Option<&SeedChoice>,
    clock: Option<ClockRequest>,
) -> Result<(), Failure> {
    let has_seed = seed.is_some() || write.identity.is_some();
    let names_user = seed.and_then(SeedChoice::one).is_some_and(|row| row.user.is_some());
    let no_seed = "no seed is named";
    let is_other_time = matches!(clock, Some(ClockRequest::At(_)));
    for (is_given, flag, is_used, why) in [
        (write.allow_shared_secret, "--allow-shared-secret", has_seed, no_seed),
        (write.allow_short_seed, "--allow-short-seed", has_seed, no_seed),
        (choice.row.is_some(), "--row", seed.is_some(), no_seed),
        (choice.user.is_some(), "--user", names_user, "no row of a seed file is chosen by it"),
        (write.allow_other_time, "--allow-other-time", is_other_time, "the clock is not set to another time"),
    ] {
        if is_given && !is_used {
            return Err(unused(flag, why));
        }
    }
    Ok(())
}
