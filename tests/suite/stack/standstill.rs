//! A PC/SC service that stands still, at each message of each command: every command ends by itself, and Ctrl-C ends it at
//! once. Between program and service is a proxy of this test's own, which stops passing anything on at the N-th message.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::harness::{Stack, in_namespace, sh};
use crate::support::{text, tokentap};

/// The socket of the service.
const SERVICE: &str = "/run/pcscd/pcscd.comm";

/// What the program may take at the longest, in seconds: docs/readers.md names 15 for one call.
const AT_MOST: Duration = Duration::from_secs(20);

/// A proxy before the service.
struct Proxy {
    socket: PathBuf,
    /// Messages that were passed on to the service.
    passed: Arc<AtomicU32>,
    /// From which one on nothing is.
    last: u32,
}

impl Proxy {
    fn start(folder: &Path, name: &str, last: u32) -> Self {
        let socket = folder.join(name);
        let listener = UnixListener::bind(&socket).unwrap();
        let passed = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&passed);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(client, &shared, last));
            }
        });
        Self { socket, passed, last }
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = tokentap();
        command.env("PCSCLITE_CSOCK_NAME", &self.socket).args(args).current_dir(self.socket.parent().unwrap());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn stands_still(&self) -> bool {
        self.passed.load(Ordering::SeqCst) >= self.last
    }
}

/// Passes on what one client says and is told. At the end the service is let go of, so that others can use the token, and the
/// client is left without an answer.
fn serve(mut client: UnixStream, passed: &AtomicU32, last: u32) {
    let Ok(mut service) = UnixStream::connect(SERVICE) else { return };
    let (mut answers, mut to) = (service.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count) = answers.read(&mut buffer) {
                if count == 0 || passed.load(Ordering::SeqCst) >= last || to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        });
        let mut buffer = [0; 65536];
        while let Ok(count) = client.read(&mut buffer) {
            if count == 0 || passed.fetch_add(1, Ordering::SeqCst) + 1 >= last {
                break;
            }
            if service.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = service.shutdown(std::net::Shutdown::Both);
        if passed.load(Ordering::SeqCst) >= last {
            // Open and mute, for as long as the client waits.
            let mut buffer = [0; 1024];
            while client.read(&mut buffer).is_ok_and(|count| count > 0) {}
        }
    });
}

/// How many messages a command sends when nothing is wrong.
fn messages(folder: &Path, args: &[&str]) -> u32 {
    let proxy = Proxy::start(folder, "count", u32::MAX);
    let output = proxy.spawn(args).wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", text(&output));
    std::fs::remove_file(&proxy.socket).unwrap();
    proxy.passed.load(Ordering::SeqCst)
}

const COMMANDS: [&[&str]; 7] = [
    &["readers"],
    &["doctor", "--trust-host-clock"],
    &["burn", "--no-verify", "--seed-file", "seed", "--trust-host-clock"],
    &["info"],
    &["--time", "0", "--trust-host-clock"],
    &["sync", "--fast", "--trust-host-clock"],
    &["config", "--step", "60", "--fast", "--trust-host-clock"],
];

