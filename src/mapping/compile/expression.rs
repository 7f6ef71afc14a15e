//! One way to fill an element: a place, or a mapping with one of the language's verbs.

use std::sync::Arc;

use super::element::Compiler;
use crate::fhir::definition::Strength;
use crate::fhir::{Definitions, ElementDefinition, Library};
use crate::mapping::language::{Asked, Body, CodeShape, Conversion, Expression, Root, SourcePath, Unmatched, VERBS};
use crate::problem::{Category, FieldPlace};
use crate::yaml::{Fields, Kind, Node, nearest};

/// Those that a complex type can be made by; any other key names an element of it.
const COMPLEX_VERBS: [&str; 7] = ["as", "table", "fixed", "first", "reference", "quantity", "from"];

/// Verbs that say the type again, for the reader's sake; it must be the element's own.
const TYPED: [&str; 7] = ["date", "dateTime", "instant", "time", "integer", "decimal", "boolean"];

/// The keys that stand beside the elements of a type written in place.
const BESIDE: [&str; 4] = ["when", "each", "at", "needs"];

impl Compiler<'_> {
    pub fn expression(
        &mut self,
        node: &Node,
        name: &str,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Expression> {
        let is_primitive = Definitions::r4().is_primitive(type_name);
        let plain = |body: Body| Expression {
            mark: node.mark.clone(),
            when: None,
            each: None,
            at: None,
            instead_of: None,
            body,
        };
        match &node.kind {
            Kind::Text(_) if is_primitive => {
                let path = self.path(node)?;
                Some(plain(Body::Convert { path, to: self.conversion(node, element, type_name)? }))
            }
            Kind::Map(_) => {
                let is_verb = COMPLEX_VERBS.iter().any(|verb| node.get(verb).is_some());
                if is_primitive || is_verb {
                    self.verb(node, name, element, type_name)
                } else {
                    self.nested(node, type_name)
                }
            }
            Kind::Text(text) => {
                let maps = self.names.maps_of_type(type_name);
                let hint = maps.first().map_or_else(
                    || "write its elements in place".to_string(),
                    |map| format!("write `{{ from: {text}, as: {map} }}`"),
                );
                self.report(node, Category::Structure, format!("`{name}` is a {type_name}; {hint}"));
                None
            }
            _ => {
                let shown = node.as_text().unwrap_or_default();
                self.report(node, Category::Value, format!("write a constant as `{{ fixed: {shown} }}`"));
                None
            }
        }
    }

    fn nested(&mut self, node: &Node, type_name: &str) -> Option<Expression> {
        // Inside, every required element counts: what the file leaves to others it leaves at the top.
        let leaves = std::mem::take(&mut self.leaves);
        let mut template = self.template(node, type_name, &BESIDE);
        template.required.extend(node.get("needs").map(|node| self.needs(node, type_name)).unwrap_or_default());
        self.leaves = leaves;
        let (when, each, at) =
            (self.when(node.get("when")), self.path_of(node.get("each")), self.path_of(node.get("at")));
        Some(Expression { mark: node.mark.clone(), when, each, at, instead_of: None, body: Body::Nested(template) })
    }

    fn verb(
        &mut self,
        node: &Node,
        name: &str,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Expression> {
        let mut fields = Fields::of(node, &format!("`{name}`"));
        let (when, each, from) = (fields.optional("when"), fields.optional("each"), fields.optional("from"));
        let when = self.when(when);
        let each = self.path_of(each);
        let path = match (self.path_of(from), &each) {
            (Some(path), _) => Some(path),
            (None, Some(_)) => Some(SourcePath::this()),
            (None, None) => None,
        };
        let meant = fields.optional("instead-of");
        let body = self.body(&mut fields, path, element, type_name);
        fields.finish(self.problems);
        let instead_of = meant.and_then(|node| self.meant(node, body.as_ref()));
        Some(Expression { mark: node.mark.clone(), when, each, at: None, instead_of, body: body? })
    }

    /// The field for which a time stands in.
    fn meant(&mut self, node: &Node, body: Option<&Body>) -> Option<FieldPlace> {
        let path = self.path(node)?;
        let is_time = matches!(
            body,
            Some(Body::Convert { to: Conversion::Date | Conversion::DateTime | Conversion::Instant, .. })
        );
        match path.root {
            Root::Segment { name, .. } if is_time && path.field > 0 => Some(FieldPlace::field(&name, 1, path.field)),
            _ => {
                let text = "`instead-of` names the field that is meant for a time, as in `{ from: MSH-7, instead-of: OBX-14 }`";
                self.report(node, Category::Structure, text.to_string());
                None
            }
        }
    }

    fn body(
        &mut self,
        fields: &mut Fields<'_>,
        path: Option<SourcePath>,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Body> {
        let node = fields.node();
        if let Some(map) = fields.optional("as") {
            let otherwise = fields.optional("otherwise");
            return self.call((map, otherwise), node, path, element, type_name);
        }
        if let Some(table) = fields.optional("table") {
            let words = [("keep", Unmatched::Keep), ("drop", Unmatched::Drop), ("pass", Unmatched::Pass)];
            let unmapped = fields.choice("unmapped", &words).unwrap_or(Unmatched::Keep);
            let is_member = fields.choice("gives", &[("row", false), ("member", true)]).unwrap_or(false);
            return self.table((table, Asked { unmapped, is_member }), node, path, element, type_name);
        }
        if let Some(value) = fields.optional("fixed") {
            return self.fixed(value, element, type_name).map(Body::Fixed);
        }
        if let Some(list) = fields.optional("first") {
            return self.first(list, element, type_name);
        }
        if let Some(list) = fields.optional("join") {
            let with = fields.text("with").unwrap_or_else(|| " ".to_string());
            let nodes = list.as_list().map_or_else(|| vec![list], |items| items.iter().collect());
            let paths = nodes.into_iter().filter_map(|item| self.path(item)).collect();
            let (parts, once) = (fields.text("parts"), fields.boolean("once").unwrap_or(false));
            return Some(Body::Join { paths, with, parts, once, to: self.conversion(node, element, type_name)? });
        }
        if let Some(map) = fields.optional("reference") {
            return self.reference(map, element, type_name);
        }
        if let Some(value) = fields.optional("quantity") {
            return self.quantity(fields, value, type_name);
        }
        if let Some(from) = fields.optional("authority") {
            let default = fields.text("default");
            self.must_be(node, type_name, "uri");
            return self.authority(from, default);
        }
        if let Some(from) = fields.optional("code-system") {
            self.must_be(node, type_name, "uri");
            return Some(Body::CodeSystem { path: self.path(from)? });
        }
        if let Some(field) = fields.optional("assumed") {
            self.must_be(node, type_name, "uri");
            return Some(Body::Assumed { path: self.path(field)? });
        }
        if let Some(data) = fields.optional("data") {
            let encoding = fields.required("encoding");
            self.must_be(node, type_name, "base64Binary");
            return Some(Body::Data { path: self.path(data)?, encoding: self.path_of(encoding)? });
        }
        for typed in TYPED {
            if let Some(from) = fields.optional(typed) {
                self.must_be(node, type_name, typed);
                let path = self.path(from)?;
                return Some(Body::Convert { path, to: self.conversion(node, element, type_name)? });
            }
        }
        match path {
            Some(path) if Definitions::r4().is_primitive(type_name) => {
                Some(Body::Convert { path, to: self.conversion(node, element, type_name)? })
            }
            Some(_) => {
                let text = format!("say how a {type_name} is made of it: `as: …` or `table: …`");
                self.report(node, Category::Structure, text);
                None
            }
            None => {
                let verbs = VERBS.join(", ");
                self.report(node, Category::Structure, format!("say where the value comes from: one of {verbs}"));
                None
            }
        }
    }

    fn first(&mut self, list: &Node, element: &'static ElementDefinition, type_name: &str) -> Option<Body> {
        let items = list.as_list().unwrap_or_default();
        let ways: Vec<Expression> =
            items.iter().filter_map(|item| self.expression(item, "first", element, type_name)).collect();
        if items.is_empty() {
            self.report(list, Category::Structure, "`first` takes a list of ways");
        }
        (!ways.is_empty()).then_some(Body::First(ways))
    }

    fn authority(&mut self, from: &Node, default: Option<String>) -> Option<Body> {
        let nodes = from.as_list().map_or_else(|| vec![from], |items| items.iter().collect());
        let paths: Vec<SourcePath> = nodes.iter().filter_map(|item| self.path(item)).collect();
        if !matches!(nodes.len(), 1 | 3) {
            let text = "an authority is one place (an HD), or three: namespace, universal id, type of universal id";
            self.report(from, Category::Structure, text);
            return None;
        }
        Some(Body::Authority { paths, default })
    }

    fn call(
        &mut self,
        (map, otherwise): (&Node, Option<&Node>),
        node: &Node,
        path: Option<SourcePath>,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Body> {
        let header = self.names.map(map, self.problems)?.clone();
        let Some(path) = path else {
            self.report(node, Category::Required, "`as` needs `from: …` or `each: …`");
            return None;
        };
        if header.is_resource && matches!(type_name, "Reference" | "canonical") {
            self.must_point_at(map, element, &header.type_name);
            return Some(Body::Resource { path, map: header.index });
        }
        if !Definitions::r4().is_subtype(&header.type_name, type_name) {
            let others = self.names.maps_of_type(type_name);
            let hint = others.first().map_or_else(String::new, |other| format!("; `{other}` does"));
            let text = format!("this element is a {type_name}, but the map gives a {}{hint}", header.type_name);
            self.report(map, Category::Value, text);
            return None;
        }
        let otherwise = otherwise.and_then(|constants| self.fixed(constants, element, type_name));
        Some(Body::Datatype { path, map: header.index, otherwise })
    }

    fn reference(&mut self, map: &Node, element: &'static ElementDefinition, type_name: &str) -> Option<Body> {
        let header = self.names.map(map, self.problems)?.clone();
        if type_name != "Reference" {
            self.report(map, Category::Value, format!("this element is a {type_name}, not a Reference"));
            return None;
        }
        self.must_point_at(map, element, &header.type_name);
        Some(Body::Reference { map: header.index })
    }

    fn must_point_at(&mut self, node: &Node, element: &'static ElementDefinition, target: &str) {
        let targets: Vec<&str> = element.types.iter().flat_map(|kind| &kind.targets).map(String::as_str).collect();
        let is_allowed =
            targets.is_empty() || targets.iter().any(|allowed| Definitions::r4().is_subtype(target, allowed));
        if !is_allowed {
            let text = format!("`{}` cannot point at a {target}; it may be {}", element.name, targets.join(", "));
            self.report(node, Category::Value, text);
        }
    }

    fn table(
        &mut self,
        (table, asked): (&Node, Asked),
        node: &Node,
        path: Option<SourcePath>,
        element: &'static ElementDefinition,
        type_name: &str,
    ) -> Option<Body> {
        let index = self.names.table(table, self.problems)?;
        let Some(path) = path else {
            self.report(node, Category::Required, "`table` needs `from: …` or `each: …`");
            return None;
        };
        let to = match type_name {
            "code" => CodeShape::Code,
            "Coding" => CodeShape::Coding,
            "CodeableConcept" => CodeShape::CodeableConcept,
            _ => {
                self.report(table, Category::Value, format!("a table gives codes; this element is a {type_name}"));
                return None;
            }
        };
        if let (CodeShape::Code, Some(codes)) = (to, required_codes(element)) {
            let rows = self.names.compiled_tables.get(index).into_iter().flat_map(|table| table.codes.values());
            let wrong: Vec<_> = rows.filter(|row| !codes.contains(&row.code)).cloned().collect();
            for row in wrong {
                let problem = row.mark.problem(Category::CodeInvalid, not_a_code(&row.code, element, &codes));
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
            }
        }
        Some(Body::Table { path, table: index, to, asked })
    }

    fn must_be(&mut self, node: &Node, type_name: &str, wanted: &str) {
        let definitions = Definitions::r4();
        if !definitions.is_subtype(type_name, wanted) && !definitions.is_subtype(wanted, type_name) {
            self.report(node, Category::Value, format!("this element is a {type_name}, not a {wanted}"));
        }
    }

    fn conversion(&mut self, node: &Node, element: &'static ElementDefinition, type_name: &str) -> Option<Conversion> {
        let found = Conversion::to(type_name, required_codes(element));
        if found.is_none() {
            self.report(node, Category::Value, format!("a {type_name} cannot be read from a place in a message"));
        }
        found
    }

    pub fn path(&mut self, node: &Node) -> Option<SourcePath> {
        let Some(text) = node.as_text() else {
            self.report(
                node,
                Category::Structure,
                format!("a place such as PID-5 is expected; this is {}", node.kind_name()),
            );
            return None;
        };
        match SourcePath::parse(&text, self.datatype) {
            Ok(path) => {
                self.check_length(node, &path);
                Some(path)
            }
            Err(said) => {
                self.report(node, Category::Value, said);
                None
            }
        }
    }

    pub fn path_of(&mut self, node: Option<&Node>) -> Option<SourcePath> {
        node.and_then(|node| self.path(node))
    }
}

/// The codes that a required binding enumerates.
pub fn required_codes(element: &ElementDefinition) -> Option<Arc<[String]>> {
    let binding = element.binding.as_ref().filter(|binding| binding.strength == Strength::Required)?;
    let groups = Library::built_in().codes_of(&binding.value_set)?;
    Some(groups.iter().flat_map(|group| &group.codes).cloned().collect())
}

pub fn not_a_code(code: &str, element: &ElementDefinition, codes: &[String]) -> String {
    let hint = nearest(code, codes.iter().map(String::as_str))
        .map_or_else(|| format!("; it takes {}", codes.join(", ")), |near| format!("; did you mean `{near}`?"));
    format!("`{code}` is not a code of `{}`{hint}", element.path)
}
