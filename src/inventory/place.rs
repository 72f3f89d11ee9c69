//! Whether a file is on this computer. On a network file system the log of an inventory is not shared between computers:
//! each sees its own, and overwrites what the other has recorded.

use std::path::Path;

/// The kind of network file system that a file (or, where there is none yet, its folder) is on; `None` for a local one.
#[must_use]
pub fn network_kind(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let there = if path.exists() { path } else { folder };
    kind_of(there)
}

/// File systems that always lie on another computer, by the magic number of statfs(2).
#[cfg(target_os = "linux")]
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636F, "OCFS2"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x786F_4256, "VirtualBox shared folder"),
    (0xBACB_ACBC, "VMware shared folder"),
    (0x6A65_6A63, "virtiofs"),
];

/// A file system in a program of its own.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// Those of them that are on this computer's own disks.
#[cfg(target_os = "linux")]
const LOCAL_FUSE: &[&str] = &[
    "fuseblk",
    "fuse.ntfs-3g",
    "fuse.exfat",
    "fuse.gocryptfs",
    "fuse.encfs",
    "fuse.cryfs",
    "fuse.securefs",
    "fuse.veracrypt",
    "fuse.fuse-overlayfs",
];

#[cfg(target_os = "linux")]
fn kind_of(path: &Path) -> Option<String> {
    let found = rustix::fs::statfs(path).ok()?;
    // The number has another width and sign on every platform; its lower 32 bits are what is documented.
    let magic = found.f_type as u32;
    if magic == FUSE {
        // One that is not known may well be on another computer.
        let kind = mounted_as(path).unwrap_or_else(|| "FUSE".to_owned());
        return (!LOCAL_FUSE.contains(&kind.as_str())).then_some(kind);
    }
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| (*name).to_owned())
}

/// The kind of file system that is mounted where a path is, by proc(5) `mountinfo`.
#[cfg(target_os = "linux")]
fn mounted_as(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let device = std::fs::metadata(path).ok()?.dev();
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (before.split(' ').nth(2)? == wanted).then(|| after.split(' ').next().map(str::to_owned))?
    })
}

#[cfg(target_os = "macos")]
fn kind_of(path: &Path) -> Option<String> {
    /// The file system is on this computer (mount(2)).
    const MNT_LOCAL: u32 = 0x1000;
    let found = rustix::fs::statfs(path).ok()?;
    (found.f_flags & MNT_LOCAL == 0).then(|| "not local".to_owned())
}

/// Windows names a share by its computer, also where a drive letter stands for it.
#[cfg(windows)]
fn kind_of(path: &Path) -> Option<String> {
    use std::path::{Component, Prefix};
    let full = path.canonicalize().ok()?;
    match full.components().next() {
        Some(Component::Prefix(prefix)) if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)) => {
            Some("a network share".to_owned())
        }
        _ => None,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn kind_of(_: &Path) -> Option<String> {
    None
}
