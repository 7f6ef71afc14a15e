//! What flows to and from each partner: the agreements as one matrix of partners and types of resources, each with the line that says
//! so. No patients: whether something of one is let out hangs on panels and labels, and the patient's records page explains it.

use std::collections::BTreeSet;

use actix_web::web;
use askama::Template;

use super::fault::Answer;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, look, turn};
use crate::agreement::{Agreement, Line, Patients, Push, Standing};
use crate::site::Site;

#[derive(Template)]
#[template(path = "console/flows.html")]
struct Page {
    frame: Frame,
    sentence: String,
    partners: Vec<Column>,
    rows: Vec<Row>,
}

/// One partner, with what holds for all that flows.
struct Column {
    title: String,
    agreements: Vec<Terms>,
}

struct Terms {
    name: String,
    standing: String,
    is_active: bool,
    patients: String,
    purpose: String,
    never: String,
}

/// One type of resource: what each partner gets of it and may write.
struct Row {
    kind: String,
    cells: Vec<Cell>,
}

struct Cell {
    partner: String,
    gets: Vec<(String, String)>,
    writes: Vec<(String, String)>,
}

pub(super) async fn show(console: web::Data<Console>, person: Person) -> Answer {
    look::note(&console, &person, None, "what flows by the agreements".to_string()).await?;
    let (site, now) = (console.gateway.site.load_full(), console.gateway.clock.now());
    let frame = Frame::new("flows", &console, &person);
    turn::make(move || page_of(&site, now, frame)).await
}

fn page_of(site: &Site, now: jiff::Timestamp, frame: Frame) -> Page {
    let all = site.agreements.agreements();
    let mut names: Vec<&str> = all.iter().map(|one| one.partner.as_str()).collect();
    names.extend(site.partners.keys().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    let title = |name: &str| site.partners.get(name).map_or_else(|| name.to_string(), |partner| partner.title.clone());
    let of = |name: &str| all.iter().filter(move |one| one.partner == name).collect::<Vec<&Agreement>>();
    let kinds: BTreeSet<&str> = all
        .iter()
        .flat_map(|one| {
            one.receives
                .iter()
                .map(|line| line.resource.as_str())
                .chain(one.sends.iter().map(|(what, _)| kind_of(what)))
        })
        .collect();
    let cell = |name: &str, kind: &str| Cell {
        partner: title(name),
        gets: of(name).iter().flat_map(|one| gets(one, kind, now)).collect(),
        writes: of(name).iter().flat_map(|one| writes(one, kind, now)).collect(),
    };
    let rows: Vec<Row> = kinds
        .iter()
        .map(|kind| Row { kind: kind.to_string(), cells: names.iter().map(|name| cell(name, kind)).collect() })
        .collect();
    let active = all.iter().filter(|one| one.standing(now).0 == Standing::Active).count();
    Page {
        sentence: format!(
            "{} in force between us and {}; what no line names does not flow.",
            page::counted(active as u64, "agreement", "agreements"),
            page::counted(names.len() as u64, "partner", "partners"),
        ),
        partners: names
            .iter()
            .map(|name| Column { title: title(name), agreements: of(name).iter().map(|one| terms(one, now)).collect() })
            .collect(),
        rows,
        frame,
    }
}

/// Of `Task.status` the type.
fn kind_of(what: &str) -> &str {
    what.split('.').next().unwrap_or(what)
}

fn terms(agreement: &Agreement, now: jiff::Timestamp) -> Terms {
    let (standing, _) = agreement.standing(now);
    Terms {
        name: agreement.name.clone(),
        is_active: standing == Standing::Active,
        standing: standing.words(),
        patients: match &agreement.patients {
            Patients::All => "all patients".to_string(),
            Patients::Panels(panels) => format!("patients of {}", panels.join(", ")),
        },
        purpose: agreement.purpose.join(", "),
        never: agreement.never.iter().map(|label| label.code.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// What a partner gets of a type, with where that stands. An agreement that is not in force says so.
fn gets(agreement: &Agreement, kind: &str, now: jiff::Timestamp) -> Vec<(String, String)> {
    let suffix = not_in_force(agreement, now);
    let of_kind = agreement.receives.iter().filter(|line| line.resource == kind);
    of_kind.map(|line| (words(line) + &suffix, format!("{}:{}", line.at.file, line.at.line))).collect()
}

fn writes(agreement: &Agreement, kind: &str, now: jiff::Timestamp) -> Vec<(String, String)> {
    let suffix = not_in_force(agreement, now);
    let of_kind = agreement.sends.iter().filter(|(what, _)| kind_of(what) == kind);
    let told = |what: &str| match what.split_once('.') {
        Some((_, element)) => format!("may write its {element}"),
        None => "may write it".to_string(),
    };
    of_kind.map(|(what, at)| (told(what) + &suffix, format!("{}:{}", at.file, at.line))).collect()
}

fn not_in_force(agreement: &Agreement, now: jiff::Timestamp) -> String {
    match agreement.standing(now).0 {
        Standing::Active => String::new(),
        other => format!(" – but the agreement {}", other.words()),
    }
}

fn words(line: &Line) -> String {
    let push = match line.push {
        Push::Immediate => Some("is sent every version at once"),
        Push::OnChange => Some("is sent what looks otherwise to it"),
        Push::Message => Some("is sent a message of each admission, transfer and discharge"),
        Push::Never => None,
    };
    let ways: Vec<&str> = push.into_iter().chain(line.pull.then_some("may read it")).collect();
    let mut words = if ways.is_empty() { "gets nothing".to_string() } else { ways.join(", ") };
    if line.condition.is_some() {
        words += ", where the line’s condition holds";
    }
    if !line.codes.is_empty() {
        words += &format!(", only with a code of {}", line.codes.join(" or "));
    }
    if !line.without.is_empty() {
        words += &format!(", without {}", line.without.join(", "));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::load;

    #[test]
    fn every_line_of_an_agreement_stands_in_its_partners_column() {
        let folder = tempfile::tempdir().unwrap();
        crate::site::write_demo(folder.path(), &|text| text).unwrap();
        let site = load(folder.path()).site.unwrap();
        let page = page_of(&site, jiff::Timestamp::UNIX_EPOCH, Frame::nobody());
        let lines: usize = site.agreements.agreements().iter().map(|one| one.receives.len() + one.sends.len()).sum();
        let shown = page.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.gets.len() + cell.writes.len());
        assert_eq!(shown.sum::<usize>(), lines);
        let communications = page.rows.iter().find(|row| row.kind == "Communication").unwrap();
        let (told, at) = communications.cells.iter().flat_map(|cell| &cell.gets).next().unwrap();
        assert!(told.starts_with("is sent every version at once, may read it"), "{told}");
        assert!(at.starts_with("agreements/lakeside-practice.yaml:"), "{at}");
        assert!(page.render().unwrap().contains("Communication"));
    }
}
