//! Arguments of the emulated token.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct EmulateArgs {
    /// Where the virtual reader listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:35963", hide_short_help = true)]
    pub connect: SocketAddr,

    /// The kind of device: an NFC token, a Molto2, or a FIDO2 key with a HOTP slot
    #[arg(long, value_name = "nfc|molto2|hotp-key", default_value = "nfc", value_parser = ["nfc", "molto2", "hotp-key"], hide_short_help = true)]
    pub family: String,

    /// The slots of a Molto2: 50 or 100
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = parse_slots, hide_short_help = true)]
    pub slots: usize,

    /// Touch the key of --state once, and show what it types
    #[arg(long, requires = "state", conflicts_with_all = ["press", "create", "show"], hide_short_help = true)]
    pub touch: bool,

    /// The slot of a Molto2 whose code --press shows
    #[arg(long, value_name = "N", default_value_t = 0, requires = "press", hide_short_help = true)]
    pub slot: usize,

    /// The serial; its first digits are the model [default: 86596120000001, or 86596220000001 with --restricted]
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,

    /// A clock write erases the seed
    #[arg(long)]
    pub restricted: bool,

    /// Seconds that its clock is ahead [default: 0]
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub drift: Option<f64>,

    /// How much too fast its clock runs [default: 0]; at -1000000 it is stopped
    #[arg(long, value_name = "PPM", allow_hyphen_values = true, hide_short_help = true)]
    pub ppm: Option<f64>,

    /// Its clock keeps the fraction of its second at a write
    #[arg(long, hide_short_help = true)]
    pub free_running: bool,

    /// Keep its state in this file
    ///
    /// A file that is there says all of the token: the flags that make one are then refused.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Its own key: 16 raw bytes or 32 hex digits
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub token_key: Option<PathBuf>,

    /// Lock for good after so many wrong answers
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub lock_after: Option<u32>,

    /// Milliseconds that every APDU takes
    #[arg(long, value_name = "MS", default_value_t = 0.0, hide_short_help = true)]
    pub latency: f64,

    /// Leave before the N-th APDU is carried out
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub leave_before: Option<u32>,

    /// Leave after the N-th APDU was carried out, without its answer
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub leave_after: Option<u32>,

    /// Show the display whenever it changes
    #[arg(long)]
    pub show: bool,

    /// Show the display of the token in --state once
    #[arg(long, requires = "state", conflicts_with_all = ["create", "connect", "serial", "restricted", "drift", "ppm", "free_running", "token_key", "lock_after", "latency", "leave_before", "leave_after", "show"])]
    pub press: bool,

    /// Create the token's --state file, and exit
    #[arg(long, requires = "state", conflicts_with_all = ["connect", "latency", "leave_before", "leave_after", "show"])]
    pub create: bool,
}

fn parse_slots(text: &str) -> Result<usize, String> {
    match text {
        "50" => Ok(50),
        "100" => Ok(100),
        _ => Err("use 50 or 100".to_owned()),
    }
}
