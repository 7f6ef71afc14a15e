//! Reads `agreements/*.yaml` as a compiler would: every fault of every file in one run, with its place and the nearest name
//! that would have been right.

use std::sync::Arc;

use jiff::civil::Date;

use super::carries;
use super::codes::{LABELS, PURPOSES};
use super::inbound;
use super::line;
use super::model::{Agreement, Label, Line, Patients};
use super::names::Names;
use super::set::AgreementSet;
use crate::problem::{Category, Problem, Severity};
use crate::yaml::{self, Fields, Kind, Mark, Node, Source, nearest};

/// Compiles all agreements. What could be read is in the set even when there are problems; a site with errors in them must
/// not run.
pub fn compile(sources: &[Source], names: &Names<'_>) -> (AgreementSet, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut agreements: Vec<Agreement> = Vec::new();
    for source in sources {
        let node = match yaml::parse(source) {
            Ok(node) => node,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let Some(agreement) = read(&node, names, &mut problems) else { continue };
        if let Some(former) = agreements.iter().find(|former| former.name == agreement.name) {
            let text = format!(
                "`{}` is already the name of the agreement in {}; give one another name",
                agreement.name, former.at.file
            );
            problems.push(agreement.at.problem(Category::Duplicate, text));
        }
        agreements.push(agreement);
    }
    (AgreementSet::new(agreements, Arc::clone(&names.value_sets)), problems)
}

fn read(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Agreement> {
    let mut fields = Fields::of(node, "an agreement");
    let name = fields.required_text("agreement");
    let at = node.get("agreement").map_or_else(|| node.mark.clone(), |name| name.mark.clone());
    let partner = fields.required("partner").and_then(|node| named(node, "partner", names.partners, problems));
    let (from, to) = fields.optional("valid").map_or((None, None), |node| validity(node, problems));
    let status = fields.choice("status", &[("active", false), ("suspended", true)]);
    let suspended = node.get("status").filter(|_| status == Some(true)).map(|status| status.mark.clone());
    fields.required("purpose");
    let purpose = fields.list("purpose");
    let purpose = purpose.into_iter().filter_map(|node| purpose_code(node, problems)).collect();
    let patients = fields.required("patients").and_then(|node| patients(node, names, problems));
    let lines = fields.list("receives");
    let receives = lines.into_iter().filter_map(|node| line::read(node, names, problems)).collect();
    let receives_at = node.get("receives").map_or_else(|| at.clone(), |receives| receives.mark.clone());
    let sends = fields.list("sends");
    let sends = sends.into_iter().filter_map(|node| inbound::read(node, problems)).collect();
    let update_create = fields.boolean("update-create").unwrap_or(false);
    let never: Vec<Label> = fields.list("never").into_iter().filter_map(|node| label(node, problems)).collect();
    let version = fields.optional("version").map(|node| carries::read(node, problems)).unwrap_or_default();
    let transaction = fields.boolean("transaction").unwrap_or(false);
    let coalesce = fields.boolean("coalesce").unwrap_or(false);
    fields.finish(problems);
    let receives: Vec<Line> = receives;
    if let Some(line) = receives.iter().find(|line| line.without_reason.is_some() && never.is_empty()) {
        let text = "`without-reason` is for what `never` keeps back, and this agreement keeps nothing back: every Task leaves \
                    with its reason. Name the labels in `never`";
        problems.push(line.at.problem(Category::Required, text));
    }
    let (patients, patients_at) = patients?;
    let (name, partner) = (name?, partner?);
    Some(Agreement {
        name,
        partner,
        from,
        to,
        suspended,
        purpose,
        patients,
        patients_at,
        receives,
        receives_at,
        sends,
        update_create,
        never,
        version,
        transaction,
        coalesce,
        at,
    })
}

fn named(node: &Node, what: &str, known: Option<&[&str]>, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(name) = node.as_text() else {
        problems.push(node.problem(format!("`{what}` is a name; this is {}", node.kind_name())));
        return None;
    };
    if let Some(known) = known.filter(|known| !known.contains(&name.as_str())) {
        let hint = nearest(&name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let text = format!("there is no {what} `{name}` in this site{}", hint.unwrap_or_default());
        problems.push(node.mark.problem(Category::NotFound, text));
    }
    Some(name)
}

type Day = Option<(Date, Mark)>;

fn validity(node: &Node, problems: &mut Vec<Problem>) -> (Day, Day) {
    let mut fields = Fields::of(node, "`valid`");
    let from = fields.optional("from").and_then(|node| day(node, problems));
    let to = fields.optional("to").and_then(|node| day(node, problems));
    if let (Some((first, _)), Some((last, at))) = (&from, &to)
        && last < first
    {
        fields.report(at.problem(Category::Invalid, "this agreement ends before it begins"));
    }
    fields.finish(problems);
    (from, to)
}

fn day(node: &Node, problems: &mut Vec<Problem>) -> Day {
    let date = node.as_text().and_then(|text| text.parse::<Date>().ok());
    if date.is_none() {
        problems.push(node.problem("a day is written 2026-12-31"));
    }
    date.map(|date| (date, node.mark.clone()))
}

fn purpose_code(node: &Node, problems: &mut Vec<Problem>) -> Option<String> {
    let code = node.as_text().unwrap_or_default();
    if !PURPOSES.contains(&code.as_str()) {
        let hint = nearest(&code, PURPOSES).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        problems.push(
            node.mark
                .problem(Category::CodeInvalid, format!("`{code}` is not a purpose of use (v3 PurposeOfUse){hint}")),
        );
        return None;
    }
    Some(code)
}

/// A label that is not a known one may be a site's own; it is taken, and mentioned.
fn label(node: &Node, problems: &mut Vec<Problem>) -> Option<Label> {
    let code = node.as_text()?;
    if !LABELS.contains(&code.as_str()) {
        let hint = nearest(&code, LABELS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let text = format!("`{code}` is no security label of HL7; it is taken as one of your own{hint}");
        problems.push(Problem { severity: Severity::Warning, ..node.mark.problem(Category::CodeInvalid, text) });
    }
    Some(Label { code, at: node.mark.clone() })
}

fn patients(node: &Node, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<(Patients, Mark)> {
    let mut fields = Fields::of(node, "`patients`");
    let all = fields.optional("all");
    let mut panels = fields.list("panel");
    panels.extend(fields.list("group"));
    let named: Vec<String> = panels.iter().filter_map(|node| named(node, "panel", names.panels, problems)).collect();
    let patients = match (all.map(|node| &node.kind), panels.is_empty()) {
        (Some(Kind::Bool(true)), true) => Some(Patients::All),
        (None, false) => Some(Patients::Panels(named)),
        _ => {
            let text = "say whose data this covers: `panel: NAME`, `group: NAME` or `all: true`, and only one of them";
            fields.lacking(&["panel", "group", "all"], node.mark.problem(Category::Required, text));
            None
        }
    };
    let at = panels.first().copied().or(all).unwrap_or(node).mark.clone();
    fields.finish(problems);
    patients.map(|patients| (patients, at))
}
