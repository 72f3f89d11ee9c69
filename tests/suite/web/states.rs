//! States of the page that are not there at every desk: forms in a card, a second question, what is finished, and the printer.

use fantoccini::Locator;
use fantoccini::key::Key;

use super::browser::{DESKTOP, Look, PHONE, in_browser};
use super::harness::{Web, token};
use super::page::{look_at, open_the_only_token};
use super::{RESTRICTED, SLOW};
use crate::support::run_in;

fn address(web: &Web) -> String {
    format!("{}/#{}", web.origin, web.code)
}

#[test]
fn a_profile_is_stated_in_a_card_or_where_the_token_is_listed_and_both_can_be_used_by_everybody() {
    let other = "86596120000777";
    let web = Web::start(&[(SLOW, &["--drift", "-97.3"]), (other, &["--drift", "-50"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#undone li button').length >= 2").await;
        look_at(&page, "profile", DESKTOP).await;
        page.dress(PHONE).await;
        look_at(&page, "profile", PHONE).await;
        page.dress(DESKTOP).await;
        // The one that was lifted already.
        let shown = page.js("return Object.values(state.readers)[0].serial").await;
        let lifted = if shown == SLOW { other } else { SLOW };
        let click = format!(
            "[...document.querySelectorAll('#undone li')].find((one) => one.textContent.includes('{lifted}')).querySelector('button').click()"
        );
        page.js(&click).await;
        page.until("document.querySelector('#token-body select')").await;
        look_at(&page, "token-profile", DESKTOP).await;
        page.js("const [hash, step] = document.querySelectorAll('#token-body select'); hash.value = 'SHA1'; step.value = '30'").await;
        page.js("document.querySelector('#token-body select').form.requestSubmit()").await;
        page.until(
            "document.querySelector('#token-body [role=alert]').textContent.includes('it is set with SHA1, 30 s')",
        )
        .await;
    });
}

#[test]
fn what_is_asked_once_more_can_be_used_by_everybody_and_nobodys_token_is_given_away_unasked() {
    let web = Web::start(&[(SLOW, &["--drift", "0.1"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        open_the_only_token(&page).await;
        let enter = char::from(Key::Enter);
        for user in ["ada@example.org", "bob@example.org"] {
            page.until("document.querySelector('#assign-user')").await;
            let field = page.client.find(Locator::Css("#assign-user")).await.unwrap();
            field.clear().await.unwrap();
            field.send_keys(&format!("{user}{enter}")).await.unwrap();
            page.until("document.querySelector('#token-body dl').textContent.includes('ada@example.org')").await;
        }
        page.until(
            "[...document.querySelectorAll('#token-body button')].some((one) => one.textContent.includes('anyway'))",
        )
        .await;
        look_at(&page, "reassign", DESKTOP).await;
        page.js("[...document.querySelectorAll('#token-body button')].find((one) => one.textContent.includes('anyway')).click()").await;
        page.until("document.querySelector('#token-body dl').textContent.includes('bob@example.org')").await;
    });
}

#[test]
fn a_batch_that_is_finished_can_be_looked_at_by_everybody() {
    let web = Web::start(&[(SLOW, &["--drift", "3"])], &["--no-auto-sync"]);
    let list = web.folder.path().join("list.csv");
    std::fs::write(&list, format!("serial,secret,user\n{SLOW},JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ,ada\n")).unwrap();
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        page.js("go('batch')").await;
        let path = list.to_str().unwrap();
        page.client.find(Locator::Css("#batch-path")).await.unwrap().send_keys(path).await.unwrap();
        page.client.find(Locator::Css("#batch-form button[type=submit]")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#batch-now').textContent.includes('The readers set clocks again')").await;
        assert!(page.text("#batch-now").await.contains("1 of 1 done"));
        look_at(&page, "finished", DESKTOP).await;
    });
}

#[test]
fn a_page_that_shows_the_desk_alone_can_be_used_by_everybody() {
    let web = super::kiosk();
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        assert_eq!(page.js("return document.querySelectorAll('#screens:not([hidden])').length").await, 0);
        look_at(&page, "kiosk", DESKTOP).await;
    });
}

#[test]
fn what_the_fleet_leaves_open_is_listed_with_its_remedy_beside_models_and_servers() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    crate::drift::keep_a_fleet(folder.path(), 12);
    token(folder.path(), RESTRICTED, &["--drift", "-40.3"]);
    let reader = format!("emulated:tokens/{RESTRICTED}.json");
    let on = ["--reader", &reader, "--trust-host-clock"];
    let (exit, said) = run_in(folder.path(), &[&["sync", "--erase-seed"][..], &on].concat());
    assert_eq!(exit, 0, "{said}");
    let web = Web::start_in(folder, &["--no-auto-sync"]);
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        page.dress(Look { height: 1900, ..DESKTOP }).await;
        page.js("go('fleet')").await;
        page.client.find(Locator::Css("#fleet-form button")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#fleet-result ul')").await;
        let shown = page.text("#fleet-result").await;
        assert!(shown.contains("Time gained per month, by model") && shown.contains("OTPC-P1-i"), "{shown}");
        assert!(shown.contains("its seed was erased") && shown.contains(RESTRICTED), "{shown}");
        look_at(&page, "fleet-open", Look { height: 1900, ..DESKTOP }).await;
    });
}

