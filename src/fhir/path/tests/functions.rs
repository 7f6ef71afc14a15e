//! The functions whose answer depends on where they stand, or on what the caller tells.

use serde_json::{Map, Value, json};

use super::{blood_pressure, holds, is_empty, json_of, patient, resource};
use crate::fhir::path::{Context, Element, Expression, Item};

/// Whether an expression holds in a context, which is made anew because it lives as long as the expression.
macro_rules! holds_in {
    ($context:expr, $text:expr) => {
        Expression::parse($text).unwrap().matches(&$context).unwrap()
    };
}

/// The fault of evaluating an expression in a context.
macro_rules! fault {
    ($text:expr, $context:expr) => {
        Expression::parse($text).unwrap().evaluate(&$context).map(|found| found.len()).unwrap_err().text
    };
}

#[test]
fn a_defined_variable_is_known_to_the_rest_of_its_path_only() {
    let patient = patient();
    holds("defineVariable('v', 'value').select(%v) = 'value'", &patient);
    holds("defineVariable('n', name.first()).active and (defineVariable('n', 2).select(%n) = 2)", &patient);
    holds("name.defineVariable('all').first().select(%all.count()) = 2", &patient);
    holds("defineVariable('a', 1).defineVariable('b', %a + 1).select(%a + %b) = 3", &patient);
    let joined = "name.select(defineVariable('n').given.select(%n.use & ':' & $this)).join(' ')";
    holds(&format!("{joined} = 'official:Jane official:Q usual:Jo'"), &patient);
    holds("'aaa'.replace(defineVariable('p', 'aaa').select(%p), defineVariable('p', 'b').select(%p)) = 'b'", &patient);
    assert!(fault!("defineVariable('v', 1).active | %v", &Context::new(&patient)).contains("`%v`"));
    assert!(
        fault!("name.where(defineVariable('v', 1).use = 'usual').select(%v)", &Context::new(&patient)).contains("`%v`")
    );
}

#[test]
fn a_variable_is_defined_once_and_by_a_name_that_is_free_and_written_out() {
    for (text, part) in [
        ("defineVariable('v').defineVariable('v')", "defined already"),
        ("defineVariable('v').select(defineVariable('v'))", "defined already"),
        ("defineVariable('resource', 1)", "defined already"),
        ("defineVariable(id)", "name in quotes"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert!(error.text.contains(part), "{text}: {error}");
    }
    let expression = Expression::parse("defineVariable('v', %limit).select(%v)").unwrap();
    assert_eq!(expression.variables(), [("limit", 20)]);
}

#[test]
fn what_a_variable_was_given_stays_when_the_path_goes_on() {
    let patient = patient();
    let found = json_of("name.defineVariable('u', use).where(use = 'usual').select(%u)", &patient);
    assert_eq!(found, [json!("official"), json!("usual")]);
}

#[test]
fn parts_of_dates_are_told_as_far_as_they_are_stated() {
    let patient = patient();
    holds("@2014-01-05T10:30:02.500-05:30.select(yearOf() = 2014 and monthOf() = 1 and dayOf() = 5)", &patient);
    holds("@2014-01-05T10:30:02.500-05:30.select(hourOf() = 10 and minuteOf() = 30 and secondOf() = 2)", &patient);
    holds("@2014-01-05T10:30:02.500-05:30.timezoneOffsetOf() = -5.5", &patient);
    holds("@2014-01-05T10:30:02.500Z.millisecondOf() = 500 and @T10:30.hourOf() = 10", &patient);
    holds("@2014-01-05T10:30:00.dateOf() = @2014-01-05 and @2014-01-05T10:30:00.timeOf() = @T10:30:00", &patient);
    holds("birthDate.monthOf() = 6", &patient);
    is_empty(
        "birthDate.dayOf() | @2014.monthOf() | @2014-01-05.hourOf() | @2014-01-05.timeOf() | @T10.minuteOf()",
        &patient,
    );
    assert!(fault!("active.yearOf()", &Context::new(&patient)).contains("works on a date"));
}

#[test]
fn profiles_are_the_callers_and_types_are_known_here() {
    let reading = blood_pressure();
    let conforms = |item: &Item<'_>, profile: &str| {
        (profile == "http://example.org/bp").then(|| item.type_name() == "Observation")
    };
    assert!(
        holds_in!(Context::new(&reading).conforming(&conforms), "conformsTo('http://example.org/bp')")
            && !holds_in!(Context::new(&reading).conforming(&conforms), "code.conformsTo('http://example.org/bp')")
    );
    assert!(holds_in!(
        Context::new(&reading).conforming(&conforms),
        "conformsTo('http://hl7.org/fhir/StructureDefinition/Observation')"
    ));
    assert!(!holds_in!(
        Context::new(&reading).conforming(&conforms),
        "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"
    ));
    assert!(
        fault!("conformsTo('http://example.org/other')", &Context::new(&reading).conforming(&conforms))
            .contains("not known here")
    );
    assert!(fault!("conformsTo('http://example.org/bp')", &Context::new(&reading)).contains("not known here"));
}

