//! The console's one style sheet and one script, compiled in.

use actix_web::HttpResponse;
use actix_web::http::header;

pub(super) async fn style() -> HttpResponse {
    file("text/css; charset=utf-8", include_str!("../../templates/console/console.css"))
}

pub(super) async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", include_str!("../../templates/console/console.js"))
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((header::CACHE_CONTROL, "max-age=300")).body(text)
}
