//! Pictures, looked at in a process of its own: a picture of a few bytes can ask for minutes and gigabytes, and a decoder that
//! panics must not take the command with it.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::qr::QrError;

/// The argument that makes the program that process: no command of its users.
pub const CHILD: &str = "look-at-picture-on-standard-input";

/// How long a picture is looked at.
const WITHIN: Duration = Duration::from_secs(9);

/// How long it is looked at before what was found by then is all.
const SOON: Duration = Duration::from_secs(7);

/// The memory that it may take.
#[cfg(unix)]
const MEMORY: u64 = 480 << 20;

/// The processor time that it may take, in seconds, if nobody is there any more to end it.
#[cfg(unix)]
const CPU_S: u64 = 12;

/// The largest answer: a hundred codes of the largest kind (ISO/IEC 18004, version 40).
const MAX_ANSWER: u64 = 1 << 20;

/// How often the process is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The texts of all QR codes in a picture.
///
/// # Errors
/// [`QrError`]: also where the process had to be ended, or could not be started.
pub fn texts(picture: &[u8]) -> Result<Vec<Zeroizing<String>>, QrError> {
    let mut child = Command::new(own_path())
        .arg(CHILD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| QrError::NotStarted(error.to_string()))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let began = Instant::now();
    std::thread::scope(|scope| {
        // It may end before it has read everything.
        scope.spawn(move || input.map(|mut input| input.write_all(picture)));
        let answer = scope.spawn(move || {
            let mut answer = Zeroizing::new(Vec::with_capacity(1 << 16));
            let read = output.map(|output| output.take(MAX_ANSWER).read_to_end(&mut answer));
            read.and_then(Result::ok).map(|_| answer)
        });
        let ended = wait(&mut child, began);
        let answer = answer.join().ok().flatten();
        match (ended, answer) {
            (None, _) => Err(QrError::TooSlow),
            (Some(code), Some(answer)) => understood(code, &answer),
            (Some(_), None) => Err(QrError::NoCode),
        }
    })
}

/// Waits for the process, and ends it when its time is over; its exit code, if it ended by itself.
fn wait(child: &mut Child, began: Instant) -> Option<Option<i32>> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code()),
            Ok(None) if began.elapsed() < WITHIN => std::thread::sleep(LOOK_AGAIN),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}

/// The answer of the process: the texts, or why there are none.
fn understood(code: Option<i32>, answer: &[u8]) -> Result<Vec<Zeroizing<String>>, QrError> {
    match code {
        Some(0) => {
            let texts: Vec<String> = serde_json::from_slice(answer).map_err(|_| QrError::NoCode)?;
            Ok(texts.into_iter().map(Zeroizing::new).collect())
        }
        Some(code) => Err(QrError::of_code(code).unwrap_or(QrError::NoCode)),
        // Ended by the system: its memory was not enough.
        None => Err(QrError::TooLarge),
    }
}

/// The process itself: reads a picture from standard input, and writes what its codes say.
pub fn look() -> u8 {
    bound_self();
    let until = Instant::now() + SOON;
    let mut picture = Zeroizing::new(Vec::new());
    if std::io::stdin().lock().read_to_end(&mut picture).is_err() {
        return QrError::NoPicture.code();
    }
    match super::picture::texts(&picture, until) {
        Err(error) => error.code(),
        Ok(texts) => {
            let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
            let answer = Zeroizing::new(serde_json::to_vec(&texts).unwrap_or_default());
            let mut to = std::io::stdout();
            u8::from(to.write_all(&answer).and_then(|()| to.flush()).is_err())
        }
    }
}

#[cfg(unix)]
fn bound_self() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    let _ = setrlimit(Resource::As, most(MEMORY));
    let _ = setrlimit(Resource::Cpu, most(CPU_S));
}

#[cfg(not(unix))]
fn bound_self() {}

/// This program, also where its file was replaced since it was started.
fn own_path() -> std::path::PathBuf {
    if cfg!(target_os = "linux") {
        return "/proc/self/exe".into();
    }
    std::env::current_exe().unwrap_or_else(|_| "tokentap".into())
}
