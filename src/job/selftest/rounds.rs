//! Throw-away seeds of several lengths, each with another profile, and the codes that the display then shows.

use super::bench::{Bench, Part, Place, Shown};
use super::found::{Round, SeedAfter, Seen, Tested, Unseen};
use super::{Selftest, next, settled};
use crate::clock::Drift;
use crate::device::{Device, DisplayTime, Info, Profile};
use crate::inventory::{Deed, Entry, Event, Outcome, SeedChange, SlotKey, TokenChange};
use crate::job::batch::fresh_seed;
use crate::job::request::{BurnRequest, ConfigRequest, ProfileRequest, Terms};
use crate::job::verify::{Verdict, VerdictKind, judge};
use crate::job::{Failure, Front, Problem, SeedChoice, SingleWrite, TokenState, WriteOutcome, remedy::TokenRemedy};
use crate::otp::search::TotpProfile;
use crate::otp::{Code, Hash, TimeStep};
use crate::seed::Seed;
use crate::seedfile::Row;
use crate::time::UnixTime;

/// The length of the usual seed, in bytes.
pub(super) const USUAL_SEED: usize = 20;

/// The lengths of the seeds, in bytes, each with a profile: the usual one, the shortest, those that fill a block of the cipher (§5
/// of `docs/protocol.md`), and the longest; every hash with every time step, and every display time.
const ROUNDS: [(usize, Hash, TimeStep, DisplayTime); 5] = [
    (USUAL_SEED, Hash::Sha1, TimeStep::S30, DisplayTime::S30),
    (1, Hash::Sha256, TimeStep::S30, DisplayTime::S15),
    (16, Hash::Sha1, TimeStep::S60, DisplayTime::S60),
    (32, Hash::Sha256, TimeStep::S60, DisplayTime::S120),
    (63, Hash::Sha1, TimeStep::S30, DisplayTime::S30),
];

/// How far from now a code of a clock that was just set may lie: it was read a while before it was typed. In seconds.
const NEAR_S: u32 = 180;

/// A seed that is on the token, by a code that it showed.
pub(super) struct OnToken {
    seed: Seed,
    profile: Profile,
}

/// Burns one throw-away seed after the other. The last one, if its code was right.
///
/// # Errors
/// A failure that ends the test at once.
pub(super) fn run<B: Bench>(
    test: &Selftest,
    bench: &mut B,
    info: &Info,
    tested: &mut Tested,
) -> Result<Option<OnToken>, Failure> {
    let mut last = None;
    for (number, (bytes, hash, step, display)) in (1..).zip(ROUNDS) {
        let profile = Profile::new(hash, step, display);
        next(bench, Part::Round { number, of: ROUNDS.len(), bytes, profile })?;
        let seed = fresh_seed(bytes)?;
        let burned = bench.at_token(&mut |device, place| burn(test, device, place, info, &seed, profile).map(|_| ()));
        let burned = settled(burned)?;
        let code = match burned {
            Ok(()) => ask(bench, info, &seed, profile),
            Err(_) => Err(Unseen::NotTried),
        };
        let is_right = code.as_ref().is_ok_and(is_right);
        tested.rounds.push(Round { bytes, profile, burned, code });
        last = is_right.then_some(OnToken { seed, profile });
    }
    Ok(last)
}

/// Whether a verdict is one of this seed and profile.
#[must_use]
pub fn is_right(verdict: &Verdict) -> bool {
    verdict.is_accepted(NEAR_S)
}

/// Asks what the display shows; a code that fits nothing may be mistyped, and is asked for once more.
fn ask<B: Bench>(bench: &mut B, info: &Info, seed: &Seed, profile: Profile) -> Seen<Verdict> {
    let mut seen = Err(Unseen::NotTold);
    for again in [false, true] {
        match bench.shown(again) {
            None => break,
            Some(Shown::Nothing) => seen = Err(Unseen::Unclear),
            Some(Shown::Code(code)) => {
                let verdict = verdict(info, seed, profile, code, bench.now());
                let is_settled = verdict.kind() != VerdictKind::NoMatch;
                seen = Ok(verdict);
                if is_settled {
                    break;
                }
            }
        }
    }
    seen
}

fn verdict(info: &Info, seed: &Seed, profile: Profile, code: Code, now: UnixTime) -> Verdict {
    let expected = TotpProfile { hash: profile.hash(), step: profile.step() };
    judge(info.can, seed, expected, &[code], now.timestamp(), NEAR_S)
}

