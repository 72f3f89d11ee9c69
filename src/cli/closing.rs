//! The end of a console on Windows: its window is closed. Windows ends the program as soon as its handlers have returned, in the middle of a
//! write, and after five seconds in any case (Microsoft, "HandlerRoutine callback function"). So what is in hand is waited for. Whoever signs
//! out or shuts the computer down ends it without asking: such events reach services only.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Console::{CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::core::BOOL;

/// How long the end is held up, which is less than Windows allows: a burn takes two seconds and a half.
const LONGEST: Duration = Duration::from_millis(4500);

/// Asks the program to end, and tells whether it will by itself.
static ENDS_BY_ITSELF: OnceLock<fn() -> bool> = OnceLock::new();

/// Has the end of the console wait for what is in hand, for as long as the program `ends_by_itself`. To be called after the handler of Ctrl-C is
/// there, which is asked after this one.
#[allow(unsafe_code, reason = "no safe wrapper of SetConsoleCtrlHandler holds the end up")]
pub fn install(ends_by_itself: fn() -> bool) {
    let _ = ENDS_BY_ITSELF.set(ends_by_itself);
    // SAFETY: the handler is a function of this program, and is there for as long as the program runs.
    let _ = unsafe { SetConsoleCtrlHandler(Some(ends), 1) };
}

/// Windows calls this on a thread of its own.
extern "system" fn ends(event: u32) -> BOOL {
    if event == CTRL_CLOSE_EVENT {
        let began = Instant::now();
        // The program ends by itself once it has noticed.
        while ENDS_BY_ITSELF.get().is_some_and(|ends| ends()) && began.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // It is the turn of the next handler, that of Ctrl-C.
    0
}
