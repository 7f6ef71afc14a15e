//! The schemas that lie here are those that the readers make, take every file that comes with the program, and know no word more.

use std::path::Path;

use serde_json::{Map, Value};

use super::made::Shapes;
use super::{FileKind, KINDS, schema};
use crate::site::documented::write_examples;
use crate::site::{load, write_starter};
use crate::yaml::{Kind, Mapping, Node, Seen, Source, parse, record};

/// Set to write the schemas anew; they are reviewed like code.
const MAKE: &str = "HANDOVER_MAKE_SCHEMAS";

/// What readers ask of a site in which every kind of mapping occurs.
fn seen() -> Seen {
    let folder = tempfile::tempdir().unwrap();
    write_examples(folder.path());
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site/schema/samples"), folder.path());
    record(|| {
        let problems = load(folder.path()).problems;
        // The samples name certificates, and there are none.
        let wrong = problems.iter().filter(|problem| problem.is_error() && !problem.text.contains("none."));
        let wrong: Vec<String> = wrong.map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).into_iter().flatten() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn the_schemas_are_what_the_readers_ask_for_and_take_what_they_take() {
    let seen = seen();
    let shapes = Shapes::of(&seen);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site/schema/made");
    for kind in KINDS {
        let made = serde_json::to_string_pretty(&shapes.schema(kind)).unwrap() + "\n";
        if std::env::var_os(MAKE).is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{}.json", kind.word)), &made).unwrap();
        }
        let lies = std::fs::read_to_string(folder.join(format!("{}.json", kind.word))).unwrap_or_default();
        assert!(made == lies, "the readers ask of {} otherwise now; make the schemas anew with {MAKE}=1", kind.word);
    }
    let unread = unread(&seen.mappings);
    assert!(unread.is_empty(), "no sample has such mappings; add one to src/site/schema/samples: {unread:#?}");

    let (mut files, mut refused) = (0, 0);
    for (name, tree) in &seen.trees {
        let path = name.rsplit(':').next().unwrap();
        let Some(kind) = FileKind::of(path) else { continue };
        let schema = shapes.schema(kind);
        files += 1;
        assert!(fits(&schema, &schema, &json(tree)), "{name} does not fit the schema of {}", kind.word);
        let of_file: Vec<&Mapping> = seen.mappings.iter().filter(|mapping| mapping.mark.file == *name).collect();
        // A few from all over the file; what stands in an element of a map may be a name as well as a word.
        let is_map = |mapping: &&&Mapping| name.contains("mappings/") && mapping.mark != tree.mark;
        for mapping in of_file.iter().step_by(of_file.len() / 12 + 1).filter(|mapping| !is_map(mapping)) {
            let Some(wrong) = with_word(tree, mapping) else { continue };
            assert!(!fits(&schema, &schema, &json(&wrong)), "{name}:{}: an unknown word fits", mapping.mark.line);
            refused += 1;
        }
    }
    assert!(files > 150 && refused > 150, "{files} {refused}");
}

/// Where the program reads a mapping that none of these is.
fn unread(mappings: &[Mapping]) -> Vec<String> {
    let (mut unread, reads) = (Vec::new(), ["Fields", "of("].join("::"));
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let shown = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
            let is_code = shown.ends_with(".rs") && !shown.contains("/example/") && !shown.starts_with("src/yaml/");
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for (number, line) in text.lines().enumerate().filter(|(_, line)| is_code && line.contains(&reads)) {
                let is_here = |mapping: &&Mapping| {
                    mapping.reader.file().ends_with(&shown) && mapping.reader.line() as usize == number + 1
                };
                if !mappings.iter().any(|mapping| is_here(&mapping)) {
                    unread.push(format!("{shown}:{}: {}", number + 1, line.trim()));
                }
            }
        }
    }
    unread
}

/// The tree with a word in this mapping that nobody knows.
fn with_word(tree: &Node, mapping: &Mapping) -> Option<Node> {
    let mut tree = tree.clone();
    add(&mut tree, mapping).then_some(tree)
}

fn add(node: &mut Node, mapping: &Mapping) -> bool {
    let is_it = node.mark == mapping.mark;
    match &mut node.kind {
        Kind::Map(entries) if is_it => {
            let mut word = entries[0].clone();
            word.0.kind = Kind::Text("kolour".to_string());
            entries.push(word);
            true
        }
        Kind::Map(entries) => entries.iter_mut().any(|(_, value)| add(value, mapping)),
        Kind::List(items) => items.iter_mut().any(|item| add(item, mapping)),
        _ => false,
    }
}

fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::from(*value),
        Kind::Integer(value) => Value::from(*value),
        Kind::Float(value) => Value::from(*value),
        Kind::Text(value) => Value::from(value.as_str()),
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_text().unwrap_or_default(), json(value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}

/// As much of JSON Schema as these schemas use.
fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let by_reference = schema.get("$ref").and_then(Value::as_str).is_none_or(|reference| {
        let plain = reference.trim_start_matches('#').replace("%20", " ").replace("%60", "`");
        fits(root, root.pointer(&plain).unwrap_or_else(|| panic!("{reference} leads nowhere")), value)
    });
    let is_type = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    };
    let of_type = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(is_type),
        Some(name) => is_type(name),
        None => true,
    };
    let among = list("enum").is_none_or(|words| words.contains(value));
    let any = list("anyOf").is_none_or(|all| all.iter().any(|one| fits(root, one, value)));
    let none = schema.get("not").is_none_or(|not| !fits(root, not, value));
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
    let least = bound("minimum").is_none_or(|least| value.as_i64().is_some_and(|value| value >= least));
    let most = bound("maximum").is_none_or(|most| value.as_i64().is_some_and(|value| value <= most));
    let items = match (schema.get("items"), value) {
        (Some(item), Value::Array(items)) => items.iter().all(|value| fits(root, item, value)),
        _ => true,
    };
    let object = value.as_object().is_none_or(|entries| {
        let has =
            list("required").is_none_or(|keys| keys.iter().all(|key| entries.contains_key(key.as_str().unwrap())));
        let properties = schema.get("properties").and_then(Value::as_object);
        let fit = entries.iter().all(|(key, value)| {
            match (properties.and_then(|known| known.get(key)), schema.get("additionalProperties")) {
                (Some(known), _) => fits(root, known, value),
                (None, Some(Value::Bool(may))) => *may,
                (None, Some(other)) => fits(root, other, value),
                (None, None) => true,
            }
        });
        has && fit
    });
    by_reference && of_type && among && any && none && least && most && items && object
}

#[test]
fn what_init_writes_fits_the_schemas_that_lie_here_and_a_wrong_kind_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("site");
    for path in write_starter(&root).unwrap() {
        let file = path.strip_prefix(&root).unwrap().display().to_string();
        let Some(kind) = FileKind::of(&file).filter(|_| file.ends_with(".yaml")) else { continue };
        let schema: Value = serde_json::from_str(&schema(kind).unwrap()).unwrap();
        let tree = parse(&Source::new(&file, std::fs::read_to_string(&path).unwrap())).unwrap();
        assert!(fits(&schema, &schema, &json(&tree)), "{file}");
    }
    let schema: Value = serde_json::from_str(&schema(FileKind::of("feeds/a.yaml").unwrap()).unwrap()).unwrap();
    for wrong in ["feed: a\nmllp: { listen: x, lisen: y }\n", "feeed: a\n", "feed: [a]\n", "- feed\n"] {
        let tree = parse(&Source::new("feeds/a.yaml", wrong)).unwrap();
        assert!(!fits(&schema, &schema, &json(&tree)), "{wrong}");
    }
}
