//! `partners/NAME.yaml`: an organisation we deliver to or that reads from us, with its technical identity
//! (SMART Backend Services 2.2 both ways).

use jsonwebtoken::jwk::JwkSet;

use super::expiry::Use;
use super::folder::{Document, Folder};
use super::{JwksSource, Partner, RATE_PER_SEC, RetryPolicy, SmartClient, listener, scalar};
use crate::fhir::Definitions;
use crate::fhir::definition::Kind;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// What `fhir:` says: the way to the partner's server.
struct Pushes {
    base: Option<String>,
    smart: Option<SmartClient>,
    server_ca: Option<std::path::PathBuf>,
    client_identity: Option<std::path::PathBuf>,
    retry: RetryPolicy,
    rate_per_sec: u32,
    parallel: usize,
    timeout_secs: u64,
    late_secs: u64,
    poll_secs: Option<u64>,
}

impl Default for Pushes {
    fn default() -> Self {
        Self {
            base: None,
            smart: None,
            server_ca: None,
            client_identity: None,
            retry: RetryPolicy::default(),
            rate_per_sec: 20,
            parallel: 4,
            timeout_secs: 30,
            late_secs: Partner::LATE_SECS,
            poll_secs: None,
        }
    }
}

/// What `client:` says: who the partner is when it reads from us.
#[derive(Default)]
struct Client {
    id: Option<String>,
    jwks: Option<JwksSource>,
    scopes: Vec<String>,
    owns: Vec<String>,
    rate_per_sec: Option<u32>,
}

/// Reads one partner; faults go to the folder's problems.
pub fn read(document: &Document, folder: &mut Folder) -> Partner {
    let mut problems = Vec::new();
    let mut fields = Fields::of(&document.node, "a partner");
    super::crosscheck::own_name(&mut fields, "partner", &document.name);
    let title = fields.text("title").unwrap_or_else(|| document.name.clone());
    let identifier = fields.optional("identifier").and_then(|node| {
        scalar::identifier(node).map_err(|faults| faults.into_iter().for_each(|fault| fields.report(fault))).ok()
    });
    let pushes = fields.optional("fhir").map_or_else(Pushes::default, |node| pushes(node, folder, &mut problems));
    let client = fields.optional("client").map_or_else(Client::default, |node| client(node, &mut problems));
    fields.finish(&mut problems);
    folder.problems.append(&mut problems);
    Partner {
        name: document.name.clone(),
        title,
        identifier,
        fhir_base: pushes.base,
        smart: pushes.smart,
        server_ca: pushes.server_ca,
        client_identity: pushes.client_identity,
        client_id: client.id,
        jwks: client.jwks,
        scopes: client.scopes,
        owns: client.owns,
        client_rate_per_sec: client.rate_per_sec.unwrap_or(RATE_PER_SEC),
        retry: pushes.retry,
        rate_per_sec: pushes.rate_per_sec,
        parallel: pushes.parallel,
        timeout_secs: pushes.timeout_secs,
        late_secs: pushes.late_secs,
        poll_secs: pushes.poll_secs,
    }
}

fn pushes(node: &Node, folder: &mut Folder, problems: &mut Vec<Problem>) -> Pushes {
    let usual = Pushes::default();
    let mut fields = Fields::of(node, "fhir");
    let plain = fields.boolean("plain_http").unwrap_or(false);
    let base = scalar::required(&mut fields, "base", |node| private_address(node, plain));
    let smart = fields.optional("smart").and_then(|node| smart(node, plain, folder, problems));
    let server_ca = fields.optional("server_ca");
    let server_ca = server_ca
        .and_then(|node| listener::certificates(node, Use::Trusted, folder, &mut fields))
        .map(|(path, _)| path);
    let identity = fields.optional("client_identity");
    let client_identity = identity.and_then(|node| {
        let (path, _) = listener::certificates(node, Use::Own, folder, &mut fields)?;
        listener::private_key(node, folder, &mut fields).map(|_| path)
    });
    let retry = fields.optional("retry").map_or_else(RetryPolicy::default, |node| retry(node, problems));
    let rate = fields.integer("rate_per_sec", 1..=10_000).and_then(|rate| u32::try_from(rate).ok());
    let parallel = fields.integer("parallel", 1..=256).and_then(|count| usize::try_from(count).ok());
    let timeout = fields.integer("timeout_secs", 1..=600).and_then(|secs| u64::try_from(secs).ok());
    let poll = fields.integer("poll_secs", 5..=86_400).and_then(|secs| u64::try_from(secs).ok());
    if let (Some(_), Some(smart)) =
        (poll, smart.as_ref().filter(|smart| !smart.scopes.iter().any(|scope| finds_tasks(scope))))
    {
        let text = format!(
            "`poll_secs` needs a scope that finds Tasks, such as system/Task.rs; there are {}",
            smart.scopes.join(" ")
        );
        fields.report(node.problem(text));
    }
    let late = fields.integer("late_secs", 1..=86_400).and_then(|secs| u64::try_from(secs).ok());
    fields.finish(problems);
    Pushes {
        base,
        smart,
        server_ca,
        client_identity,
        retry,
        rate_per_sec: rate.unwrap_or(usual.rate_per_sec),
        parallel: parallel.unwrap_or(usual.parallel),
        timeout_secs: timeout.unwrap_or(usual.timeout_secs),
        late_secs: late.unwrap_or(usual.late_secs),
        poll_secs: poll,
    }
}

