//! Which elements and attributes a narrative may have: those of HTML 4.0's chapters 7 to 11 (but 9.4) and 15, links, images
//! and styles inside (http://hl7.org/fhir/R4/narrative.html#xhtml). Whatever is not named here is not allowed.

/// Elements, in the order of the chapters.
const ELEMENTS: &[&str] = &[
    "div",
    "span",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "address",
    "bdo",
    "em",
    "strong",
    "dfn",
    "code",
    "samp",
    "kbd",
    "var",
    "cite",
    "abbr",
    "acronym",
    "blockquote",
    "q",
    "sub",
    "sup",
    "p",
    "br",
    "pre",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tfoot",
    "tbody",
    "colgroup",
    "col",
    "tr",
    "th",
    "td",
    "a",
    "img",
    "map",
    "area",
    "tt",
    "i",
    "b",
    "big",
    "small",
    "hr",
];

/// Attributes that any element may have.
const EVERYWHERE: &[&str] =
    &["id", "class", "title", "lang", "xml:lang", "dir", "style", "accesskey", "tabindex", "xml:space"];

/// Attributes that only some elements may have.
const SOME: &[(&str, &[&str])] = &[
    ("div", &["xmlns"]),
    ("a", &["href", "name", "charset", "type", "hreflang", "rel", "rev", "shape", "coords"]),
    ("img", &["src", "alt", "longdesc", "height", "width", "border", "usemap", "ismap"]),
    ("map", &["name"]),
    ("area", &["shape", "coords", "href", "nohref", "alt"]),
    ("blockquote", &["cite"]),
    ("q", &["cite"]),
    ("table", &["summary", "width", "border", "frame", "rules", "cellspacing", "cellpadding"]),
    ("colgroup", &["span", "width"]),
    ("col", &["span", "width"]),
];

/// Attributes of everything inside a table.
const CELLS: &[&str] = &[
    "align", "valign", "char", "charoff", "abbr", "axis", "headers", "scope", "rowspan", "colspan", "nowrap", "width",
];

const IN_TABLES: &[&str] = &["table", "caption", "thead", "tfoot", "tbody", "colgroup", "col", "tr", "th", "td"];

/// What links may begin with. Where there is no scheme, the link is relative.
const SCHEMES: &[&str] = &["http", "https", "mailto", "tel", "ftp", "urn", "cid"];

/// What makes a style more than a style.
const ACTIVE_STYLES: &[&str] = &["expression", "behavior", "binding", "javascript", "@import", "\\"];

pub(super) fn is_element(name: &str) -> bool {
    ELEMENTS.contains(&name)
}

pub(super) fn is_attribute(element: &str, name: &str) -> bool {
    EVERYWHERE.contains(&name)
        || SOME.iter().any(|(own, names)| *own == element && names.contains(&name))
        || (IN_TABLES.contains(&element) && CELLS.contains(&name))
}

/// Whether a style only styles. Comments are left out first, since they may cut words apart.
pub(super) fn is_plain_style(style: &str) -> bool {
    let mut plain = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, comment)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.make_ascii_lowercase();
    let mut pictures = plain.split("url").skip(1).map(|rest| rest.trim_start().strip_prefix('(')?.split(')').next());
    !ACTIVE_STYLES.iter().any(|active| plain.contains(active)) && pictures.all(|link| link.is_some_and(is_own_picture))
}

/// Whether a picture of a style is inside it or beside the resource: none is fetched from elsewhere.
fn is_own_picture(link: &str) -> bool {
    let link = link.trim().trim_matches(['"', '\'']).trim();
    is_plain_link(link, true) && !link.starts_with("//") && (!link.contains(':') || link.starts_with("data:"))
}

/// Whether a link leads to something that is looked at rather than run. Pictures may be inside the link.
pub(super) fn is_plain_link(link: &str, is_picture: bool) -> bool {
    // Browsers skip blanks and control characters where they look for a scheme.
    let shown = link.chars().filter(|letter| !letter.is_control() && !letter.is_whitespace());
    let start: String = shown.take(32).collect::<String>().to_ascii_lowercase();
    match start.split_once(':') {
        Some((scheme, _)) if scheme.contains(['/', '?', '#']) => true,
        Some((scheme, _)) if SCHEMES.contains(&scheme) => true,
        Some(("data", kind)) => is_picture && kind.starts_with("image/") && !kind.starts_with("image/svg"),
        Some(_) => false,
        None => true,
    }
}