/// Sets the clock alone, and asks whether the display still shows the codes of the seed that was on the token.
///
/// # Errors
/// A failure that ends the test at once.
pub(super) fn seed_after<B: Bench>(
    test: &Selftest,
    bench: &mut B,
    info: &Info,
    on_token: Option<&OnToken>,
) -> Result<Seen<SeedAfter>, Failure> {
    // Without a code that was right, none that is missing tells anything.
    let Some(OnToken { seed, profile }) = on_token else { return Ok(Err(Unseen::NotTold)) };
    let set = bench.at_token(&mut |device, place| configure(test, device, place, info, *profile).map(|_| ()));
    if let Err(unseen) = settled(set)? {
        return Ok(Err(unseen));
    }
    for again in [false, true] {
        match bench.shown(again) {
            None => return Ok(Err(Unseen::NotTold)),
            Some(Shown::Nothing) => return Ok(Ok(SeedAfter::Erased)),
            Some(Shown::Code(code)) if is_right(&verdict(info, seed, *profile, code, bench.now())) => {
                return Ok(Ok(SeedAfter::Kept));
            }
            Some(Shown::Code(_)) => {}
        }
    }
    Ok(Err(Unseen::Unclear))
}

/// Burns a throw-away seed, recorded as every burn is.
///
/// # Errors
/// The job's.
pub(super) fn burn(
    test: &Selftest,
    device: &mut dyn Device,
    place: Place<'_>,
    info: &Info,
    seed: &Seed,
    profile: Profile,
) -> Result<WriteOutcome, Failure> {
    let request = BurnRequest {
        seed: Some(SeedChoice::One(Box::new(Row::of_seed(seed.clone())))),
        profile: stated(profile),
        replace_seed: true,
        reassign: true,
        terms: terms(test, info),
        ..BurnRequest::default()
    };
    carry_out(&request.prepare()?, device, place)
}

/// Sets the profile, and the clock finely.
fn configure(
    test: &Selftest,
    device: &mut dyn Device,
    place: Place<'_>,
    info: &Info,
    profile: Profile,
) -> Result<WriteOutcome, Failure> {
    let (profile, terms) = (stated(profile), terms(test, info));
    let request = ConfigRequest { profile, erase_seed: true, terms, ..ConfigRequest::default() };
    carry_out(&request.prepare()?, device, place)
}

/// Leaves the token with the factory's profile and the right time; the drift afterwards.
///
/// # Errors
/// The job's.
pub(super) fn leave_as_new(
    test: &Selftest,
    device: &mut dyn Device,
    place: Place<'_>,
    info: &Info,
) -> Result<Drift, Failure> {
    let forgets = forgets(&place, info);
    let books = place.recorder.books;
    let outcome = configure(test, device, place, info, Profile::FACTORY)?;
    // A seed that nobody needs on record would have it said that the token works.
    books.map_or(Ok(()), |books| books.keep(&forgets))?;
    let nothing_read = || Failure::new(Problem::NoClock(info.clone()), TokenState::InTest, TokenRemedy::TestAgain);
    outcome.drift.map(|drift| drift.after).ok_or_else(nothing_read)
}

/// The record without the last throw-away seed.
fn forgets(place: &Place<'_>, info: &Info) -> Entry {
    let event = Event {
        at: place.host.now().wall,
        job: 0,
        station: place.recorder.station.clone(),
        serial: Some(info.serial.to_string()),
        slot: 0,
        deed: Deed::Forget,
        outcome: Outcome::Done,
        before: None,
        after: None,
        state: None,
        detail: place.recorder.remark.clone(),
    };
    let token = TokenChange { seed: SeedChange::Forgotten, ..TokenChange::of(SlotKey::only(info.serial.as_str())) };
    Entry { event, token: Some(token), row: None }
}

fn stated(profile: Profile) -> ProfileRequest {
    let (step_s, display_s) = (Some(profile.step().seconds()), Some(profile.display().seconds()));
    ProfileRequest { hash: Some(profile.hash()), step_s, display_s }
}

fn terms(test: &Selftest, info: &Info) -> Terms {
    Terms {
        expect_serial: Some(info.serial.to_string()),
        allow_unknown_model: test.guard.allow_unknown_model,
        allow_short_seed: true,
        // One byte has few values, and each token that was ever tested may have had any of them.
        allow_shared_secret: true,
        key: test.key.clone(),
        ..Terms::default()
    }
}

fn carry_out(write: &SingleWrite, device: &mut dyn Device, place: Place<'_>) -> Result<WriteOutcome, Failure> {
    let Place { host, recorder, .. } = place;
    let mut front = Front {
        tell: &|_| (),
        confirm: None,
        before: &mut |_, _| Ok(()),
        // A write that has begun is finished; between two parts the test can be stopped.
        interrupted: &|| false,
    };
    write.run(device, host, recorder, &mut front)
}
