//! search of one type (http://hl7.org/fhir/R4/http.html#search), by GET and by POST to _search, in pages. What the agreements
//! deny is left out, and audited; neither a link nor a number tells that it is there.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::bundle::{bundle, link, match_entry, outcome_entry};
use super::called;
use super::count::count;
use super::includes::{Included, MOST_INCLUDED, included};
use super::joins::resolve;
use super::negotiate::{Handling, check_format, handling, parameters};
use super::query::{Search, Total};
use super::read::known_type;
use super::reading::Reading;
use super::subset::Subset;
use crate::agreement::{ANY, Exit};
use crate::problem::{Category, Place, Problem};
use crate::store::Cursor;
use crate::web::Turn;
use crate::web::access::{Reader, Shown, Terms, Verdict};
use crate::web::answer::{Fault, write_fhir};
use crate::web::client::Client;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Resources of the store that one page is made from at most. It counts what is looked at, not what of it is shown.
const MOST_LOOKED: usize = 20_000;

/// Resources that are asked of the store at once: at least, and where it has to read everything anyway.
const LEAST: usize = 16;
const SORTED: usize = 1000;

/// Who searches, and for what it may: told before any of a form is read, which may be slow to come.
pub struct Searcher {
    client: Client,
    terms: Terms,
}

impl FromRequest for Searcher {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::of(request).map_err(Into::into))
    }
}

impl Searcher {
    fn of(request: &HttpRequest) -> Result<Self, Fault> {
        let stopping = || Fault::unavailable("the gateway is stopping");
        let service = request.app_data::<web::Data<Service>>().ok_or_else(stopping)?;
        let client = Client::of(service, request)?;
        Self::for_type(service, client, request.match_info().query("type"))
    }

    pub fn for_type(service: &Service, client: Client, resource_type: &str) -> Result<Self, Fault> {
        let resource_type = known_type(resource_type)?;
        client.require(resource_type, Permissions::SEARCH)?;
        let terms = Terms::of(service, &client, resource_type)?;
        Ok(Self { client, terms })
    }
}

pub async fn search_by_get(
    service: web::Data<Service>,
    request: HttpRequest,
    searcher: Searcher,
    path: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let asked = parameters(&request)?;
    to_its_end(async move { search(&service, &request, searcher, &path, asked).await }).await
}

