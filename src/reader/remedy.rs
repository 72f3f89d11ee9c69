//! Remedies for trouble at the reader, as data: the front end words them.

use super::device_kind::DeviceKind;

/// Something that helps at the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderRemedy {
    /// Start the PC/SC service.
    StartService,
    /// Restart the PC/SC service.
    RestartService,
    /// Compare the versions of the service and its library.
    CompareVersions,
    /// Plug in a reader.
    PlugIn,
    /// Take the reader away from the kernel's NFC driver.
    FreeFromKernel,
    /// Give this user access to the reader.
    AllowUser,
    /// Close the program that holds the reader.
    CloseHolder,
    /// Wait until the other program is done.
    WaitForOther,
    /// Use one of these readers; where the list is empty, see which there are.
    UseOneOf(Vec<String>),
    /// Choose one of several readers.
    Choose,
    /// Switch the token on and lay it on the reader.
    LayDown,
    /// Switch the token on and lay it back.
    WakeUp,
    /// Replace a tag by the token.
    ReplaceTag,
    /// A Molto-1 is programmed with the vendor's tool; a token belongs on the NFC reader.
    UseVendorTool,
    /// A Molto2 is programmed by naming its slot; a token belongs on the NFC reader.
    NameMolto2,
    /// A key's HOTP slot is programmed by saying so; a token belongs on the NFC reader.
    NameKey,
    /// Plug this device in.
    PlugInDevice(DeviceKind),
    /// The token belongs on the NFC reader; nothing was sent to the other device.
    LayOnNfc,
    /// Switch the token on, lay it back and start again.
    LayBack,
    /// Run the same command again.
    Again,
    /// Look at reader and service.
    Diagnose,
}
