//! The terminology service over real HTTP: the value sets and code systems that are built in, and who may ask.

use reqwest::Response;
use serde_json::{Value, json};

use crate::partner::{Reader, Readers};

const GENDER: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";
const GENDER_CODES: &str = "http://hl7.org/fhir/administrative-gender";

/// Sends Parameters; each value under its key: `("url", "valueUri", …)`.
pub async fn post(reader: &Reader, path: &str, parameters: &[(&str, &str, Value)]) -> (u16, Value) {
    let listed: Vec<Value> =
        parameters.iter().map(|(name, key, value)| json!({ "name": name, (*key): value })).collect();
    let body = json!({ "resourceType": "Parameters", "parameter": listed });
    let request = reader.http.post(format!("{}/{path}", reader.base)).bearer_auth(&reader.token);
    answered(request.header("content-type", "application/fhir+json").body(body.to_string()).send().await.unwrap()).await
}

async fn answered(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A value of an answer by its name.
pub fn out<'v>(body: &'v Value, name: &str) -> &'v Value {
    let parameter = body["parameter"].as_array().unwrap().iter().find(|one| one["name"] == name);
    let value = |one: &'v Value| {
        one.as_object().unwrap().iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value)
    };
    parameter.and_then(value).unwrap_or(&Value::Null)
}

