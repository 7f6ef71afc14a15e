//! What FHIR's XML comes to, where its parts are, and what is refused.

use serde_json::{Value, json};

use super::{Located, Unreadable};

const PATIENT: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<?look at="this"?>
<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://hl7.org/fhir patient.xsd">
  <id value="p"/>
  <text>
    <status value="generated"/>
    <div xmlns="http://www.w3.org/1999/xhtml">Ida &amp; <b title="a>b">Roe</b> &#160;</div>
  </text>
  <contained><Organization><id value="o"/><name value="Practice"/></Organization></contained>
  <extension url="http://example.org/weight"><valueDecimal value="1.50"/></extension>
  <name id="n"><given value="Ida"/><given><extension url="http://example.org/unknown"><valueCode value="masked"/></extension></given></name>
  <!-- elements may stand in another order, and lists apart -->
  <active value="true"/>
  <multipleBirthInteger value="+2"/>
  <birthDate id="b" value="1950-06"/>
  <name><text value="&quot;I&#233;da&quot;&#10;Roe"/></name>
</Patient>"##;

fn value(text: &str) -> Value {
    Located::read_either(text).map(|located| located.resource.into()).map_err(|wrong| wrong.text).unwrap()
}

#[test]
fn xml_is_the_json_that_stands_for_the_same() {
    let located = Located::read_either(PATIENT).map_err(|wrong| wrong.text).unwrap();
    assert!(located.faults().is_empty(), "{:?}", located.faults());
    assert_eq!(
        Value::from(located.resource),
        json!({
            "resourceType": "Patient", "id": "p",
            "text": { "status": "generated",
                "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Ida &amp; <b title=\"a>b\">Roe</b> &#160;</div>" },
            "contained": [{ "resourceType": "Organization", "id": "o", "name": "Practice" }],
            "extension": [{ "url": "http://example.org/weight", "valueDecimal": serde_json::from_str::<Value>("1.50").unwrap() }],
            "name": [
                { "id": "n", "given": ["Ida", null],
                  "_given": [null, { "extension": [{ "url": "http://example.org/unknown", "valueCode": "masked" }] }] },
                { "text": "\"Iéda\"\nRoe" },
            ],
            "active": true, "multipleBirthInteger": 2, "birthDate": "1950-06", "_birthDate": { "id": "b" },
        })
    );
    let bundle = r#"<f:Bundle xmlns:f="http://hl7.org/fhir"><f:type value="collection"/><f:entry><f:resource><f:Basic><f:id value="1"/></f:Basic></f:resource></f:entry></f:Bundle>"#;
    assert_eq!(
        value(bundle),
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": { "resourceType": "Basic", "id": "1" } }] })
    );
}

