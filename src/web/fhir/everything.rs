//! $everything of a patient (http://hl7.org/fhir/R4/operation-patient-everything.html): what their record holds and the client may read,
//! type by type, in pages, each with the people, places and organisations that it names.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::bundle::{bundle, link, match_entry, outcome_entry};
use super::care_dates::Care;
use super::date;
use super::includes::{Include, included};
use super::negotiate::only;
use super::query::{DEFAULT_COUNT, page_count};
use super::read::{open, show};
use super::subset::Subset;
use crate::agreement::Exit;
use crate::fhir::patient_element;
use crate::fhir::search::{DateValue, SERVED, served};
use crate::identity::ResourceId;
use crate::problem::{Category, Place, Problem};
use crate::store::{Cursor, Query, Term};
use crate::web::access::{Reader, Shown, Terms, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::found_by::FoundBy;
use crate::web::scope::Permissions;
use crate::web::service::Service;

const KNOWN: [&str; 6] = ["_count", "_since", "_type", "start", "end", "_cursor"];

/// Resources that one page is made from at most, and that are asked of the store at once.
const MOST_LOOKED: usize = 5_000;
const AT_ONCE: usize = 200;

pub async fn everything(
    service: web::Data<Service>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let client = Client::of(&service, &request)?;
    let (_, id) = open(&service, &client, &request, ("Patient", &path), &KNOWN).await?;
    let (now, base) = (service.gateway.clock.now(), service.fhir_base());
    let asked = Asked::read(&service, &client, &request)?;
    let patient = service.gateway.store.resource("Patient", id).await?;
    show(&service, &client, Exit::Search, ("Patient", id), patient).await?;

    let place = format!("Patient/{id}/$everything");
    let about = format!("{} {}", client.partner, link("next", &base, &place, &asked.used));
    let from = asked.page.as_ref().map(|page| service.seal.open(page, &about, now)).transpose()?;
    let mut reader = Reader::new(&service, &client, Exit::Search);
    let (shown, next) = collect(&service, &mut reader, &asked, id, from).await?;
    let mut entries = Vec::new();
    let mut others = Vec::new();
    let includes = Include::of_shared(&service.gateway.site.load_full().profiles, &asked.kinds);
    for kind in &asked.kinds {
        let of_kind: Vec<Shown> = shown.iter().filter(|(of, _)| of == kind).map(|(_, one)| one.clone()).collect();
        if !of_kind.is_empty() {
            others.extend(included(&service, &client, &mut reader, &includes, (kind, &of_kind)).await?.shown);
        }
    }
    reader.finish(&place).await?;
    entries.extend(shown.into_iter().map(|(kind, one)| match_entry(&base, (kind, "match"), one, &Subset::Whole)));
    entries.extend(asked.notes(&service, &client));
    let mut there = std::collections::HashSet::new();
    let others = others.into_iter().filter(|(kind, one)| there.insert((*kind, one.id().to_string())));
    entries.extend(
        others
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(kind, one)| match_entry(&base, (kind, "include"), one, &Subset::Whole)),
    );
    let mut links = vec![link("self", &base, &place, &asked.used)];
    if let Some(next) = next {
        let sealed = service.seal.close(&next, &about, now)?;
        links.push(link("next", &base, &place, &[asked.used, vec![("_cursor".to_string(), sealed)]].concat()));
    }
    Ok(write_fhir(&mut HttpResponse::Ok(), &bundle("searchset", now, None, links, entries)))
}

/// What is asked for beside the patient.
struct Asked {
    count: usize,
    since: Option<DateValue>,
    /// When the care was that is asked for.
    care: Care,
    /// The types of a record that the client may read and wants.
    kinds: Vec<&'static str>,
    page: Option<String>,
    used: Vec<(String, String)>,
}

