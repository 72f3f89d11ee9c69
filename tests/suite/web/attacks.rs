//! What another page in the same browser can try, in a real browser: another one on another port of this computer, in a frame, by a form, by
//! a script, and by a name that leads here. Each is tried at a page of the attacker's own first, where it works.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::browser::{DESKTOP, Page, in_browser, in_browser_with};
use super::harness::Web;

/// The attacker's own server: it answers everybody everything, and lets everybody read it. Ends with the test.
fn attacker(pages: impl Fn(&str) -> String + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let body = pages(first.split(' ').nth(1).unwrap_or_default());
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    port
}

/// The page opens with the code that was printed: nobody has used it up.
fn opens_with_its_code(web: &Web) {
    let reply = web.post("/api/session", None, &json!({ "code": web.code }));
    assert_eq!(reply.status, 200, "the code was used by somebody else: {}", reply.body);
}

/// What is in the frame of a page.
async fn framed(page: &Page) -> String {
    page.client.enter_frame(0).await.unwrap();
    let shown = page.js("return document.body ? document.body.innerText : ''").await;
    page.client.enter_parent_frame().await.unwrap();
    shown.as_str().unwrap().to_owned()
}

#[test]
fn the_page_is_shown_in_nobodys_frame() {
    let web = Web::start(&[], &[]);
    let origin = web.origin.clone();
    let port = attacker(move |path| match path {
        "/own" => "<p>in the frame</p>".to_owned(),
        "/frames-own" => "<iframe src=/own></iframe>".to_owned(),
        _ => format!("<iframe src='{origin}/'></iframe>"),
    });
    let attacker = format!("http://127.0.0.1:{port}");
    in_browser(&format!("{attacker}/frames-own"), DESKTOP, async |page| {
        assert_eq!(framed(&page).await, "in the frame", "this is how it looks where it may be framed");
        page.client.goto(&format!("{attacker}/frames-ours")).await.unwrap();
        let shown = framed(&page).await;
        assert!(!shown.contains("tokentap") && !shown.contains("Desk"), "{shown}");
        let log = page.log().await.to_string();
        assert!(log.contains("frame-ancestors") || log.contains("X-Frame-Options"), "{log}");
    });
}

#[test]
fn a_page_on_another_port_reads_loads_and_changes_nothing() {
    let web = Web::start(&[], &[]);
    let bearer = web.session();
    let port = attacker(|_| "<p>another page</p>".to_owned());
    let address = format!("http://127.0.0.1:{port}/");
    in_browser(&address, DESKTOP, async |page| {
        // The attacker has the bearer even: it helps nothing.
        let script = format!(
            "const ours = '{}', bearer = 'Bearer {bearer}', found = {{}};
             const tried = async (name, what) => {{ try {{ found[name] = await what(); }} catch (error) {{ found[name] = 'refused'; }} }};
             const body = JSON.stringify({{ ask: 'find', text: 'x' }});
             await tried('own', async () => (await fetch('/')).status);
             await tried('read', async () => (await fetch(ours + '/api/state', {{ headers: {{ Authorization: bearer }} }})).status);
             await tried('page', async () => (await (await fetch(ours + '/')).text()).length);
             await tried('ask', async () => (await fetch(ours + '/api/ask', {{ method: 'POST', body, headers: {{ Authorization: bearer, 'Content-Type': 'application/json' }} }})).status);
             await tried('blind', async () => (await fetch(ours + '/api/ask', {{ method: 'POST', mode: 'no-cors', body }})).type);
             const loaded = (name, src) => new Promise((done) => {{ const node = document.createElement(name); node.onload = () => done('loaded'); node.onerror = () => done('refused'); node.src = src; document.body.append(node); }});
             found.script = await loaded('script', ours + '/app.js');
             found.image = await loaded('img', ours + '/icon.svg');
             const opened = window.open(ours + '/'); await new Promise((done) => setTimeout(done, 500));
             try {{ found.window = opened ? opened.document.title : 'refused'; }} catch (error) {{ found.window = 'refused'; }}
             return found;",
            web.origin
        );
        let found = page.client.execute(&format!("return (async () => {{ {script} }})()"), Vec::new()).await.unwrap();
        assert_eq!(found["own"], 200, "{found}");
        for name in ["read", "page", "ask", "script", "image", "window"] {
            assert_eq!(found[name], "refused", "{name}: {found}");
        }
        // What was sent blindly was refused too, and nobody could see that.
        assert!(matches!(found["blind"].as_str(), Some("opaque" | "refused")), "{found}");
    });
    assert_eq!(web.ask(&bearer, json!({ "ask": "formats" })).status, 200);
}

