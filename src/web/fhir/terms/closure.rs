//! ConceptMap/$closure (http://hl7.org/fhir/R4/conceptmap-operation-closure.html): a client's own table of which of its codes stand below
//! which, kept so that it can ask for what is new since. docs/decisions/0035 says how.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::asked::Asked;
use super::found::{Coding, unreadable};
use super::input;
use crate::problem::Category;
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::service::Service;

pub const KNOWN: &[&str] = &["name", "concept", "version"];

/// Codes in one table, tables of one client, and letters of a name.
const MOST_CODES: usize = 1_000;
const MOST_TABLES: usize = 20;
const LONGEST_NAME: usize = 64;

/// The codes of a table, and what stands below what, each with the version that brought it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Table {
    version: u64,
    codes: Vec<(String, String)>,
    pairs: Vec<Pair>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pair {
    system: String,
    code: String,
    above: String,
    since: u64,
}

/// POST only: what is asked for is kept.
pub async fn closure(
    service: web::Data<Service>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let input = input::read(&request, payload, KNOWN).await?;
    let name = input.required("name")?.to_string();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let text = format!("`name` has at most {LONGEST_NAME} letters, none of them a control character");
        return Err(Fault::bad_request(Category::Value, text));
    }
    let codings = input.objects("concept")?.into_iter().map(Coding::read).collect::<Result<Vec<_>, _>>()?;
    let since = input.text("version")?.map(str::to_string);
    let (tables, place) = (format!("closures {}", client.partner), format!("closure {} {name}", client.partner));
    // The turn before the table: who waits for a turn keeps nobody from a table.
    let turn = match codings.is_empty() {
        true => None,
        false => Some(service.terminology.acquire().await.map_err(|_| stopping())?),
    };
    // Who adds to one table at the same time waits for the other.
    let _held = service.closures.hold(&[tables.clone(), place.clone()]).await;
    let kept: Option<Table> = read(&service, &place).await?;
    let now = service.gateway.clock.now();
    let (table, after) = match (codings.is_empty(), since) {
        (false, Some(_)) => {
            let text = "either codes are added (`concept`), or what is new is asked for (`version`), not both at once";
            return Err(Fault::bad_request(Category::Invalid, text));
        }
        (true, None) => {
            enrol(&service, &tables, &name).await?;
            (Table::default(), 0)
        }
        (true, Some(since)) => {
            let table = kept.ok_or_else(unknown)?;
            let since = since.parse().ok().filter(|since| *since <= table.version);
            let since = since.ok_or_else(|| {
                let text = format!("`version` is none that this table has had; it is at {}", table.version);
                Fault::bad_request(Category::Value, text)
            })?;
            return Ok(answer(&name, &table, since, now));
        }
        (false, None) => {
            let (table, id, kind) = (kept.ok_or_else(unknown)?, None, "ConceptMap");
            let (before, site) = (table.version, service.gateway.site.load_full());
            let asked = Asked { site, input: input::Input::default(), now, id, kind };
            let grown = web::block(move || grow(&asked, table, codings)).await.map_err(|_| stopping())??;
            (grown, before)
        }
    };
    drop(turn);
    let written = serde_json::to_vec(&table).map_err(|_| stopping())?;
    service.gateway.store.put_state(&place, &written).await?;
    Ok(answer(&name, &table, after, now))
}

fn stopping() -> Fault {
    Fault::unavailable("the answer did not come about; try again")
}

fn unknown() -> Fault {
    Fault::not_found("there is no closure table of this name; begin one by its `name` alone")
}

async fn read<T: for<'de> Deserialize<'de>>(service: &Service, place: &str) -> Result<Option<T>, Fault> {
    let kept = service.gateway.store.get_state(place).await?;
    let unreadable = |_| {
        let text = "what is kept of this table cannot be read; begin it anew by its `name` alone";
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, Category::Exception, text)
    };
    kept.map(|bytes| serde_json::from_slice(&bytes).map_err(unreadable)).transpose()
}

