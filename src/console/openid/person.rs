//! Who somebody is here whom the provider vouches for: a person of `people.yaml`, or a member of a group that `openid.yaml` has a row
//! for. Asked of the site in force at each request, so that what it takes away is gone at once.

use serde_json::Value;

use super::id_token::{Claims, text};
use super::trouble::Trouble;
use crate::console::given_name::name_of;
use crate::site::{OpenIdLogin, PersonClaim, Site, StaffMember};

/// Groups that are named in words for the audit, and the longest value of a claim that says who somebody is.
const NAMED: usize = 5;
const LONGEST_VALUE: usize = 200;

/// What the provider said of somebody, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    pub issuer: String,
    pub subject: String,
    /// Its session there.
    pub session: Option<String>,
    claim: PersonClaim,
    pub value: String,
    name: Option<String>,
    groups_claim: String,
    groups: Vec<String>,
    /// Whether the provider leaves the groups out because there are too many of them (Core 5.6.2; Entra ID does from 200 on).
    groups_elsewhere: bool,
}

/// Whether the claims lack what says who somebody is; the provider may say it when it is asked for it.
pub(super) fn lacks(claims: &Claims, login: &OpenIdLogin) -> bool {
    let groups = login.groups.as_ref().map(|groups| groups.claim.as_str());
    let lacks = |name: &str| !claims.contains_key(name);
    lacks(login.person.word()) || groups.is_some_and(lacks)
}

impl Vouched {
    /// Reads the claims of an ID token that is one for us.
    pub(super) fn read(claims: &Claims, login: &OpenIdLogin) -> Result<Self, Trouble> {
        let word = login.person.word();
        let value = text(claims, word)
            .map(|value| login.person.plain(value))
            .filter(|value| !value.is_empty() && value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control));
        let Some(value) = value else {
            let told = format!("it does not say who you are here (`{word}` is missing)");
            return Err(Trouble::denied(told, format!("the claim {word} is missing or no plain text")));
        };
        // Some providers write the word.
        let is_verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)))
            || text(claims, "email_verified") == Some("true");
        if login.person == PersonClaim::Email && !is_verified {
            let told = "it does not say that your e-mail address is verified";
            return Err(Trouble::denied(told, "email_verified is not true"));
        }
        let groups_claim = login.groups.as_ref().map_or_else(String::new, |groups| groups.claim.clone());
        let groups = match claims.get(&groups_claim) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(String::from).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let names = claims.get("_claim_names").and_then(|names| names.get(&groups_claim));
        let groups_elsewhere = !claims.contains_key(&groups_claim)
            && (names.is_some() || claims.get("hasgroups").is_some_and(|said| *said == Value::Bool(true)));
        Ok(Self {
            issuer: login.issuer.clone(),
            subject: text(claims, "sub").unwrap_or_default().to_string(),
            session: text(claims, "sid").map(String::from),
            claim: login.person,
            value,
            name: text(claims, "name").and_then(name_of),
            groups_claim,
            groups,
            groups_elsewhere,
        })
    }

    /// How the audit names somebody who is nobody here.
    pub fn agent(&self) -> String {
        format!("person:openid:{}", self.value)
    }

    /// Groups, in words.
    fn told(&self, groups: &[&str]) -> String {
        let named: Vec<&str> = groups.iter().copied().take(NAMED).collect();
        // Nothing lost: how many more there are is said.
        let more = groups.len().saturating_sub(named.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        if groups.is_empty() { "no groups".to_string() } else { format!("{}{more}", named.join(", ")) }
    }
}

/// The person of the site, as it is now.
pub fn member_of(site: &Site, vouched: &Vouched) -> Result<StaffMember, String> {
    let login = site.openid.as_ref().filter(|login| login.issuer == vouched.issuer && login.person == vouched.claim);
    let login = login.ok_or("the site has another login now")?;
    let is_them = |member: &&StaffMember| {
        member.openid.as_ref().is_some_and(|written| login.person.plain(written) == vouched.value)
    };
    if let Some(member) = site.people.values().find(is_them) {
        return if member.disabled { Err("the account is disabled".to_string()) } else { Ok(member.clone()) };
    }
    let groups = login.groups.as_ref().filter(|groups| groups.claim == vouched.groups_claim);
    let Some(groups) = groups else { return Err("no person here has this login".to_string()) };
    let row = groups.rows.iter().find(|row| vouched.groups.contains(&row.group));
    if vouched.groups_elsewhere {
        let text = "no person here has this login, and the provider leaves the groups out because there are too many; \
                    it has to send those alone that are assigned to this application";
        return Err(text.to_string());
    }
    let Some(row) = row else {
        let all: Vec<&str> = vouched.groups.iter().map(String::as_str).collect();
        return Err(format!("no person here has this login, and no group a row: {}", vouched.told(&all)));
    };
    let before = vouched.value.split('@').next().unwrap_or_default();
    Ok(StaffMember {
        // No login of people.yaml has a colon.
        login: format!("openid:{}", vouched.value),
        name: vouched.name.clone().unwrap_or_else(|| before.to_string()),
        roles: row.roles.clone(),
        panels: row.panels.clone(),
        sensitive: row.sensitive,
        openid: Some(vouched.value.clone()),
        password: None,
        code: None,
        disabled: false,
    })
}

/// Why somebody was let in, for the audit: by which word, and which of their groups count for nothing here.
pub(super) fn because(site: &Site, vouched: &Vouched, member: &StaffMember) -> String {
    let base = format!("the organisation's login vouched for {} (sub {})", vouched.value, vouched.subject);
    let groups = site.openid.as_ref().and_then(|login| login.groups.as_ref());
    let Some(groups) = groups.filter(|_| member.login.starts_with("openid:")) else { return base };
    let row = groups.rows.iter().find(|row| vouched.groups.contains(&row.group)).map(|row| row.group.as_str());
    let rest: Vec<&str> = vouched.groups.iter().map(String::as_str).filter(|group| Some(*group) != row).collect();
    let rest = if rest.is_empty() { String::new() } else { format!("; nothing follows from {}", vouched.told(&rest)) };
    format!("{base}, by the group {}{rest}", row.unwrap_or_default())
}
