//! `feeds/NAME.yaml`: a named inbound source, who may connect, and what its identifiers mean.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::folder::{Document, Folder};
use super::listener::{self, Taken};
use super::secret::{self, Secret};
use super::{Address, Credential, Feed, Intake, Limits, MllpSettings, Peer, handling, labels, scalar, writing};
use crate::mapping::{Authorities, Habits};
use crate::problem::{Category, Problem};
use crate::profile::{Profiles, named_profile};
use crate::yaml::{Fields, Node, nearest};

/// A bearer token shorter than this can be guessed.
const TOKEN_LENGTH: usize = 16;

/// Systems of identifiers that name no authority: the key in the file, and the word that mappings ask with.
const DEFAULTS: [(&str, &str); 3] =
    [("default_patient", "patient"), ("default_visit", "visit"), ("default_practitioner", "practitioner")];

/// Reads one feed; faults go to the folder's problems.
pub fn read(document: &Document, folder: &mut Folder, taken: &mut Vec<Taken>, known: &Profiles) -> Option<Feed> {
    let mut problems = Vec::new();
    let mut fields = Fields::of(&document.node, "a feed");
    super::crosscheck::own_name(&mut fields, "feed", &document.name);
    let title = fields.text("title").unwrap_or_else(|| document.name.clone());
    let responsible = fields.text("responsible");
    let mllp_node = fields.optional("mllp");
    let mllp = mllp_node.and_then(|node| mllp(node, folder, taken, &mut problems));
    let http_node = fields.optional("http");
    let http = http_node.and_then(|node| http(node, folder, &mut problems));
    if mllp_node.is_none() && http_node.is_none() && document.node.as_map().is_some() {
        let text = "a feed takes messages by `mllp:` or by `http:`; this has neither";
        fields.report(document.node.mark.problem(Category::Required, text));
    }
    let zone = scalar::required(&mut fields, "zone", scalar::zone);
    let authorities = fields.required("authorities").map(|node| directory(node, &mut problems)).unwrap_or_default();
    let habits = fields.optional("assume").map(|node| Habits::read(node, &mut problems)).unwrap_or_default();
    let identified_by = identified_by(&mut fields, &authorities);
    let accepts = handling::events(&mut fields, "accepts");
    let facilities = fields.texts("facilities");
    let writing = writing::read(&mut fields, &facilities);
    let handling = handling::read(&mut fields);
    let owns = super::ownership::read(&mut fields, &authorities, &identified_by, &facilities);
    let labelling = labels::read(&mut fields, &mut problems);
    let limits = fields.optional("limits").map_or_else(Limits::default, |node| limits(node, &mut problems));
    let intake =
        fields.choice("intake", &[("report", Intake::Report), ("reject", Intake::Reject), ("off", Intake::Off)]);
    let profiles = profiles(&mut fields, known);
    fields.finish(&mut problems);
    folder.problems.append(&mut problems);
    Some(Feed {
        name: document.name.clone(),
        title,
        responsible,
        mllp,
        http,
        zone: zone?,
        authorities,
        habits,
        identified_by,
        owns,
        // Known once all feeds are read.
        foreign: Vec::new(),
        accepts,
        facilities,
        limits,
        intake: intake.unwrap_or(Intake::Report),
        profiles,
        writing,
        handling,
        labelling,
    })
}

/// The profiles that the feed names, by the type they are for.
fn profiles(fields: &mut Fields<'_>, known: &Profiles) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in fields.list("profiles") {
        let read = scalar::text(node).and_then(|name| {
            let url = named_profile(&name, known.library());
            url.map_err(|text| node.mark.problem(Category::NotFound, text))
        });
        let Some(url) = scalar::keep(fields, read) else { continue };
        if let Some(kind) = known.type_of(&url) {
            found.entry(kind).or_default().push(url);
        }
    }
    found
}

