//! A test of a spare token, for the facts that `docs/protocol.md` leaves open. Its report has no seed in it.
//!
//! Whatever part fails, the others are tried all the same, and the token is left as a new one; only a token that refuses the key is
//! left alone at once, because some lock for good after a few wrong answers.

mod bench;
mod found;
mod probes;
mod rounds;

pub use bench::{Asked, Bench, Contact, Part, Place, Shown};
pub use found::{AfterReset, Away, Left, Read, Round, SeedAfter, Seen, Tested, Trips, Unseen, WriteTimes};
pub use rounds::is_right;

use chrono::TimeDelta;

use crate::clock::check_plausible;
use crate::device::{Info, Key, Profile, Progress};
use crate::inventory::SlotKey;
use crate::job::batch::fresh_seed;
use crate::job::{Again, Failure, Guard, Owned, Problem, TokenState, remedy::TokenRemedy};
use crate::seed::Seed;

/// How long the token must be away for its clock to be looked at again.
const AWAY_FOR: TimeDelta = TimeDelta::seconds(8);

/// A test of one token.
#[derive(Debug, Clone)]
pub struct Selftest {
    /// Nothing is written.
    pub only_reads: bool,
    /// The requirements on the token.
    pub guard: Guard,
    /// A token with a seed or a user on record is taken for a spare one.
    pub replaces_seed: bool,
    /// Try the key also where the token has refused it already, by the record.
    pub tries_again: bool,
    /// The key.
    pub key: Key,
}

impl Selftest {
    /// Tests the token that lies there.
    ///
    /// # Errors
    /// A failure before anything was written: the token was not read, is not the one that was meant, is not a spare one. What fails
    /// afterwards stands in what is returned.
    pub fn run<B: Bench>(&self, bench: &mut B) -> Result<Tested, Failure> {
        bench.begins(Part::Read);
        let (read, known) = bench.at_token(&mut |device, place| {
            let read = probes::read(device, &place)?;
            let known = place.recorder.token(&SlotKey::only(read.info.serial.as_str()))?;
            Ok((read, known))
        })?;
        let info = read.info.clone();
        self.guard.check_serial(&info)?;
        check_wanted(bench, TokenState::Untouched)?;
        let mut tested = Tested::only_read(read);
        if self.only_reads {
            return Ok(tested);
        }
        self.guard.check_writable(&info)?;
        let is_spare = known.as_ref().is_none_or(|token| {
            let pending = token.pending.as_ref().and_then(|pending| pending.seed);
            token.user.is_none() && token.seed.or(token.erased_seed).or(pending).is_none()
        });
        if !is_spare && !self.replaces_seed {
            let (user, burned) = known.map(|token| (token.user, token.burned)).unwrap_or_default();
            let owned = Owned { token: info.clone(), user, burned };
            let remedy = TokenRemedy::SpareOrReplace(info.serial);
            return Err(Failure::new(Problem::NotSpare(owned), TokenState::Untouched, remedy));
        }
        bench.consent(&info, known.as_ref().and_then(|token| token.user.as_deref()))?;
        check_wanted(bench, TokenState::Untouched)?;
        self.write_parts(bench, &info, &mut tested)?;
        Ok(tested)
    }

    /// The parts that write. From the end of the first write on the record says that nothing is known of the token's seed any more.
    ///
    /// # Errors
    /// A failure before anything was written.
    fn write_parts<B: Bench>(&self, bench: &mut B, info: &Info, tested: &mut Tested) -> Result<(), Failure> {
        let seed = fresh_seed(rounds::USUAL_SEED)?;
        bench.begins(Part::Clock);
        let first = bench.at_token(&mut |device, place| {
            check_plausible(place.host.now().wall)?;
            rounds::burn(self, device, place, info, &seed, Profile::FACTORY).map(|_| ())
        });
        let done = match first {
            Err(failure) if failure.written == Progress::default() => return Err(failure),
            Err(failure) => Err(failure),
            Ok(()) => self.try_parts(bench, info, &seed, tested),
        };
        let may_write = !done.as_ref().is_err_and(|failure| is_last(&failure.problem));
        match done {
            Err(failure) if may_write => tested.ended = Some(Box::new(failure)),
            Err(failure) => tested.left = Left::Unfinished(Box::new(failure)),
            Ok(()) => {}
        }
        // Also where the user wants to stop: a token that nobody knows the profile of is a trap.
        if may_write {
            bench.begins(Part::Last);
            match bench.at_token(&mut |device, place| rounds::leave_as_new(self, device, place, info)) {
                Ok(drift) => tested.left = Left::AsNew(drift),
                Err(failure) => tested.left = Left::Unfinished(Box::new(failure)),
            }
        }
        Ok(())
    }

