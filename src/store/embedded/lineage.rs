//! A message's trace as it is stored: JSON, but for the lineage, which is most of it and repeats the same four names for every
//! element. Earlier versions wrote all of it as JSON; that is still read.

use super::keys::Reader;
use crate::store::{LineageMark, StoreError, Trace};

/// What was written before is JSON, and begins with `{`.
const WITH_LINEAGE: u8 = 1;

/// Appends a trace: this form, the JSON of everything but the lineage with its length, then each mark. A trace without lineage is
/// JSON alone.
pub fn pack_trace(trace: &mut Trace, to: &mut Vec<u8>) -> Result<(), StoreError> {
    let lineage = std::mem::take(&mut trace.lineage);
    let rest = serde_json::to_vec(trace)
        .map_err(|error| StoreError::Refused(format!("not to be written as JSON: {error}")))?;
    if lineage.is_empty() {
        to.extend_from_slice(&rest);
        return Ok(());
    }
    to.push(WITH_LINEAGE);
    put_bytes(&rest, to);
    for mark in &lineage {
        to.extend_from_slice(&mark.start.to_be_bytes());
        to.extend_from_slice(&mark.end.to_be_bytes());
        put_bytes(mark.element.as_bytes(), to);
        put_bytes(mark.map.as_bytes(), to);
    }
    trace.lineage = lineage;
    Ok(())
}

pub fn unpack_trace(bytes: &[u8]) -> Result<Trace, StoreError> {
    let read = |json: &[u8]| serde_json::from_slice::<Trace>(json).map_err(|_| damaged());
    let Some(packed) = bytes.strip_prefix(&[WITH_LINEAGE]) else { return read(bytes) };
    let mut reader = Reader(packed);
    let mut trace = read(bytes_of(&mut reader)?)?;
    while !reader.0.is_empty() {
        let (start, end) = (u32::from_be_bytes(reader.take()?), u32::from_be_bytes(reader.take()?));
        let (element, map) = (text(&mut reader)?, text(&mut reader)?);
        trace.lineage.push(LineageMark { start, end, element, map });
    }
    Ok(trace)
}

fn damaged() -> StoreError {
    StoreError::Damaged("a message's trace does not read back".to_string())
}

fn put_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    to.extend_from_slice(bytes);
}

fn bytes_of<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], StoreError> {
    let length = u32::from_be_bytes(reader.take()?) as usize;
    reader.slice(length)
}

fn text(reader: &mut Reader<'_>) -> Result<String, StoreError> {
    let text = std::str::from_utf8(bytes_of(reader)?);
    text.map(str::to_string).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::TraceLine;

    fn trace() -> Trace {
        let mark = |start, element: &str| LineageMark {
            start,
            end: start + 3,
            element: element.to_string(),
            map: "mappings/segments/PID-Patient.yaml:12".to_string(),
        };
        Trace {
            problems: vec![TraceLine::new("warning", "PID-3", "text with \u{1} and ü")],
            lineage: vec![mark(0, "Patient.name[0].family"), mark(70_000, "Patient.ü"), mark(4, "")],
            timing_micros: vec![("deciding".to_string(), 7)],
            ..Trace::default()
        }
    }

    #[test]
    fn a_trace_reads_back_with_its_lineage_and_without() {
        for expected in [trace(), Trace { lineage: Vec::new(), ..trace() }, Trace::default()] {
            let (mut packed, mut written) = (Vec::new(), expected.clone());
            pack_trace(&mut written, &mut packed).unwrap();
            assert_eq!(written, expected, "it is left as it was");
            assert_eq!(unpack_trace(&packed).unwrap(), expected);
        }
    }

    #[test]
    fn what_earlier_versions_wrote_is_read_and_damage_is_an_error() {
        assert_eq!(unpack_trace(&serde_json::to_vec(&trace()).unwrap()).unwrap(), trace());
        let mut packed = Vec::new();
        pack_trace(&mut trace(), &mut packed).unwrap();
        assert!((0..packed.len()).all(|length| {
            // Cut between two marks it is a whole trace with fewer of them; the value around it knows its length.
            unpack_trace(&packed[..length]).map_or(true, |read| read.lineage.len() < 3)
        }));
        assert!(unpack_trace(&[]).is_err() && unpack_trace(&[2, 0]).is_err());
    }
}