/// A board that no desk has all at once: a reader in each state, what asks for yes or no, and what there is to be said.
const ALL_STATES: &str = "
const of = (state, index) => ({ reader: `Reader ${index + 1}`, number: index + 1, state, token: 'OTPC-P1-i 86596120001234', what: 'clock 97.3 s slow',
  next: 'lay it back', user: 'ada@example.org', serial: '86596120001234', slots: [], drift: [-97.3, null], remedy: state === 'badly' ? 'mend' : null });
const states = ['ready', 'waiting', 'measuring', 'writing', 'well', 'badly', 'lay-back', 'no-token', 'gone'];
state.readers = Object.fromEntries(states.map(of).map((place) => [place.reader, place]));
state.questions = { 1: { id: 1, reader: 'Reader 1', text: 'Is the token still here?' } };
state.notice = 'The PC/SC service has gone.';
state.facts.warning = 'Others can change the inventory.';
state.waits = '3 records wait in the outbox of this desk';
render();
return document.querySelectorAll('#readers > *').length";

#[test]
fn each_state_of_a_reader_and_a_question_of_yes_or_no_can_be_used_by_everybody_in_every_look() {
    let web = Web::start(&[(SLOW, &["--drift", "0.1"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        assert_eq!(page.js(ALL_STATES).await, 9);
        let shown = page.text("main").await;
        for words in ["Is the token still here?", "lay it back", "97.3 s slow"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        let said = page.text("#notice").await;
        assert!(said.contains("Others can change the inventory") && said.contains("3 records wait"), "{said}");
        for (is_dark, size) in [(false, DESKTOP), (true, DESKTOP), (false, PHONE), (true, PHONE)] {
            let look = Look { is_dark, ..size };
            page.dress(look).await;
            look_at(&page, "states", look).await;
        }
    });
}

/// A slip for whoever takes the token along: what is on the screen of a token, without what can only be pressed.
#[test]
fn a_token_is_printed_with_its_facts_and_without_buttons_fields_or_bars() {
    let web = Web::start(&[(SLOW, &["--drift", "0.1"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        open_the_only_token(&page).await;
        page.js("window.printed = 0; window.print = () => { window.printed += 1; }").await;
        page.js(
            "[...document.querySelectorAll('#token-body button')].find((one) => one.textContent === 'Print').click()",
        )
        .await;
        assert_eq!(page.js("return window.printed").await, 1);
        let visible = "return [...document.querySelectorAll('button, input, select, nav, header, footer, .bar')].filter((one) => one.checkVisibility()).length";
        assert!(page.js(visible).await.as_u64().unwrap() > 5, "on the screen");
        page.as_printed(true).await;
        assert_eq!(page.js(visible).await, 0, "on paper");
        let shown = page.text("#token").await;
        assert!(shown.contains(SLOW) && shown.contains("Profile") && shown.contains("History"), "{shown}");
        page.as_printed(false).await;
    });
}
