//! The corpus of real and odd messages through the reader, and a second parser as a witness. Skips where the corpus is not there.

use std::path::{Path as FilePath, PathBuf};

use proptest::prelude::*;

use super::*;

fn corpus() -> Option<PathBuf> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/hl7");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the corpus is not beside the project");
    None
}

fn files(folder: &FilePath) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => {
                found.push((path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
            }
        }
    }
    found.sort();
    found
}

fn quirk(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(corpus()?.join("quirks").join(name)).unwrap())
}

fn parse(raw: &[u8]) -> Reading {
    Message::parse(raw, &ReadOptions::default())
}

fn read(raw: &[u8]) -> Message {
    parse(raw).message.unwrap()
}

fn value(message: &Message, path: &str) -> String {
    let path: Path = path.parse().unwrap();
    let segment = message.segments().find(|segment| path.value(*segment).is_some()).expect("the segment");
    path.value(segment).unwrap().text().into_owned()
}

#[test]
fn every_file_is_read_and_every_message_grouped() {
    let Some(folder) = corpus() else { return };
    for (name, raw) in files(&folder) {
        let batch = Batch::split(&raw);
        for span in &batch.messages {
            let reading = parse(span.of(&raw));
            let Some(message) = reading.message else {
                assert!(
                    name.contains("empty") || name.contains("no-msh") || name.contains("short") || name.contains("mid"),
                    "{name}"
                );
                assert!(!reading.problems.is_empty());
                continue;
            };
            let places = message.own_groups().all_segments();
            assert_eq!(places, (0..message.segments().count()).collect::<Vec<_>>(), "{name}");
            assert_eq!(Draft::of(&read(&Draft::of(&message).write(message.charset()))), Draft::of(&message), "{name}");
        }
    }
}

#[test]
fn every_sample_names_the_structure_its_event_has() {
    let Some(folder) = corpus() else { return };
    for (name, raw) in files(&folder.join("samples")) {
        let message = read(&raw);
        let header = message.header();
        let known = structure_of(&header.message_code(), &header.trigger_event());
        assert_eq!(Some(&*header.structure()), known, "{name}");
        assert!(!header.control_id().is_empty() && header.is_at_least(2, 3), "{name}");
    }
}

#[test]
fn a_second_parser_sees_the_same_fields() {
    let Some(folder) = corpus() else { return };
    for (name, raw) in files(&folder.join("samples")) {
        let text = String::from_utf8_lossy(&raw).replace("\r\n", "\r").replace('\n', "\r");
        let theirs = hl7_2::parse(&text).unwrap();
        let ours = read(text.as_bytes());
        assert_eq!(ours.segments().count(), theirs.segments().count(), "{name}");
        for (segment, witness) in ours.segments().zip(theirs.segments()) {
            let leaves = segment
                .fields()
                .flat_map(Value::repetitions)
                .flat_map(Value::components)
                .flat_map(Value::subcomponents);
            // Escapes and MSH-2 are read differently on purpose.
            for leaf in leaves.filter(|leaf| !leaf.raw().contains(&b'\\')) {
                let place = leaf.place();
                let count = usize::from;
                let field =
                    witness.field(count(place.field)).and_then(|field| field.repetition(count(place.repetition)));
                let component = field.and_then(|repetition| repetition.component(count(place.component)));
                let seen = component.and_then(|component| component.subcomponent(count(place.subcomponent)));
                let seen = seen.map(|seen| seen.value(theirs.separators())).unwrap_or_default();
                // The witness takes blanks off the end of a segment.
                assert_eq!(leaf.text().trim_end(), seen.trim_end(), "{name} {place}");
            }
        }
    }
}

#[test]
fn odd_line_ends_are_accepted_and_said() {
    for (name, said) in
        [("crlf", "CR LF"), ("lf", "with LF"), ("mixed", "different ways"), ("no-trailing-newline", "does not end")]
    {
        let file = if name.starts_with("no-") {
            format!("edge-cases/{name}.hl7")
        } else {
            format!("edge-cases/{name}-line-endings.hl7")
        };
        let Some(raw) = quirk(&file) else { return };
        let reading = parse(&raw);
        assert!(reading.is_usable(), "{name}");
        assert!(reading.problems.iter().any(|problem| problem.text.contains(said)), "{name}: {:?}", reading.problems);
        assert!(reading.message.unwrap().segment("PID").is_some(), "{name}");
    }
}

#[test]
fn delimiters_of_any_kind_part_the_message() {
    let Some(raw) = quirk("edge-cases/custom-msh-delimiters.hl7") else { return };
    assert_eq!(value(&read(&raw), "PID-5.1"), "Doe");
    let raw = quirk("edge-cases/truncation-char-msh2.hl7").unwrap();
    assert_eq!(read(&raw).delimiters().truncation, Some(b'#'));
    let raw = quirk("canonical/nested-subcomponents.hl7").unwrap();
    let message = read(&raw);
    let mut components =
        message.segments().flat_map(Segment::fields).flat_map(Value::repetitions).flat_map(Value::components);
    assert!(components.any(|component| component.subcomponents().count() > 1));
}