    /// Everything between the first write and the last.
    ///
    /// # Errors
    /// A failure that ends the test at once.
    fn try_parts<B: Bench>(&self, bench: &mut B, info: &Info, seed: &Seed, tested: &mut Tested) -> Result<(), Failure> {
        let clock = bench.at_token(&mut |device, place| probes::clock(device, &place, info, &self.key, seed));
        match settled(clock)? {
            Ok((second, writes)) => (tested.second, tested.writes) = (second, Ok(writes)),
            Err(unseen) => (tested.second, tested.writes) = (Err(unseen.clone()), Err(unseen)),
        }
        next(bench, Part::Reset)?;
        tested.reset = settled(bench.at_token(&mut |device, place| probes::reset(device, &place, info, &self.key)))?;
        let last = rounds::run(self, bench, info, tested)?;
        next(bench, Part::SeedAfter)?;
        tested.seed_after = rounds::seed_after(self, bench, info, last)?;
        next(bench, Part::Away)?;
        tested.away = away(bench, info)?;
        Ok(())
    }
}

/// Goes on with the next part.
///
/// # Errors
/// [`Problem::Interrupted`]: the user wants to stop.
fn next<B: Bench>(bench: &mut B, part: Part) -> Result<(), Failure> {
    check_wanted(bench, TokenState::InTest)?;
    bench.begins(part);
    Ok(())
}

/// Whether the test is to go on.
///
/// # Errors
/// [`Problem::Interrupted`]: the user wants to stop.
fn check_wanted<B: Bench>(bench: &B, state: TokenState) -> Result<(), Failure> {
    match bench.is_over() {
        true if state == TokenState::Untouched => Err(Failure::new(Problem::Interrupted, state, Again::Same)),
        true => Err(Failure::new(Problem::Interrupted, state, TokenRemedy::TestAgain)),
        false => Ok(()),
    }
}

/// Whether nothing more may be sent to the token: it refused the key, or another one is there.
fn is_last(problem: &Problem) -> bool {
    problem.is_key_refused() || matches!(problem, Problem::WrongToken(_) | Problem::TokenSwapped { .. })
}

/// The answer of a part, or the failure that takes its place.
///
/// # Errors
/// The failures after which nothing more is tried: the key was refused, another token lies there, the user wants to stop.
fn settled<T>(result: Result<T, Failure>) -> Result<Seen<T>, Failure> {
    match result {
        Ok(seen) => Ok(Ok(seen)),
        Err(failure) if is_last(&failure.problem) || failure.problem == Problem::Interrupted => Err(failure),
        Err(failure) => Ok(Err(failure.into())),
    }
}

/// Has the token taken away and laid back, and looks at its clock before and afterwards.
fn away<B: Bench>(bench: &mut B, info: &Info) -> Result<Seen<Away>, Failure> {
    let before = match settled(bench.at_token(&mut |device, place| probes::drift(device, &place, info)))? {
        Ok(before) => before,
        Err(unseen) => return Ok(Err(unseen)),
    };
    let began = bench.now();
    if !bench.moved() {
        return Ok(Err(Unseen::NotTold));
    }
    // So soon it was not away.
    if bench.now() - began < AWAY_FOR {
        return Ok(Err(Unseen::Unclear));
    }
    let after = settled(bench.at_token(&mut |device, place| probes::drift(device, &place, info)))?;
    Ok(after.map(|after| Away { before, after }))
}
