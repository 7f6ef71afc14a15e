//! What a client is told of a type before any resource of it is looked at.

use super::answer::Fault;
use super::client::Client;
use super::service::Service;
use crate::agreement::{Form, Standing};

/// What a partner's agreements say of a type, before any resource of it is looked at.
#[derive(Debug)]
pub struct Terms {
    /// Elements that a line of them leaves out.
    forms: Vec<Form>,
}

impl Terms {
    /// 403 where no agreement in force lets the partner pull the type at all: that tells of no resource.
    pub fn of(service: &Service, client: &Client, resource_type: &str) -> Result<Self, Fault> {
        let (site, now, partner) = (service.gateway.site.load(), service.gateway.clock.now(), &client.partner);
        let mut forms = None;
        let mut why = format!("no agreement lets {partner} read {resource_type}");
        for agreement in site.agreements.of(partner) {
            let mut lines =
                agreement.receives.iter().filter(|line| line.pull && line.resource == resource_type).peekable();
            match agreement.standing(now).0 {
                _ if lines.peek().is_none() => {}
                Standing::Active => {
                    forms.get_or_insert_with(Vec::new).extend(lines.map(|line| Form {
                        without: line.without.clone(),
                        instead_of_reason: line.without_reason.clone(),
                    }));
                }
                standing => why = format!("the agreement {} {}", agreement.name, standing.words()),
            }
        }
        forms.map(|forms| Self { forms }).ok_or_else(|| Fault::forbidden(why))
    }

    /// Whether the element, or a part of it, is left out of some resource for this partner.
    pub fn hide(&self, element: &str) -> bool {
        self.forms.iter().any(|form| form.hides(element))
    }
}