/// Patient data and assertions go over https, over loopback, or where somebody has said `plain_http`.
fn private_address(node: &Node, plain: bool) -> Result<String, Problem> {
    let address = scalar::web_address(node)?;
    if address.starts_with("http:") && !plain && !scalar::is_loopback(&address) {
        let text = "this address would carry patient data without TLS; write https, or `plain_http: true` beside it \
                    when the network in between is private";
        return Err(node.mark.problem(Category::Security, text));
    }
    Ok(address)
}

fn smart(node: &Node, plain: bool, folder: &mut Folder, problems: &mut Vec<Problem>) -> Option<SmartClient> {
    let mut fields = Fields::of(node, "smart");
    let token_url = scalar::optional(&mut fields, "token_url", |node| private_address(node, plain));
    let client_id = scalar::required(&mut fields, "client_id", scalar::text);
    let key = fields.optional("key");
    let key = key.and_then(|node| listener::private_key(node, folder, &mut fields)).map(|(path, _)| path);
    let key_id = fields.text("key_id");
    let scopes = scopes(&mut fields, their_scope_fault);
    fields.finish(problems);
    Some(SmartClient { token_url, client_id: client_id?, key, key_id, scopes })
}

fn retry(node: &Node, problems: &mut Vec<Problem>) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let mut fields = Fields::of(node, "retry");
    let mut number =
        |key, most, usual| fields.integer(key, 1..=most).and_then(|number| u32::try_from(number).ok()).unwrap_or(usual);
    let policy = RetryPolicy {
        first_secs: number("first_secs", 3_600, usual.first_secs),
        factor: number("factor", 10, usual.factor),
        longest_secs: number("longest_secs", 86_400, usual.longest_secs),
        give_up_after_hours: number("give_up_after_hours", 8_760, usual.give_up_after_hours),
    };
    if policy.longest_secs < policy.first_secs {
        fields.report(node.problem("`longest_secs` is shorter than `first_secs`"));
    }
    fields.finish(problems);
    policy
}

/// Whether a scope lets Tasks be searched and read: `system/Task.rs`, `system/*.read`, or nobody but the server can tell.
fn finds_tasks(scope: &str) -> bool {
    let rights = scope.strip_prefix("system/Task.").or_else(|| scope.strip_prefix("system/*."));
    scope.contains("://")
        || rights
            .is_some_and(|rights| ["read", "*"].contains(&rights) || (rights.contains('r') && rights.contains('s')))
}

fn client(node: &Node, problems: &mut Vec<Problem>) -> Client {
    let mut fields = Fields::of(node, "client");
    let id = scalar::required(&mut fields, "id", scalar::text);
    let jwks = scalar::required(&mut fields, "jwks", jwks);
    let scopes = scopes(&mut fields, scope_fault);
    let owns = fields.list("owns").into_iter().filter_map(|node| scalar::keep(&mut fields, system(node))).collect();
    let rate_per_sec = fields.integer("rate_per_sec", 1..=100_000).and_then(|rate| u32::try_from(rate).ok());
    if scopes.is_empty() && node.get("scopes").is_none() {
        let text = "`scopes` is missing here: what the client may ask for, such as system/Task.rs";
        fields.report(node.mark.problem(Category::Required, text));
    }
    fields.finish(problems);
    Client { id, jwks, scopes, owns, rate_per_sec }
}