#[test]
fn names_come_in_their_characters() {
    let Some(raw) = quirk("charset/utf8-name.hl7") else { return };
    assert_eq!(value(&read(&raw), "PID-5.2"), "Renée");
    let mut raw = b"MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5||||||8859/1\rPID|||||M\xFCller\r".to_vec();
    assert_eq!(value(&read(&raw), "PID-5"), "Müller");
    raw.retain(|byte| *byte != 0xFC);
    let name = b"MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5||||||ISO IR14\rPID|||||\x83\x7C^b\r";
    let message = read(name);
    assert_eq!((value(&message, "PID-5.1"), value(&message, "PID-5.2")), ("ポ".to_string(), "b".to_string()));
    assert_eq!(message.segment("PID").unwrap().field(5).component(2).raw(), b"b");
}

#[test]
fn characters_are_read_for_what_they_are_and_what_is_lost_is_said() {
    let message = |charset: &str, name: &[u8]| {
        let header = format!("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5||||||{charset}\rPID|||||");
        [header.as_bytes(), name, b"\r"].concat()
    };
    let options = |name: &str, is_charset_fixed| ReadOptions {
        charset: Charset::named(name),
        is_charset_fixed,
        ..ReadOptions::default()
    };
    // Declared, bytes, what the feed says: the name, and what is said of it.
    for (declared, name, options, read, said) in [
        ("8859/1", "Grüße".as_bytes(), ReadOptions::default(), "Grüße", Some("windows-1252")),
        ("8859/1", b"Gr\xFC\xDFe", ReadOptions::default(), "Grüße", None),
        ("8859/1", "Grüße".as_bytes(), options("8859/1", true), "GrÃ¼ÃŸe", None),
        ("", b"Gr\x81\xE1e", options("cp850", false), "Grüße", None),
        ("8859/1", b"Gr\x81\xE1e", options("cp850", true), "Grüße", None),
        ("8859/1", b"Gr\xFC\xDFe", options("cp850", false), "Grüße", None),
        ("", b"\xA3\xF3d\x9F", options("windows-1250", false), "Łódź", None),
        ("", "Łódź".as_bytes(), options("windows-1250", false), "Łódź", Some("windows-1250")),
        ("", b"Gr\xFC\xDFe", ReadOptions::default(), "Grüße", Some("MSH-18")),
        ("", "Gr\u{FFFD}e".as_bytes(), ReadOptions::default(), "Gr\u{FFFD}e", Some("U+FFFD")),
        ("8859/8", b"\xE0\xBF", ReadOptions::default(), "א\u{FFFD}", Some("ISO-8859-8")),
    ] {
        let raw = message(declared, name);
        let reading = Message::parse(raw.as_slice(), &options);
        let found = reading.message.unwrap();
        assert_eq!(value(&found, "PID-5"), read, "{declared}");
        let of_text = reading.problems.iter().filter_map(|problem| problem.unused.as_ref());
        let of_text: Vec<&str> = of_text.map(|unused| unused.about.as_str()).collect();
        assert_eq!(of_text, said.into_iter().collect::<Vec<_>>(), "{declared} {read}");
    }
}

#[test]
fn vendor_habits_are_survived() {
    let Some(raw) = quirk("vendor-quirks/segment-case.hl7") else { return };
    let reading = parse(&raw);
    assert!(reading.problems.iter().any(|problem| problem.text.contains("capitals")));
    assert!(reading.message.unwrap().segment("PID").is_some());
    assert!(parse(&quirk("vendor-quirks/mllp-framing-stripped.hl7").unwrap()).is_usable());
    let unknown = parse(&quirk("vendor-quirks/unknown-charset.hl7").unwrap());
    assert!(unknown.problems.iter().any(|problem| problem.place.to_string() == "MSH-18"));
    let repeated = quirk("vendor-quirks/duplicate-required-segment.hl7").unwrap();
    assert_eq!(Batch::split(&repeated).messages.len(), 2);
    assert!(parse(&repeated).problems.iter().any(|problem| problem.text.contains("second MSH")));
    let dated = read(&quirk("vendor-quirks/timestamp-fallback-format.hl7").unwrap());
    assert_eq!(DateTime::parse(&dated.header().timestamp()).unwrap().oddity(), Some(Oddity::Separators));
}

#[test]
fn batches_come_apart_whole() {
    let Some(raw) = quirk("batch/single-batch.hl7") else { return };
    assert!(Batch::split(&raw).is_enveloped() && Batch::split(&raw).problems.is_empty());
    let short = quirk("batch/count-mismatch.hl7").unwrap();
    assert_eq!(Batch::split(&short).problems.len(), 1);
    let stream = quirk("stream/mixed-terminators.hl7").unwrap();
    assert!(Batch::split(&stream).messages.iter().all(|span| parse(span.of(&stream)).is_usable()));
}

