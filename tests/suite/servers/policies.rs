//! Policies of a real privacyIDEA that change what an enrolment does, and tokens that were switched off there: what tokentap says of a token is what
//! its user meets.

use super::harness::{PIN, Site, read};

const SERIAL: &str = "86596120009001";

/// A policy for enrolments.
fn policy(site: &Site, action: &str) {
    site.server.ask("POST", "/policy/enrolment", &[("scope", "enrollment"), ("action", action)]);
}

fn handed_over(site: &Site) {
    site.burned(SERIAL, "sha1", 30);
    site.desk.ok(&["inventory", "assign", SERIAL, "ada"]);
    site.done(&["hand-over", "pi", "--serial", SERIAL]);
}

#[test]
fn a_token_that_the_server_wants_a_code_of_before_anybody_signs_in_gives_it_one() {
    let Some(site) = Site::known() else { return };
    policy(&site, "verify_enrollment=totp hotp");
    handed_over(&site);
    assert_eq!(site.there(SERIAL)["rollout_state"], "enrolled");
    assert!(site.accepts_the_display_of(SERIAL), "its user signs in with the code on the display, at the first try");
    // The same where the seed is enrolled again, for a clock that was fast.
    site.server.ask("POST", "/policy/disable/enrolment", &[]);
    site.follows(SERIAL, "sha1", 30, 600);
    site.server.ask("POST", "/policy/enable/enrolment", &[]);
    let (exit, mended, said) = site.mends(SERIAL, &["--re-enrol"]);
    assert_eq!((exit, &mended["outcome"]), (0, &serde_json::json!("re-enrolled")), "{said}");
    assert!(site.accepts_the_display_of(SERIAL), "{said}");
}

#[test]
fn a_token_that_was_created_and_gave_no_code_is_told_and_brought_to_its_end() {
    let Some(site) = Site::known() else { return };
    handed_over(&site);
    policy(&site, "verify_enrollment=totp hotp");
    // As a hand-over leaves it that was cut between the two.
    site.enrol(SERIAL, &site.desk.seed_of(SERIAL), "sha1", 30, 0);
    assert_eq!(site.there(SERIAL)["rollout_state"], "verify");
    assert!(!site.accepts_the_display_of(SERIAL), "nobody signs in with it");
    let compared = site.run(&["server", "compare", "pi"]).1;
    assert_eq!(compared["differences"][0]["serial"], SERIAL, "{compared}");
    site.done(&["hand-over", "pi", "--serial", SERIAL]);
    assert!(site.accepts_the_display_of(SERIAL));
    assert_eq!(site.there(SERIAL)["username"], "ada");
}

#[test]
fn a_user_s_pin_is_not_replaced_by_one_that_nobody_knows() {
    let Some(site) = Site::known() else { return };
    handed_over(&site);
    site.with_pin(SERIAL);
    site.follows(SERIAL, "sha1", 30, 600);
    policy(&site, "otp_pin_random=8");
    let (exit, mended, said) = site.mends(SERIAL, &["--re-enrol"]);
    assert_eq!((exit, &mended["hindrance"]["kind"]), (10, &serde_json::json!("server")), "{said}");
    assert!(said.contains("otp_pin_random") && said.contains("it was not enrolled again"), "{said}");
    site.burn_again(SERIAL, "sha1", 30);
    let (exit, _, said) = site.run(&["hand-over", "pi", "--serial", SERIAL, "--replace"]);
    assert!(exit == 10 && said.contains("otp_pin_random"), "{exit}: {said}");
    // What the remedy says.
    site.server.ask("POST", "/policy/disable/enrolment", &[]);
    site.done(&["hand-over", "pi", "--serial", SERIAL, "--replace"]);
    let shown = format!("{PIN}{}", site.shown(SERIAL));
    assert!(site.server.accepts(SERIAL, &shown), "with the PIN of before");
}

#[test]
fn a_token_that_is_switched_off_is_not_said_to_be_accepted_after_its_seed_was_replaced() {
    let Some(site) = Site::known() else { return };
    handed_over(&site);
    site.server.ask("POST", "/token/disable", &[("serial", SERIAL)]);
    site.burn_again(SERIAL, "sha1", 30);
    let hand_over = ["hand-over", "pi", "--serial", SERIAL, "--replace"];
    let (exit, _, said) = site.run(&hand_over);
    assert!(exit == 10 && said.contains("switched off"), "{exit}: {said}");
    site.server.ask("POST", "/token/enable", &[("serial", SERIAL)]);
    site.done(&hand_over);
    assert!(site.accepts_the_display_of(SERIAL));
}

#[test]
fn whoever_is_given_a_token_after_it_was_handed_over_has_it_at_the_server_after_the_next_hand_over_of_all() {
    let Some(site) = Site::known() else { return };
    site.burned(SERIAL, "sha1", 30);
    site.done(&["hand-over", "pi", "--all"]);
    assert_eq!(site.there(SERIAL)["username"], "");
    site.desk.ok(&["inventory", "assign", SERIAL, "ada"]);
    site.done(&["hand-over", "pi", "--all"]);
    assert_eq!(site.there(SERIAL)["username"], "ada");
}

#[test]
fn another_server_under_a_name_that_tokens_went_to_is_not_taken_for_the_same() {
    let Some(site) = Site::known() else { return };
    handed_over(&site);
    let add = |more: &[&str]| {
        let words =
            ["server", "add", "pi", "--kind", "privacyidea", "--url", "https://pi.example.org", "--account", "admin"];
        let args = [&words[..], &["--credential-file", "password"], more].concat();
        read(&site.desk.command(&args).output().unwrap())
    };
    let (exit, _, said) = add(&[]);
    assert!(exit == 2 && said.contains("another address") && said.contains("--same-server"), "{exit}: {said}");
    let (exit, _, said) = add(&["--same-server"]);
    assert_eq!(exit, 0, "{said}");
    // The same address and a new credential is what a server is added again for.
    let (exit, _, said) = add(&["--realm", "office"]);
    assert_eq!(exit, 0, "{said}");
}
