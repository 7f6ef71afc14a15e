//! Results as text that people can review: JSON with one line for whatever fits on one.

use serde_json::Value;

const WIDTH: usize = 120;

/// Ends with a line feed; keys keep their order, decimals their digits.
pub fn page(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, indent: usize, used: usize, text: &mut String) {
    let short = line(value);
    let is_parent = matches!(value, Value::Object(_) | Value::Array(_));
    if !is_parent || indent + used + short.chars().count() <= WIDTH {
        return text.push_str(&short);
    }
    let inner = " ".repeat(indent + 2);
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    text.push(open);
    let mut first = true;
    let mut item = |key: Option<&str>, value: &Value, text: &mut String| {
        text.push_str(if std::mem::take(&mut first) { "\n" } else { ",\n" });
        text.push_str(&inner);
        let key = key.map(|key| format!("{}: ", Value::from(key))).unwrap_or_default();
        text.push_str(&key);
        write(value, indent + 2, key.chars().count(), text);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| item(Some(key), value, text)),
        Value::Array(items) => items.iter().for_each(|value| item(None, value, text)),
        _ => {}
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn line(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_string(),
        Value::Object(map) => {
            let items: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), line(value))).collect();
            format!("{{ {} }}", items.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
