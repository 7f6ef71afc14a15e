//! What commands read of an answer, and where those that need the site itself find it.

use std::path::Path;

use serde_json::Value;

use crate::clock::{Clock, SystemClock};

/// Where commands find the site.
#[derive(Debug, Clone, clap::Args)]
pub struct SiteArgument {
    /// The site's folder.
    #[arg(long, default_value = ".", value_name = "DIR")]
    site: std::path::PathBuf,
}

impl SiteArgument {
    pub fn dir(&self) -> &Path {
        &self.site
    }
}

/// A text of an answer, empty where there is none.
pub fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number of an answer, 0 where there is none.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// A list of an answer, empty where there is none.
pub fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A time of an answer, to the second and in the machine's zone.
pub fn time(value: &Value, pointer: &str) -> String {
    let Ok(time) = text(value, pointer).parse::<jiff::Timestamp>() else { return String::new() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same, without the day when it is today.
pub fn clock(value: &Value, pointer: &str) -> String {
    let whole = time(value, pointer);
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d ").to_string();
    whole.strip_prefix(&today).map(str::to_string).unwrap_or(whole)
}
