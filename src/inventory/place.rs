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
    network_of(found.f_type as u32, || mounted_as(path))
}

/// The network file system with this magic number; `mounted` finds out what kind of FUSE it is.
#[cfg(target_os = "linux")]
fn network_of(magic: u32, mounted: impl FnOnce() -> Option<String>) -> Option<String> {
    if magic == FUSE {
        // One that is not known may well be on another computer.
        let kind = mounted().unwrap_or_else(|| "FUSE".to_owned());
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
    kind_mounted(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, &wanted)
}

/// The kind of the file system of a device in the text of `mountinfo`.
#[cfg(target_os = "linux")]
fn kind_mounted(mounts: &str, wanted: &str) -> Option<String> {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Magic numbers from statfs(2).
    #[test]
    fn network_file_systems_are_told_from_local_ones_and_an_unknown_fuse_counts_as_one() {
        let fuse = |kind: &str| network_of(FUSE, || Some(kind.to_owned()));
        for (magic, kind) in [(0x6969, "NFS"), (0xFE53_4D42, "SMB2"), (0xFF53_4D42, "CIFS"), (0x0102_1997, "9P")] {
            assert_eq!(network_of(magic, || None).as_deref(), Some(kind));
        }
        // ext4, btrfs, tmpfs, overlayfs, xfs.
        for magic in [0xEF53, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x5846_5342] {
            assert_eq!(network_of(magic, || None), None);
        }
        assert_eq!(fuse("fuse.sshfs").as_deref(), Some("fuse.sshfs"));
        assert_eq!(fuse("fuseblk"), None);
        assert_eq!(network_of(FUSE, || None).as_deref(), Some("FUSE"));
        let mounts =
            "36 35 8:1 / / rw,noatime - ext4 /dev/sda1 rw\n40 36 0:52 / /mnt rw shared:9 - fuse.sshfs host: rw\n";
        assert_eq!(kind_mounted(mounts, "0:52").as_deref(), Some("fuse.sshfs"));
        assert_eq!(kind_mounted(mounts, "0:53"), None);
    }
}
