//! Can the host be trusted? A real chronyd whose time is off on purpose, and servers that behave badly.

use std::io;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{run_with_input, text, tokentap};

/// A port of the loopback interface that nobody uses at the moment.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// chronyd on loopback, serving this machine's time plus an offset.
struct Chronyd {
    child: Child,
    port: u16,
}

impl Chronyd {
    fn start(folder: &Path, offset: &str) -> Self {
        let port = free_port();
        let config = folder.join(format!("chrony{port}.conf"));
        let text = format!(
            "local stratum 1\nallow 127.0.0.1\nbindaddress 127.0.0.1\nport {port}\ncmdport 0\nbindcmdaddress /\n\
             pidfile {}\n",
            folder.join(format!("chrony{port}.pid")).display()
        );
        std::fs::write(&config, text).unwrap();
        let user = Command::new("id").arg("-un").output().unwrap();
        let user = String::from_utf8(user.stdout).unwrap();
        // -x: never touches this machine's clock. -U: does not insist on root. faketime shifts what it serves.
        // Where scripts/prepare unpacks chronyd if the system has none.
        let tools = crate::support::target_folder();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{path}:{}:/usr/sbin", tools.join("tools/usr/sbin").display());
        let child = Command::new("faketime")
            .env("PATH", path)
            .args(["-f", offset, "chronyd", "-d", "-x", "-U", "-u", user.trim(), "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("faketime and chronyd");
        let server = Self { child, port };
        server.wait_until_it_answers();
        server
    }

    fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn wait_until_it_answers(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut request = [0_u8; 48];
        request[0] = 0x23;
        let began = Instant::now();
        loop {
            // Until it listens, the answer is a refusal.
            let answered = socket.send(&request).and_then(|_| socket.recv(&mut [0; 100]));
            if answered.is_ok() {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "chronyd does not answer: {answered:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Chronyd {
    fn drop(&mut self) {
        // faketime replaces itself by chronyd, so this is chronyd's own process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a bad server makes of a request; `None`: no answer.
type Answer = fn(&[u8]) -> Option<Vec<u8>>;

/// A server that answers as it likes, until the test ends.
fn bad_server(answer: Answer) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || -> io::Result<()> {
        let mut request = [0; 100];
        loop {
            let (length, from) = socket.recv_from(&mut request)?;
            if let Some(reply) = answer(&request[..length]) {
                socket.send_to(&reply, from)?;
            }
        }
    });
    name
}

/// A well-formed reply of a server whose clock is `offset_s` off, its two timestamps `apart_s` apart.
fn reply(request: &[u8], stratum: u8, offset_s: f64, apart_s: f64) -> Vec<u8> {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let stamp = |time: f64| (((time + 2_208_988_800.0) * 4_294_967_296.0) as u64).to_be_bytes();
    let mut packet = vec![0x24, stratum, 6, 0xEC];
    packet.resize(24, 0);
    packet.extend_from_slice(&request[40..48]);
    packet.extend_from_slice(&stamp(unix + offset_s));
    packet.extend_from_slice(&stamp(unix + offset_s + apart_s));
    packet
}

struct Desk {
    folder: tempfile::TempDir,
    reader: String,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("token.json");
        let output =
            run_with_input(&["emulate", "--create", "--drift", "-97.25", "--state", state.to_str().unwrap()], b"");
        assert!(output.status.success(), "{}", text(&output));
        let reader = format!("emulated:{}", state.display());
        Self { folder, reader }
    }

    /// Runs a command on the token and returns its exit code and its object.
    fn run(&self, args: &[&str]) -> (i32, Value) {
        let output = tokentap().args(["--json", "--reader", &self.reader]).args(args).output().unwrap();
        let object = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
        (output.status.code().unwrap(), object)
    }

    /// The token's true drift: an emulated token shares this machine's clock.
    fn drift(&self) -> (f64, f64) {
        let (_, info) = self.run(&["info", "--precise"]);
        (info["clock"]["drift_s"].as_f64().unwrap(), info["clock"]["resolution_s"].as_f64().unwrap())
    }

    fn assert_refused(&self, args: &[&str], what: &str) {
        let (exit, object) = self.run(args);
        assert_eq!((exit, &object["error"]["kind"]), (9, &Value::from("host-clock")), "{object}");
        assert!(object["error"]["message"].as_str().unwrap().contains(what), "{object}");
        assert!((self.drift().0 + 97.25).abs() < 1.0, "the token was written");
    }
}

#[test]
fn with_a_host_5_s_off_and_a_server_the_token_ends_right_by_the_servers_time() {
    for (offset, seconds) in [("+5s", 5.0), ("-5s", -5.0)] {
        let desk = Desk::new();
        let server = Chronyd::start(desk.folder.path(), offset);
        let (exit, report) = desk.run(&["sync", "--ntp", &server.name()]);
        assert_eq!(exit, 0, "{report}");
        let ntp = &report["host_clock"]["ntp"];
        assert!((ntp["offset_s"].as_f64().unwrap() - seconds).abs() < 1.0 && ntp["corrected"] == true, "{report}");
        let after = &report["clock"]["after"];
        // How close it comes depends on the machine, which may be busy: benches/clock.rs measures that.
        assert!(after["drift_s"].as_f64().unwrap().abs() < 1.0, "{report}");
        // By this machine's clock, which is the wrong one here, the token is off by what the server said.
        let (drift, resolution) = desk.drift();
        assert!((drift - seconds).abs() < resolution + 1.0, "{drift} ±{resolution}");
    }
}

#[test]
fn ntp_check_refuses_a_host_that_is_off_and_corrects_nothing() {
    let desk = Desk::new();
    let server = Chronyd::start(desk.folder.path(), "+5s");
    let name = server.name();
    desk.assert_refused(&["sync", "--ntp", &name, "--ntp-check"], "more than 2 s");
    let (exit, report) = desk.run(&["sync", "--fast", "--ntp", &name, "--ntp-check", "--max-host-error", "10"]);
    assert_eq!((exit, &report["host_clock"]["ntp"]["corrected"]), (0, &Value::from(false)), "{report}");
    assert!(desk.drift().0.abs() < 1.1);
}

#[test]
fn a_user_who_answers_for_the_clock_is_believed_and_it_is_recorded() {
    let desk = Desk::new();
    let server = Chronyd::start(desk.folder.path(), "+5s");
    let flags = ["sync", "--fast", "--ntp", &server.name(), "--ntp-check", "--trust-host-clock"];
    let (exit, report) = desk.run(&flags);
    assert_eq!((exit, &report["host_clock"]["trusted_by_user"]), (0, &Value::from(true)), "{report}");
}

#[test]
fn doctor_shows_what_the_server_says() {
    let desk = Desk::new();
    let server = Chronyd::start(desk.folder.path(), "+5s");
    let output = run_with_input(&["doctor", "--ntp", &server.name()], b"");
    let said = text(&output);
    assert!(said.contains("it is 5.0") && said.contains(" s slow"), "{said}");
}

#[test]
fn a_server_that_gives_no_usable_answer_is_named_and_nothing_is_written() {
    let desk = Desk::new();
    let silent = bad_server(|_| None);
    let rubbish = bad_server(|_| Some(vec![0xA5; 48]));
    let short = bad_server(|_| Some(vec![0x24; 7]));
    let late = bad_server(|request| {
        std::thread::sleep(Duration::from_millis(1500));
        Some(reply(request, 1, 0.0, 0.0))
    });
    let kiss_of_death = bad_server(|request| Some(reply(request, 0, 0.0, 0.0)));
    let backwards = bad_server(|request| Some(reply(request, 1, 0.0, -5.0)));
    let impossible = bad_server(|request| Some(reply(request, 1, 0.0, 5.0)));
    for server in [silent, rubbish, short, late, kiss_of_death, backwards, impossible] {
        desk.assert_refused(&["sync", "--ntp", &server], &format!("{server} gave no usable answer"));
    }
    desk.assert_refused(&["sync", "--ntp", "no-such-server.invalid"], "no-such-server.invalid");
}

/// RFC 4330, section 5: a reply with zeros as its transmit timestamp is discarded, whatever its stratum.
#[test]
fn a_server_with_zeros_for_the_time_is_no_answer_and_sets_no_token_to_2036() {
    let desk = Desk::new();
    let zeros = bad_server(|request| {
        let mut packet = reply(request, 2, 0.0, 0.0);
        packet[32..].fill(0);
        Some(packet)
    });
    for flags in [&[][..], &["--allow-large-correction"], &["--max-host-error", "86400"]] {
        desk.assert_refused(&[&["sync", "--ntp", &zeros], flags].concat(), "it does not know the time itself");
    }
}

#[test]
fn a_correction_by_an_hour_or_by_nine_years_is_not_made_unasked() {
    let desk = Desk::new();
    let hour = bad_server(|request| Some(reply(request, 2, 3600.0, 0.0)));
    let years = bad_server(|request| Some(reply(request, 2, 2.8e8, 0.0)));
    for server in [&hour, &years] {
        desk.assert_refused(&["sync", "--ntp", server], "one of the two is wrong by far");
    }
    let (exit, report) = desk.run(&["sync", "--fast", "--ntp", &hour, "--allow-large-correction"]);
    assert_eq!((exit, &report["host_clock"]["ntp"]["corrected"]), (0, &Value::from(true)), "{report}");
    assert!((desk.drift().0 - 3600.0).abs() < 2.0);
}

#[test]
fn a_server_that_lies_is_found_out_by_another_one() {
    let desk = Desk::new();
    let honest = Chronyd::start(desk.folder.path(), "+0s");
    let liar = bad_server(|request| Some(reply(request, 1, 3600.0, 0.0)));
    desk.assert_refused(&["sync", "--ntp", &honest.name(), "--ntp", &liar], "disagree");
}

#[test]
fn a_server_that_answers_late_is_taken_with_its_doubt_or_refused() {
    let desk = Desk::new();
    let slow = bad_server(|request| {
        std::thread::sleep(Duration::from_millis(300));
        Some(reply(request, 1, 0.0, 0.0))
    });
    let (exit, report) = desk.run(&["sync", "--fast", "--ntp", &slow]);
    assert_eq!(exit, 0, "{report}");
    let doubt = report["host_clock"]["ntp"]["uncertainty_s"].as_f64().unwrap();
    assert!(doubt >= 0.15, "{report}");
    // Half a second of a reading, and what the host's own time may be off.
    assert!(report["clock"]["after"]["resolution_s"].as_f64().unwrap() >= 0.5 + doubt, "{report}");
    let fresh = Desk::new();
    fresh.assert_refused(&["sync", "--ntp", &slow, "--max-host-error", "0.1"], "too slowly");
}

#[test]
fn strict_clock_refuses_what_nothing_vouches_for_and_a_warning_does_without_it() {
    let desk = Desk::new();
    let (_, report) = desk.run(&["info"]);
    if report["host_clock"]["synchronised"] == true {
        let (exit, report) = desk.run(&["sync", "--fast", "--strict-clock"]);
        assert_eq!(exit, 0, "{report}");
    } else {
        desk.assert_refused(&["sync", "--strict-clock"], "synchronised");
        let output = tokentap().args(["--reader", &desk.reader, "sync", "--fast"]).output().unwrap();
        assert!(output.status.success());
        assert!(text(&output).contains("nothing keeps the host's clock synchronised"), "{}", text(&output));
    }
}

/// A server whose time is this host's.
pub fn honest_server() -> String {
    bad_server(|request| Some(reply(request, 2, 0.0, 0.0)))
}
