//! `people.yaml`: who logs in to the console, with which roles, and whose patients are theirs. Optional: without it there are
//! one-time links only.

use std::collections::BTreeMap;

use super::crosscheck::{Kind, Reference};
use super::folder::Folder;
use super::one_time_code::CodeSecret;
use super::password::PasswordHash;
use super::scalar;
use super::secret::{self, Secret};
use super::staff::{Panels, StaffMember, StaffRole};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// Where they stand.
pub const FILE: &str = "people.yaml";

/// Of a name, in characters.
const LONGEST_NAME: usize = 80;

/// Reads the people, by their login; faults go to the folder's problems, panels to `references`.
pub fn read(folder: &mut Folder, references: &mut Vec<Reference>) -> BTreeMap<String, StaffMember> {
    if !folder.has(FILE) {
        return BTreeMap::new();
    }
    let Some(document) = folder.document(FILE) else { return BTreeMap::new() };
    let mut problems = Vec::new();
    let mut fields = Fields::of(&document.node, FILE);
    let listed = fields.required("people");
    let is_list = listed.is_some_and(|node| node.as_map().is_none());
    if let Some(node) = listed.filter(|_| is_list) {
        fields.report(
            node.problem("the people are written as `login: { name: …, roles: […] }`, one entry for each login"),
        );
    }
    fields.finish(&mut problems);
    let mut people = BTreeMap::new();
    for (key, node) in listed.and_then(Node::as_map).unwrap_or_default() {
        let login = key.as_text().unwrap_or_default();
        if !is_login(&login) {
            let text = "a login is 2 to 40 lower-case letters, digits, dots, hyphens and underscores, and begins with a letter";
            problems.push(key.problem(text));
        }
        let member = Entry { folder, references, problems: &mut problems }.member(&login, node);
        people.extend(member.map(|member| (login, member)));
    }
    problems.extend(same_name(listed, &people));
    problems.extend(same_openid(listed, &people));
    folder.problems.append(&mut problems);
    people
}

/// What people log in as.
pub fn is_login(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || ".-_".contains(sign);
    (2..=40).contains(&text.len())
        && text.starts_with(|sign: char| sign.is_ascii_lowercase())
        && text.chars().all(plain)
}

/// Two people of one name could not be told apart where somebody gives work away or is told something.
fn same_name(listed: Option<&Node>, people: &BTreeMap<String, StaffMember>) -> Option<Problem> {
    let mut logins: BTreeMap<String, &str> = BTreeMap::new();
    people.values().find_map(|member| {
        let earlier = logins.insert(member.name.to_lowercase(), &member.login)?;
        let text = format!("`{}` is also the name of `{earlier}`; add what tells the two apart", member.name);
        Some(listed?.get(&member.login)?.mark.problem(Category::Duplicate, text))
    })
}

/// What the organisation's login says of somebody leads to one person.
fn same_openid(listed: Option<&Node>, people: &BTreeMap<String, StaffMember>) -> Option<Problem> {
    let mut logins: BTreeMap<String, &str> = BTreeMap::new();
    people.values().find_map(|member| {
        let earlier = logins.insert(member.openid.as_ref()?.to_lowercase(), &member.login)?;
        let text = format!("this is who `{earlier}` is already; two people cannot be one at the organisation's login");
        Some(listed?.get(&member.login)?.get("openid")?.mark.problem(Category::Duplicate, text))
    })
}

/// Where the reading of one person puts what it finds.
struct Entry<'a> {
    folder: &'a mut Folder,
    references: &'a mut Vec<Reference>,
    problems: &'a mut Vec<Problem>,
}

