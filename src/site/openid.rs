//! `openid.yaml`: the organisation's own login (OpenID Connect Core 1.0) as a way into the console, and what its groups may do here.
//! Optional. Nothing is implied: who has no entry in `people.yaml`, and no group with a row here, may do nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Settings;
use super::crosscheck::Reference;
use super::expiry::Use;
use super::folder::{Document, Folder};
use super::listener;
use super::people::{panels, roles};
use super::scalar;
use super::secret::{self, Secret};
use super::staff::{Panels, StaffMember, StaffRole};
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// Where it stands.
pub const FILE: &str = "openid.yaml";

/// What may sign an ID token: never nothing, and never a secret that both sides have (RFC 8725, 3.1).
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Claims that say who a person is.
const PERSON: [(&str, PersonClaim); 3] =
    [("sub", PersonClaim::Subject), ("email", PersonClaim::Email), ("preferred_username", PersonClaim::Username)];

/// A provider, and what it may say of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdLogin {
    /// The organisation, as the button names it.
    pub title: String,
    /// To the letter as the provider writes it of itself.
    pub issuer: String,
    pub client_id: String,
    pub proof: ClientProof,
    /// Beside `openid`.
    pub scopes: Vec<String>,
    pub person: PersonClaim,
    pub groups: Option<GroupRows>,
    /// Names as JWA writes them.
    pub algorithms: Vec<String>,
    /// Any of these contexts, and all of these methods; none where nothing is asked.
    pub acr: Vec<String>,
    pub amr: Vec<String>,
    pub max_age_minutes: Option<u32>,
    /// Whether names and passwords of `people.yaml` open the console as well.
    pub passwords: bool,
    /// Audiences that ID tokens may name beside us.
    pub audiences: Vec<String>,
    pub server_ca: Option<PathBuf>,
    pub timeout_secs: u64,
}

/// How we prove at the token endpoint who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientProof {
    Secret(String),
    /// `private_key_jwt` with the gateway's own keys.
    OwnKey,
}

/// Never shows the secret.
impl std::fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::OwnKey { "OwnKey" } else { "Secret(…)" })
    }
}

/// The claim that says who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonClaim {
    Subject,
    /// Counts where the provider says that it is verified, in whatever case it is written.
    Email,
    Username,
}

impl PersonClaim {
    pub fn word(self) -> &'static str {
        PERSON.iter().find(|(_, claim)| *claim == self).map_or("sub", |(word, _)| word)
    }

    /// The same value in the one form in which it is compared.
    pub fn plain(self, value: &str) -> String {
        if self == Self::Email { value.trim().to_lowercase() } else { value.to_string() }
    }
}

/// What members of groups may do who have no entry in `people.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRows {
    pub claim: String,
    /// The first row of a group that somebody is in counts, and no other.
    pub rows: Vec<GroupRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    pub group: String,
    pub roles: Vec<StaffRole>,
    pub panels: Panels,
    pub sensitive: bool,
}

/// Reads the login; faults go to the folder's problems, panels to `references`. What it and `people.yaml` say of each other is checked.
pub fn read(
    folder: &mut Folder,
    references: &mut Vec<Reference>,
    people: &BTreeMap<String, StaffMember>,
) -> Option<OpenIdLogin> {
    if !folder.has(FILE) {
        if let Some(member) = people.values().find(|member| member.openid.is_some()) {
            let text = format!(
                "`{}` has `openid`, but there is no {FILE} that says whose login that is (docs/site.md)",
                member.login
            );
            folder.fault(Category::NotFound, super::people::FILE, text);
        }
        return None;
    }
    let document = folder.document(FILE)?;
    let mut problems = Vec::new();
    let read = login(&document, folder, references, &mut problems);
    if let Some(login) = &read
        && login.groups.is_none()
        && people.values().all(|member| member.openid.is_none())
    {
        let text = format!(
            "nobody could log in so: no person of {} has `openid`, and there are no `groups` here",
            super::people::FILE
        );
        problems.push(document.node.mark.problem(Category::Required, text));
    }
    folder.problems.append(&mut problems);
    read
}

/// Why people could not come back from there; none where they can.
pub fn no_way_back(settings: &Settings) -> Option<String> {
    let base = &settings.base_url;
    (!base.starts_with("https://") && !scalar::is_loopback(base)).then(|| {
        format!(
            "people come back from the organisation's login ({FILE}) to {base}, with what opens the console; \
             give `base_url` the https address of the gateway that their browsers know"
        )
    })
}

fn login(
    document: &Document,
    folder: &mut Folder,
    references: &mut Vec<Reference>,
    problems: &mut Vec<Problem>,
) -> Option<OpenIdLogin> {
    let mut fields = Fields::of(&document.node, FILE);
    let issuer = scalar::required(&mut fields, "issuer", issuer);
    let client_id = scalar::required(&mut fields, "client_id", scalar::text);
    let proof = proof(&mut fields, folder);
    let title = fields.text("title").unwrap_or_else(|| "your organisation's login".to_string());
    let scopes = fields.list("scopes").into_iter().filter_map(|node| scalar::keep(&mut fields, scope(node)));
    let scopes: Vec<String> = scopes.collect();
    let person = fields.choice("person", &PERSON);
    if person.is_none() && document.node.get("person").is_none() {
        let text = "`person` is missing here: the claim that says who somebody is: sub, email or preferred_username";
        fields.lacking(&["person"], document.node.mark.problem(Category::Required, text));
    }
    let groups = fields.optional("groups").map(|node| groups(node, references, problems));
    let demand = fields.optional("demand").map(|node| demand(node, problems)).unwrap_or_default();
    let algorithms = algorithms(&mut fields);
    let passwords = fields.boolean("passwords").unwrap_or(true);
    let audiences = fields.texts("audiences");
    let server_ca = fields.optional("server_ca");
    let server_ca = server_ca
        .and_then(|node| listener::certificates(node, Use::Trusted, folder, &mut fields))
        .map(|(path, _)| path);
    let timeout = fields.integer("timeout_secs", 1..=60).and_then(|secs| u64::try_from(secs).ok());
    fields.finish(problems);
    let (max_age_minutes, acr, amr) = demand;
    Some(OpenIdLogin {
        title,
        issuer: issuer?,
        client_id: client_id?,
        proof: proof?,
        scopes,
        person: person?,
        groups: groups.flatten(),
        algorithms,
        acr,
        amr,
        max_age_minutes,
        passwords,
        audiences,
        server_ca,
        timeout_secs: timeout.unwrap_or(10),
    })
}

