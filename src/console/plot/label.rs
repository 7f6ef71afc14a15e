//! Numbers and widths of the texts in a plot.

/// The width of a text of 12 units, a little more than it takes.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|letter| if "ijl.,:;|!' ".contains(letter) { 4.0 } else { 7.2 }).sum()
}

/// A number as it stands at an axis: thousands short, no dust.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let short = |value: f64, unit: &str| format!("{}{unit}", (value * 10.0).round() / 10.0);
    match size {
        size if size >= 1e6 => short(value / 1e6, "M"),
        size if size >= 1e4 => short(value / 1e3, "k"),
        _ => plain(value),
    }
}

/// At most three digits behind the point.
pub(crate) fn plain(value: f64) -> String {
    ((value * 1e3).round() / 1e3).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_without_dust() {
        let all = [0.1 + 0.2, 167.0, 12_500.0, 2_400_000.0, -3.0].map(number);
        assert_eq!(all, ["0.3", "167", "12.5k", "2.4M", "-3"]);
        assert!(width("iii") < width("WWW") && width("") == 0.0);
    }
}