/// A system of identifiers, which FHIR writes as a URI.
fn system(node: &Node) -> Result<String, Problem> {
    let text = scalar::text(node)?;
    if text.contains(':') {
        return Ok(text);
    }
    Err(node.problem("`owns` names systems of identifiers by their URI, as the client's resources do: urn:oid:1.2.3"))
}

/// Public keys, by address or written out.
fn jwks(node: &Node) -> Result<JwksSource, Problem> {
    if node.as_text().is_some() {
        return private_address(node, false).map(JwksSource::Url);
    }
    let json = node.to_json();
    let keys = json.get("keys").and_then(|keys| keys.as_array());
    let Some(keys) = keys.filter(|keys| !keys.is_empty()) else {
        return Err(node.problem("`jwks` is an https address or `{ keys: [ … ] }` with at least one key"));
    };
    if keys.iter().any(|key| ["d", "p", "q", "k"].iter().any(|part| key.get(part).is_some())) {
        let text = "this is a private key; only the public part belongs here, and this key must be replaced";
        return Err(node.mark.problem(Category::Security, text));
    }
    if keys.iter().any(|key| key.get("kid").is_none()) {
        return Err(node.problem("each key needs a `kid`, by which the client says which one it signed with"));
    }
    serde_json::from_value::<JwkSet>(json.clone())
        .map_err(|error| node.problem(format!("these are not JSON web keys: {error}")))?;
    Ok(JwksSource::Inline(json))
}

fn scopes(fields: &mut Fields<'_>, fault_of: fn(&str) -> Option<String>) -> Vec<String> {
    let mut read = Vec::new();
    for node in fields.list("scopes") {
        let checked =
            scalar::text(node).and_then(|scope| fault_of(&scope).map_or(Ok(scope), |fault| Err(node.problem(fault))));
        read.extend(scalar::keep(fields, checked));
    }
    read
}

/// What a partner's server may want to be asked for: the same, version 1 (`system/Task.read`), or a name of its own by its URL.
fn their_scope_fault(scope: &str) -> Option<String> {
    if scope.contains("://") && !scope.contains(char::is_whitespace) {
        return None;
    }
    match scope.rsplit_once('.') {
        Some((kind, "read" | "write" | "*")) => scope_fault(&format!("{kind}.rs")),
        _ => scope_fault(scope),
    }
}

/// SMART v2 scopes for systems: `system/Task.rs`, `system/*.rs`.
fn scope_fault(scope: &str) -> Option<String> {
    let shape = || Some(format!("`{scope}` is not a scope; write one such as system/Task.rs or system/*.rs"));
    let Some((kind, rights)) = scope.strip_prefix("system/").and_then(|rest| rest.split_once('.')) else {
        return shape();
    };
    let rights = rights.split_once('?').map_or(rights, |(rights, _)| rights);
    let mut order = "cruds".chars();
    if rights.is_empty() || !rights.chars().all(|right| order.any(|known| known == right)) {
        return shape();
    }
    if kind == "*" || Definitions::r4().is_resource(kind) {
        return None;
    }
    let hint = nearest(kind, Definitions::r4().type_names(Kind::Resource))
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    Some(format!("`{kind}` is not a resource type of FHIR R4{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partners_server_may_know_version_1_alone_or_names_of_its_own() {
        for known in
            ["system/Task.read", "system/*.write", "system/Flag.*", "system/Task.cruds", "https://ehr.example/.default"]
        {
            assert_eq!(their_scope_fault(known), None, "{known}");
        }
        let misspelt = their_scope_fault("system/Tsk.write").unwrap();
        assert!(misspelt.ends_with("did you mean `Task`?"), "{misspelt}");
        for none in ["Task.read", "system/Task.reads", "https://ehr.example/a b"] {
            assert!(their_scope_fault(none).is_some(), "{none}");
        }
    }

    #[test]
    fn scopes_are_held_to_the_grammar_and_to_the_resource_types() {
        assert_eq!(scope_fault("system/Task.rs"), None);
        assert_eq!(scope_fault("system/*.cruds"), None);
        assert!(scope_fault("system/Task.read").is_some());
        assert_eq!(scope_fault("system/Observation.rs?category=vital-signs"), None);
        assert!(scope_fault("system/Task.sr").is_some());
        assert!(scope_fault("user/Task.rs").is_some());
        assert!(scope_fault("system/Taks.rs").unwrap().contains("did you mean `Task`"));
    }
}
