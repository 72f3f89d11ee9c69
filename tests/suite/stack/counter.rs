//! A day at the counter: tokens on two readers behind pcscd, with the desk as a page in a real browser.

use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::Value;

use super::harness::{Stack, in_namespace};
use crate::support::in_folder;
use crate::web::browser::{DESKTOP, PHONE, in_browser};
use crate::web::harness::Web;
use crate::web::page::look_at;

/// How many tokens come to each reader.
const EACH: usize = 20;

#[test]
fn forty_tokens_on_two_readers_are_seen_through_on_the_page_with_faults_among_them() {
    in_namespace(
        "counter::forty_tokens_on_two_readers_are_seen_through_on_the_page_with_faults_among_them",
        |folder| {
            let stack = Stack::start(folder);
            let own = tempfile::tempdir().unwrap();
            let mut command = in_folder(own.path());
            command.args(["web", "--no-open", "--trust-host-clock", "--assume-factory-profile"]);
            let web = Web::spawn(own, command);
            let bearer = {
                // A page of the test's own, beside the browser's.
                let bearer = web.session();
                let more = web.post("/api/code", Some(&bearer), &serde_json::json!({})).json();
                (bearer, more["address"].as_str().unwrap().to_owned())
            };
            let (bearer, address) = bearer;
            in_browser(&address, DESKTOP, async |page| {
                page.until("document.querySelectorAll('#readers article').length === 2").await;
                // When each visit was on the page, by the same clock that dated it.
                page.js(
                "window.lags = []; let seen = ''; new MutationObserver(() => {
                     const [last] = state.visits;
                     if (last && last.at !== seen) { seen = last.at; window.lags.push(Date.now() - Date.parse(last.at)); }
                 }).observe(document.getElementById('visits'), { childList: true })",
            )
            .await;
                std::thread::scope(|scope| {
                    let stack = &stack;
                    let (web, bearer) = (&web, bearer.as_str());
                    for slot in [0, 1] {
                        scope.spawn(move || queue(stack, slot, web, bearer));
                    }
                });
                page.until(&format!("state.tokens >= {}", 2 * EACH)).await;
                let state = web.state(&bearer, 0);
                assert_eq!((state["set"].as_u64(), state["undone_count"].as_u64()), (Some(28), Some(12)), "{state}");
                page.until("state.undone_count === 12").await;
                let shown = page.text("#counts").await;
                assert!(shown.contains("28 clocks set, 12 need attention"), "{shown}");
                assert_eq!(page.js("return document.querySelectorAll('#undone li').length").await, 12);
                let mut lags: Vec<i64> = serde_json::from_value(page.js("return window.lags").await).unwrap();
                lags.sort_unstable();
                println!(
                    "{} visits were on the page after {} ms at the median, {} ms at 95 %",
                    lags.len(),
                    lags[lags.len() / 2],
                    lags[lags.len() * 95 / 100]
                );
                assert!(!lags.is_empty());
                let status = std::fs::read_to_string(format!("/proc/{}/status", web.id())).unwrap();
                let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
                println!("its memory at the most: {}", peak.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
            });
            let (exit, folder) = web.end();
            assert_eq!(exit, 10, "some were left undone");
            let mut list = in_folder(folder.path());
            let list = list.args(["--json", "inventory", "tokens"]).output().unwrap();
            let list: Value = serde_json::from_slice(&list.stdout).unwrap();
            assert_eq!(list["tokens"].as_array().unwrap().len(), 2 * EACH, "each is on record");
        },
    );
}

/// Lays the tokens of one reader down, one after the other: six of them in a way that nothing could be done, or not all.
fn queue(stack: &Stack, slot: usize, web: &Web, bearer: &str) {
    for number in 0..EACH {
        let (prefix, fault): (&str, &[&str]) = match number {
            4 | 9 | 14 => ("8659622", &[]),
            7 => ("8659612", &["--ppm", "-1000000"]),
            12 => ("8659699", &[]),
            19 => ("8659612", &["--leave-before", "5"]),
            _ => ("8659612", &[]),
        };
        let serial = format!("{prefix}{slot}{number:06}");
        let drift = format!("-{}.4", 10 + number);
        let token = stack.lay(slot, &[&["--serial", serial.as_str(), "--drift", drift.as_str()], fault].concat());
        let ends: &[&str] = match number {
            4 | 7 | 9 | 12 | 14 => &["badly"],
            19 => &["badly", "lay-back"],
            _ => &["well"],
        };
        web.wait_for(bearer, |state| {
            let places = state["readers"].as_object().unwrap();
            places
                .values()
                .any(|place| place["serial"] == serial.as_str() && ends.contains(&place["state"].as_str().unwrap()))
        });
        token.take_off();
    }
}