impl Asked {
    fn read(service: &Service, client: &Client, request: &HttpRequest) -> Result<Self, Fault> {
        let lies_in_a_record =
            |kind: &&str| ["Patient", "Provenance"].contains(kind) || patient_element(kind).is_some();
        let may_read =
            |kind: &&str| client.require(kind, Permissions::READ).is_ok() && Terms::of(service, client, kind).is_ok();
        let kinds = SERVED.into_iter().filter(lies_in_a_record).filter(may_read).collect();
        let mut asked =
            Self { count: DEFAULT_COUNT, since: None, care: Care::default(), kinds, page: None, used: Vec::new() };
        let wrong = |text: String| Fault::bad_request(Category::Value, text);
        for (name, value) in only(request, &KNOWN)? {
            match name.as_str() {
                "_count" => {
                    asked.count = page_count(&value)?;
                    asked.used.push((name, asked.count.to_string()));
                    continue;
                }
                "_since" => {
                    let since = date::parse(&format!("ge{value}"), service.gateway.clock.now());
                    asked.since = Some(since.map_err(|why| wrong(format!("_since {why}")))?);
                }
                "start" | "end" => {
                    let is_start = name == "start";
                    let date = date::parse(
                        &format!("{}{value}", if is_start { "ge" } else { "le" }),
                        service.gateway.clock.now(),
                    );
                    let date = Some(date.map_err(|why| wrong(format!("{name} {why}")))?);
                    *(if is_start { &mut asked.care.start } else { &mut asked.care.end }) = date;
                }
                "_type" => {
                    let wanted: Vec<&str> = value.split(',').collect();
                    if let Some(foreign) = wanted.iter().find(|kind| served(kind).is_none()) {
                        let foreign: String = foreign.chars().take(60).filter(|c| c.is_ascii_graphic()).collect();
                        return Err(wrong(format!("{foreign}, in _type, is no type that is served here")));
                    }
                    asked.kinds.retain(|kind| wanted.contains(kind));
                }
                "_cursor" => {
                    asked.page = Some(value);
                    continue;
                }
                _ => continue,
            }
            asked.used.push((name, value));
        }
        Ok(asked)
    }

    /// Tells which of the times that decide the client may not see, as a search does.
    fn notes(&self, service: &Service, client: &Client) -> Option<Value> {
        let mut problems = Vec::new();
        for kind in &self.kinds {
            // Nothing lost: types that no agreement lets out are not among these.
            let Ok(terms) = Terms::of(service, client, kind) else { continue };
            for hidden in self.care.terms(kind).1.iter().filter(|element| terms.hide(element)) {
                let text = format!(
                    "{kind}.{hidden} is left out for you by an agreement; where it is, `start` and `end` find no {kind}"
                );
                problems.push(Problem::warning(Category::Suppressed, Place::Whole, text));
            }
        }
        outcome_entry(&problems)
    }
}

/// Goes from type to type until the page is full. A place is the type's name and the place in it.
async fn collect(
    service: &Service,
    reader: &mut Reader<'_>,
    asked: &Asked,
    patient: ResourceId,
    from: Option<Cursor>,
) -> Result<(Vec<(&'static str, Shown)>, Option<Cursor>), Fault> {
    let (mut shown, mut looked) = (Vec::new(), 0);
    let (first, mut cursor) = match &from {
        Some(Cursor(text)) => text.split_once(' ').map(|(kind, rest)| (kind, Cursor::given(rest))).unwrap_or_default(),
        None => ("", None),
    };
    let rest = asked.kinds.iter().skip_while(|kind| !first.is_empty() && **kind != first);
    for kind in rest {
        let since = asked.since.map(|since| Term::LastUpdated(vec![since]));
        let (during, elements) = asked.care.terms(kind);
        let by = FoundBy { elements, ..FoundBy::default() };
        let terms = std::iter::once(Term::Patient(vec![patient.person])).chain(since).chain(during).collect();
        let query = Query { resource_type: kind.to_string(), terms };
        let place = |cursor: &Option<Cursor>| {
            Cursor(format!("{kind} {}", cursor.as_ref().map(|cursor| cursor.0.as_str()).unwrap_or_default()))
        };
        loop {
            let page = service.gateway.store.find(&query, &[], cursor.as_ref(), AT_ONCE).await?;
            looked += page.looked;
            for one in page.items {
                if shown.len() >= asked.count {
                    return Ok((shown, Some(place(&cursor))));
                }
                if let Verdict::Shown(one) = reader.judge_found(one.stored, &by).await? {
                    shown.push((*kind, *one));
                }
                cursor = Some(one.place);
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            if looked >= MOST_LOOKED {
                return Ok((shown, Some(place(&cursor))));
            }
        }
    }
    Ok((shown, None))
}
