//! Throw-away seeds of several lengths, each with another profile, and the codes that the display then shows.

use std::cell::RefCell;

use super::bench::{Asked, Bench, Part, Place, Shown};
use super::found::{Round, SeedAfter, Seen, Tested, Unseen};
use super::{Selftest, next, settled};
use crate::clock::Drift;
use crate::device::{Device, DisplayTime, Info, Profile, Progress};
use crate::inventory::{Deed, Entry, Event, Outcome, SeedChange, SlotKey, TokenChange};
use crate::job::batch::fresh_seed;
use crate::job::request::{BurnRequest, ConfigRequest, ProfileRequest, Terms};
use crate::job::verify::{Verdict, VerdictKind, judge};
use crate::job::{
    Failure, Front, Problem, Recorder, SeedChoice, SingleWrite, TokenState, WriteOutcome, remedy::TokenRemedy,
};
use crate::otp::search::TotpProfile;
use crate::otp::{Code, Hash, TimeStep};
use crate::seed::Seed;
use crate::seedfile::Row;
use crate::time::{HostClock, UnixTime};

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
    /// That code.
    code: Code,
}

/// Burns one throw-away seed after the other. The last one, if its code was right; else why that is not known.
///
/// # Errors
/// A failure that ends the test at once.
pub(super) fn run<B: Bench>(
    test: &Selftest,
    bench: &mut B,
    info: &Info,
    tested: &mut Tested,
) -> Result<Seen<OnToken>, Failure> {
    let mut last = Err(Unseen::NotTried);
    for (number, (bytes, hash, step, display)) in (1..).zip(ROUNDS) {
        let profile = Profile::new(hash, step, display);
        next(bench, Part::Round { number, of: ROUNDS.len(), bytes, profile })?;
        let seed = fresh_seed(bytes)?;
        let burned = bench.at_token(&mut |device, place| burn(test, device, place, info, &seed, profile).map(|_| ()));
        let burned = settled(burned)?;
        let (code, typed) = match burned {
            Ok(()) => ask(bench, info, &seed, profile),
            Err(_) => (Err(Unseen::NotTried), None),
        };
        last = match (&code, typed) {
            (Ok(verdict), Some(code)) if is_right(verdict) => Ok(OnToken { seed, profile, code }),
            (Err(Unseen::NotTold), _) => Err(Unseen::NotTold),
            _ => Err(Unseen::NotTried),
        };
        tested.rounds.push(Round { bytes, profile, burned, code });
    }
    Ok(last)
}

/// Whether a verdict is one of this seed and profile.
#[must_use]
pub fn is_right(verdict: &Verdict) -> bool {
    verdict.is_accepted(NEAR_S)
}