/// Parameters may stand in the body and in the address.
pub async fn search_by_post(
    service: web::Data<Service>,
    request: HttpRequest,
    searcher: Searcher,
    path: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Fault> {
    let mut asked = parameters(&request)?;
    asked.extend(form.into_inner());
    to_its_end(async move { search(&service, &request, searcher, &path, asked).await }).await
}

/// The store reads on when a client leaves, so the turn at it must be held as long.
async fn to_its_end(
    searching: impl Future<Output = Result<HttpResponse, Fault>> + 'static,
) -> Result<HttpResponse, Fault> {
    let searched = actix_web::rt::spawn(searching).await;
    searched.unwrap_or_else(|_| Err(Fault::unavailable("the gateway is stopping")))
}

async fn search(
    service: &Service,
    request: &HttpRequest,
    searcher: Searcher,
    resource_type: &str,
    asked: Vec<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let format = asked.iter().find(|(name, _)| name == "_format").map(|(_, value)| value.as_str());
    check_format(request, format)?;
    let body = searched(service, searcher, handling(request), resource_type, asked).await?;
    Ok(write_fhir(&mut HttpResponse::Ok(), &body))
}

/// The bundle that answers a search.
pub async fn searched(
    service: &Service,
    searcher: Searcher,
    handling: Handling,
    resource_type: &str,
    asked: Vec<(String, String)>,
) -> Result<Value, Fault> {
    let Searcher { client, terms } = searcher;
    let resource_type = known_type(resource_type)?;
    let (base, now) = (service.fhir_base(), service.gateway.clock.now());
    let site = service.gateway.site.load_full();
    let reading = Reading { resource_type, profiles: &site.profiles, base: &base, handling, now, called: None };
    let (mut search, called) = called::read(service, &client, &reading, asked).await?;
    let reading = Reading { called: called.as_ref(), ..reading };
    if let Some(hidden) = search.ordering.iter().find(|element| terms.hide(element)) {
        let text = format!("{hidden} is left out for you by the agreement, so it gives no order to sort by");
        return Err(Fault::forbidden(text));
    }
    // A page's link counts for this client and this search.
    let about = format!("{} {}", client.partner, link("next", &base, resource_type, &search.used));
    let from = search.page.as_ref().map(|page| service.seal.open(page, &about, now)).transpose()?;

    let _turn = if search.is_wide() { Some(turn(service, &client).await?) } else { None };
    let mut reader = Reader::new(service, &client, Exit::Search);
    resolve(service, &client, &mut reader, &reading, &mut search).await?;
    let is_first = from.is_none();
    let (shown, next) = collect(service, &mut reader, &search, from).await?;
    let whole = (is_first && next.is_none() && search.count > 0).then_some(shown.len());
    let total = total(service, &mut reader, &search, whole).await?;
    let found = (resource_type, shown.as_slice());
    let with = included(service, &client, &mut reader, &search.includes, found).await?;
    reader.finish(resource_type).await?;

    let is_short = next.is_some() && shown.len() < search.count;
    let mut links = vec![link("self", &base, resource_type, &search.used)];
    if let Some(next) = next {
        let mut further = search.used.clone();
        further.push(("_cursor".to_string(), service.seal.close(&next, &about, now)?));
        links.push(link("next", &base, resource_type, &further));
    }
    let of_match = |one| match_entry(&base, (resource_type, "match"), one, &search.subset);
    let mut entries: Vec<Value> = shown.into_iter().map(of_match).collect();
    entries.extend(notes(&search, &terms, &with, is_short));
    let of_include = |(kind, one)| match_entry(&base, (kind, "include"), one, &Subset::Whole);
    entries.extend(with.shown.into_iter().map(of_include));
    Ok(bundle("searchset", now, total, links, entries))
}

pub async fn turn(service: &Service, client: &Client) -> Result<Turn, Fault> {
    let turn = service.turns.take(&client.partner).await;
    turn.ok_or_else(|| Fault::unavailable("too much is searched at once; ask again later, or search by patient"))
}

/// Reads on until the page is full and it is known whether another match may be shown, the matches end, or enough was looked
/// at for one request.
async fn collect(
    service: &Service,
    reader: &mut Reader<'_>,
    search: &Search,
    from: Option<Cursor>,
) -> Result<(Vec<Shown>, Option<Cursor>), Fault> {
    let (mut shown, mut cursor, mut last, mut looked) = (Vec::new(), from, None, 0);
    if search.nothing || search.count == 0 {
        return Ok((shown, None));
    }
    loop {
        let room = (search.count + 1 - shown.len()).max(if search.sort.is_empty() { LEAST } else { SORTED });
        let found = service.gateway.store.find(&search.query, &search.sort, cursor.as_ref(), room).await?;
        looked += found.looked;
        for one in found.items {
            if shown.len() == search.count {
                if reader.would_show(&one.stored, &search.found_by).await? {
                    return Ok((shown, last));
                }
            } else if let Verdict::Shown(one) = reader.judge_found(one.stored, &search.found_by).await? {
                put(&mut shown, *one);
            }
            last = Some(one.place);
        }
        cursor = found.next;
        if cursor.is_none() || looked >= search.most(MOST_LOOKED) {
            return Ok((shown, cursor));
        }
    }
}

/// What changed while the page was made comes again, as it is now: a page has each once.
fn put(shown: &mut Vec<Shown>, one: Shown) {
    match shown.iter_mut().find(|there| there.id() == one.id()) {
        Some(there) => *there = one,
        None => shown.push(one),
    }
}

/// How many matches the client may see, where it asks for that or the page has them all.
async fn total(
    service: &Service,
    reader: &mut Reader<'_>,
    search: &Search,
    whole: Option<usize>,
) -> Result<Option<usize>, Fault> {
    match search.total {
        Total::None if search.count > 0 => Ok(None),
        _ if whole.is_some() => Ok(whole),
        Total::Free if search.count > 0 => Ok(None),
        Total::Estimate if search.count > 0 => count(service, reader, search).await,
        _ => count(service, reader, search).await?.map(Some).ok_or_else(|| {
            let text = "too many resources would have to be looked at to count these; narrow the search, by patient for instance";
            Fault::bad_request(Category::TooCostly, text)
        }),
    }
}

/// Tells which parameters had no effect (http://hl7.org/fhir/R4/search.html#errors), and which can find nothing.
fn notes(search: &Search, terms: &Terms, with: &Included, is_short: bool) -> Option<Value> {
    let warning = |text: String| Problem::warning(Category::NotSupported, Place::Whole, text);
    let mut problems = Vec::new();
    if !search.ignored.is_empty() {
        problems.push(warning(format!("not supported here and left out: {}", search.ignored.join(", "))));
    }
    for hidden in search.found_by.elements.iter().filter(|element| terms.hide(element)) {
        let text = match hidden.as_str() {
            ANY => "an agreement leaves elements out for you; what is shown without some is not found by its words"
                .to_string(),
            hidden => format!("{hidden} is left out for you by an agreement; where it is, nothing is found by it"),
        };
        problems.push(Problem::warning(Category::Suppressed, Place::Whole, text));
    }
    if is_short {
        let text = "this page holds fewer matches than were asked for, since enough was looked at for one page; there may be more: go on \
                    with the link next until there is none";
        problems.push(Problem::warning(Category::Incomplete, Place::Whole, text));
    }
    if with.is_cut {
        let text = format!(
            "not all that was to be included is here: with one page come {MOST_INCLUDED} at most, and a bounded number is looked \
             at; ask for smaller pages, or search for the rest"
        );
        problems.push(Problem::warning(Category::TooCostly, Place::Whole, text));
    }
    if !with.denied.is_empty() {
        let kinds: Vec<&str> = with.denied.iter().copied().collect();
        let text = format!("not included, since this client may not read them: {}", kinds.join(", "));
        problems.push(Problem::warning(Category::Suppressed, Place::Whole, text));
    }
    outcome_entry(&problems)
}