/// The commands with their messages, each from the first to the last.
fn cases(folder: &Path) -> Vec<(Vec<&'static str>, u32)> {
    std::fs::write(folder.join("seed"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
    let mut cases = Vec::new();
    for args in COMMANDS {
        // A tick that is waited for has any number of messages.
        let args = if args[0] == "--time" {
            vec!["sync", "--fast", "--trust-host-clock", "--time", "0"]
        } else {
            args.to_vec()
        };
        cases.extend((1..=messages(folder, &args)).map(|last| (args.clone(), last)));
    }
    cases
}

#[test]
fn every_command_ends_by_itself_with_exit_code_3_at_whichever_message_the_service_stops() {
    in_namespace(
        "standstill::every_command_ends_by_itself_with_exit_code_3_at_whichever_message_the_service_stops",
        |folder| {
            let stack = Stack::start(folder);
            let _token = stack.lay(0, &[]);
            let cases = cases(folder);
            assert!(cases.len() > 40, "{}", cases.len());
            let given_up = AtomicU32::new(0);
            let given_up = &given_up;
            std::thread::scope(|scope| {
                for (number, (args, last)) in cases.iter().enumerate() {
                    scope.spawn(move || {
                        let proxy = Proxy::start(folder, &format!("end{number}"), *last);
                        let began = Instant::now();
                        let output = proxy.spawn(args).wait_with_output().unwrap();
                        let said = text(&output);
                        // The last messages of all let go of the token: the work is done by then.
                        let is_done = output.status.success();
                        assert!(is_done || output.status.code() == Some(3), "{args:?}, message {last}: {said}");
                        assert!(
                            is_done || said.contains("the PC/SC service does not answer"),
                            "{args:?} {last}: {said}"
                        );
                        assert!(began.elapsed() < AT_MOST, "{args:?}, message {last}: {:?}", began.elapsed());
                        given_up.fetch_add(u32::from(!is_done), Ordering::SeqCst);
                    });
                }
            });
            let given_up = given_up.load(Ordering::SeqCst) as usize;
            assert!(given_up > cases.len() * 2 / 3, "{given_up} of {}", cases.len());
        },
    );
}

#[test]
fn ctrl_c_ends_every_command_within_a_second_at_whichever_message_the_service_stops() {
    in_namespace(
        "standstill::ctrl_c_ends_every_command_within_a_second_at_whichever_message_the_service_stops",
        |folder| {
            let stack = Stack::start(folder);
            let _token = stack.lay(0, &[]);
            let mut cases = cases(folder);
            cases.extend((1..=24).map(|last| (vec!["desk", "--fast", "--trust-host-clock"], last)));
            cases.extend((1..=12).map(|last| (vec!["batch", "rows.csv", "--trust-host-clock"], last)));
            std::fs::write(folder.join("rows.csv"), "serial,secret\n86596120000009,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
                .unwrap();
            std::thread::scope(|scope| {
                for (number, (args, last)) in cases.iter().enumerate() {
                    scope.spawn(move || {
                        let proxy = Proxy::start(folder, &format!("int{number}"), *last);
                        let mut child = proxy.spawn(args);
                        let began = Instant::now();
                        while !proxy.stands_still() {
                            if child.try_wait().unwrap().is_some() || began.elapsed() > AT_MOST {
                                break;
                            }
                            std::thread::sleep(Duration::from_millis(10));
                        }
                        std::thread::sleep(Duration::from_millis(1200));
                        if child.try_wait().unwrap().is_some() {
                            return;
                        }
                        sh(&format!("kill -INT {}", child.id()));
                        let asked = Instant::now();
                        let output = child.wait_with_output().unwrap();
                        let took = asked.elapsed();
                        let code = output.status.code();
                        assert!(matches!(code, Some(0 | 10 | 130)), "{args:?}, message {last}: {}", text(&output));
                        // Many programs share two processors here.
                        assert!(took < Duration::from_secs(4), "{args:?}, message {last}: {took:?}");
                    });
                }
            });
        },
    );
}

#[test]
fn wait_is_a_bound_on_everything_before_the_first_contact() {
    in_namespace("standstill::wait_is_a_bound_on_everything_before_the_first_contact", |folder| {
        let stack = Stack::start(folder);
        let _token = stack.lay(0, &[]);
        for last in 1..=4 {
            let proxy = Proxy::start(folder, &format!("wait{last}"), last);
            let began = Instant::now();
            let output = proxy.spawn(&["--wait", "3", "info"]).wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(3), "{}", text(&output));
            assert!(began.elapsed() < Duration::from_secs(10), "message {last}: {:?}", began.elapsed());
        }
    });
}

#[test]
fn a_second_ctrl_c_ends_a_desk_that_has_nothing_in_hand() {
    in_namespace("standstill::a_second_ctrl_c_ends_a_desk_that_has_nothing_in_hand", |folder| {
        let stack = Stack::start(folder);
        let daemon = stack.daemon_id();
        let child = tokentap()
            .args(["desk", "--trust-host-clock"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(500));
        // The very service, stopped.
        sh(&format!("kill -STOP {daemon}"));
        std::thread::sleep(Duration::from_millis(1200));
        sh(&format!("kill -INT {}; sleep 0.1; kill -INT {} 2>/dev/null || true", child.id(), child.id()));
        let began = Instant::now();
        let output = child.wait_with_output().unwrap();
        sh(&format!("kill -CONT {daemon}"));
        assert!(matches!(output.status.code(), Some(0 | 130)), "{}", text(&output));
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    });
}
