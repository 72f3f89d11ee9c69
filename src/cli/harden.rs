//! Keeps what is in memory from other programs and off the disk, where the platform allows that.

/// Switches core dumps off, and on Linux also debuggers and other readers of this process's memory that are not root.
///
/// No command works less well without it, so a platform that refuses is not asked twice.
pub fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
