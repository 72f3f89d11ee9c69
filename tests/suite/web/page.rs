//! Each screen of the page in a real browser: what it shows, how it looks, who can use it.

use std::path::PathBuf;

use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::Value;

use super::browser::{DESKTOP, Look, PHONE, Page, in_browser};
use super::harness::Web;
use super::{RESTRICTED, SLOW};

/// Where a picture goes: into the documents, if they show it and are to be made anew, else where it can be looked at.
fn picture(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let is_shown = std::fs::read_to_string(root.join("docs/web.md")).unwrap().contains(&format!("(web/{name})"));
    let to = match std::env::var_os("TOKENTAP_TEST_PRINT") {
        Some(_) if is_shown => root.join("docs/web"),
        _ => PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("web"),
    };
    std::fs::create_dir_all(&to).unwrap();
    to.join(name)
}

fn address(web: &Web) -> String {
    format!("{}/#{}", web.origin, web.code)
}

/// A desk with something to see: tokens that were set, one that could not be, and one whose drift has a history.
fn busy() -> Web {
    let tokens: [(&str, &[&str]); 5] = [
        ("86596120000002", &["--drift", "-64.2"]),
        ("86596120000003", &["--drift", "0.4"]),
        ("86596320000004", &["--drift", "12.8"]),
        (RESTRICTED, &["--drift", "-40.3"]),
        (SLOW, &["--drift", "-97.3"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    crate::drift::keep_a_fleet(folder.path(), 40);
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    for (serial, args) in tokens {
        super::harness::token(folder.path(), serial, args);
    }
    Web::start_in(folder, &["--assume-factory-profile"])
}

/// Looks at what is shown: nothing keeps anybody from using it, at this size, on the narrowest screen, and with large text.
pub async fn look_at(page: &Page, name: &str, look: Look) {
    let kind = format!("{}-{}", look.width, if look.is_dark { "dark" } else { "light" });
    assert_eq!(page.axe().await, Default::default(), "{name} at {kind}");
    assert!(!page.is_too_wide().await, "{name} at {kind} is wider than its screen");
    // A test's folder is nobody's inventory.
    page.js("document.getElementById('foot').hidden = true").await;
    page.picture(&picture(&format!("{name}-{kind}.png"))).await;
    page.js("document.getElementById('foot').hidden = false").await;
    page.dress(Look { width: 320, ..look }).await;
    assert!(!page.is_too_wide().await, "{name} at 320 px is wider than its screen");
    page.dress(look).await;
    page.js("document.documentElement.style.fontSize = '200%'").await;
    assert!(!page.is_too_wide().await, "{name} with text of 200 % is wider than its screen");
    page.js("document.documentElement.style.fontSize = ''").await;
}

/// Opens the screen of the one token that was laid down.
pub async fn open_the_only_token(page: &Page) {
    page.until("document.querySelectorAll('#visits li').length === 1").await;
    page.js(&format!("openToken('{SLOW}')")).await;
    page.until("document.querySelector('#assign-user')").await;
}

fn walk(look: Look) {
    let web = busy();
    in_browser(&address(&web), look, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 5").await;
        assert_eq!(
            page.js("return location.href").await,
            format!("{}/#desk", web.origin),
            "the code is gone from the address"
        );
        assert!(!page.js("return document.title").await.as_str().unwrap().contains(&web.code));
        look_at(&page, "desk", look).await;
        page.js("go('find')").await;
        page.client.find(Locator::Css("#find-text")).await.unwrap().send_keys("example.org\u{e007}").await.unwrap();
        page.until("document.querySelectorAll('#find-result li').length > 20").await;
        look_at(&page, "find", look).await;
        page.js("openToken('86596120000009')").await;
        page.until("document.querySelector('#token-body img')").await;
        look_at(&page, "token", look).await;
        page.js("go('batch')").await;
        page.until("document.querySelectorAll('#batch-format option').length > 5").await;
        look_at(&page, "batch", look).await;
        page.js("go('fleet')").await;
        page.client.find(Locator::Css("#fleet-form button")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#fleet-result table')").await;
        look_at(&page, "fleet", look).await;
    });
}

#[test]
fn each_screen_can_be_used_by_everybody_at_a_desk() {
    walk(DESKTOP);
}

#[test]
fn each_screen_can_be_used_by_everybody_in_the_dark_and_on_a_narrow_screen() {
    walk(PHONE);
}

#[test]
fn a_desk_in_the_dark_and_a_telephone_in_the_light_are_no_worse() {
    let web = busy();
    in_browser(&address(&web), Look { is_dark: true, ..DESKTOP }, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 5").await;
        for look in [Look { is_dark: true, ..DESKTOP }, Look { is_dark: false, ..PHONE }] {
            page.dress(look).await;
            look_at(&page, "desk", look).await;
        }
    });
}

#[test]
fn the_keyboard_alone_finds_a_token_gives_it_to_a_user_and_states_a_profile() {
    let web = Web::start(&[(SLOW, &["--drift", "-97.3"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#readers form select').length === 2").await;
        let tab = char::from(Key::Tab).to_string();
        // Through the page to the first choice in the card, and on to its button.
        let mut tabs = 0;
        while page.js("return document.activeElement.id").await != format!("hash-{SLOW}") {
            page.keys(&tab).await;
            tabs += 1;
            assert!(tabs < 20, "{}", page.js("return document.activeElement.outerHTML").await);
        }
        page.keys("SHA-256").await;
        page.keys(&tab).await;
        page.keys("60").await;
        page.keys(&tab).await;
        page.keys(&char::from(Key::Enter).to_string()).await;
        page.until("document.querySelector('#readers').textContent.includes('Lay the token back')").await;
        // To the screen for finding.
        page.js("document.activeElement.blur()").await;
        while page.js("return document.activeElement.dataset.screen || ''").await != "find" {
            page.keys(&tab).await;
        }
        page.keys(&char::from(Key::Enter).to_string()).await;
        page.until("document.activeElement.id === 'find-text'").await;
        page.keys(&format!("0001{}", char::from(Key::Enter))).await;
        page.until("document.querySelector('#assign-user')").await;
        while page.js("return document.activeElement.id").await != "assign-user" {
            page.keys(&tab).await;
        }
        page.keys(&format!("ada@example.org{}", char::from(Key::Enter))).await;
        page.until("document.querySelector('#token-body dl').textContent.includes('ada@example.org')").await;
    });
}

/// The program opens the browser with a file that only its user can read, so that the code is in nobody's list of processes.
#[test]
fn text_from_a_card_or_a_file_is_never_markup() {
    let web = Web::start(&[(SLOW, &["--drift", "0.1"])], &[]);
    in_browser(&address(&web), DESKTOP, async |page| {
        open_the_only_token(&page).await;
        let user = "<img src=x onerror=window.harmed=1><script>window.harmed=1</script>";
        page.client.find(Locator::Css("#assign-user")).await.unwrap().send_keys(user).await.unwrap();
        page.client.find(Locator::Css("#token-body form button")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#token-body dl').textContent.includes('<img src=x')").await;
        assert_eq!(
            page.js("return window.harmed || document.querySelectorAll('#token-body script, img[src=x]').length").await,
            0
        );
    });
}

#[test]
fn a_reload_loses_nothing_a_second_page_needs_an_address_of_its_own_and_the_end_of_the_program_is_said() {
    let web = busy();
    let origin = web.origin.clone();
    in_browser(&address(&web), DESKTOP, async |page| {
        let visits = "document.querySelectorAll('#visits li').length === 5";
        page.until(visits).await;
        page.client.refresh().await.unwrap();
        page.until(visits).await;
        // The address without its code, in a tab of its own.
        let tab = page.client.new_window(true).await.unwrap();
        page.client.switch_to_window(tab.handle).await.unwrap();
        page.client.goto(&origin).await.unwrap();
        page.until("!document.querySelector('#locked').hidden").await;
        let windows = page.client.windows().await.unwrap();
        page.client.close_window().await.unwrap();
        page.client.switch_to_window(windows[0].clone()).await.unwrap();
        let (exit, _) = web.end();
        assert_eq!(exit, 10);
        page.until("!document.querySelector('#gone').hidden").await;
        assert!(page.text("#gone").await.contains("tokentap is not responding"));
        assert_eq!(page.axe().await, Default::default());
    });
}

/// Nothing is loaded from elsewhere, nothing is refused by the page's own rules, and no script fails.
#[test]
fn the_browser_has_nothing_to_complain_of() {
    let web = busy();
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#visits li').length === 5").await;
        page.js("openToken('86596120000009')").await;
        page.until("document.querySelector('#token-body img')").await;
        let script = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let loaded: Vec<String> = serde_json::from_value(page.js(script).await).unwrap();
        let is_ours = |name: &&String| name.starts_with(&web.origin) || name.starts_with("blob:");
        assert_eq!(loaded.iter().filter(is_ours).count(), loaded.len(), "{loaded:?}");
        let log: Vec<Value> = serde_json::from_value(page.log().await).unwrap();
        assert_eq!(log, Vec::<Value>::new());
    });
}

/// A question, a refusal, a batch that runs, the page that is not open: nothing keeps anybody from using them either.
#[test]
fn the_other_states_of_the_page_can_be_used_by_everybody_too() {
    let (web, state, _) = super::sealed_desk();
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelector('#questions input')").await;
        look_at(&page, "question", DESKTOP).await;
        // The field has the focus: the code is typed, and that is all.
        let code = super::displayed(&web, &state);
        page.keys(&format!("{code}{}", char::from(Key::Enter))).await;
        page.until("document.querySelectorAll('#visits li').length === 1").await;
        page.until("!document.querySelector('#questions input')").await;
        assert!(page.text("#visits").await.contains("right"));
        page.js("go('batch')").await;
        page.client.find(Locator::Css("#batch-form button[type=submit]")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#batch-result .bad')").await;
        look_at(&page, "refusal", DESKTOP).await;
        let list = web.folder.path().join("list.csv");
        std::fs::write(&list, "serial,secret,user\n86596120000009,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ,ada\n").unwrap();
        page.client.find(Locator::Css("#batch-path")).await.unwrap().send_keys(list.to_str().unwrap()).await.unwrap();
        page.client.find(Locator::Css("#batch-form button[type=submit]")).await.unwrap().click().await.unwrap();
        page.until("document.querySelector('#batch-now progress')").await;
        look_at(&page, "running", DESKTOP).await;
        page.js("document.getElementById('batch-rows').open = true").await;
        page.until("document.querySelectorAll('#batch-table tbody tr').length === 1").await;
        look_at(&page, "rows", DESKTOP).await;
        page.client.goto(&format!("{}/#{}", web.origin, "x".repeat(43))).await.unwrap();
        page.js("sessionStorage.clear()").await;
        page.client.refresh().await.unwrap();
        page.until("!document.querySelector('#locked').hidden").await;
        look_at(&page, "locked", DESKTOP).await;
    });
}

/// A Molto2 with sealed seeds in two of its slots, one of them somebody's.
fn with_slots() -> Web {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let (exit, text) = crate::support::run_in(folder.path(), args);
        assert_eq!(exit, 0, "{args:?}: {text}");
        text
    };
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let identity = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(folder.path().join("identity"), &secret).unwrap();
    run(&["inventory", "init", "--recipient", &identity.to_public().to_string()]);
    run(&["emulate", "--create", "--family", "molto2", "--drift", "-97", "--state", "tokens/molto.json"]);
    for (slot, seed, digits) in
        [("3", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "6"), ("7", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ", "10")]
    {
        std::fs::write(folder.path().join("seed"), seed).unwrap();
        let burn = ["burn", "--slot", slot, "--digits", digits, "--title", "VPN", "--seed-file", "seed", "--no-verify"];
        run(&[&burn[..], &["--reader", "emulated:tokens/molto.json", "--trust-host-clock"]].concat());
    }
    run(&["inventory", "assign", "826658719844499/7", "ada@example.org"]);
    Web::start_in(folder, &["--identity", "identity"])
}

#[test]
fn a_molto2_shows_its_slots_each_of_which_has_a_life_of_its_own_and_its_codes_are_checked() {
    let web = with_slots();
    in_browser(&address(&web), DESKTOP, async |page| {
        page.until("document.querySelectorAll('#readers .slots li').length === 2").await;
        let card = page.js("return document.querySelector('#readers').textContent").await;
        for said in [
            "the clocks of 2 slots with a seed are set",
            "slot 3 · VPN",
            "slot 7 · VPN · ada@example.org",
            "you can unplug it",
        ] {
            assert!(card.as_str().unwrap().contains(said), "{said}: {card}");
        }
        look_at(&page, "slots", DESKTOP).await;
        page.client.find(Locator::Css("#readers button")).await.unwrap().click().await.unwrap();
        page.until("document.querySelectorAll('#token-body li').length >= 2").await;
        look_at(&page, "device", DESKTOP).await;
        page.js("[...document.querySelectorAll('#token-body button')].find((one) => one.textContent.endsWith('/7')).click()").await;
        page.until("document.querySelector('#verify-code')").await;
        let title = page.js("return document.querySelector('#token-title').textContent").await;
        assert_eq!(title, "Molto2 826658719844499/7");
        let press = ["--json", "emulate", "--press", "--slot", "7", "--state", "tokens/molto.json"];
        let (_, shown) = crate::support::run_in(web.folder.path(), &press);
        let code = serde_json::from_str::<Value>(&shown).unwrap()["display"].as_str().unwrap().to_owned();
        assert_eq!(code.len(), 10);
        page.client
            .find(Locator::Css("#verify-code"))
            .await
            .unwrap()
            .send_keys(&format!("{code}\u{e007}"))
            .await
            .unwrap();
        page.until("[...document.querySelectorAll('#token-body p')].some((one) => one.textContent.startsWith('✓'))")
            .await;
    });
}
