//! Kinds of failures, each with one exit code; scripts rely on both.

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// A fault of the program or its files.
    Fault = 1,
    /// Usage or bad input, or several tokens and none named.
    Usage = 2,
    /// No PC/SC service, no reader, access refused, or the reader held by another program.
    NoReader = 3,
    /// No token came.
    NoToken = 4,
    /// Not a token that may be written.
    NotWritable = 5,
    /// The token refused.
    Refused = 6,
    /// The link was lost and the job is incomplete.
    LinkLost = 7,
    /// Checked and wrong: code or drift out of bounds.
    Wrong = 8,
    /// The host's clock is not to be trusted.
    HostClock = 9,
    /// A batch or desk run ended with tokens undone.
    Undone = 10,
    /// Interrupted.
    Interrupted = 130,
}

/// One row of the table of kinds: variant, word, exit code, meaning.
macro_rules! kinds {
    ($($variant:ident, $word:literal, $exit:ident, $meaning:literal;)+) => {
        /// The kind of a failure, as `error.kind` has it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $(#[doc = $meaning] $variant,)+
        }

        impl Kind {
            /// Every kind, in the order of their exit codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that JSON uses.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The exit code that goes with it.
            #[must_use]
            pub fn exit(self) -> Exit {
                match self {
                    $(Self::$variant => Exit::$exit,)+
                }
            }

            /// The row of the table in `docs/json.md`.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

kinds! {
    Internal, "internal", Fault, "an error in the program itself";
    File, "file", Fault, "a file, the terminal or the random generator cannot be read or written";
    Inventory, "inventory", Fault,
        "the inventory cannot be read, is damaged, is not its user's alone, is on another computer, or has recipients that were not confirmed";
    BatchContradicted, "batch-contradicted", Fault, "a `.part` file contradicts the inventory";
    Emulator, "emulator", Fault, "the emulated token failed";
    Server, "server", Fault, "an authentication server was not reached, did not answer as one, or refused";
    Usage, "usage", Usage, "arguments, or the content of a file, that cannot be used";
    SeveralTokens, "several-tokens", Usage, "several tokens fit and none was chosen";
    UnknownProfile, "unknown-profile", Usage, "an interrupted job may have changed the token's profile";
    BatchChanged, "batch-changed", Usage, "the rows differ from those that the open batch was started with";
    NoService, "no-service", NoReader, "the PC/SC service or the virtual reader is not running";
    NoAnswer, "no-answer", NoReader, "the PC/SC service does not answer";
    NoReader, "no-reader", NoReader, "no reader is connected";
    AccessDenied, "access-denied", NoReader, "this user may not use the reader";
    ReaderBusy, "reader-busy", NoReader, "another program holds the reader";
    NoSuchReader, "no-such-reader", NoReader, "no reader has this name or number";
    Reader, "reader", NoReader, "any other PC/SC error";
    TokenBusy, "token-busy", NoReader, "another program is working with the token, and was not done within a minute";
    NoToken, "no-token", NoToken, "no token came";
    Mute, "mute", NoToken, "the card on the reader does not answer";
    NotAToken, "not-a-token", NotWritable, "the card on the reader is not a programmable token";
    BadReply, "bad-reply", NotWritable, "an answer that no token gives; nothing was written";
    WrongToken, "wrong-token", NotWritable, "another token than the one that was meant";
    UnknownModel, "unknown-model", NotWritable, "the model is unknown, and was not allowed by name";
    NoClock, "no-clock", NotWritable, "the device counts button presses: it has no clock to set";
    Restricted, "restricted", NotWritable, "the clock write would erase the seed, which is not at hand";
    CustomerKey, "customer-key", NotWritable, "the device has a customer key of its own, by the inventory, which is not at hand";
    NoSeed, "no-seed", NotWritable, "the inventory has no seed of the token, or another one";
    WrongSeal, "wrong-seal", NotWritable, "the sealed seed in the token's record is another token's, or another seed";
    SeedHeld, "seed-held", NotWritable, "another token has this seed, by the inventory";
    SeedOnRecord, "seed-on-record", NotWritable, "a burn would replace another seed on record";
    NotSpare, "not-spare", NotWritable, "a token that is to be tested has a seed or a user on record";
    SeedMismatch, "seed-mismatch", NotWritable, "the seed named for `sync` or `config` is not the token's";
    OwnerOnRecord, "owner-on-record", NotWritable, "a burn would give the token to another user than the one on record";
    ProfileMismatch, "profile-mismatch", NotWritable, "the seed states another profile than the one on record";
    ProfileNotCarried, "profile-not-carried", NotWritable, "the server's file has no field for the token's profile";
    SlotFilled, "slot-filled", NotWritable, "the slot that is to be burned or cleared holds a seed";
    LeftAlone, "left-alone", NotWritable, "a token that gets no row of the batch";
    Refused, "refused", Refused, "the token refused a command or the key, or refused the key earlier, by the inventory";
    LinkLost, "link-lost", LinkLost, "the token or the reader went away";
    NotAwake, "not-awake", LinkLost, "the token answers, but not yet as it should: just switched on, cold, or lifted too soon";
    Garbled, "garbled", LinkLost, "an answer during the writes makes no sense";
    TokenSwapped, "token-swapped", LinkLost, "another token came onto the reader during the writes";
    WrongCode, "wrong-code", Wrong, "the code on the display is not one of the seed that was burned";
    Drift, "drift", Wrong, "the clock is off right after it was set, or the code is one of another time";
    SlotDiffers, "slot-differs", Wrong, "a slot does not show what was written to it";
    ClockStopped, "clock-stopped", Wrong, "the token's clock has stopped";
    HostClock, "host-clock", HostClock, "the host's clock cannot be trusted, or may be hours off";
    AtServer, "at-server", Undone, "a token was not handed to a server, or not found again there";
    Interrupted, "interrupted", Interrupted, "Ctrl-C, or the terminal is gone";
}
