//! What an operation is asked (http://hl7.org/fhir/R4/operations.html#executing): parameters of the address, or Parameters in
//! the body. One that the operation does not take is refused by name.

use actix_web::http::Method;
use actix_web::{HttpRequest, web};
use serde_json::Value;

use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::fhir::body::{JSON, check_content, read_body, text};
use crate::web::fhir::negotiate::{Handling, check_format, handling, parameters, shown};

/// The longest body: a value set may be in it.
const MOST_BYTES: usize = 1 << 20;
const FORM: &str = "application/x-www-form-urlencoded";
const MOST_PARAMETERS: usize = 200;

/// Parameters by name, in their order.
#[derive(Debug, Default)]
pub struct Input(Vec<(String, Value)>);

/// Reads the parameters of a request.
pub async fn read(request: &HttpRequest, payload: web::Payload, known: &[&str]) -> Result<Input, Fault> {
    let asked = parameters(request)?;
    let format = asked.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    check_format(request, format)?;
    let mut input = Input(asked.into_iter().map(|(name, value)| (name, Value::from(value))).collect());
    if request.method() == Method::POST {
        let is_search = request.path().ends_with("/_search");
        check_content(request, if is_search { &[FORM] } else { &JSON })?;
        let body = text(read_body(payload, MOST_BYTES).await?)?;
        input.0.extend(if is_search { of_form(&body)? } else { of_body(&body)? });
    }
    input.0.retain(|(name, _)| name != "_format" && name != "_pretty");
    if input.0.len() > MOST_PARAMETERS {
        let text = format!("at most {MOST_PARAMETERS} parameters are read");
        return Err(Fault::bad_request(Category::TooCostly, text));
    }
    let foreign = input.0.iter().find(|(name, _)| !known.contains(&name.as_str()));
    match foreign {
        Some((name, _)) if handling(request) == Handling::Strict => {
            let text = format!("`{}` is not supported here; these are: {}", shown(name), known.join(", "));
            Err(Fault::bad_request(Category::NotSupported, text))
        }
        _ => Ok(input),
    }
}

fn of_form(body: &str) -> Result<Vec<(String, Value)>, Fault> {
    let parsed = web::Query::<Vec<(String, String)>>::from_query(body);
    let parsed = parsed.map_err(|_| Fault::bad_request(Category::Structure, "the form cannot be read"))?;
    Ok(parsed.into_inner().into_iter().map(|(name, value)| (name, value.into())).collect())
}

fn of_body(body: &str) -> Result<Vec<(String, Value)>, Fault> {
    let wrong = |text: &str| Fault::bad_request(Category::Structure, text);
    let body: Value = serde_json::from_str(body)
        .map_err(|error| wrong(&format!("the body is no JSON (line {}, column {})", error.line(), error.column())))?;
    if body.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(wrong("send the parameters as a resource of type Parameters"));
    }
    let listed = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = listed.iter().map(|parameter| {
        let name = parameter.get("name").and_then(Value::as_str)?;
        let members = parameter.as_object()?;
        let value = members.iter().find(|(key, _)| key.starts_with("value") || *key == "resource")?.1;
        Some((name.to_string(), value.clone()))
    });
    read.collect::<Option<_>>().ok_or_else(|| wrong("each parameter has a `name` and a value (`value…` or `resource`)"))
}

impl Input {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// 400 for one that is there and not what it must be.
    fn expect<'i, T>(
        &'i self,
        name: &str,
        what: &str,
        read: impl Fn(&'i Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let wrong = || Fault::bad_request(Category::Value, format!("`{name}` must be {what}"));
        self.get(name).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    /// The texts among them, with their names.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_string()))).collect()
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        self.expect(name, "a text", |value| value.as_str().filter(|text| !text.is_empty()))
    }

    /// The same, where it has to be there.
    pub fn required(&self, name: &str) -> Result<&str, Fault> {
        let missing = || Fault::bad_request(Category::Required, format!("`{name}` is missing"));
        self.text(name)?.ok_or_else(missing)
    }

    /// All texts of this name.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(own, _)| own == name).filter_map(|(_, value)| value.as_str()).collect()
    }

    pub fn is_true(&self, name: &str) -> Result<bool, Fault> {
        Ok(self.boolean(name)?.unwrap_or(false))
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.expect(name, "true or false", |value| match value.as_str() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => None,
            None => value.as_bool(),
        })
    }

    pub fn number(&self, name: &str) -> Result<Option<usize>, Fault> {
        self.expect(name, "a number that is not negative", |value| match value.as_str() {
            Some(text) => text.parse().ok(),
            None => value.as_u64().and_then(|number| usize::try_from(number).ok()),
        })
    }

    /// All Codings of this name.
    pub fn objects(&self, name: &str) -> Result<Vec<&Value>, Fault> {
        let all = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value);
        let wrong = || Fault::bad_request(Category::Value, format!("`{name}` must be sent in the body, in Parameters"));
        all.map(|value| value.is_object().then_some(value).ok_or_else(wrong)).collect()
    }

    /// A Coding or CodeableConcept.
    pub fn object(&self, name: &str) -> Result<Option<&Value>, Fault> {
        self.expect(name, "sent in the body, in Parameters", |value| value.is_object().then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_body_are_read_by_name_whatever_their_type() {
        let body = r#"{"resourceType":"Parameters","parameter":[{"name":"url","valueUri":"http://x"},{"name":"count","valueInteger":3},
            {"name":"activeOnly","valueBoolean":true},{"name":"coding","valueCoding":{"code":"a"}}]}"#;
        let input = Input(of_body(body).unwrap());
        assert_eq!(input.required("url").unwrap(), "http://x");
        assert_eq!((input.number("count").unwrap(), input.is_true("activeOnly").unwrap()), (Some(3), true));
        assert!(
            input.object("coding").unwrap().is_some()
                && input.text("coding").is_err()
                && input.required("code").is_err()
        );
        let query = Input(vec![("count".to_string(), "-1".into()), ("activeOnly".to_string(), "yes".into())]);
        assert!(query.number("count").is_err() && query.is_true("activeOnly").is_err());
        for body in
            ["{", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#]
        {
            assert!(of_body(body).is_err(), "{body}");
        }
    }
}