/// The token of a user who was just served lies there still: its seed is nobody's to burn over.
#[test]
fn what_lies_on_a_reader_when_a_batch_is_started_is_not_burned_until_it_was_lifted() {
    in_namespace(
        "counter::what_lies_on_a_reader_when_a_batch_is_started_is_not_burned_until_it_was_lifted",
        |folder| {
            let stack = Stack::start(folder);
            let own = tempfile::tempdir().unwrap();
            let mut command = in_folder(own.path());
            command.args(["web", "--no-open", "--trust-host-clock", "--no-auto-sync"]);
            let web = Web::spawn(own, command);
            let bearer = web.session();
            let state = folder.join("token.json");
            let args = ["--drift", "0.2", "--state", state.to_str().unwrap()];
            let token = stack.lay(0, &args);
            web.wait_for(&bearer, |board| board["tokens"] == 1);
            let before = std::fs::read(&state).unwrap();
            let list = web.folder.path().join("list.csv");
            std::fs::write(&list, "secret,user\nJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,bob\n").unwrap();
            let start = serde_json::json!({ "ask": "start-batch", "list": { "path": list }, "to": [] });
            let started = web.ask(&bearer, start.clone());
            assert_eq!(started.status, 200, "{}", started.body);
            assert_eq!(web.ask(&bearer, start).status, 422, "one batch at a time");
            let board = web.wait_for(&bearer, |board| board.to_string().contains("it lay there before"));
            assert_eq!((board["batch"]["runs"].as_bool(), board["batch"]["done"].as_u64()), (Some(true), Some(0)));
            assert!(std::fs::read(&state).unwrap() == before, "it is as it was");
            token.take_off();
            // Laid down again, it is meant.
            let token = stack.lay(0, &["--state", state.to_str().unwrap()]);
            web.wait_for(&bearer, |board| board["batch"]["done"] == 1 && board["batch"]["runs"] == false);
            assert!(std::fs::read(&state).unwrap() != before, "it is burned");
            // The desk does nothing with it either, until it is lifted.
            let board = web.wait_for(&bearer, |board| board["facts"]["sets_clocks"] == false);
            assert_eq!(board["tokens"], 2, "{board}");
            token.take_off();
            assert_eq!(web.end().0, 0);
        },
    );
}

/// A list is dropped onto the page, burned, stopped and resumed; the readers never do anything but what the page says.
#[test]
fn a_dropped_list_is_watched_stopped_and_resumed_in_a_browser_by_keyboard() {
    in_namespace("counter::a_dropped_list_is_watched_stopped_and_resumed_in_a_browser_by_keyboard", |folder| {
        let stack = Stack::start(folder);
        let own = tempfile::tempdir().unwrap();
        let mut command = in_folder(own.path());
        command.args(["web", "--no-open", "--trust-host-clock", "--no-auto-sync"]);
        let web = Web::spawn(own, command);
        let list = web.folder.path().join("list.csv");
        let serials = ["86596120000301", "86596120000302", "86596120000303"];
        let secrets = [
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXA",
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXB",
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXC",
        ];
        let rows =
            serials.iter().zip(secrets).map(|(serial, secret)| format!("{serial},{secret}\n")).collect::<String>();
        std::fs::write(&list, format!("serial,secret\n{rows}")).unwrap();
        let large = web.folder.path().join("large.csv");
        std::fs::write(&large, vec![b'a'; (5 << 20) + 1]).unwrap();
        in_browser(&format!("{}/#{}", web.origin, web.code), DESKTOP, async |page| {
            let enter = char::from(Key::Enter).to_string();
            let burn = async |serial: &str| {
                let token = stack.lay(0, &["--serial", serial, "--drift", "4"]);
                let is_burned = format!("document.querySelector('#visits').textContent.includes('{serial}')");
                page.until(&is_burned).await;
                token.take_off();
            };
            let start = async || {
                let field = page.client.find(Locator::Css("#batch-file")).await.unwrap();
                field.send_keys(list.to_str().unwrap()).await.unwrap();
                page.until("document.querySelector('#dropped').textContent.includes('list.csv')").await;
                let button = page.client.find(Locator::Css("#batch-form button[type=submit]")).await.unwrap();
                button.send_keys(&enter).await.unwrap();
                page.until("!document.querySelector('#burning').hidden").await;
            };
            page.until("document.querySelectorAll('#readers article').length === 2").await;
            page.js("go('batch')").await;
            let field = page.client.find(Locator::Css("#batch-file")).await.unwrap();
            field.send_keys(large.to_str().unwrap()).await.unwrap();
            page.until("document.querySelector('#dropped').textContent.includes('larger than 5 MiB')").await;
            start().await;
            assert!(
                page.text("#burning").await.contains("every token laid down now gets a seed"),
                "whoever comes is warned"
            );
            assert!(page.text("#batch-now").await.contains("0 of 3 done"));
            look_at(&page, "burning", DESKTOP).await;
            page.dress(PHONE).await;
            look_at(&page, "burning", PHONE).await;
            page.dress(DESKTOP).await;
            burn(serials[0]).await;
            page.until("document.querySelector('#batch-now').textContent.includes('1 of 3 done')").await;
            // It goes on where somebody looks at another screen, or reloads the page.
            page.js("go('desk')").await;
            look_at(&page, "burning-desk", DESKTOP).await;
            page.client.refresh().await.unwrap();
            page.until("!document.querySelector('#burning').hidden").await;
            page.js("go('batch')").await;
            let stop = page.client.find(Locator::Css("#batch-now button")).await.unwrap();
            stop.send_keys(&enter).await.unwrap();
            page.until("document.querySelector('#batch-now').textContent.includes('The readers set clocks again')")
                .await;
            page.until("document.querySelector('#burning').hidden").await;
            let token = stack.lay(0, &["--serial", serials[1], "--drift", "4"]);
            page.until("document.querySelector('#visits').textContent.includes('86596120000302')").await;
            assert!(!page.text("#visits").await.contains("burned"), "a batch that was stopped burns nothing");
            token.take_off();
            start().await;
            page.until("document.querySelector('#batch-now').textContent.includes('1 of 3 done')").await;
            for serial in &serials[1..] {
                burn(serial).await;
            }
            page.until("document.querySelector('#batch-now').textContent.includes('3 of 3 done')").await;
            page.until("document.querySelector('#burning').hidden").await;
        });
        assert_eq!(web.end().0, 0);
    });
}

