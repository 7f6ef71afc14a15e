//! A transaction (http://hl7.org/fhir/R4/http.html#transaction) of what is due about one patient: each entry an update by its
//! identifier, on the version that the partner named last; what refers to another entry by its identifier gets its place in the Bundle, too.

use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::address::{first_identifier, request};
use super::answer::{entry_named, understand};
use super::retry::Reply;
use super::route::{Answer, Route, Sent, bearer, etag_of, write};
use crate::fhir::named_uuid;
use crate::store::Delivery;

/// Sends all of them at once; what came of each, in their order.
pub async fn send_together(route: &Route<'_>, all: &[&Delivery]) -> Vec<Sent> {
    let same = |sent: Sent| vec![sent; all.len()];
    let bundle = match bundle(route, all) {
        Ok(bundle) => bundle,
        Err(why) => return same(Sent::without_answer(Reply::Unsendable, why.to_string())),
    };
    // Of the first, which nobody else sends with.
    let id = all.first().map_or("", |delivery| &delivery.new.id);
    for is_last in [false, true] {
        let token = match bearer(route).await {
            Ok(token) => token,
            Err(sent) => return same(sent),
        };
        let post = route.line.http.post(route.fhir_base.trim_end_matches('/')).body(bundle.clone());
        let answer = match write(route, post, id, token.as_deref()).await {
            Ok(answer) => answer,
            Err(sent) => return same(told(sent, all.len())),
        };
        if let (401, false, Some(token)) = (answer.status.as_u16(), is_last, token) {
            route.line.token.forget(&token).await;
            continue;
        }
        return settle(route, &answer, all);
    }
    same(Sent::without_answer(Reply::Unauthorized, "it refuses the tokens that it gives".to_string()))
}

fn told(sent: Sent, count: usize) -> Sent {
    Sent { text: format!("in a transaction of {count}: {}", sent.text), ..sent }
}

fn bundle(route: &Route<'_>, all: &[&Delivery]) -> Result<Vec<u8>, &'static str> {
    let address = |delivery: &Delivery| {
        let digest = Sha256::digest(delivery.new.id.as_bytes());
        format!("urn:uuid:{}", named_uuid(&digest))
    };
    let known = |delivery: &&Delivery| {
        let identifier = first_identifier(delivery.new.payload.get("identifier"))?;
        Some((identifier, address(delivery)))
    };
    let places: Vec<(String, String)> = all.iter().filter_map(known).collect();
    let mut entries = Vec::with_capacity(all.len());
    for delivery in all {
        let request = request(route.fhir_base, &delivery.new.payload)?;
        let base = format!("{}/", route.fhir_base.trim_end_matches('/'));
        let url = request.url.strip_prefix(&base).unwrap_or(&request.url);
        let mut resource: Map<String, Value> = delivery.new.payload.as_object().cloned().unwrap_or_default();
        resource.shift_remove("id");
        resource.values_mut().for_each(|value| link(value, &places));
        let mut how = Map::from_iter([("method".to_string(), json!("PUT")), ("url".to_string(), json!(url))]);
        if let Some(etag) = delivery.claimed.etag.as_ref().filter(|_| !route.line.refuses_versions()) {
            how.insert("ifMatch".to_string(), json!(etag));
        }
        entries.push(json!({ "fullUrl": address(delivery), "resource": resource, "request": how }));
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    serde_json::to_vec(&bundle).map_err(|_| "the payload cannot be written as JSON")
}

/// http://hl7.org/fhir/R4/references.html#logical: what names another entry by its identifier refers to it.
fn link(value: &mut Value, places: &[(String, String)]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| link(item, places)),
        Value::Object(fields) => {
            let is_bare = !fields.contains_key("reference") && !fields.contains_key("resourceType");
            let named = fields.get("identifier").filter(|identifier| is_bare && identifier.is_object());
            let named = named.and_then(|identifier| first_identifier(Some(identifier)));
            let place = named.and_then(|named| places.iter().find(|(identifier, _)| *identifier == named));
            if let Some((_, address)) = place {
                fields.insert("reference".to_string(), json!(address));
            }
            fields.values_mut().for_each(|value| link(value, places));
        }
        _ => {}
    }
}

/// What the answer says of each entry.
fn settle(route: &Route<'_>, answer: &Answer, all: &[&Delivery]) -> Vec<Sent> {
    let count = all.len();
    let whole = answer.sent();
    let bundle: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if !answer.status.is_success() {
        // Nothing of it took effect.
        if matches!(answer.status.as_u16(), 405 | 501) {
            route.line.note_lacks_transactions();
        }
        let kind = |place: usize| all.get(place)?.new.payload.get("resourceType")?.as_str();
        let named = entry_named(&bundle).and_then(|place| Some((place, kind(place)?)));
        let named = named.map(|(place, kind)| format!("; it names entry {} ({kind})", place + 1)).unwrap_or_default();
        let text = format!("{}{named}", whole.text);
        return vec![told(Sent { text, etag: None, ..whole }, count); count];
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !matches!(whole.reply, Reply::Status { .. }) || entries.len() != count {
        let text = format!("{}, but without an answer to each", answer.status);
        let reply = if whole.reply == Reply::Foreign { Reply::Foreign } else { Reply::Denied };
        return vec![told(Sent { reply, status: whole.status, text, etag: None }, count); count];
    }
    entries.iter().map(|entry| told(entry_sent(entry), count)).collect()
}

fn entry_sent(entry: &Value) -> Sent {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let code = text("/response/status").and_then(|status| status.get(..3)?.parse::<u16>().ok());
    let Some(status) = code.and_then(|code| reqwest::StatusCode::from_u16(code).ok()) else {
        let text = "an answer without a status".to_string();
        return Sent { reply: Reply::Denied, status: None, text, etag: None };
    };
    let outcome = entry.pointer("/response/outcome").map(Value::to_string).unwrap_or_default();
    let (reply, said) = understand(status, &HeaderMap::new(), outcome.as_bytes());
    Sent { reply, status: Some(status.as_u16()), text: said, etag: text("/response/etag").and_then(etag_of) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_another_entry_by_its_identifier_refers_to_it() {
        let places = [("https://g/id/task|7".to_string(), "urn:uuid:1".to_string())];
        let named = |value: &str| json!({ "identifier": { "system": "https://g/id/task", "value": value } });
        let mut value = json!({ "partOf": [named("7"), named("8")], "focus": { "reference": "Task/1", "identifier": named("7")["identifier"] },
            "contained": [{ "resourceType": "Bundle", "identifier": named("7")["identifier"] }] });
        let before = value.clone();
        link(&mut value, &places);
        assert_eq!(value["partOf"][0]["reference"], "urn:uuid:1");
        assert_eq!((&value["partOf"][1], &value["focus"]), (&before["partOf"][1], &before["focus"]));
        assert_eq!(value["contained"], before["contained"]);
    }
}