fn mllp(node: &Node, folder: &mut Folder, taken: &mut Vec<Taken>, problems: &mut Vec<Problem>) -> Option<MllpSettings> {
    let mut fields = Fields::of(node, "mllp");
    let listener = listener::read(&mut fields, folder, taken);
    let peer_nodes = fields.list("peers");
    let peers: Vec<Peer> =
        peer_nodes.iter().filter_map(|node| scalar::keep(&mut fields, listener::peer(node))).collect();
    let proxies: Vec<Address> =
        fields.list("proxies").iter().filter_map(|node| scalar::keep(&mut fields, listener::proxy(node))).collect();
    if let Some(listener) = &listener {
        let shows_certificates = listener.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if peer_nodes.is_empty() && !listener.listen.ip().is_loopback() && !shows_certificates {
            let text = "`peers` is missing here: beyond loopback, say which addresses may connect, \
                        or have clients show certificates (`tls: { client_ca: … }`)";
            fields.report(node.mark.problem(Category::Security, text));
        }
        if !shows_certificates && peers.iter().any(|peer| matches!(peer, Peer::Certificate(_))) {
            let text =
                "a peer is known by its certificate here, but without `tls: { client_ca: … }` none is ever shown";
            fields.report(node.mark.problem(Category::Security, text));
        }
    }
    fields.finish(problems);
    let listener = listener?;
    Some(MllpSettings {
        listen: listener.listen,
        tls: listener.tls,
        behind_proxy: listener.behind_proxy,
        peers,
        proxies,
    })
}

fn http(node: &Node, folder: &mut Folder, problems: &mut Vec<Problem>) -> Option<Vec<Credential>> {
    let mut fields = Fields::of(node, "http");
    let nodes = match fields.required("credentials") {
        Some(list) => list.as_list().map_or_else(|| vec![list], |items| items.iter().collect()),
        None => Vec::new(),
    };
    let read = nodes.iter().filter_map(|node| credential(node, folder, problems)).collect();
    fields.finish(problems);
    Some(read)
}

fn credential(node: &Node, folder: &mut Folder, problems: &mut Vec<Problem>) -> Option<Credential> {
    let mut fields = Fields::of(node, "a credential");
    let token = fields.optional("token").map(|node| token(node, folder));
    let hash = fields.optional("token_sha256").map(sha256);
    let certificate = fields.optional("certificate").map(|node| scalar::text(node).map(Credential::Certificate));
    let given: Vec<_> = [token, hash, certificate].into_iter().flatten().collect();
    if given.len() != 1 && node.as_map().is_some() {
        fields.report(node.problem("a credential is one of `token`, `token_sha256` or `certificate`"));
    }
    let read = given.into_iter().next().and_then(|read| scalar::keep(&mut fields, read));
    fields.finish(problems);
    read
}

fn token(node: &Node, folder: &mut Folder) -> Result<Credential, Problem> {
    match secret::read(node, folder)? {
        Secret::Elsewhere(token) if token.len() >= TOKEN_LENGTH => {
            Ok(Credential::TokenSha256(Sha256::digest(token.as_bytes()).into()))
        }
        Secret::Elsewhere(_) => Err(node.mark.problem(
            Category::Security,
            format!("this token has fewer than {TOKEN_LENGTH} characters; make a longer one"),
        )),
        Secret::Plain(_) => Err(node.mark.problem(
            Category::Security,
            "a token does not stand in the site; write `token: ${ENV:NAME}`, `token: file:PATH`, `token: ${CREDENTIAL:NAME}`, or its `token_sha256`",
        )),
    }
}

fn sha256(node: &Node) -> Result<Credential, Problem> {
    let wrong = || node.problem("`token_sha256` is 64 hexadecimal digits: `printf %s TOKEN | sha256sum`");
    let written = scalar::text(node)?;
    let digits: Vec<u32> = written.chars().filter_map(|sign| sign.to_digit(16)).collect();
    if digits.len() != 64 || written.len() != 64 {
        return Err(wrong());
    }
    let mut hash = [0_u8; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or_default());
    }
    Ok(Credential::TokenSha256(hash))
}

