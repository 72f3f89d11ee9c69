//! Any seed, profile and clock survives a burn on the emulator, and gives the codes of an independent computation.

use proptest::prelude::*;
use tokentap::device::{DisplayTime, Profile};
use tokentap::job::{ClockPlan, ConfigPlan, ProfileFrom, SeedFate};
use tokentap::otp::{Digits, Hash, TimeStep, totp};

use crate::support::{RESTRICTED, UNRESTRICTED, carry_out, link, plan, seed, simulated_clock, token};

fn profiles() -> impl Strategy<Value = Profile> {
    let display = [DisplayTime::S15, DisplayTime::S30, DisplayTime::S60, DisplayTime::S120];
    (prop::sample::select(vec![Hash::Sha1, Hash::Sha256]), any::<bool>(), prop::sample::select(display.to_vec()))
        .prop_map(|(hash, minute, display)| {
            Profile::new(hash, if minute { TimeStep::S60 } else { TimeStep::S30 }, display)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_seed_profile_and_clock_is_on_the_token_after_a_burn(
        secret in prop::collection::vec(any::<u8>(), 1..=63),
        profile in profiles(),
        clock in prop_oneof![Just(ClockPlan::Now), any::<u32>().prop_map(ClockPlan::At)],
        restricted in any::<bool>(),
    ) {
        let world = simulated_clock();
        let serial = if restricted { RESTRICTED } else { UNRESTRICTED };
        let mut link = link(token(serial, b"old seed", -97.25), &world);
        let mut plan = plan(Some(seed(&secret)));
        plan.config = Some(ConfigPlan { profile, from: ProfileFrom::Flags, clock });
        let report = carry_out(&mut link, &world, &plan).unwrap();

        prop_assert_eq!(report.seed, SeedFate::Burned);
        prop_assert_eq!(link.commands(), 6);
        let state = link.card().state();
        prop_assert_eq!(state.seed_bytes(), &secret[..]);
        prop_assert_eq!(state.display_s, profile.display().seconds());
        let shows = state.clock.reading(link.card().true_time_ns());
        match clock {
            ClockPlan::At(seconds) => prop_assert_eq!(shows, seconds),
            _ => prop_assert_eq!(shows, 1_795_454_228),
        }
        let expected = totp(&seed(&secret), profile.hash(), profile.step(), Digits::Six, shows.into()).to_string();
        prop_assert_eq!(link.card().display(), Some(expected));
    }
}
