//! Patches (http://hl7.org/fhir/R4/http.html#patch): JSON Patch (RFC 6902), and FHIRPath Patch for paths of names and places
//! (http://hl7.org/fhir/R4/fhirpatch.html). All of a patch is done or nothing.

use serde_json::{Map, Value};

use super::entry::Patch;
use super::refusal::Refusal;
use crate::fhir::{Definitions, ElementDefinition, Resource};
use crate::problem::Category;

/// Operations in one patch.
const MOST_OPERATIONS: usize = 1_000;

pub(super) fn apply(resource: &Resource, patch: &Patch) -> Result<Resource, Refusal> {
    let mut value = Value::from(resource.clone());
    match patch {
        Patch::Json(operations) => json(&mut value, operations)?,
        Patch::FhirPath(parameters) => fhirpath(&mut value, parameters)?,
    }
    without_empty(&mut value);
    Resource::try_from(value).map_err(|_| refuse(422, "the patch leaves no resource"))
}

fn refuse(status: u16, text: impl Into<String>) -> Refusal {
    Refusal::at(status, Category::Processing, "", text)
}

fn json(value: &mut Value, operations: &Value) -> Result<(), Refusal> {
    let operations = operations.as_array().ok_or_else(|| refuse(400, "a JSON Patch is a list of operations"))?;
    // Nothing lost: the client is told, and nothing is taken.
    if operations.len() > MOST_OPERATIONS {
        // Nothing lost: the client is told, and nothing is taken.
        return Err(refuse(413, format!("at most {MOST_OPERATIONS} operations are done at once")));
    }
    for (number, operation) in operations.iter().enumerate() {
        one(value, operation).map_err(|(status, why)| refuse(status, format!("operation {number}: {why}")))?;
    }
    Ok(())
}

type Fault = (u16, &'static str);

fn one(value: &mut Value, operation: &Value) -> Result<(), Fault> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = text("path").ok_or((400, "there is no `path`"))?;
    let given = || operation.get("value").cloned().ok_or((400, "there is no `value`"));
    let from = || text("from").ok_or((400, "there is no `from`"));
    match text("op").unwrap_or_default() {
        "test" if value.pointer(path) == Some(&given()?) => Ok(()),
        "test" => Err((422, "what it tests is otherwise")),
        "add" => add(value, path, given()?),
        "remove" => remove(value, path).map(|_| ()),
        "replace" => {
            let place = value.pointer_mut(path).ok_or((422, "there is nothing to replace"))?;
            *place = given()?;
            Ok(())
        }
        "move" => {
            let from = from()?;
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err((422, "a value cannot be moved into itself"));
            }
            let moved = remove(value, from)?;
            add(value, path, moved)
        }
        "copy" => {
            let copied = value.pointer(from()?).cloned().ok_or((422, "there is nothing to copy"))?;
            add(value, path, copied)
        }
        _ => Err((400, "`op` is add, remove, replace, move, copy or test")),
    }
}

/// What holds the last part of a pointer, and that part.
fn holder<'v>(value: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Fault> {
    let (parent, last) = path.rsplit_once('/').ok_or((422, "the resource as a whole is not patched; update it"))?;
    let holder = value.pointer_mut(parent).ok_or((422, "there is nothing at `path` to change"))?;
    Ok((holder, last.replace("~1", "/").replace("~0", "~")))
}

fn add(value: &mut Value, path: &str, added: Value) -> Result<(), Fault> {
    match holder(value, path)? {
        (Value::Object(members), name) => {
            members.insert(name, added);
            Ok(())
        }
        (Value::Array(items), place) => {
            let at = if place == "-" { Some(items.len()) } else { index(&place) };
            let at = at.filter(|at| *at <= items.len()).ok_or((422, "the list is shorter than that"))?;
            items.insert(at, added);
            Ok(())
        }
        _ => Err((422, "what holds it is no object and no list")),
    }
}

fn remove(value: &mut Value, path: &str) -> Result<Value, Fault> {
    let nothing = (422, "there is nothing at `path` to take away");
    match holder(value, path)? {
        (Value::Object(members), name) => members.shift_remove(&name).ok_or(nothing),
        (Value::Array(items), place) => {
            let at = index(&place).filter(|at| *at < items.len()).ok_or(nothing)?;
            Ok(items.remove(at))
        }
        _ => Err(nothing),
    }
}

/// FHIR has no empty lists: what a patch emptied is not there.
fn without_empty(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(without_empty);
            // Nothing lost: there is nothing in it.
            members.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty),
        // Nothing lost: texts and numbers hold no lists.
        _ => {}
    }
}

/// An index of RFC 6901: no sign and no leading zero.
fn index(text: &str) -> Option<usize> {
    let is_plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    // Nothing lost: what is no index is refused.
    text.parse().ok().filter(|_| is_plain)
}

