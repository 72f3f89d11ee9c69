//! The page in a real browser: Debian's Chromium, driven by its own driver.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::task::Poll;
use std::time::{Duration, Instant};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use super::harness::LIMIT;
use crate::support::target_folder;

/// How the page is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub is_dark: bool,
}

pub const DESKTOP: Look = Look { width: 1280, height: 800, is_dark: false };
pub const PHONE: Look = Look { width: 390, height: 844, is_dark: true };

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A page in a browser.
pub struct Page {
    pub client: Client,
}

/// Opens a browser at an address, and does something with it.
pub fn in_browser<F: Future<Output = ()>>(address: &str, look: Look, test: impl FnOnce(Page) -> F) {
    in_browser_with(&[], address, look, test);
}

/// The same, with further arguments of the browser's own.
pub fn in_browser_with<F: Future<Output = ()>>(more: &[&str], address: &str, look: Look, test: impl FnOnce(Page) -> F) {
    let mut driver = Command::new("chromedriver");
    driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = Driver(driver.spawn().expect("chromedriver"));
    let lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
    let port = lines.map(Result::unwrap).find_map(|line| {
        let rest = line.split("on port ").nth(1)?;
        rest.trim_end_matches('.').parse::<u16>().ok().filter(|port| *port > 0)
    });
    let port = port.expect("the port of chromedriver");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut args = vec!["--headless=new".to_owned(), "--no-sandbox".to_owned(), "--disable-gpu".to_owned()];
        args.push(format!("--window-size={},{}", look.width, look.height));
        args.push("--disable-dev-shm-usage".to_owned());
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".to_owned(), json!({ "args": args }));
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let page = Page { client: client.clone() };
        page.dress(look).await;
        client.goto(address).await.unwrap();
        let ended = caught(test(Page { client: client.clone() })).await;
        // A test that fails leaves no browser behind.
        let _ = client.close().await;
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
    });
}

/// Runs a test to its end, or to its panic.
async fn caught(test: impl Future<Output = ()>) -> std::thread::Result<()> {
    let mut test = Box::pin(test);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| test.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

impl Page {
    /// Another size, or other colours.
    pub async fn dress(&self, look: Look) {
        let metrics = json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if look.is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.cdp("Emulation.setEmulatedMedia", media).await;
    }

    /// Has the page as a printer gets it, or as a screen does.
    pub async fn as_printed(&self, is_printed: bool) {
        let media = if is_printed { "print" } else { "screen" };
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": media })).await;
    }

    async fn cdp(&self, command: &str, params: Value) {
        self.client.issue_cmd(Cdp { command: command.to_owned(), params }).await.unwrap();
    }

    pub async fn js(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until a script says true.
    pub async fn until(&self, script: &str) {
        let began = Instant::now();
        while self.js(&format!("return Boolean({script})")).await != Value::Bool(true) {
            let shown = self.text("body").await;
            assert!(began.elapsed() < LIMIT, "never: {script}\n{shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn text(&self, css: &str) -> String {
        self.client.find(Locator::Css(css)).await.unwrap().text().await.unwrap()
    }

    /// Presses keys, wherever the focus is.
    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub async fn picture(&self, path: &Path) {
        std::fs::write(path, self.client.screenshot().await.unwrap()).unwrap();
    }

    /// What axe-core finds, by rule; empty where nothing keeps anybody from using the page (WCAG 2.2, A and AA).
    pub async fn axe(&self) -> BTreeMap<String, String> {
        let axe = target_folder().join("tools/axe/axe_playwright_python/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("scripts/prepare --tests installs axe-core");
        let script = format!(
            "{axe}; const done = arguments[arguments.length - 1];
             axe.run(document, {{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }}).then(
                 (found) => done(found.violations.map((one) => [one.id, one.nodes.map((node) => node.html + ' ' + node.failureSummary).join('\\n')])),
                 (error) => done([['axe', String(error)]]))"
        );
        let found = self.client.execute_async(&script, Vec::new()).await.unwrap();
        let found: Vec<(String, String)> = serde_json::from_value(found).unwrap();
        found.into_iter().collect()
    }

    /// What the browser had to say of the page.
    pub async fn log(&self) -> Value {
        self.client.issue_cmd(Log).await.unwrap()
    }

    /// What overflows the page to the side, if something does.
    pub async fn is_too_wide(&self) -> bool {
        self.js("return document.documentElement.scrollWidth > document.documentElement.clientWidth").await
            == Value::Bool(true)
    }
}

/// The browser's log.
#[derive(Debug)]
struct Log;

impl fantoccini::wd::WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Cdp {
    command: String,
    params: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.command, "params": self.params }).to_string()))
    }
}