#[test]
fn what_cannot_be_read_safely_is_refused_with_its_place() {
    for (raw, place) in [
        (&b""[..], "MSH"),
        (b"EVN|A01\rPID|1\r", "MSH"),
        (b"MSHX", "MSH"),
        (b"MSH", "MSH-1"),
        (b"MSH|||A", "MSH-2"),
        (b"MSH|^^~&|A", "MSH-2"),
        (b"MSH|^~\\&|A|B|||2026||ADT^A01||P|2.5\r", "MSH-10"),
    ] {
        let reading = parse(raw);
        assert!(!reading.is_usable());
        assert_eq!(reading.problems.last().unwrap().place.to_string(), place, "{raw:?}");
    }
}

#[test]
fn bounds_hold() {
    let options = ReadOptions { max_bytes: 60, max_segments: 2, max_fields: 12, ..ReadOptions::default() };
    for raw in [
        "MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\rPID|1\rPV1|1\r",
        "MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\rPID||||||||||||||\r",
        "MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\rNTE|a much longer comment that is too long\r",
    ] {
        let reading = Message::parse(raw.as_bytes(), &options);
        assert!(
            reading.message.is_none() && reading.problems.iter().any(|problem| problem.text.contains("more than the"))
        );
    }
}

#[test]
fn a_broken_line_goes_on_with_its_field() {
    let message = read(b"MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.5\rOBX|1|TX|x||one\ntwo lines|next\rNTE|1\r");
    assert_eq!(value(&message, "OBX-5"), "one\ntwo lines");
    assert_eq!(value(&message, "OBX-6"), "next");
    assert_eq!(message.segments().count(), 3);
}

#[test]
fn results_are_grouped_by_order_whatever_is_missing() {
    let raw = b"MSH|^~\\&|A|B|||2026||ORU^R01|1|P|2.5\rPID|1\rPV1|1\rOBR|1\rNTE|1\rOBX|1\rNTE|2\rNTE|3\rOBX|2\rORC|1\rOBR|2\rZZZ|1\rOBX|3\rPID|2\rOBR|3\r";
    let message = read(raw);
    let groups = message.own_groups();
    let orders = groups.descendants(&["PATIENT_RESULT", "ORDER_OBSERVATION"]);
    assert_eq!(
        orders.iter().map(|order| order.all_segments()).collect::<Vec<_>>(),
        [vec![3, 4, 5, 6, 7, 8], vec![9, 10, 11, 12], vec![14]]
    );
    let observations = groups.descendants(&["PATIENT_RESULT", "ORDER_OBSERVATION", "OBSERVATION"]);
    assert_eq!(observations[0].segments, [5, 6, 7]);
    assert_eq!(groups.descendants(&["PATIENT_RESULT"]).len(), 2);
    assert_eq!(groups.descendants(&["PATIENT_RESULT", "PATIENT", "VISIT"])[0].segments, [2]);
}

#[test]
fn insurances_keep_their_own_segments() {
    let message =
        read(b"MSH|^~\\&|A|B|||2026||ADT^A04|1|P|2.5\rIN2|0\rPID|1\rIN1|1\rIN2|1\rZIN|1\rIN1|2\rIN3|2\rPV1|1\r");
    let insurances: Vec<_> = message.own_groups().children.into_iter().map(|group| group.segments).collect();
    assert_eq!(insurances, [vec![1], vec![3, 4, 5], vec![6, 7]]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), with_header: bool, charset in prop::sample::select(vec!["", "ISO IR87", "BIG-5", "8859/15"])) {
        let mut raw = if with_header { format!("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5||||||{charset}\r").into_bytes() } else { Vec::new() };
        raw.extend(bytes);
        let batch = Batch::split(&raw);
        prop_assert!(batch.messages.iter().all(|span| span.range().end <= raw.len()));
        let echo = HeaderEcho::guess(&raw);
        prop_assert!(echo.control_id().len() <= 1000);
        if let Some(message) = parse(&raw).message {
            for field in message.segments().flat_map(Segment::fields) {
                for leaf in field.repetitions().flat_map(Value::components).flat_map(Value::subcomponents) {
                    prop_assert!(leaf.span().start >= field.span().start && leaf.span().end <= field.span().end);
                    let _ = leaf.text();
                }
            }
            let places = message.own_groups().all_segments();
            prop_assert_eq!(places.len(), message.segments().count());
        }
    }

    #[test]
    fn messages_of_delimiters_are_read(text in "(MSH|PID|ZZ1|pid|\\||\\^|~|\\\\|&|\r|\n|\"\"|a){0,80}") {
        let raw = format!("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.5\r{text}");
        let message = read(raw.as_bytes());
        prop_assert_eq!(Draft::of(&read(&Draft::of(&message).write(message.charset()))), Draft::of(&message));
    }
}