fn fhirpath(value: &mut Value, parameters: &Resource) -> Result<(), Refusal> {
    let all = parameters.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // Nothing lost: the client is told, and nothing is taken.
    if all.len() > MOST_OPERATIONS {
        // Nothing lost: the client is told, and nothing is taken.
        return Err(refuse(413, format!("at most {MOST_OPERATIONS} operations are done at once")));
    }
    for (number, operation) in all.iter().enumerate() {
        step(value, operation).map_err(|(status, why)| refuse(status, format!("operation {number}: {why}")))?;
    }
    Ok(())
}

fn step(value: &mut Value, operation: &Value) -> Result<(), Fault> {
    let parts = operation.get("part").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let part = |name: &str| parts.iter().find(|part| part.get("name").is_some_and(|known| known == name));
    let words = |name: &str| {
        let members = part(name).and_then(Value::as_object)?;
        members.iter().find(|(key, _)| key.starts_with("value")).and_then(|(_, value)| value.as_str())
    };
    let number = |name: &str| {
        let value = part(name).and_then(|part| part.get("valueInteger")?.as_u64());
        // Nothing lost: a place that is none is refused.
        value.and_then(|value| usize::try_from(value).ok()).ok_or((400, "a place in a list is an integer from 0"))
    };
    let path = words("path").ok_or((400, "there is no `path`"))?;
    let pointer = pointer(value, path)?;
    match words("type").unwrap_or_default() {
        "add" => {
            let name = words("name").ok_or((400, "there is no `name`"))?;
            let element = defined(value, &pointer, name);
            let (mut key, added) = named(part("value"), name)?;
            if element.is_some_and(|element| element.is_choice) {
                let typed = part("value").and_then(Value::as_object).and_then(|members| {
                    members.keys().find_map(|key| key.strip_prefix("value").filter(|kind| !kind.is_empty()))
                });
                key.push_str(typed.ok_or((400, "the type of a choice is the type of its value"))?);
            }
            let holder = value.pointer_mut(&pointer).ok_or((422, "there is nothing at `path` to add to"))?;
            let Value::Object(members) = holder else { return Err((422, "elements are added to what has elements")) };
            match members.get_mut(&key) {
                Some(Value::Array(items)) => items.push(added),
                Some(_) => return Err((422, "it is there already; replace it")),
                None if element.is_some_and(|element| element.max.is_list()) => {
                    members.insert(key, Value::Array(vec![added]));
                }
                None => _ = members.insert(key, added),
            }
            Ok(())
        }
        "insert" => {
            let (_, added) = named(part("value"), "")?;
            add(value, &format!("{pointer}/{}", number("index")?), added)
        }
        // What is not there need not be deleted.
        "delete" if value.pointer(&pointer).is_none() => Ok(()),
        "delete" => remove(value, &pointer).map(|_| ()),
        "replace" => {
            let (_, new) = named(part("value"), "")?;
            let place = value.pointer_mut(&pointer).ok_or((422, "there is nothing at `path` to replace"))?;
            *place = new;
            Ok(())
        }
        "move" => {
            let moved = remove(value, &format!("{pointer}/{}", number("source")?))?;
            add(value, &format!("{pointer}/{}", number("destination")?), moved)
        }
        _ => Err((400, "`type` is add, insert, delete, replace or move")),
    }
}

/// What R4 says of the element of this name below what stands at a pointer.
fn defined(value: &Value, pointer: &str, name: &str) -> Option<&'static ElementDefinition> {
    let kind = value.get("resourceType").and_then(Value::as_str)?;
    let mut holder = Definitions::r4().type_definition(kind)?;
    for step in pointer.split('/').filter(|step| !step.is_empty() && index(step).is_none()) {
        holder = holder.element(step)?.definition()?;
    }
    holder.element(name)
}

/// A value under the key that JSON has for it: `value` of type Quantity is `valueQuantity` where the element is a choice.
fn named(part: Option<&Value>, name: &str) -> Result<(String, Value), Fault> {
    let members = part.and_then(Value::as_object).ok_or((400, "there is no `value`"))?;
    if let Some((_, value)) = members.iter().find(|(key, _)| key.starts_with("value")) {
        return Ok((name.to_string(), value.clone()));
    }
    let parts = members.get("part").and_then(Value::as_array).ok_or((400, "`value` has no value"))?;
    let mut whole: Map<String, Value> = Map::new();
    for part in parts {
        let name = part.get("name").and_then(Value::as_str).ok_or((400, "a part has no name"))?;
        let (key, value) = named(Some(part), name)?;
        match whole.get_mut(&key) {
            Some(Value::Array(items)) => items.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None => _ = whole.insert(key, value),
        }
    }
    Ok((name.to_string(), Value::Object(whole)))
}