/// OpenID Connect Discovery 1.0, 4.3: compared to the letter, so a last slash stays.
fn issuer(node: &Node) -> Result<String, Problem> {
    let address = scalar::web_address(node)?;
    if address.ends_with("/.well-known/openid-configuration") {
        return Err(node.problem("the issuer is this address without `/.well-known/openid-configuration`"));
    }
    if address.starts_with("http:") && !scalar::is_loopback(&address) {
        let text = "over plain http anybody on the way could be the login; write the https address";
        return Err(node.mark.problem(Category::Security, text));
    }
    scalar::text(node)
}

fn proof(fields: &mut Fields<'_>, folder: &mut Folder) -> Option<ClientProof> {
    let secret_node = fields.optional("client_secret");
    let own_key = fields.boolean("private_key_jwt");
    match (secret_node, own_key) {
        (Some(node), None | Some(false)) => match scalar::keep(fields, secret::read(node, folder))? {
            Secret::Elsewhere(secret) => Some(ClientProof::Secret(secret)),
            Secret::Plain(_) => {
                let text = "a secret does not stand in the site; write `client_secret: ${ENV:NAME}`, \
                            `client_secret: file:PATH` or `client_secret: ${CREDENTIAL:NAME}`";
                fields.report(node.mark.problem(Category::Security, text));
                None
            }
        },
        (None, Some(true)) => Some(ClientProof::OwnKey),
        (Some(node), Some(true)) => {
            fields.report(node.problem("there is one proof of who we are: `client_secret` or `private_key_jwt: true`"));
            None
        }
        (None, None | Some(false)) => {
            let text = "`client_secret` is missing here, or `private_key_jwt: true` for the gateway's own keys";
            let problem = fields.node().mark.problem(Category::Required, text);
            fields.lacking(&["client_secret", "private_key_jwt"], problem);
            None
        }
    }
}

/// RFC 6749, 3.3.
fn scope(node: &Node) -> Result<String, Problem> {
    let scope = scalar::text(node)?;
    let fits = scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if fits { Ok(scope) } else { Err(node.problem("a scope is one word; write several as a list")) }
}

fn algorithms(fields: &mut Fields<'_>) -> Vec<String> {
    let mut algorithms = Vec::new();
    for node in fields.list("algorithms") {
        let Some(name) = scalar::keep(fields, scalar::text(node)) else { continue };
        if ALGORITHMS.contains(&name.as_str()) {
            algorithms.push(name);
            continue;
        }
        let hint = nearest(&name, ALGORITHMS).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let text = format!("`{name}` is not one of {}{hint}", ALGORITHMS.join(", "));
        fields.report(node.mark.problem(Category::Security, text));
    }
    if algorithms.is_empty() { ALGORITHMS.map(String::from).to_vec() } else { algorithms }
}

/// `max_age_minutes`, `acr`, `amr`.
type Demand = (Option<u32>, Vec<String>, Vec<String>);

fn demand(node: &Node, problems: &mut Vec<Problem>) -> Demand {
    let mut fields = Fields::of(node, "demand");
    let age = fields.integer("max_age_minutes", 1..=44_640).and_then(|minutes| u32::try_from(minutes).ok());
    let demand = (age, fields.texts("acr"), fields.texts("amr"));
    fields.finish(problems);
    demand
}

fn groups(node: &Node, references: &mut Vec<Reference>, problems: &mut Vec<Problem>) -> Option<GroupRows> {
    let mut fields = Fields::of(node, "groups");
    let claim = fields.text("claim").unwrap_or_else(|| "groups".to_string());
    let mut rows: Vec<GroupRow> = Vec::new();
    let listed = fields.list("rows");
    if listed.is_empty() {
        let text = "`rows` is missing here: `{ group: …, roles: […], panels: […] }`, one for each group";
        fields.lacking(&["rows"], node.mark.problem(Category::Required, text));
    }
    for node in listed {
        let Some(row) = row(node, references, problems) else { continue };
        if rows.iter().any(|earlier| earlier.group == row.group) {
            let text = format!("`{}` has a row above, which alone would count; write one row", row.group);
            problems.push(node.mark.problem(Category::Duplicate, text));
        }
        rows.push(row);
    }
    fields.finish(problems);
    (!rows.is_empty()).then_some(GroupRows { claim, rows })
}

fn row(node: &Node, references: &mut Vec<Reference>, problems: &mut Vec<Problem>) -> Option<GroupRow> {
    let mut fields = Fields::of(node, "a group's row");
    let group = scalar::required(&mut fields, "group", scalar::text);
    let roles = roles(&mut fields);
    let panels = panels(&mut fields, &roles, references);
    let sensitive = fields.boolean("sensitive").unwrap_or(false);
    fields.finish(problems);
    Some(GroupRow { group: group?, roles, panels: panels?, sensitive })
}
