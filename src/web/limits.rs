//! What a token is limited to: what the agreements of its client let it do.

use super::scope::{Permissions, Scopes};
use super::service::Service;
use crate::site::Partner;

/// Takes away what no agreement of this partner lets it do: reading types that none lets it pull, writing types that none names.
pub fn limit_to_agreements(service: &Service, partner: &Partner, scopes: &mut Scopes) {
    let site = service.gateway.site.load();
    let lines: Vec<&str> = site
        .agreements
        .of(&partner.name)
        .flat_map(|agreement| agreement.receives.iter().filter(|line| line.pull))
        .map(|line| line.resource.as_str())
        .collect();
    let sent = site.agreements.sent_types(&partner.name);
    let names = |types: &[&str], kind: &str| if kind == "*" { !types.is_empty() } else { types.contains(&kind) };
    scopes.limit(|kind| {
        let reading =
            if names(&lines, kind) { Permissions::READ.join(Permissions::SEARCH) } else { Permissions::default() };
        let writing = if names(&sent, kind) { Permissions::WRITE } else { Permissions::default() };
        reading.join(writing)
    });
}