/// Asks what the display shows, and once more where a code fits nothing or none is seen. The verdict, and the code that was typed last.
fn ask<B: Bench>(bench: &mut B, info: &Info, seed: &Seed, profile: Profile) -> (Seen<Verdict>, Option<Code>) {
    let mut seen = (Err(Unseen::NotTold), None);
    let mut asked = Asked::First;
    for _ in 0..2 {
        match bench.shown(asked) {
            None => break,
            Some(Shown::Nothing) => (seen, asked) = ((Err(Unseen::Unclear), None), Asked::ReallyNone),
            Some(Shown::Code(code)) => {
                let verdict = verdict(info, seed, profile, code, bench.now());
                let is_settled = verdict.kind() != VerdictKind::NoMatch;
                (seen, asked) = ((Ok(verdict), Some(code)), Asked::FitsNothing);
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

/// How often the display is asked about after the clock alone was set.
const LOOKS: usize = 4;

/// Sets the clock alone, and asks whether the display still shows the codes of the seed that was on the token: a later code than the
/// one of before, or none, twice.
///
/// # Errors
/// A failure that ends the test at once.
pub(super) fn seed_after<B: Bench>(
    test: &Selftest,
    bench: &mut B,
    info: &Info,
    on_token: Seen<OnToken>,
) -> Result<Seen<SeedAfter>, Failure> {
    // Without a code that was right, none that is missing tells anything.
    let OnToken { seed, profile, code: earlier } = match on_token {
        Ok(on_token) => on_token,
        Err(unseen) => return Ok(Err(unseen)),
    };
    let set = bench.at_token(&mut |device, place| configure(test, device, place, info, profile).map(|_| ()));
    if let Err(unseen) = settled(set)? {
        return Ok(Err(unseen));
    }
    let mut asked = Asked::First;
    for _ in 0..LOOKS {
        asked = match bench.shown(asked) {
            None => return Ok(Err(Unseen::NotTold)),
            Some(Shown::Nothing) if asked == Asked::ReallyNone => return Ok(Ok(SeedAfter::Erased)),
            Some(Shown::Nothing) => Asked::ReallyNone,
            // What was typed before may be typed again from memory.
            Some(Shown::Code(code)) if code == earlier => Asked::Later,
            Some(Shown::Code(code)) if is_right(&verdict(info, &seed, profile, code, bench.now())) => {
                return Ok(Ok(SeedAfter::Kept));
            }
            Some(Shown::Code(_)) => Asked::FitsNothing,
        };
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
    carry_out(&request.prepare()?, device, place, info)
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
    carry_out(&request.prepare()?, device, place, info)
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
    let outcome = configure(test, device, place, info, Profile::FACTORY)?;
    let nothing_read = || Failure::new(Problem::NoClock(info.clone()), TokenState::InTest, TokenRemedy::TestAgain);
    outcome.drift.map(|drift| drift.after).ok_or_else(nothing_read)
}

/// The record of a token of whose seed nothing is known, which is nobody's, and which a later burn gives the factory's profile: kept
/// after each write. A seed that nobody needs on record would have it said that the token works.
///
/// # Errors
/// The inventory's.
fn forget(host: &dyn HostClock, recorder: &Recorder<'_>, info: &Info) -> Result<(), Failure> {
    let Some(books) = recorder.books else { return Ok(()) };
    let key = SlotKey::only(info.serial.as_str());
    let event = Event { deed: Deed::Forget, ..recorder.event(host.now().wall, 0, &key, Outcome::Done) };
    let token = TokenChange {
        model: info.model.map(|model| model.name.to_owned()),
        emulated: recorder.emulated,
        seed: SeedChange::Forgotten,
        unassigned: true,
        profile: Some(Profile::FACTORY),
        ..TokenChange::of(key)
    };
    books.keep(&Entry { event, token: Some(token), row: None })?;
    Ok(())
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
        try_again: test.tries_again,
        key: test.key.clone(),
        ..Terms::default()
    }
}

fn carry_out(
    write: &SingleWrite,
    device: &mut dyn Device,
    place: Place<'_>,
    info: &Info,
) -> Result<WriteOutcome, Failure> {
    let Place { host, recorder, .. } = place;
    let after = another(&recorder);
    let mut front = Front {
        tell: &|_| (),
        confirm: None,
        before: &mut |_, _| Ok(()),
        // A write that has begun is finished; between two parts the test can be stopped.
        interrupted: &|| false,
    };
    let result = write.run(device, host, recorder, &mut front);
    // A token that was not written keeps what is known of it.
    if result.as_ref().is_err_and(|failure| failure.written == Progress::default()) {
        return result;
    }
    match (result, forget(host, &after, info)) {
        (Ok(_), Err(failure)) => Err(failure.in_state(TokenState::InTest)),
        (result, _) => result,
    }
}

/// A recorder of another deed at the same place.
fn another<'a>(recorder: &Recorder<'a>) -> Recorder<'a> {
    let Recorder { books, emulated, deed, wording, .. } = *recorder;
    let (station, remark) = (recorder.station.clone(), recorder.remark.clone());
    Recorder { books, station, emulated, deed, user: RefCell::default(), remark, wording }
}