#[test]
fn what_checking_finds_stands_in_the_json_as_it_was_written() {
    let written = r#"<Observation xmlns="http://hl7.org/fhir"><valueInteger value="1.5"/><statuss value="final"/><subject/></Observation>"#;
    assert_eq!(
        value(written),
        json!({ "resourceType": "Observation", "valueInteger": "1.5", "statuss": "final", "subject": {} })
    );
    let inside = r#"<Patient xmlns="http://hl7.org/fhir"><birthDate><value value="1950"/></birthDate></Patient>"#;
    assert_eq!(value(inside), json!({ "resourceType": "Patient", "_birthDate": { "value": "1950" } }));
    assert_eq!(
        value(r#"<Nothing xmlns="http://hl7.org/fhir"><a value="1"/><a><b/></a></Nothing>"#)["resourceType"],
        "Nothing"
    );
}

#[track_caller]
fn is_at(path: &str, shown: &str) {
    let span = Located::read_either(PATIENT).map_err(|wrong| wrong.text).unwrap().find(path);
    let line = PATIENT.lines().nth(span.line as usize - 1).unwrap();
    let rest: String = line.chars().skip(span.column as usize - 1).take(span.length as usize).collect();
    assert_eq!(rest, shown, "{path}");
}

#[test]
fn elements_are_found_at_their_opening_tags() {
    is_at("Patient.birthDate", r#"<birthDate id="b" value="1950-06"/>"#);
    is_at("Patient.multipleBirth", r#"<multipleBirthInteger value="+2"/>"#);
    is_at("Patient.name[1].text", r#"<text value="&quot;I&#233;da&quot;&#10;Roe"/>"#);
    is_at("Patient.name[0].given[1].extension[0].value", r#"<valueCode value="masked"/>"#);
    is_at("Patient.contained[0].name", r#"<name value="Practice"/>"#);
    is_at("Patient.text.div", r#"<div xmlns="http://www.w3.org/1999/xhtml">"#);
    is_at("Patient.gender", "<");
    is_at("Patient.name[0].family", "<");
}

#[test]
fn what_json_could_not_say_is_told_with_its_place() {
    for (inside, told) in [
        ("<active value=\"true\"/>\n  yes", "no text belongs here"),
        ("\n<![CDATA[yes]]>", "no text belongs here"),
        ("\n<active value=\"true\" unit=\"x\"/>", "FHIR has no attribute `unit` here"),
        ("\n<active value=\"true\" xml:lang=\"en\"/>", "FHIR has no attribute `xml:lang` here"),
        ("\n<name value=\"Ida\"/>", "FHIR has no attribute `value` here"),
        ("\n<active value=\"true\" xmlns=\"urn:x\"/>", "not in FHIR's namespace"),
        ("\n<x:active xmlns:x=\"urn:x\"><x:y>words</x:y></x:active>", "not in FHIR's namespace"),
        ("\n<resourceType value=\"Basic\"/>", "no element of this name"),
        ("\n<_active id=\"a\"/>", "no element of this name"),
        ("\n<active/>", "neither a value nor an extension"),
        ("<gender value=\"male\"/>\n<gender value=\"female\"/>", "stands here once; this is another"),
        ("\n<contained></contained>", "a resource stands inside this element"),
        ("<contained><Basic/>\n<Basic/></contained>", "one resource stands here"),
        ("<extension url=\"urn:x\">\n<url value=\"urn:x\"/></extension>", "`url` is an attribute here"),
        ("<name>\n<id value=\"n\"/><text value=\"I\"/></name>", "`id` is an attribute here"),
    ] {
        let text = format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>");
        let faults = Located::read_either(&text).map_err(|wrong| wrong.text).unwrap().faults();
        assert_eq!(faults.len(), 1, "{inside}: {faults:?}");
        assert!(faults[0].1.text.contains(told) && faults[0].0.line == 2, "{inside}: {faults:?}");
        assert!(faults[0].1.is_error(), "{inside}");
    }
    let many = format!("<Patient xmlns=\"http://hl7.org/fhir\">{}</Patient>", "<name/>x".repeat(300));
    let faults = Located::read_either(&many).map_err(|wrong| wrong.text).unwrap().faults();
    assert_eq!((faults.len(), faults.last().unwrap().1.text.as_str()), (101, "200 more things like these"));
}

#[track_caller]
fn refused(text: &str, told: &str, line: u32) {
    let Unreadable { span, text: why, is_other } = Located::read_either(text).err().expect(text);
    assert!(why.contains(told) && span.line == line, "{text}: {why} in line {}", span.line);
    assert_eq!(is_other, told == "no FHIR resource", "{text}");
}

#[test]
fn what_is_no_xml_of_fhirs_is_refused() {
    let inside = |text: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">\n{text}</Patient>");
    refused("<!DOCTYPE Patient SYSTEM \"file:///etc/passwd\">\n<Patient/>", "no DTD", 1);
    refused(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d \"&b;&b;\">]><Patient xmlns=\"http://hl7.org/fhir\">&d;</Patient>",
        "no DTD",
        2,
    );
    refused("", "nothing in it", 1);
    refused(" \n\t", "nothing in it", 1);
    refused(&inside("<id value=\"&secret;\"/>"), "none of XML's own", 2);
    refused(&inside("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">a&nbsp;b</div></text>"), "none of XML's own", 2);
    refused(&inside("<id value=\"a<b\"/>"), "XML", 2);
    refused(&inside("<id value=\"a\" value=\"b\"/>"), "twice", 2);
    refused(&inside("<name></id>"), "not closed", 2);
    refused("<Patient xmlns=\"http://hl7.org/fhir\">\n<id value=\"a\"/>", "ends before its elements do", 2);
    refused(
        "<Patient xmlns=\"http://hl7.org/fhir\"/>\n<Patient xmlns=\"http://hl7.org/fhir\"/>",
        "one element around all",
        2,
    );
    refused("<Patient xmlns=\"http://hl7.org/fhir\"/>\nmore", "outside its element", 1);
    refused("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Patient xmlns=\"http://hl7.org/fhir\"/>", "UTF-8", 1);
    refused("<!-- nothing -->", "no element", 1);
    refused("<project xmlns=\"http://maven.apache.org/POM/4.0.0\"/>", "no FHIR resource", 1);
    refused("<Patient/>", "no FHIR resource", 1);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = "<extension url=\"urn:x\">".repeat(100_000);
    refused(&format!("<Patient xmlns=\"http://hl7.org/fhir\">{deep}"), "too deeply", 1);
    let hidden = format!("<x xmlns=\"urn:x\">{}", "<y>".repeat(100_000));
    refused(&format!("<Patient xmlns=\"http://hl7.org/fhir\">{hidden}"), "too deeply", 1);
    let wide: String = (0..100_000).map(|number| format!(" a{number}=\"\"")).collect();
    refused(&format!("<Patient xmlns=\"http://hl7.org/fhir\"{wide}/>"), "more attributes", 1);
    let spaces: String = (0..100_000).map(|number| format!(" xmlns:a{number}=\"urn:x\"")).collect();
    assert!(Located::read_either(&format!("<Patient xmlns=\"http://hl7.org/fhir\"{spaces}/>")).is_err());
}