pub fn codes(body: &Value) -> Vec<&str> {
    body["expansion"]["contains"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect()
}

fn text(body: &Value) -> &str {
    body["issue"][0]["diagnostics"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_set_is_expanded_page_by_page_and_by_words() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let (status, all) = reader.get(&format!("ValueSet/$expand?url={GENDER}")).await;
    assert_eq!(status, 200, "{all}");
    assert_eq!(codes(&all), ["male", "female", "other", "unknown"]);
    assert_eq!(all["expansion"]["contains"][1]["display"], "Female");
    assert_eq!(
        (&all["url"], &all["id"], &all["version"]),
        (&json!(GENDER), &json!("administrative-gender"), &json!("4.0.1"))
    );
    let used = all["expansion"]["parameter"].as_array().unwrap().iter().find(|one| one["name"] == "used-codesystem");
    assert_eq!(used.unwrap()["valueUri"], format!("{GENDER_CODES}|4.0.1"));

    // Pages hold each code once, and say alike how many there are.
    let mut seen = Vec::new();
    for offset in [0, 50, 100, 150] {
        let path = format!("ValueSet/v3-RoleCode/$expand?offset={offset}&count=50");
        let (_, page) = reader.get(&path).await;
        let (_, again) = reader.get(&path).await;
        assert_eq!(codes(&page), codes(&again));
        assert!(page["expansion"]["total"].as_u64().unwrap() > 300, "{}", page["expansion"]["total"]);
        seen.extend(codes(&page).into_iter().map(str::to_string));
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((seen.len(), once.len()), (200, 200));
    let (_, none) = reader.get("ValueSet/v3-RoleCode/$expand?count=0").await;
    assert!(codes(&none).is_empty() && none["expansion"]["total"].as_u64().unwrap() > 300);

    let (_, found) = reader.get("ValueSet/encounter-status/$expand?filter=ARR").await;
    assert_eq!((codes(&found), &found["expansion"]["total"]), (vec!["arrived"], &json!(1)));
    let (_, found) = reader.get("ValueSet/encounter-status/$expand?filter=rrived").await;
    assert_eq!(found["expansion"]["total"], 0);

    let (_, german) =
        reader.get("ValueSet/v2-0078/$expand?displayLanguage=de&includeDesignations=true&filter=anormal").await;
    assert!(codes(&german).contains(&"A"), "{german}");
    let one = &german["expansion"]["contains"][0];
    assert!(one["designation"].as_array().unwrap().iter().any(|one| one["language"] == "de"), "{one}");

    let (_, with_rules) = reader.get(&format!("ValueSet/$expand?url={GENDER}|4.0.1&includeDefinition=true")).await;
    assert_eq!(with_rules["compose"]["include"][0]["system"], GENDER_CODES);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_expanded_says_what_is_missing() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    for (path, status, part) in [
        ("ValueSet/$expand?url=http://hl7.org/fhir/us/core/ValueSet/us-core-encounter-type", 422, "http://"),
        ("ValueSet/condition-code/$expand", 422, "http://snomed.info/sct"),
        ("ValueSet/$expand?url=http://nowhere.example/v", 404, "not here"),
        ("ValueSet/nothing-like-it/$expand", 404, "no such resource"),
        ("ValueSet/$expand", 400, "`url`"),
        ("ValueSet/administrative-gender/$expand?context=Patient.gender", 400, "`context`"),
        ("ValueSet/administrative-gender/$expand?count=many", 400, "`count`"),
        ("ValueSet/administrative-gender/$expand?activeOnly=1", 400, "`activeOnly`"),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender|3.0.1", 404, "4.0.1"),
        (
            "ValueSet/administrative-gender/$expand?force-system-version=http://hl7.org/fhir/administrative-gender|5.0.0",
            422,
            "4.0.1",
        ),
    ] {
        let (got, body) = reader.get(path).await;
        assert_eq!(got, status, "{path}: {body}");
        assert!(text(&body).contains(part), "{path}: {body}");
    }
    let anonymous =
        readers.http.get(format!("{}/ValueSet/administrative-gender/$expand", reader.base)).send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
    let anonymous = readers.http.get(format!("{}/CodeSystem", reader.base)).send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_set_of_the_senders_own_is_expanded_and_asked() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let class = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let own = json!({ "resourceType": "ValueSet", "status": "draft", "compose": {
        "include": [{ "system": class, "filter": [{ "property": "concept", "op": "descendent-of", "value": "_ActEncounterCode" }] }],
        "exclude": [{ "system": class, "concept": [{ "code": "VR" }] }] } });
    let (status, body) = post(&reader, "ValueSet/$expand", &[("valueSet", "resource", own.clone())]).await;
    assert_eq!(status, 200, "{body}");
    assert!(
        codes(&body).contains(&"AMB") && !codes(&body).contains(&"VR") && !codes(&body).contains(&"_ActEncounterCode"),
        "{body}"
    );
    let coding = json!({ "system": class, "code": "VR" });
    let (_, body) =
        post(&reader, "ValueSet/$validate-code", &[("valueSet", "resource", own), ("coding", "valueCoding", coding)])
            .await;
    assert_eq!(out(&body, "result"), false, "{body}");
    let broken = json!({ "resourceType": "ValueSet", "compose": { "include": [{ "concept": [{ "code": "x" }] }] } });
    let (status, body) = post(&reader, "ValueSet/$expand", &[("valueSet", "resource", broken)]).await;
    assert!(status == 400 && text(&body).contains("neither a code system nor a value set"), "{body}");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_right_or_it_is_said_what_is_wrong_with_it() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let v3 = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
    let loinc = "http://loinc.org";
    let vitals = "http://hl7.org/fhir/ValueSet/observation-vitalsignresult";
    for (path, result, part) in [
        (format!("ValueSet/$validate-code?url={GENDER}&system={GENDER_CODES}&code=male&display=Male"), true, ""),
        (format!("ValueSet/$validate-code?url={GENDER}&system={GENDER_CODES}&code=male&display=Mann"), false, "called `Male`"),
        (format!("ValueSet/$validate-code?url={GENDER}&system={GENDER_CODES}&code=Male"), false, "did you mean `male`? Case matters"),
        (format!("ValueSet/$validate-code?url={GENDER}&system={GENDER_CODES}&code=m"), false, "has no such code"),
        (format!("ValueSet/$validate-code?url={GENDER}&system={v3}&code=UNK"), false, "the value set does not have"),
        (format!("ValueSet/administrative-gender/$validate-code?system={GENDER_CODES}&code=other"), true, ""),
        (format!("ValueSet/$validate-code?url={GENDER}&system={GENDER_CODES}&systemVersion=9&code=male"), false, "in version 4.0.1"),
        // The codes are listed, what they are called is not held.
        (format!("ValueSet/$validate-code?url={vitals}&system={loinc}&code=8867-4&display=Heart%20rate"), true, "not checked"),
        ("ValueSet/condition-code/$validate-code?system=http://snomed.info/sct&code=38341003".to_string(), false, "http://snomed.info/sct is not here"),
        (format!("CodeSystem/$validate-code?url={v3}&code=UNK&display=unknown"), true, ""),
        (format!("CodeSystem/$validate-code?url={v3}|0.1&code=UNK"), false, ""),
        ("CodeSystem/v3-NullFlavor/$validate-code?code=unk".to_string(), false, "did you mean `UNK`"),
        ("CodeSystem/$validate-code?url=http://nowhere.example/c&code=x".to_string(), false, "cannot be told"),
        ("CodeSystem/$validate-code?url=http://terminology.hl7.org/CodeSystem/v3-ActClass&code=_ActClassRecordOrganizer&abstract=false".to_string(), false, ""),
        ("CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mmHg%20of".to_string(), false, ""),
    ] {
        let (status, body) = reader.get(&path).await;
        if status == 404 {
            assert!(path.contains("|0.1") && text(&body).contains("version"), "{path}: {body}");
            continue;
        }
        assert_eq!((status, out(&body, "result")), (200, &json!(result)), "{path}: {body}");
        assert!(out(&body, "message").as_str().unwrap_or_default().contains(part), "{path}: {body}");
    }
    let concept = json!({ "coding": [{ "system": "http://local.example", "code": "1" }, { "system": GENDER_CODES, "code": "female" }] });
    let (_, body) = post(
        &reader,
        "ValueSet/administrative-gender/$validate-code",
        &[("codeableConcept", "valueCodeableConcept", concept)],
    )
    .await;
    assert_eq!(
        (out(&body, "result"), out(&body, "code"), out(&body, "display")),
        (&json!(true), &json!("female"), &json!("Female"))
    );
    let (status, body) = reader.get(&format!("ValueSet/$validate-code?url={GENDER}&code=male")).await;
    assert!(status == 400 && text(&body).contains("`system`"), "{body}");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_looked_up_and_stands_where_its_system_says() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let (_, body) = reader.get(&format!("CodeSystem/$lookup?system={system}&code=AMB")).await;
    assert_eq!(
        (out(&body, "display"), out(&body, "name"), out(&body, "version")),
        (&json!("ambulatory"), &json!("v3.ActCode"), &json!("2018-08-12"))
    );
    let properties: Vec<(&Value, &Value)> = body["parameter"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["name"] == "property")
        .map(|one| (&one["part"][0]["valueCode"], &one["part"][1]))
        .collect();
    assert!(
        properties.iter().any(|(name, value)| **name == "parent" && value["valueCode"] == "_ActEncounterCode"),
        "{body}"
    );
    let (_, body) =
        reader.get(&format!("CodeSystem/$lookup?system={system}&code=_ActEncounterCode&property=child")).await;
    let children: Vec<&Value> = body["parameter"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["name"] == "property")
        .map(|one| &one["part"][1]["valueCode"])
        .collect();
    assert!(children.contains(&&json!("AMB")) && children.contains(&&json!("IMP")), "{body}");
    let coding = json!({ "system": system, "code": "nothing" });
    let (status, body) = post(&reader, "CodeSystem/$lookup", &[("coding", "valueCoding", coding)]).await;
    assert!(status == 404 && text(&body).contains("no such code"), "{body}");
    let (status, _) = reader.get("CodeSystem/$lookup?system=http://nowhere.example&code=x").await;
    assert_eq!(status, 404);
    for (left, right, outcome) in [
        ("_ActEncounterCode", "AMB", "subsumes"),
        ("AMB", "_ActEncounterCode", "subsumed-by"),
        ("AMB", "AMB", "equivalent"),
        ("AMB", "EMER", "not-subsumed"),
    ] {
        let (_, body) = reader.get(&format!("CodeSystem/v3-ActCode/$subsumes?codeA={left}&codeB={right}")).await;
        assert_eq!(out(&body, "outcome"), outcome, "{left} {right}: {body}");
    }
    let (status, body) = reader.get(&format!("CodeSystem/$subsumes?system={system}&codeA=AMB&codeB=amb")).await;
    assert!(status == 404 && text(&body).contains("`codeB`"), "{body}");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_hl7_v2_are_translated_as_the_feeds_do() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let (sex, gender) = ("http://terminology.hl7.org/CodeSystem/v2-0001", GENDER_CODES);
    let (_, found) = reader.get("ConceptMap?name=administrative-sex").await;
    let url = found["entry"][0]["resource"]["url"].as_str().unwrap().to_string();
    let (_, body) = reader.get(&format!("ConceptMap/$translate?url={url}&system={sex}&code=F")).await;
    let concept = |body: &Value| {
        body["parameter"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"] == "match")
            .map(|one| one["part"][1]["valueCoding"].clone())
    };
    assert_eq!(
        (out(&body, "result"), concept(&body).unwrap()),
        (&json!(true), json!({ "system": gender, "code": "female", "display": "Female" }))
    );
    let (_, body) =
        reader.get(&format!("ConceptMap/administrative-sex/$translate?system={gender}&code=male&reverse=true")).await;
    assert_eq!(concept(&body).unwrap()["code"], "M", "{body}");
    // What senders write instead is no code of HL7's table.
    for path in [
        format!("system={sex}&code=Female"),
        format!("system={sex}&code=F&targetsystem=http://loinc.org"),
        "system=http://loinc.org&code=F".to_string(),
    ] {
        let (_, body) = reader.get(&format!("ConceptMap/$translate?{path}")).await;
        assert_eq!((out(&body, "result"), concept(&body)), (&json!(false), None), "{path}: {body}");
    }
    let (status, body) = reader.get("ConceptMap/$translate?code=F").await;
    assert!(status == 400 && text(&body).contains("`system`"), "{body}");
    let (_, map) = reader.get("ConceptMap/administrative-sex").await;
    assert_eq!(map["group"][0]["element"][1]["target"][0]["equivalence"], "relatedto", "{map}");
    readers.house.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_listed_read_and_valid() {
    let readers = Readers::new().await;
    let reader = readers.lakeside().await;
    let (_, found) = reader.get("ValueSet?name=administrativegender&version=4.0.1").await;
    assert_eq!((&found["total"], &found["entry"][0]["resource"]["url"]), (&json!(1), &json!(GENDER)), "{found}");
    let (_, found) = reader.get("CodeSystem?url=http://hl7.org/fhir/administrative-gender").await;
    assert_eq!(found["total"], 1);
    let (_, first) = reader.get("CodeSystem?_count=3").await;
    let next = first["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap()["url"]
        .as_str()
        .unwrap();
    let (_, second) = reader.get(next).await;
    assert_eq!(first["total"], second["total"]);
    assert!(first["entry"][2]["resource"]["url"].as_str() < second["entry"][0]["resource"]["url"].as_str());
    let form = [("name:contains", "gender")];
    let request =
        reader.http.post(format!("{}/CodeSystem/_search", reader.base)).bearer_auth(&reader.token).form(&form);
    let (status, posted) = answered(request.send().await.unwrap()).await;
    assert!(status == 200 && posted["total"].as_u64().unwrap() >= 1, "{posted}");
    let (status, _) = reader.get("ValueSet?title=x").await;
    assert_eq!(status, 400);

    let terminology: Value =
        reqwest::get(readers.house.url("/fhir/metadata?mode=terminology")).await.unwrap().json().await.unwrap();
    assert!(terminology["codeSystem"].as_array().unwrap().iter().any(|one| one["uri"] == GENDER_CODES));
    let mut all = vec![terminology];
    for path in [
        "ValueSet/administrative-gender",
        "ValueSet/us-core-condition-code",
        "ValueSet/us-core-vital-signs",
        "CodeSystem/v3-ActCode",
        "CodeSystem/v2-0078",
        "CodeSystem/loinc.org",
        "ConceptMap/patient-class",
        "ValueSet/encounter-status/$expand",
        "ValueSet/administrative-gender/$expand?filter=nothing",
        "CodeSystem/$lookup?system=http://terminology.hl7.org/CodeSystem/v2-0078&code=A",
        "CodeSystem?_count=5",
        "ConceptMap?_count=5",
    ] {
        let (status, body) = reader.get(path).await;
        match status {
            404 => assert!(path.contains("loinc") || path.contains("us-core-vital"), "{path}"),
            _ => all.push(body),
        }
    }
    for body in all {
        let resource = handover::fhir::Resource::try_from(body.clone()).unwrap();
        let found = handover::profile::validate_against(&resource, &[], handover::profile::Profiles::built_in());
        let errors: Vec<String> = found.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
        assert_eq!(errors, Vec::<String>::new(), "{} {}", body["resourceType"], body["url"]);
    }
    readers.house.running.stop().await;
}
