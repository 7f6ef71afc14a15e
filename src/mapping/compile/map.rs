//! `segments/*.yaml` and `datatypes/*.yaml`: heads first, so that files can call each other, then bodies.

use super::element::Compiler;
use super::names::{Header, Names};
use super::{example, table};
use crate::fhir::{Definitions, Scope};
use crate::mapping::language::{Map, MapKind, Template};
use crate::mapping::layers::{Document, Folder};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// Types that belong to nobody in particular.
const SHARED: [&str; 5] = ["Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"];

/// What the head of a map file says; faults are reported when the body is compiled.
pub fn header(document: &Document, index: usize) -> Header {
    let text = |key: &str| document.node.get(key).and_then(Node::as_text);
    let resource = text("resource");
    let kind = match document.folder {
        Folder::Segments => MapKind::Segment(text("segment").unwrap_or_default()),
        _ => MapKind::Datatype(text("datatype").unwrap_or_default()),
    };
    let is_resource = resource.is_some();
    Header { index, kind, type_name: resource.or_else(|| text("type")).unwrap_or_default(), is_resource }
}

/// Compiles the body of a map file.
pub fn compile(document: &Document, header: &Header, names: &Names, problems: &mut Vec<Problem>) -> Map {
    let node = &document.node;
    let mut fields = Fields::of(node, "a map");
    fields.text("title");
    let is_headless = ["segment", "datatype", "resource", "type"].iter().all(|key| node.get(key).is_none());
    if is_headless {
        without_head(&mut fields, document, names);
    } else {
        match &header.kind {
            MapKind::Segment(_) => fields.required_text("segment"),
            MapKind::Datatype(_) => fields.required_text("datatype"),
        };
        check_type(&mut fields, header);
    }
    check_name(&document.name, header, node, &mut fields);
    let leaves = fields.texts("leaves");
    let needs = fields.optional("needs");
    let (elements, key, notices) = (fields.required("elements"), fields.optional("key"), fields.optional("notices"));
    let scope = if SHARED.contains(&header.type_name.as_str()) { Scope::Shared } else { Scope::Patient };
    let scope = fields.choice("scope", &[("patient", Scope::Patient), ("shared", Scope::Shared)]).unwrap_or(scope);
    let is_one_per_key = fields.choice("same-key", &[("one", true), ("many", false)]).unwrap_or(true);
    let examples = example::compile(fields.optional("examples"), problems);
    fields.finish(problems);
    let datatype = match &header.kind {
        MapKind::Datatype(name) => Some(name.as_str()),
        MapKind::Segment(_) => None,
    };
    let mut compiler = Compiler { names, datatype, leaves, problems };
    let mut template = match elements {
        Some(elements) if Definitions::r4().type_definition(&header.type_name).is_some() => {
            compiler.template(elements, &header.type_name, &[])
        }
        _ => Template { type_name: header.type_name.clone(), entries: Vec::new(), required: Vec::new() },
    };
    template.required.extend(needs.map(|node| compiler.needs(node, &header.type_name)).unwrap_or_default());
    let key = key.map(|key| compiler.key(key, &header.type_name)).unwrap_or_default();
    let notices = compiler.notices(notices);
    Map {
        name: document.name.clone(),
        mark: document.node.get("key").unwrap_or(node).mark.clone(),
        kind: header.kind.clone(),
        type_name: header.type_name.clone(),
        is_resource: header.is_resource,
        scope,
        template,
        key,
        is_one_per_key,
        notices,
        examples,
    }
}

/// Most often the file was meant to be laid over another, and its name is not quite that one's.
fn without_head(fields: &mut Fields<'_>, document: &Document, names: &Names) {
    let (key, gives) = match document.folder {
        Folder::Segments => ("segment", "`segment: PID` and `resource: Patient`"),
        _ => ("datatype", "`datatype: XPN` and `type: HumanName`"),
    };
    let others = names.maps.keys().map(String::as_str).filter(|name| *name != document.name);
    let hint = nearest(&document.name, others).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let text = format!(
        "there is no map `{}` to lay this over, and it does not say what it reads and gives, as in {gives}{hint}",
        document.name
    );
    fields.lacking(&[key, "resource", "type"], fields.node().mark.problem(Category::Required, text));
    for key in [key, "resource", "type"] {
        fields.optional(key);
    }
}

fn check_type(fields: &mut Fields<'_>, header: &Header) {
    let (resource, datatype) = (fields.optional("resource"), fields.optional("type"));
    let definitions = Definitions::r4();
    let Some(node) = resource.or(datatype) else {
        let text = "say what the map gives: `resource: Patient` or `type: HumanName`";
        fields.report(fields.node().mark.problem(Category::Required, text));
        return;
    };
    let name = &header.type_name;
    let is_known = if header.is_resource { definitions.is_resource(name) } else { definitions.is_datatype(name) };
    if is_known {
        return;
    }
    let what = if header.is_resource { "resource" } else { "datatype" };
    let kind = if header.is_resource {
        crate::fhir::definition::Kind::Resource
    } else {
        crate::fhir::definition::Kind::Datatype
    };
    let hint = nearest(name, definitions.type_names(kind))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    fields.report(node.mark.problem(Category::NotFound, format!("FHIR R4 has no {what} `{name}`{hint}")));
}

/// `PID-Patient` reads PID: the file's name and its head tell the same story.
fn check_name(name: &str, header: &Header, node: &Node, fields: &mut Fields<'_>) {
    let (MapKind::Segment(source) | MapKind::Datatype(source)) = &header.kind;
    let expected = format!("{source}-");
    if !source.is_empty() && !name.starts_with(&expected) {
        let text = format!("the file is called `{name}` but reads {source}; call it `{source}-{}`", header.type_name);
        fields.report(node.mark.problem(Category::Conflict, text));
    }
}

pub use table::name_agrees;
