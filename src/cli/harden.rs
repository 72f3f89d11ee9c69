//! Keeps what is in memory from other programs and off the disk, where the platform allows that.

/// Switches core dumps off, on Windows error reports with the content of the heap, and on Linux also debuggers and other readers of
/// this process's memory that are not root.
///
/// No command works less well without it, so a platform that refuses is not asked twice.
pub fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(windows)]
    no_heap_in_error_reports();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// A report of Windows about a program that has failed may hold its heap, and goes to whoever collects such reports.
#[cfg(windows)]
#[allow(unsafe_code, reason = "no safe wrapper of WerSetFlags is in a well-kept crate")]
fn no_heap_in_error_reports() {
    use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};
    // SAFETY: the call takes a number, and nothing else of this process.
    let _ = unsafe { WerSetFlags(WER_FAULT_REPORTING_FLAG_NOHEAP) };
}
