//! The flags of every listing: how much of it, where it goes on, and whether for a program.

/// Which part of a listing, and how it is printed.
#[derive(Debug, clap::Args)]
pub struct PageArguments {
    /// At most so many.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub count: usize,
    /// Where the last listing ended.
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// Print `{ "items": [...], "next": CURSOR }`.
    #[arg(long)]
    pub json: bool,
}