#[test]
fn a_form_of_another_page_is_refused_and_uses_nothing_up() {
    let web = Web::start(&[], &[]);
    let (origin, code) = (web.origin.clone(), web.code.clone());
    // Text that is JSON: a form writes NAME=VALUE.
    let port = attacker(move |path| {
        let name = json!({ "code": code, "x": "" }).to_string().replace("\"\"}", "\"");
        let to = if path == "/own" { "/".to_owned() } else { format!("{origin}/api/session") };
        format!(
            "<form id=f method=post enctype=text/plain action='{to}'><input name='{}' value='\"}}'></form>",
            name.replace('\'', "&#39;")
        )
    });
    in_browser(&format!("http://127.0.0.1:{port}/own"), DESKTOP, async |page| {
        page.js("document.getElementById('f').submit()").await;
        page.until("document.getElementById('f') !== null").await;
        page.client.goto(&format!("http://127.0.0.1:{port}/ours")).await.unwrap();
        page.js("document.getElementById('f').submit()").await;
        page.until("!document.getElementById('f')").await;
        let shown = page.text("body").await;
        assert!(!shown.contains("bearer"), "{shown}");
    });
    opens_with_its_code(&web);
}

/// The attacker's name leads to this computer by the time that their page, which is loaded already, asks again.
#[test]
fn a_name_that_leads_here_opens_nothing_in_a_browser_either() {
    let web = Web::start(&[], &[]);
    let (_, port) = web.origin.rsplit_once(':').unwrap();
    let own = attacker(|_| "<p>another page</p>".to_owned());
    let rules = ["--host-resolver-rules=MAP evil.test 127.0.0.1"];
    in_browser_with(&rules, &format!("http://evil.test:{own}/"), DESKTOP, async |page| {
        assert_eq!(page.text("body").await, "another page", "the name leads here");
        page.client.goto(&format!("http://evil.test:{port}/")).await.unwrap();
        let shown = page.js("return document.documentElement.outerHTML").await;
        assert!(!shown.as_str().unwrap().contains("tokentap"), "{shown}");
        let script = format!(
            "return (async () => {{ const statuses = [];
               for (const [path, method] of [['/', 'GET'], ['/app.js', 'GET'], ['/api/state', 'GET'], ['/api/session', 'POST'], ['/api/ask', 'POST']]) {{
                 const body = method === 'POST' ? JSON.stringify({{ code: '{}' }}) : undefined;
                 try {{ statuses.push((await fetch(path, {{ method, body, headers: {{ 'Content-Type': 'application/json' }} }})).status); }} catch (error) {{ statuses.push(0); }}
               }}
               return statuses; }})()",
            web.code
        );
        let statuses: Vec<u16> = serde_json::from_value(page.js(&script).await).unwrap();
        assert_eq!(statuses.len(), 5);
        assert!(statuses.iter().all(|status| matches!(status, 0 | 400 | 403 | 421)), "{statuses:?}");
    });
    opens_with_its_code(&web);
}

/// A script in the page could read what the page can: none gets in, neither by the address nor by what is typed.
#[test]
fn what_is_in_the_address_is_never_run_and_the_code_is_gone_from_the_history() {
    let web = Web::start(&[], &[]);
    let address = format!("{}/#{}", web.origin, web.code);
    in_browser(&address, DESKTOP, async |page| {
        page.until("!document.querySelector('#desk').hidden").await;
        for hash in ["<img src=x onerror=window.harmed=1>", "javascript:window.harmed=1", "token"] {
            page.js(&format!("location.hash = {}", json!(hash))).await;
            page.until("SCREENS.includes(shownScreen())").await;
        }
        assert_eq!(page.js("return window.harmed || 0").await, 0);
        let bearer = page.js("return sessionStorage.getItem('bearer')").await;
        for secret in [Value::from(web.code.clone()), bearer] {
            let secret = secret.as_str().unwrap();
            assert!(secret.len() > 20);
            let seen = page.js("return location.href + document.title + document.documentElement.outerHTML + document.cookie + JSON.stringify(localStorage)").await;
            assert!(!seen.as_str().unwrap().contains(secret));
        }
        page.js("history.go(-(history.length - 1))").await;
        let back = page.js("return location.href").await;
        assert!(!back.as_str().unwrap().contains(&web.code), "{back}");
    });
}