/// The JSON pointer of a path of names and places: `Patient.name[0].given`. A list of one item is meant by its name.
fn pointer(value: &Value, path: &str) -> Result<String, Fault> {
    let complex = (422, "only paths of names and places are understood here: Patient.name[0].given");
    let mut steps = path.split('.');
    if value.get("resourceType").and_then(Value::as_str) != steps.next() {
        return Err((422, "the path begins with another type than the resource has"));
    }
    let (mut pointer, mut at) = (String::new(), Some(value));
    for step in steps {
        let (name, place) = match step.split_once('[') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(']').and_then(index).ok_or(complex)?)),
            None => (step, None),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(complex);
        }
        // A list in the middle of a path with one item in it is that item.
        if let Some(Value::Array(items)) = at {
            if items.len() != 1 {
                return Err((422, "the path leads to several elements; name a place: name[0]"));
            }
            pointer.push_str("/0");
            at = items.first();
        }
        let key = at.and_then(|at| key_of(at, name)).unwrap_or_else(|| name.to_string());
        pointer.push('/');
        pointer.push_str(&key);
        at = at.and_then(|at| at.get(&key));
        if let Some(place) = place {
            pointer.push_str(&format!("/{place}"));
            at = at.and_then(|at| at.get(place));
        }
    }
    Ok(pointer)
}

/// The key of an element: its name, or that of a choice with its type.
fn key_of(value: &Value, name: &str) -> Option<String> {
    let members = value.as_object()?;
    if members.contains_key(name) {
        return Some(name.to_string());
    }
    let typed = |key: &&String| {
        key.strip_prefix(name).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
    };
    members.keys().find(typed).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: Patch) -> Result<Value, u16> {
        let task = json!({ "resourceType": "Task", "status": "requested", "note": [{ "text": "a" }],
            "restriction": { "period": { "end": "2026" } }, "input": [{ "valueString": "x" }] });
        let task = Resource::try_from(task).unwrap();
        apply(&task, &patch).map(Value::from).map_err(|refusal| refusal.status)
    }

    fn fhirpath(parts: &[(&str, &str, Value)]) -> Patch {
        let parts: Vec<Value> = parts.iter().map(|(name, key, value)| json!({ "name": name, (*key): value })).collect();
        let parameters = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": parts }] });
        Patch::FhirPath(Resource::try_from(parameters).unwrap())
    }

    #[test]
    fn json_patch_does_all_its_operations_or_none() {
        let all = json!([
            { "op": "test", "path": "/status", "value": "requested" },
            { "op": "replace", "path": "/status", "value": "accepted" },
            { "op": "add", "path": "/note/-", "value": { "text": "b" } },
            { "op": "copy", "from": "/note/0", "path": "/note/0" },
            { "op": "move", "from": "/restriction/period", "path": "/executionPeriod" },
            { "op": "remove", "path": "/restriction" },
        ]);
        let done = patched(Patch::Json(all)).unwrap();
        assert_eq!(done["note"], json!([{ "text": "a" }, { "text": "a" }, { "text": "b" }]));
        assert_eq!((&done["status"], &done["executionPeriod"]["end"]), (&json!("accepted"), &json!("2026")));
        assert_eq!(done.get("restriction"), None);
        for (operation, status) in [
            (json!({ "op": "test", "path": "/status", "value": "x" }), 422),
            (json!({ "op": "remove", "path": "/owner" }), 422),
            (json!({ "op": "add", "path": "/note/7", "value": 1 }), 422),
            (json!({ "op": "add", "path": "/note/01", "value": 1 }), 422),
            (json!({ "op": "replace", "path": "/owner/display", "value": 1 }), 422),
            (json!({ "op": "move", "from": "/note", "path": "/note/0" }), 422),
            (json!({ "op": "merge", "path": "/note" }), 400),
            (json!({ "op": "add", "path": "/note" }), 400),
        ] {
            assert_eq!(patched(Patch::Json(json!([operation]))).unwrap_err(), status, "{operation}");
        }
    }

    #[test]
    fn fhirpath_patch_finds_elements_by_names_and_places() {
        let at = |path: &str| ("path", "valueString", json!(path));
        let kind = |kind: &str| ("type", "valueCode", json!(kind));
        let status = fhirpath(&[kind("replace"), at("Task.status"), ("value", "valueCode", json!("accepted"))]);
        assert_eq!(patched(status).unwrap()["status"], "accepted");
        let note = json!([{ "name": "text", "valueString": "b" }]);
        let name = ("name", "valueString", json!("note"));
        let added = patched(fhirpath(&[kind("add"), at("Task"), name, ("value", "part", note.clone())])).unwrap();
        assert_eq!(added["note"], json!([{ "text": "a" }, { "text": "b" }]));
        let reason = ("name", "valueString", json!("relevantHistory"));
        let listed = patched(fhirpath(&[kind("add"), at("Task"), reason, ("value", "part", note)])).unwrap();
        assert!(listed["relevantHistory"].is_array(), "{listed}");
        let gone = patched(fhirpath(&[kind("delete"), at("Task.note[0]")])).unwrap();
        assert_eq!(gone.get("note"), None);
        assert!(patched(fhirpath(&[kind("delete"), at("Task.owner")])).is_ok());
        let choice = fhirpath(&[kind("replace"), at("Task.input.value"), ("value", "valueString", json!("y"))]);
        assert_eq!(patched(choice).unwrap()["input"][0]["valueString"], "y");
        for path in ["Task.note.where(text='a')", "Patient.name", "Task.note[x]"] {
            assert_eq!(patched(fhirpath(&[kind("delete"), at(path)])).unwrap_err(), 422, "{path}");
        }
    }
}