impl Entry<'_> {
    fn member(self, login: &str, node: &Node) -> Option<StaffMember> {
        let mut fields = Fields::of(node, "a person");
        let name = scalar::required(&mut fields, "name", name);
        let roles = roles(&mut fields);
        let panels = panels(&mut fields, &roles, self.references);
        let sensitive = fields.boolean("sensitive").unwrap_or(false);
        let openid = fields.optional("openid").map(|node| scalar::keep(&mut fields, scalar::text(node)));
        // Who comes by the organisation's login needs none here.
        let password = if openid.is_some() { fields.optional("password") } else { fields.required("password") };
        let password = password.map(|node| {
            let written = scalar::keep(&mut fields, secret::read(node, self.folder))?;
            let (Secret::Elsewhere(text) | Secret::Plain(text)) = written;
            scalar::keep(
                &mut fields,
                PasswordHash::read(&text).map_err(|text| node.mark.problem(Category::Security, text)),
            )
        });
        let code = fields.optional("totp").map(|node| {
            let written = scalar::keep(&mut fields, secret::read(node, self.folder))?;
            let (Secret::Elsewhere(text) | Secret::Plain(text)) = written;
            scalar::keep(
                &mut fields,
                CodeSecret::read(&text).map_err(|text| node.mark.problem(Category::Security, text)),
            )
        });
        let disabled = fields.boolean("disabled").unwrap_or(false);
        fields.finish(self.problems);
        if password.is_none() && openid.is_none() {
            return None;
        }
        // A code that cannot be read is a fault, never a login without one.
        let (openid, password, code) = (all_or_none(openid)?, all_or_none(password)?, all_or_none(code)?);
        let login = login.to_string();
        Some(StaffMember { login, name: name?, roles, panels: panels?, sensitive, openid, password, code, disabled })
    }
}

/// What is not there, or was read; none where it is there and cannot be read.
#[allow(clippy::option_option, reason = "a key that is not there, one that cannot be read, and what it says")]
fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn name(node: &Node) -> Result<String, Problem> {
    let text = scalar::text(node)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let name = words.join(" ");
    let fits = name.chars().any(char::is_alphabetic) && (2..=LONGEST_NAME).contains(&name.chars().count());
    if fits && !name.contains(['@', '<', '>']) && !name.chars().any(char::is_control) {
        return Ok(name);
    }
    Err(node.problem(format!("a name has 2 to {LONGEST_NAME} characters, a letter among them, and no @, < or >")))
}

pub(super) fn roles(fields: &mut Fields<'_>) -> Vec<StaffRole> {
    let names: Vec<&str> = StaffRole::ALL.iter().map(|role| role.word()).collect();
    let mut roles = Vec::new();
    let nodes = fields.list("roles");
    if nodes.is_empty() {
        let text = format!("`roles` is missing here; they are {}", names.join(", "));
        let problem = fields.node().mark.problem(Category::Required, text);
        fields.lacking(&["roles"], problem);
    }
    for node in nodes {
        let Some(text) = scalar::keep(fields, scalar::text(node)) else { continue };
        match StaffRole::ALL.into_iter().find(|role| role.word() == text) {
            Some(role) if roles.contains(&role) => {}
            Some(role) => roles.push(role),
            None => {
                let hint = nearest(&text, names.iter().copied());
                let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                fields.report(node.problem(format!("`{text}` is not one of {}{hint}", names.join(", "))));
            }
        }
    }
    roles
}

/// `all`, or names of panels. Who cares for patients says which.
pub(super) fn panels(fields: &mut Fields<'_>, roles: &[StaffRole], references: &mut Vec<Reference>) -> Option<Panels> {
    let nodes = fields.list("panels");
    if nodes.is_empty() {
        if roles.iter().any(|role| role.cares()) {
            let text = "`panels` is missing here: the names of the panels whose patients are theirs, or `all`";
            let problem = fields.node().mark.problem(Category::Required, text);
            fields.lacking(&["panels"], problem);
            return None;
        }
        return Some(Panels::All);
    }
    let mut names = Vec::new();
    for node in nodes {
        names.push((scalar::keep(fields, scalar::text(node))?, node));
    }
    if let [(only, _)] = names.as_slice()
        && only == "all"
    {
        return Some(Panels::All);
    }
    for (name, node) in &names {
        references.push(Reference { kind: Kind::Panel, name: name.clone(), mark: node.mark.clone() });
    }
    Some(Panels::Of(names.into_iter().map(|(name, _)| name).collect()))
}
