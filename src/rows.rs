//! Rows of a table for spreadsheets (CSV, RFC 4180): the one place that writes them. A text that a spreadsheet would take for a formula
//! (https://owasp.org/www-community/attacks/CSV_Injection) begins with a quote sign; a number is a number.

use std::borrow::Cow;

/// What begins a formula, as people type it and as East Asian keyboards do, and signs before which a spreadsheet looks for one.
const RISKY: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One row with its end. Every text stands in quotes, so that none falls apart where another sign than the comma separates cells.
pub fn csv_row<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::NonNumeric)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for cell in cells {
        // Nothing lost: what is written to memory is written.
        _ = writer.write_field(plain(cell.as_ref()).as_bytes());
    }
    _ = writer.write_record(None::<&[u8]>);
    // Nothing lost: as above; all of it is UTF-8.
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A text as no spreadsheet runs it.
fn plain(text: &str) -> Cow<'_, str> {
    let begins = text.trim_start_matches(' ').starts_with(RISKY);
    if begins && !is_number(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// `-0.5`; `+1` is how people write a telephone number, whose sign would be gone.
fn is_number(text: &str) -> bool {
    text.ends_with(|sign: char| sign.is_ascii_digit()) && !text.starts_with('+') && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_numbers_stay_numbers() {
        let cells =
            ["=1+1", "+15550141001", "-2+3", "-0.5", "-1e-3", "0.25", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"];
        let written = csv_row(cells);
        let expected = "\"'=1+1\",\"'+15550141001\",\"'-2+3\",-0.5,-1e-3,0.25,\"'@SUM(A1)\",\"'\t=1\",\"'\r=1\",\"'\n=1\",\"'  =1\"\r\n";
        assert_eq!(written, expected);
        assert_eq!(
            csv_row(["＝1", "-inf", "-", "2026-11", "a-b", "Okafor, Rosa \"R\""]),
            "\"'＝1\",\"'-inf\",\"'-\",\"2026-11\",\"a-b\",\"Okafor, Rosa \"\"R\"\"\"\r\n"
        );
    }

    #[test]
    fn a_row_is_read_back_as_it_was_said() {
        let cells = ["", "a;=b", "line\r\nand =one", "007", "", "é"];
        let text = csv_row(cells) + &csv_row([""]);
        assert!(text.starts_with("\"\",\"a;=b\","), "no cell begins behind another separator: {text}");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let rows: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_string).collect()).collect();
        assert_eq!(rows, [cells.map(str::to_string).to_vec(), vec![String::new()]]);
    }
}