fn directory(node: &Node, problems: &mut Vec<Problem>) -> Authorities {
    let mut fields = Fields::of(node, "authorities");
    let mut namespaces = BTreeMap::new();
    let names = fields.optional("namespaces");
    for (key, value) in names.and_then(Node::as_map).unwrap_or_default() {
        // A namespace whose system has a fault is still a namespace, so that its uses are not faults as well.
        let system = scalar::keep(&mut fields, scalar::system(value));
        let system = system.or_else(|| value.as_text()).unwrap_or_default();
        namespaces.insert(key.as_text().unwrap_or_default(), system);
    }
    if let Some(node) = names.filter(|node| node.as_map().is_none()) {
        fields.report(node.problem("`namespaces` is written as `NAMESPACE: system` lines"));
    }
    let mut defaults = BTreeMap::new();
    for (key, word) in DEFAULTS {
        let Some(node) = fields.optional(key) else { continue };
        let system = scalar::keep(&mut fields, known_system(node, &namespaces));
        defaults.extend(system.map(|system| (word.to_string(), system)));
    }
    fields.finish(problems);
    Authorities { namespaces, defaults }
}

/// A system written out, or the namespace it stands for.
pub(super) fn known_system(node: &Node, namespaces: &BTreeMap<String, String>) -> Result<String, Problem> {
    let written = scalar::text(node)?;
    if let Some(system) = namespaces.get(&written) {
        return Ok(system.clone());
    }
    scalar::check_system(&written).map(|()| written.clone()).map_err(|_| {
        let hint = nearest(&written, namespaces.keys().map(String::as_str)).map_or_else(
            || "it is neither one of this feed's namespaces nor an absolute URI".to_string(),
            |near| format!("did you mean `{near}`?"),
        );
        node.mark.problem(Category::NotFound, format!("`{written}` is no assigning authority of this feed; {hint}"))
    })
}

fn identified_by(fields: &mut Fields<'_>, authorities: &Authorities) -> Vec<String> {
    let known: Vec<&String> = authorities.namespaces.values().chain(authorities.defaults.values()).collect();
    let mut systems = Vec::new();
    for node in fields.list("identified_by") {
        let Some(system) = scalar::keep(fields, known_system(node, &authorities.namespaces)) else { continue };
        if !known.contains(&&system) {
            let text = format!("nothing under `authorities` leads to `{system}`, so no message could ever carry it");
            fields.report(node.mark.problem(Category::NotFound, text));
        }
        systems.push(system);
    }
    // Left out, the patient's default system says who somebody is.
    if systems.is_empty() {
        systems.extend(authorities.defaults.get("patient").cloned());
    }
    if systems.is_empty() {
        let place = fields.optional("identified_by").unwrap_or_else(|| fields.node());
        let text = "`identified_by` is missing here: say which of the authorities' identifiers tell who a patient is";
        fields.report(place.mark.problem(Category::Required, text));
    }
    systems
}

fn limits(node: &Node, problems: &mut Vec<Problem>) -> Limits {
    let usual = Limits::default();
    let mut fields = Fields::of(node, "limits");
    let mut count = |key, most: i64, usual: usize| {
        fields.integer(key, 1..=most).and_then(|count| usize::try_from(count).ok()).unwrap_or(usual)
    };
    let frame_bytes = count("frame_bytes", 64 << 20, usual.frame_bytes);
    let connections = count("connections", 10_000, usual.connections);
    let in_flight = count("in_flight", 10_000, usual.in_flight);
    let mut seconds =
        |key, usual| fields.integer(key, 1..=86_400).and_then(|secs| u64::try_from(secs).ok()).unwrap_or(usual);
    let idle_secs = seconds("idle_secs", usual.idle_secs);
    let frame_secs = seconds("frame_secs", usual.frame_secs);
    fields.finish(problems);
    Limits { frame_bytes, connections, in_flight, idle_secs, frame_secs }
}
