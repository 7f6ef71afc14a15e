//! `feeds/NAME.yaml`: a named inbound source, who may connect, and what its identifiers mean.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::directory::Directory;
use super::folder::{Document, Folder};
use super::listener::{self, Taken};
use super::secret::{self, Secret};
use super::{Address, Credential, Feed, Intake, Limits, MllpSettings, Peer, handling, labels, scalar, writing};
use crate::mapping::Habits;
use crate::problem::{Category, Problem};
use crate::profile::{Profiles, named_profile};
use crate::yaml::{Fields, Node};

/// A bearer token shorter than this can be guessed.
const TOKEN_LENGTH: usize = 16;

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
    if mllp_node.is_none() && http_node.is_none() {
        let text = "a feed takes messages by `mllp:` or by `http:`; this has neither";
        fields.lacking(&["mllp", "http"], document.node.mark.problem(Category::Required, text));
    }
    let zone = scalar::required(&mut fields, "zone", scalar::zone);
    let mut directory = Directory::read(&mut fields, &mut problems);
    let habits = fields.optional("assume").map(|node| Habits::read(node, &mut problems)).unwrap_or_default();
    let identified_by = directory.identified_by(&mut fields);
    let accepts = handling::events(&mut fields, "accepts");
    let facilities = fields.texts("facilities");
    let writing = writing::read(&mut fields, &facilities);
    let handling = handling::read(&mut fields);
    let owns = super::ownership::read(&mut fields, &mut directory, &identified_by, &facilities);
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
        authorities: directory.authorities,
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
