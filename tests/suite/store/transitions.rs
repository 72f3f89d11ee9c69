//! What a change makes of the record of a token, as a table: before, change, afterwards.

use tokentap::inventory::{
    Candidate, ClockChange, Deed, InventoryError, Pending, PendingChange, SeedChange, SlotKey, TokenChange, TokenLife,
};
use tokentap::time::UnixTime;

use super::{at, fingerprint};

fn pending(job: i64, seed: Option<u8>) -> Pending {
    let seed = seed.map(fingerprint);
    Pending { job, deed: Deed::Burn, at: at(job), profile: None, seed, sealed: None }
}

/// A token that was seen once, at 1 ms, and changed like this.
fn life(change: impl FnOnce(&mut TokenLife)) -> TokenLife {
    let mut life = TokenLife::after(None, &TokenChange::of(SlotKey::only("A")), at(1)).unwrap();
    change(&mut life);
    life
}

/// A change of the token.
fn change(change: impl FnOnce(&mut TokenChange)) -> TokenChange {
    let mut of = TokenChange::of(SlotKey::only("A"));
    change(&mut of);
    of
}

fn with_seed(number: u8) -> TokenLife {
    life(|life| (life.record.seed, life.record.burned) = (Some(fingerprint(number)), Some(at(1))))
}

fn in_doubt() -> TokenLife {
    let mut life = with_seed(1).with_candidate(fingerprint(2), None);
    life.record.pending = Some(pending(3, Some(3)));
    life
}

/// The change at 50 ms.
fn after(earlier: &TokenLife, by: impl FnOnce(&mut TokenChange)) -> TokenLife {
    TokenLife::after(Some(earlier.clone()), &change(by), at(50)).unwrap()
}

#[test]
fn a_change_of_nothing_changes_nothing() {
    for earlier in [life(|_| ()), with_seed(1), in_doubt()] {
        assert_eq!(after(&earlier, |_| ()), earlier);
    }
}

/// What is on record; what was done; then the seed, the erased one, whether it was erased now, and what it may hold.
type Case = (TokenLife, SeedChange, Option<u8>, Option<u8>, bool, &'static [u8]);

#[test]
fn what_becomes_of_a_seed_follows_what_was_done_with_it() {
    let is = |number, replaces| SeedChange::Is { seed: fingerprint(number), sealed: Some(vec![7]), replaces };
    let burned = SeedChange::Burned { seed: fingerprint(4), sealed: None };
    let table: [Case; 10] = [
        (with_seed(1), SeedChange::Keep, Some(1), None, false, &[1]),
        (with_seed(1), burned.clone(), Some(4), None, false, &[4]),
        (in_doubt(), burned, Some(4), None, false, &[4, 3]),
        (with_seed(1), SeedChange::Erased, None, Some(1), true, &[]),
        (life(|_| ()), SeedChange::Erased, None, None, true, &[]),
        (with_seed(1), SeedChange::Lost, Some(1), None, true, &[1]),
        (in_doubt(), SeedChange::Lost, Some(1), None, true, &[1, 3]),
        (in_doubt(), SeedChange::Forgotten, None, None, false, &[]),
        (life(|_| ()), is(1, false), Some(1), None, false, &[1]),
        (in_doubt(), is(4, true), Some(4), None, false, &[4, 3, 2]),
    ];
    for (earlier, seed, expected, erased_seed, is_erased, may_hold) in table {
        let later = after(&earlier, |change| change.seed = seed.clone());
        assert_eq!(later.record.seed, expected.map(fingerprint), "{seed:?}");
        assert_eq!(later.record.erased_seed, erased_seed.map(fingerprint), "{seed:?}");
        assert_eq!(later.record.erased, is_erased.then(|| at(50)), "{seed:?}");
        assert!(later.seeds().eq(may_hold.iter().copied().map(fingerprint)), "{seed:?}: {later:?}");
    }
}

#[test]
fn a_seed_from_a_file_replaces_another_only_where_it_was_said_to() {
    for earlier in [with_seed(1), life(|life| life.record.pending = Some(pending(2, Some(1)))), in_doubt()] {
        let is =
            |replaces| change(|change| change.seed = SeedChange::Is { seed: fingerprint(5), sealed: None, replaces });
        let refused = TokenLife::after(Some(earlier.clone()), &is(false), at(50));
        assert_eq!(refused, Err(InventoryError::OtherSeed(SlotKey::only("A"))));
        assert_eq!(TokenLife::after(Some(earlier), &is(true), at(50)).unwrap().record.seed, Some(fingerprint(5)));
    }
}

#[test]
fn the_erased_seed_is_kept_until_another_is_burned() {
    let erased = after(&with_seed(1), |change| change.seed = SeedChange::Erased);
    let twice = after(&erased, |change| change.seed = SeedChange::Erased);
    assert_eq!(twice.record.erased_seed, Some(fingerprint(1)));
    let burned = after(&twice, |change| change.seed = SeedChange::Burned { seed: fingerprint(2), sealed: None });
    assert_eq!((burned.record.erased_seed, burned.record.erased), (None, None));
    assert_eq!(burned.record.burned, Some(at(50)));
}

#[test]
fn a_burn_that_begins_over_one_of_unknown_end_leaves_its_seed_as_a_candidate_once() {
    let begins = |life: &TokenLife, job, seed| {
        after(life, |change| change.pending = PendingChange::Begins(pending(job, Some(seed))))
    };
    let first = begins(&with_seed(1), 10, 2);
    let second = begins(&first, 11, 3);
    assert_eq!(second.candidates, [Candidate { seed: fingerprint(2), sealed: None }]);
    // The same seed again is no other one.
    assert_eq!(begins(&second, 12, 3).candidates, second.candidates);
    // The second wrote nothing: the first is as open as before.
    let restored = after(&second, |change| change.pending = PendingChange::Restored(pending(10, Some(2))));
    assert_eq!(restored, first);
    let over = after(&second, |change| change.pending = PendingChange::Over);
    assert_eq!((over.record.pending, over.candidates), (None, second.candidates));
}

#[test]
fn what_was_seen_replaces_what_was_known_and_what_was_not_looked_at_stays() {
    let known = life(|life| (life.record.user, life.record.emulated) = (Some("ada".to_owned()), true));
    let seen = after(&known, |change| (change.seen, change.synced) = (Some(at(40)), true));
    assert_eq!((seen.record.first_seen, seen.record.last_seen), (at(1), at(40)));
    assert_eq!(seen.record.synced, Some(at(50)));
    assert_eq!(seen.record.user.as_deref(), Some("ada"));
    assert!(seen.record.emulated, "once emulated, always");
    assert_eq!(after(&seen, |change| change.unassigned = true).record.user, None);
    let earlier = after(&seen, |change| change.seen = Some(UnixTime::UNIX_EPOCH));
    assert_eq!(earlier.record.first_seen, UnixTime::UNIX_EPOCH, "never last seen before it was first seen");
    let stands = after(&known, |change| change.clock = ClockChange::Stands);
    assert_eq!(stands.record.clock_stopped, Some(at(50)));
    assert_eq!(after(&stands, |_| ()).record.clock_stopped, Some(at(50)));
    assert_eq!(after(&stands, |change| change.clock = ClockChange::Runs).record.clock_stopped, None);
}