/// Notes that the client has a table of this name.
async fn enrol(service: &Service, tables: &str, name: &str) -> Result<(), Fault> {
    let mut names: Vec<String> = read(service, tables).await?.unwrap_or_default();
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    if names.len() >= MOST_TABLES {
        let text =
            format!("a client has at most {MOST_TABLES} closure tables; begin one of these anew: {}", names.join(", "));
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, Category::TooCostly, text));
    }
    names.push(name.to_string());
    let written = serde_json::to_vec(&names).map_err(|_| stopping())?;
    Ok(service.gateway.store.put_state(tables, &written).await?)
}

/// The table with these codes, and with what stands below what because of them.
fn grow(asked: &Asked, mut table: Table, codings: Vec<Coding>) -> Result<Table, Fault> {
    let mut new = Vec::new();
    for coding in codings {
        let held = asked.code_system(coding.system.as_deref(), coding.version.as_deref())?;
        let url = held.head().url.clone();
        let found = held.find(&coding.code).map_err(unreadable)?.ok_or_else(|| {
            let text = format!("one of the codes is none of {url}; nothing was added");
            Fault::new(StatusCode::UNPROCESSABLE_ENTITY, Category::CodeInvalid, text)
        })?;
        let code = (url, found.code);
        if !table.codes.contains(&code) && !new.iter().any(|(_, known)| *known == code) {
            new.push((held, code));
        }
    }
    if new.is_empty() {
        return Ok(table);
    }
    // Nothing lost: what would be too much is refused as a whole.
    if table.codes.len() + new.len() > MOST_CODES {
        let text = format!("a closure table has at most {MOST_CODES} codes; nothing was added");
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, Category::TooCostly, text));
    }
    table.version += 1;
    for (held, (system, code)) in new {
        let others: Vec<String> =
            table.codes.iter().filter(|(of, _)| *of == system).map(|(_, other)| other.clone()).collect();
        for other in others {
            for (below, above) in [(&code, &other), (&other, &code)] {
                if Arc::clone(&held).is_below(below, above).map_err(unreadable)? {
                    let (system, code, above, since) = (system.clone(), below.clone(), above.clone(), table.version);
                    table.pairs.push(Pair { system, code, above, since });
                }
            }
        }
        table.codes.push((system, code));
    }
    Ok(table)
}

/// Codes, each with what stands above it.
type Elements<'a> = Vec<(&'a str, Vec<Value>)>;