/// A seed that was lost is on the token again once it is laid back; whoever comes next gets nothing burned.
#[test]
fn a_sealed_seed_is_burned_again_once_when_somebody_asks_for_it_at_the_page() {
    in_namespace("counter::a_sealed_seed_is_burned_again_once_when_somebody_asks_for_it_at_the_page", |folder| {
        let stack = Stack::start(folder);
        let own = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            let (exit, text) = crate::support::run_in(own.path(), args);
            assert_eq!(exit, 0, "{args:?}: {text}");
            text
        };
        let identity = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        std::fs::write(own.path().join("identity"), secret).unwrap();
        run(&["inventory", "init", "--recipient", &identity.to_public().to_string()]);
        let serial = "86596220005678";
        let state = own.path().join("token.json");
        let state = state.to_str().unwrap().to_owned();
        run(&["emulate", "--create", "--serial", serial, "--drift", "-50", "--state", &state]);
        let reader = format!("emulated:{state}");
        run(&["--reader", &reader, "burn", "--generate", "--no-verify", "--trust-host-clock"]);
        let seed =
            |state: &str| serde_json::from_slice::<Value>(&std::fs::read(state).unwrap()).unwrap()["seed"].clone();
        let burned = seed(&state);
        // Another tool sets its clock, and its seed is gone.
        run(&["--reader", &reader, "--inventory", "none", "sync", "--fast", "--erase-seed", "--trust-host-clock"]);
        assert_ne!(seed(&state), burned);
        let mut command = in_folder(own.path());
        command.args(["web", "--no-open", "--trust-host-clock", "--no-auto-sync", "--identity", "identity"]);
        let web = Web::spawn(own, command);
        let bearer = web.session();
        let lay = || stack.lay(0, &["--state", &state]);
        let token = lay();
        web.wait_for(&bearer, |board| board["tokens"] == 1);
        let again = |cancel: bool| {
            web.ask(&bearer, serde_json::json!({ "ask": "burn-again", "serial": serial, "cancel": cancel }))
        };
        assert_eq!(again(false).status, 200);
        web.wait_for(&bearer, |board| board.to_string().contains("lift it, and lay it back: its seed is burned again"));
        assert!(again(true).status == 200, "somebody thinks better of it");
        token.take_off();
        let token = lay();
        web.wait_for(&bearer, |board| board["tokens"] == 2);
        assert_ne!(seed(&state), burned);
        assert_eq!(again(false).status, 200);
        token.take_off();
        let token = lay();
        let board = web.wait_for(&bearer, |board| board["tokens"] == 3);
        assert_eq!((seed(&state), board["visits"][0]["well"].as_bool()), (burned, Some(true)), "{board}");
        token.take_off();
        let token = lay();
        web.wait_for(&bearer, |board| board["tokens"] == 4);
        token.take_off();
        let about = web.ask(&bearer, serde_json::json!({ "ask": "token", "serial": serial })).json();
        let burns = about["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["what"] == "burn" && event["outcome"] == "done")
            .count();
        assert_eq!(
            (burns, about["burns_again"].as_bool()),
            (2, Some(false)),
            "the first, and the one that was asked for"
        );
        let unknown = web.ask(&bearer, serde_json::json!({ "ask": "burn-again", "serial": "86596120009999" }));
        assert_eq!(unknown.status, 422, "{}", unknown.body);
    });
}