#[test]
fn slices_and_definitions_of_elements_are_the_callers() {
    let reading = blood_pressure();
    let expressions = [
        "component.slice('http://example.org/bp', 'systolic').value.ofType(Quantity).value = 162",
        "(status | code).elementDefinition().select(path = 'Observation.status' and min = 1)",
    ]
    .map(|text| Expression::parse(text).unwrap());
    let other = Expression::parse("component.slice('http://example.org/bp', 'other')").unwrap();
    let is_in = |item: &Item<'_>, structure: &str, name: &str| {
        let code = if name == "systolic" { "8480-6" } else { return None };
        let own = item.as_element()?.children("code").first()?.children("coding").first()?.children("code");
        (structure == "http://example.org/bp").then_some(own.first()?.primitive()? == code)
    };
    let known: Map<String, Value> = json!({ "path": "Observation.status", "min": 1 }).as_object().unwrap().clone();
    let find = |element: &Element<'_>| (element.type_name() == Some("code")).then_some(&known);
    for expression in &expressions {
        assert_eq!(
            expression.matches(&Context::new(&reading).slicing(&is_in).defining(&find)),
            Ok(true),
            "{expression}"
        );
    }
    assert_eq!(other.evaluate(&Context::new(&reading).slicing(&is_in)).unwrap_err().position, 10);
    assert!(fault!("status.elementDefinition()", Context::new(&reading)).contains("no definitions"));
}

#[test]
fn codes_subsume_themselves_and_what_the_caller_says() {
    let reading = blood_pressure();
    let subsumes = |system: &str, above: &str, below: &str| match (system, above, below) {
        ("http://loinc.org", "85354-9", "8480-6") => Some(true),
        ("http://loinc.org", ..) => Some(false),
        _ => None,
    };
    assert!(holds_in!(
        Context::new(&reading).subsuming(&subsumes),
        "code.subsumes(component[0].code) and component[0].code.coding.subsumedBy(%resource.code)"
    ));
    assert!(
        !holds_in!(Context::new(&reading).subsuming(&subsumes), "component[0].code.subsumes(code)")
            && holds_in!(
                Context::new(&reading).subsuming(&subsumes),
                "code.subsumes(code) and status.subsumes('final')"
            )
    );
    assert!(
        fault!("status.subsumes('amended')", &Context::new(&reading).subsuming(&subsumes)).contains("not known here")
    );
    assert!(fault!("code.subsumes(component[0].code)", &Context::new(&reading)).contains("not known here"));
}

#[test]
fn unknown_modifier_extensions_are_a_fault() {
    let with = |url: &str| {
        resource(json!({ "resourceType": "Observation", "modifierExtension": [{ "url": url, "valueBoolean": true }] }))
    };
    let (known, other) = (with("http://example.org/known"), with("http://example.org/other"));
    let text = "checkModifiers('http://example.org/known', 'http://example.org/more').exists()";
    holds(text, &known);
    holds(text, &blood_pressure());
    assert!(fault!(text, &Context::new(&other)).contains("modifier extension"));
    assert!(fault!("checkModifiers()", &Context::new(&known)).contains("modifier extension"));
}

#[test]
fn narratives_are_checked() {
    let with = |div: &str| resource(json!({ "resourceType": "Basic", "text": { "status": "generated", "div": div } }));
    let good = with("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>said</p></div>");
    let bad = with("<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>said</script></div>");
    holds("text.div.htmlChecks()", &good);
    holds("text.div.htmlChecks().not()", &bad);
    is_empty("text.div.htmlChecks()", &blood_pressure());
}

#[test]
fn items_without_an_order_are_a_fault_however_many_there_are_and_all_others_are_sorted() {
    let on = resource(json!({ "resourceType": "Basic", "extension": (0..60).map(|place| match place % 3 {
        0 => json!({ "url": "a", "valueString": place.to_string() }),
        1 => json!({ "url": "b", "valueInteger": 60 - place }),
        _ => json!({ "url": "c", "valueDate": if place % 2 == 0 { "2026-02" } else { "2026-02-03" } }),
    }).collect::<Vec<_>>() }));
    assert!(fault!("extension.value.sort()", &Context::new(&on)).contains("no order"));
    assert!(fault!("descendants().sort()", &Context::new(&on)).contains("no order"));
    let numbers = "extension.where(url = 'b').value";
    holds(&format!("{numbers}.sort().first() = 2 and {numbers}.sort().last() = 59"), &on);
    holds(&format!("{numbers}.sort(-$this).first() = 59 and {numbers}.sort().count() = 20"), &on);
    holds("extension.sort(url).first().value = '0' and extension.sort(-url).last().value = '57'", &on);
}