/// What came after a version, as a ConceptMap: the source is the narrower code, and its target subsumes it.
fn answer(name: &str, table: &Table, after: u64, now: Timestamp) -> HttpResponse {
    let mut groups: Vec<(&str, Elements<'_>)> = Vec::new();
    for pair in table.pairs.iter().filter(|pair| pair.since > after) {
        let at = groups.iter().position(|(system, _)| *system == pair.system).unwrap_or_else(|| {
            groups.push((&pair.system, Vec::new()));
            groups.len() - 1
        });
        // Nothing lost: the place was just found or made.
        let Some((_, elements)) = groups.get_mut(at) else { continue };
        let target = json!({ "code": pair.above, "equivalence": "subsumes" });
        match elements.iter_mut().find(|(code, _)| *code == pair.code) {
            Some((_, targets)) => targets.push(target),
            None => elements.push((&pair.code, vec![target])),
        }
    }
    let written = |(system, elements): (&str, Elements<'_>)| {
        let elements: Vec<Value> =
            elements.into_iter().map(|(code, targets)| json!({ "code": code, "target": targets })).collect();
        json!({ "source": system, "target": system, "element": elements })
    };
    let groups: Vec<Value> = groups.into_iter().map(written).collect();
    let mut map = json!({ "resourceType": "ConceptMap", "version": table.version.to_string(), "name": name,
        "status": "active", "experimental": true, "date": now.to_string() });
    if let Some(members) = map.as_object_mut().filter(|_| !groups.is_empty()) {
        members.insert("group".to_string(), Value::Array(groups));
    }
    write_fhir(&mut HttpResponse::Ok(), &map)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::{Value, json};

    use crate::web::trial::{Answer, Trial};

    const ROLES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

    async fn ask(trial: &Trial, name: &str, codes: &[&str], version: Option<&str>) -> Answer {
        let mut parameters = vec![json!({ "name": "name", "valueString": name })];
        parameters.extend(
            codes.iter().map(|code| json!({ "name": "concept", "valueCoding": { "system": ROLES, "code": code } })),
        );
        parameters.extend(version.map(|version| json!({ "name": "version", "valueString": version })));
        let body = json!({ "resourceType": "Parameters", "parameter": parameters });
        let request = TestRequest::post().uri("/fhir/ConceptMap/$closure").set_payload(body.to_string());
        let token = format!("Bearer {}", trial.token("system/*.rs"));
        trial
            .call(
                request
                    .insert_header(("content-type", "application/fhir+json"))
                    .insert_header(("authorization", token)),
            )
            .await
    }

    fn pairs(answer: &Answer) -> Vec<(String, String)> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value["code"].as_str().unwrap().to_string();
        let mut found = Vec::new();
        for element in list(&answer.body["group"][0]["element"]) {
            for target in list(&element["target"]) {
                assert_eq!(target["equivalence"], "subsumes");
                found.push((text(&element), text(&target)));
            }
        }
        found.sort();
        found
    }

    #[actix_web::test]
    async fn a_table_grows_and_tells_what_is_new_since() {
        let trial = Trial::new().await;
        assert_eq!(ask(&trial, "visits", &["IMP"], None).await.status, 404);
        let begun = ask(&trial, "visits", &[], None).await;
        assert_eq!((begun.status.as_u16(), &begun.body["version"]), (200, &json!("0")), "{}", begun.text);
        let pair = |below: &str, above: &str| (below.to_string(), above.to_string());
        let first = ask(&trial, "visits", &["ACUTE", "IMP", "AMB"], None).await;
        assert_eq!(
            (pairs(&first), &first.body["version"]),
            (vec![pair("ACUTE", "IMP")], &json!("1")),
            "{}",
            first.text
        );
        let second = ask(&trial, "visits", &["NONAC", "IMP"], None).await;
        assert_eq!((pairs(&second), &second.body["version"]), (vec![pair("NONAC", "IMP")], &json!("2")));
        let same = ask(&trial, "visits", &["NONAC"], None).await;
        assert_eq!((pairs(&same), &same.body["version"]), (vec![], &json!("2")));
        for (version, expected) in [("0", 2), ("1", 1), ("2", 0)] {
            assert_eq!(pairs(&ask(&trial, "visits", &[], Some(version)).await).len(), expected, "{version}");
        }
        for (codes, version, status) in
            [(&["IMP"][..], Some("1"), 400), (&[], Some("3"), 400), (&["NOSUCH", "SS"], None, 422)]
        {
            assert_eq!(ask(&trial, "visits", codes, version).await.status, status);
        }
        // What was refused added nothing; begun anew it is empty.
        assert_eq!(ask(&trial, "visits", &[], Some("0")).await.body["version"], "2");
        ask(&trial, "visits", &[], None).await;
        assert_eq!(ask(&trial, "visits", &[], Some("0")).await.body["version"], "0");
        assert_eq!(trial.get("/fhir/ConceptMap/$closure?name=visits").await.status, 405);
    }

    #[actix_web::test]
    async fn who_adds_codes_waits_for_no_writer_and_keeps_nobody_from_the_table_before_its_turn() {
        let trial = Trial::new().await;
        ask(&trial, "stays", &[], None).await;
        // All that conditional writes hold, and every turn at codes but one.
        let every: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
        let _held = trial.service.conditions.hold(&every).await;
        let turns = trial.service.terminology.acquire_many(3).await.unwrap();
        let soon = std::time::Duration::from_secs(20);
        let grown = tokio::time::timeout(soon, ask(&trial, "stays", &["OBSENC", "AMB"], None)).await.unwrap();
        assert_eq!((grown.status.as_u16(), &grown.body["version"]), (200, &json!("1")), "{}", grown.text);
        let last = trial.service.terminology.acquire().await.unwrap();
        let reading = async {
            let read = tokio::time::timeout(soon, ask(&trial, "stays", &[], Some("1"))).await.unwrap();
            drop((last, turns));
            read.body["version"].clone()
        };
        // The one that adds is asked first, and is answered when the turns are given back.
        let adding = ask(&trial, "stays", &["SS"], None);
        let (added, read) = tokio::join!(biased; adding, reading);
        assert_eq!((&added.body["version"], read), (&json!("2"), json!("1")), "{}", added.text);
    }
}
