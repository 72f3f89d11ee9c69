//! Arguments of the commands that say what a clock will do.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The token: its serial, its last four digits, or its user
    #[arg(value_name = "SERIAL|USER")]
    pub token: String,

    #[command(flatten)]
    pub window: WindowArgs,

    /// Also draw its drift into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Overwrite the --plot file
    #[arg(long, requires = "plot")]
    pub force: bool,
}

/// The drift that a server accepts.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// How many seconds fast or slow the server accepts
    #[arg(long, value_name = "SECONDS")]
    pub window: Option<f64>,

    /// The server: duo, entra or privacyidea; each has a known or an assumed window
    #[arg(long = "for", value_name = "SERVER")]
    pub server: Option<String>,
}

#[derive(Debug, Args)]
pub struct ForecastArgs {
    /// List only tokens that are due within this time, or have a faulty clock: 30d, 6mo
    #[arg(long, value_name = "TIME")]
    pub due: Option<String>,

    #[command(flatten)]
    pub window: WindowArgs,

    /// Only tokens of this model
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: u64,

    /// As comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// Also draw the fleet into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Overwrite the --plot file
    #[arg(long, requires = "plot")]
    pub force: bool,
}
