//! What is odd or wrong in how a date or time was written. Never quotes it.

/// How something was written that is no DTM and leaves no doubt all the same. The texts complete "this …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    #[error("has separators; HL7 version 2 writes YYYYMMDDHHMMSS")]
    Separators,
    #[error("has a fraction of a second as HL7 does not write it: a point and at most four digits")]
    Fraction,
    #[error("has an offset from UTC that is not written as +ZZZZ or -ZZZZ")]
    Offset,
    #[error("was read as midnight at the end of that day; HL7 writes it as 0000 of the next")]
    Midnight,
    #[error("was read as the second before: clocks here have no second 60")]
    LeapSecond,
    #[error("has one digit too few or too many at its end; what stands before it was read")]
    HalfWritten,
    #[error("has 00 for a month or day that is not known; the rest was read")]
    Unknown,
}

/// Why some text is not a date or time. The text never quotes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateTimeFault {
    #[error("is empty")]
    Empty,
    #[error("has separators so that it could mean more than one time: write YYYYMMDDHHMMSS")]
    Separators,
    #[error("has characters that do not belong in a date or time (YYYYMMDDHHMMSS.SSSS+ZZZZ)")]
    Characters,
    #[error("has a wrong number of digits: write YYYY, YYYYMM, YYYYMMDD, or add HH, MM and SS")]
    Digits,
    #[error("has no digits after the decimal point, or a fraction without seconds")]
    Fraction,
    #[error("has a year that is not between 0001 and 9999")]
    Year,
    #[error("has a month that is not between 01 and 12")]
    Month,
    #[error("has a day that this month does not have")]
    Day,
    #[error("has an hour that is not between 00 and 23")]
    Hour,
    #[error("has a minute that is not between 00 and 59")]
    Minute,
    #[error("has a second that is not between 00 and 59")]
    Second,
    #[error("has an offset from UTC that is not between -1400 and +1400, written with four digits")]
    Offset,
}
