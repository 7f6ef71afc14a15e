//! Every address of the console, asked for by everybody: who is not logged in, and each role alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use actix_web::App;
use actix_web::http::header::{COOKIE as COOKIE_HEADER, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use jiff::Timestamp;

use super::access::{Audience, ROWS, Row};
use super::session::{Asks, COOKIE};
use super::{Console, Sessions, configure};
use crate::clock::ManualClock;
use crate::pipeline::Gateway;
use crate::site::{Panels, PasswordHash, Site, StaffMember, StaffRole};
use crate::store::{EngineChoice, StoreSettings, open};

/// A console with one person for each role, who has that role alone.
fn console(sensitive: bool) -> (Arc<Console>, Vec<(StaffRole, String)>) {
    let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let mut site = Site::bare(Path::new("/"));
    let password = PasswordHash::of("plum tree yard").unwrap();
    for role in StaffRole::ALL {
        let login = role.word().to_string();
        let member = StaffMember {
            name: format!("Person of {login}"),
            login: login.clone(),
            roles: vec![role],
            panels: Panels::All,
            sensitive,
            openid: None,
            password: Some(password.clone()),
            code: None,
            disabled: false,
        };
        site.people.insert(login, member);
    }
    let sessions = Arc::new(Sessions::default());
    let cookies =
        StaffRole::ALL.map(|role| (role, sessions.log_in(&site.people[role.word()], Timestamp::UNIX_EPOCH, &site)));
    let gateway = Arc::new(Gateway::new(open(&settings).unwrap(), site, clock));
    (Arc::new(Console::new(gateway, sessions, Arc::default(), false)), cookies.to_vec())
}

/// An address with something in the place of what varies.
fn address(row: &Row) -> String {
    let parts = row.path.split('/').map(|part| match part {
        "{sequence}" => "7",
        "{type}" => "Patient",
        part if part.starts_with('{') => "none",
        part => part,
    });
    format!("/console{}", parts.collect::<Vec<_>>().join("/"))
}

fn request(row: &Row, cookie: Option<&str>) -> TestRequest {
    let request = TestRequest::with_uri(&address(row)).method(row.method.clone()).peer_addr(([127, 0, 0, 1], 9).into());
    let request = cookie
        .into_iter()
        .fold(request, |request, cookie| request.insert_header((COOKIE_HEADER, format!("{COOKIE}={cookie}"))));
    let is_form = row.method == Method::POST;
    if is_form { request.set_form([("form_key", "of nobody")]) } else { request }
}

const NOT_THERE: &str = "There is no such page, or it is not for what you do here.";

#[actix_web::test]
async fn every_address_is_there_for_those_it_is_for_and_for_nobody_else() {
    for sensitive in [false, true] {
        let (console, people) = console(sensitive);
        let app = init_service(App::new().configure(|config| configure(config, Arc::clone(&console)))).await;
        for row in ROWS {
            for (role, cookie) in &people {
                let answer = call_service(&app, request(row, Some(cookie)).to_request()).await;
                // The stream has no end of its own.
                let status = answer.status();
                let is_stream = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
                let text = if is_stream {
                    String::new()
                } else {
                    String::from_utf8(read_body(answer).await.to_vec()).unwrap()
                };
                let is_for = match row.audience {
                    Audience::Anybody | Audience::Everybody => true,
                    Audience::Of(roles) => roles.contains(role),
                    Audience::Trusted(roles) => sensitive && roles.contains(role),
                };
                let asked = format!("{} {} by {role:?}: {status}", row.method, row.path);
                assert_eq!(status == StatusCode::NOT_FOUND && text.contains(NOT_THERE), !is_for, "{asked}\n{text}");
                assert!(!status.is_server_error(), "{asked}");
                if is_for && row.method == Method::POST && row.audience != Audience::Anybody {
                    let is_refused = [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&status);
                    assert!(is_refused, "{asked}: nothing is done without the key of a form");
                }
            }
        }
    }
}

#[actix_web::test]
async fn who_is_not_logged_in_is_asked_who_they_are_everywhere() {
    let (console, _) = console(true);
    let app = init_service(App::new().configure(|config| configure(config, Arc::clone(&console)))).await;
    let strange = Row { method: Method::GET, path: "/no/such/page", audience: Audience::Everybody, asks: ROWS[0].asks };
    for row in ROWS.iter().chain([&strange]).filter(|row| row.audience != Audience::Anybody) {
        for cookie in [None, Some("guessed")] {
            let answer = call_service(&app, request(row, cookie).to_request()).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{}", row.path);
            let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
            assert!(text.contains("name=\"password\"") && !text.contains("<nav"), "{}: {text}", row.path);
        }
    }
}

#[actix_web::test]
async fn the_menu_leads_only_where_one_may_go() {
    let (console, people) = console(false);
    let app = init_service(App::new().configure(|config| configure(config, Arc::clone(&console)))).await;
    for (role, cookie) in &people {
        let nowhere = Row { method: Method::GET, path: "/nowhere", audience: Audience::Everybody, asks: ROWS[0].asks };
        let answer = call_service(&app, request(&nowhere, Some(cookie)).to_request()).await;
        let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        let menu = text.split("<nav aria-label=\"Main\">").nth(1).and_then(|rest| rest.split("</nav>").next()).unwrap();
        let links: Vec<&str> = menu.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!links.is_empty(), "{role:?} has nowhere to go");
        assert!(text.contains(&format!("Person of {}</b>{}", role.word(), role.title())), "{text}");
        for link in links {
            let request = TestRequest::get().uri(link).insert_header((COOKIE_HEADER, format!("{COOKIE}={cookie}")));
            let answer = call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{role:?}: {link} {:?}", answer.headers().get(LOCATION));
        }
    }
}

/// What docs/pages.md says of each address: the words of who it is for, as they stand beside it.
fn on_paper() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pages.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|')).filter_map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let address = cells.next()?.split('`').nth(1)?;
        let who = cells.next()?.split(" (").next()?;
        Some((address.to_string(), who.split(", ").map(str::to_string).collect()))
    });
    rows.collect()
}

#[test]
fn every_page_is_on_paper_for_whoever_may_open_it() {
    let pages = ROWS.iter().filter(|row| row.method == Method::GET && row.asks == Asks::Person);
    let pages: BTreeMap<String, Vec<String>> = pages
        .filter_map(|row| match row.audience {
            // Moved: it leads to another page.
            _ if row.path == "/tasks" => None,
            Audience::Anybody | Audience::Everybody => None,
            Audience::Of(roles) | Audience::Trusted(roles) => {
                Some((format!("/console{}", row.path), roles.iter().map(|role| role.word().to_string()).collect()))
            }
        })
        .collect();
    assert_eq!(on_paper(), pages);
}
