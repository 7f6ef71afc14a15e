//! `panels/NAME.yaml`: a practice, the people there who take work, and where its roster is.

use super::crosscheck::{self, Kind, Reference};
use super::folder::{Document, Folder};
use super::scalar;
use super::{Panel, Practice, Role};
use crate::fhir::Identifier;
use crate::problem::Problem;
use crate::yaml::{Fields, Node};

/// Reads one panel; faults go to the folder's problems, names of other things to `references`.
pub fn read(document: &Document, folder: &mut Folder, references: &mut Vec<Reference>) -> Option<Panel> {
    let mut problems = Vec::new();
    let mut fields = Fields::of(&document.node, "a panel");
    crosscheck::own_name(&mut fields, "panel", &document.name);
    let title = fields.text("title").unwrap_or_else(|| document.name.clone());
    let partner = named(&mut fields, "partner", Kind::Partner, references);
    let member_system = scalar::optional(&mut fields, "member_system", scalar::system);
    let system_is_wrong = member_system.is_none()
        && (document.node.get("member_system").is_some() || fields.is_misspelt("member_system"));
    let members = fields.optional("members").and_then(|node| {
        let written = scalar::keep(&mut fields, scalar::text(node))?;
        // Without the system of its members a roster cannot be read, and what is wrong there is told here.
        scalar::keep(&mut fields, folder.file(node)).map(|_| written).filter(|_| !system_is_wrong)
    });
    let practice = fields.required("practice").and_then(|node| practice(node, references, &mut problems));
    let roles = fields.optional("roles").map_or_else(Roles::default, |node| roles(node, &mut problems));
    fields.finish(&mut problems);
    folder.problems.append(&mut problems);
    Some(Panel {
        name: document.name.clone(),
        title,
        practice: practice?,
        partner,
        member_system,
        members,
        care_manager: roles.care_manager,
        coach: roles.coach,
        clinician: roles.clinician,
    })
}

/// A key that names something else in the site.
fn named(fields: &mut Fields<'_>, key: &'static str, kind: Kind, references: &mut Vec<Reference>) -> Option<String> {
    let node = fields.optional(key)?;
    let name = scalar::keep(fields, scalar::text(node))?;
    references.push(Reference { kind, name: name.clone(), mark: node.mark.clone() });
    Some(name)
}

fn practice(node: &Node, references: &mut Vec<Reference>, problems: &mut Vec<Problem>) -> Option<Practice> {
    let mut fields = Fields::of(node, "a practice");
    let name = scalar::required(&mut fields, "name", scalar::text);
    let identifier = identifier(&mut fields);
    let zone = scalar::required(&mut fields, "zone", scalar::zone);
    let calendar = named(&mut fields, "calendar", Kind::Calendar, references);
    let phone = fields.text("phone");
    fields.finish(problems);
    Some(Practice { name: name?, identifier, zone: zone?, calendar, phone })
}

fn identifier(fields: &mut Fields<'_>) -> Option<Identifier> {
    let node = fields.optional("identifier")?;
    match scalar::identifier(node) {
        Ok(identifier) => Some(identifier),
        Err(faults) => {
            faults.into_iter().for_each(|fault| fields.report(fault));
            None
        }
    }
}

#[derive(Default)]
struct Roles {
    care_manager: Option<Role>,
    coach: Option<Role>,
    clinician: Option<Role>,
}

fn roles(node: &Node, problems: &mut Vec<Problem>) -> Roles {
    let mut fields = Fields::of(node, "roles");
    let mut of = |key| fields.optional(key).and_then(|node| role(node, problems));
    let roles = Roles { care_manager: of("care_manager"), coach: of("coach"), clinician: of("clinician") };
    fields.finish(problems);
    roles
}

/// `Nia Brooks`, or `{ name, identifier, phone }`.
fn role(node: &Node, problems: &mut Vec<Problem>) -> Option<Role> {
    if node.as_map().is_none() {
        return match scalar::text(node) {
            Ok(name) => Some(Role { name, identifier: None, phone: None }),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
    }
    let mut fields = Fields::of(node, "a person");
    let name = scalar::required(&mut fields, "name", scalar::text);
    let identifier = identifier(&mut fields);
    let phone = fields.text("phone");
    fields.finish(problems);
    Some(Role { name: name?, identifier, phone })
}
