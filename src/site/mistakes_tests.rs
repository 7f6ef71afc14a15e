//! What people get wrong in a site, each in a copy of the demo's with files of its own: one mistake is one error, at its line,
//! that says what to change. What merely follows from it is not told beside it.

use std::path::Path;
use std::sync::Mutex;

use super::load;
use super::starter::write_demo;

/// What is done to a file of the site.
enum Change {
    /// The first text stands there once less, the second in its place.
    Instead(&'static str, &'static str),
    /// The file says this and nothing else.
    Written(&'static str),
    /// The file lies there instead.
    Moved(&'static str),
}

use Change::{Instead, Moved, Written};

/// A file, what is done to it, the place of the one error, and a part of what it says.
type Mistake = (&'static str, Change, &'static str, &'static str);

const SITE: &str = "handover.yaml";
const FEED: &str = "feeds/riverside.yaml";
const PARTNER: &str = "partners/lakeside-practice.yaml";
const PANEL: &str = "panels/lakeside.yaml";
const ROSTER: &str = "panels/lakeside.csv";
const AGREEMENT: &str = "agreements/lakeside-practice.yaml";
const VALUE_SET: &str = "profiles/valuesets/ours.yaml";
const PROTOCOL: &str = "protocols/ours.yaml";
const CALENDAR: &str = "calendars/us-federal.yaml";
const ACCOUNTS: &str = "people.yaml";
const OPENID: &str = "openid.yaml";
const MAP: &str = "mappings/segments/PID-Patient.yaml";
const TABLE: &str = "mappings/tables/our-marital.yaml";

/// Two people; the second has a phone's codes.
const ACCOUNTS_TEXT: &str = r#"people:
  nbrooks:
    name: Nia Brooks RN
    roles: [care-manager]
    panels: [lakeside]
    password: "$argon2id$v=19$m=19456,t=2,p=1$9LwGTwn4dgaYkYUe2xK5Hw$rlRQJ7B853BuIwSTfUjSREawFytSUg2FXwSzjmnZ/aU"
  ops:
    name: Olga Petrova
    roles: [engineer, operator]
    sensitive: true
    password: "$argon2id$v=19$m=19456,t=2,p=1$9LwGTwn4dgaYkYUe2xK5Hw$rlRQJ7B853BuIwSTfUjSREawFytSUg2FXwSzjmnZ/aU"
    totp: GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
"#;

/// What the site has beside the demo's files.
const MORE: [(&str, &str); 8] = [
    (ACCOUNTS, ACCOUNTS_TEXT),
    (
        OPENID,
        "issuer: https://login.example/realms/lakeside\nclient_id: handover\nprivate_key_jwt: true\nperson: email\ngroups:\n  \
         rows:\n    - { group: handover-care, roles: [care-manager], panels: [lakeside] }\n",
    ),
    (VALUE_SET, "valueset: ours\ntitle: Ours\ninclude:\n  - { system: icd10cm, under: [J44] }\n"),
    (
        PROTOCOL,
        "protocol: ours\ntitle: Ours\nfor:\n  condition: { valueset: ours }\nprompts:\n  - id: ask\n    ask: Done?\n    \
         show: every-visit\n    answers:\n      done: 365 d\n",
    ),
    (CALENDAR, "calendar: us-federal\nholidays:\n  - { name: Good Friday, easter: -2 }\n"),
    (MAP, "elements:\n  maritalStatus: { table: our-marital, from: PID-16 }\n"),
    (
        TABLE,
        "table: our-marital\nsource: HL70002\ntarget: http://terminology.hl7.org/CodeSystem/v3-MaritalStatus\ncodes:\n  M: M\n",
    ),
    (
        "agreements/ours.yaml",
        "agreement: ours\npartner: lakeside-practice\npurpose: [TREAT]\npatients: { panel: lakeside }\nreceives:\n  \
         - { resource: Condition, pull: true, where: 'code in %ours' }\n  \
         - { resource: Observation, pull: true, codes: [ours] }\nnever: [R]\n",
    ),
];

const SETTINGS: &[Mistake] = &[
    (SITE, Instead("http:", "\thttp:"), "4:2", "a tab"),
    (SITE, Instead("http:", "htpp:"), "4:1", "did you mean `http`?"),
    (SITE, Instead("listen:", "lisen:"), "4:9", "did you mean `listen`?"),
    (SITE, Instead("engine:", "engin:"), "3:10", "did you mean `engine`?"),
    (SITE, Instead("fjall", "postgres"), "3:8", "`url` is missing here"),
    (SITE, Instead("127.0.0.1:8080\"", "0.0.0.0:8080\", tsl: {}"), "4:33", "did you mean `tls`?"),
    (SITE, Instead("127.0.0.1:8080\"", "0.0.0.0:8080\", behindproxy: true"), "4:33", "did you mean `behind_proxy`?"),
    (SITE, Written(""), "1:1", "`key: value` lines; this is nothing"),
    (
        SITE,
        Instead("http:", "traces: { endpoint: 'http://c', headers: { x-team: a, X-Team: b } }\nhttp:"),
        "4:55",
        "the same in any case",
    ),
];

const LOGINS: &[Mistake] = &[
    (ACCOUNTS, Instead("people:", "peple:"), "1:1", "did you mean `people`?"),
    (ACCOUNTS, Written("people: [nia, olga]\n"), "1:9", "one entry for each login"),
    (ACCOUNTS, Instead("nbrooks:", "N Brooks:"), "2:3", "lower-case letters"),
    (ACCOUNTS, Instead("name: Nia", "nmae: Nia"), "3:5", "did you mean `name`?"),
    (ACCOUNTS, Instead("    name: Nia Brooks RN\n", ""), "3:5", "`name` is missing here"),
    (ACCOUNTS, Instead("Nia Brooks RN", "\"@nia\""), "3:11", "no @"),
    (ACCOUNTS, Instead("Nia Brooks RN", "olga petrova"), "8:5", "add what tells the two apart"),
    (ACCOUNTS, Instead("care-manager", "care-manger"), "4:13", "did you mean `care-manager`?"),
    (ACCOUNTS, Instead("    roles: [care-manager]\n", ""), "3:5", "`roles` is missing here"),
    (ACCOUNTS, Instead("    panels: [lakeside]\n", ""), "3:5", "or `all`"),
    (ACCOUNTS, Instead("[lakeside]", "[lakside]"), "5:14", "did you mean `lakeside`?"),
    (ACCOUNTS, Instead("    password", "    pasword"), "6:5", "did you mean `password`?"),
    (ACCOUNTS, Instead("$argon2id", "hunter2"), "6:15", "`handover people hash` makes one"),
    (ACCOUNTS, Instead("m=19456", "m=1024"), "6:15", "cheap to guess"),
    (ACCOUNTS, Instead("sensitive: true", "sensitive: maybe"), "10:16", "sensitive"),
    (
        ACCOUNTS,
        Instead("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBV"),
        "12:11",
        "`handover people totp NAME` makes one",
    ),
    (OPENID, Instead("issuer:", "isuer:"), "1:1", "did you mean `issuer`?"),
    (OPENID, Instead("https:", "http:"), "1:9", "over plain http"),
    (OPENID, Instead("/realms/lakeside", "/.well-known/openid-configuration"), "1:9", "without `/.well-known"),
    (OPENID, Instead("private_key_jwt: true", "client_secret: hunter2"), "3:16", "does not stand in the site"),
    (OPENID, Instead("private_key_jwt: true\n", ""), "1:1", "`client_secret` is missing here"),
    (OPENID, Instead("person: email\n", ""), "1:1", "`person` is missing here"),
    (OPENID, Instead("person: email", "person: e-mail"), "4:9", "did you mean `email`?"),
    (OPENID, Instead("person:", "algorithms: [HS256]\nperson:"), "4:14", "`HS256` is not one of RS256"),
    (OPENID, Instead("person:", "demand: { acrs: gold }\nperson:"), "4:11", "did you mean `acr`?"),
    (OPENID, Instead("care-manager]", "care-manger]"), "7:39", "did you mean `care-manager`?"),
    (OPENID, Instead("[lakeside]", "[lakside]"), "7:63", "did you mean `lakeside`?"),
    (SITE, Instead("http:", "console: { idle_minute: 5 }\nhttp:"), "4:12", "did you mean `idle_minutes`?"),
    (
        SITE,
        Instead("http:", "console: { changed_sites: [../next/site, ../later/site] }\nhttp:"),
        "4:27",
        "two have the same",
    ),
    (SITE, Instead("http:", "console: { idle_minutes: 0 }\nhttp:"), "4:26", "720"),
];

const FEEDS: &[Mistake] = &[
    (FEED, Instead("feed:", "feeds:"), "2:1", "did you mean `feed`?"),
    (FEED, Instead("zone:", "zoen:"), "5:1", "did you mean `zone`?"),
    (FEED, Instead("zone: America/New_York", ""), "2:1", "`zone` is missing here"),
    (FEED, Instead("New_York", "New_Yrok"), "5:7", "did you mean `America/New_York`?"),
    (FEED, Instead("zone:", "title: Twice\nzone:"), "5:1", "`title` stands here twice; keep one of the two"),
    (FEED, Instead("mllp:", "mlpp:"), "4:1", "did you mean `mllp`?"),
    (FEED, Instead("{ listen: \"127.0.0.1:2575\" }", "2575"), "4:7", "mllp is written as `key: value` lines"),
    (FEED, Instead("authorities:", "authoritys:"), "6:1", "did you mean `authorities`?"),
    (FEED, Instead("namespaces:", "namespace:"), "7:3", "did you mean `namespaces`?"),
    (FEED, Instead("    RIVERSIDE: ", "    RIVERSDIE: "), "10:20", "did you mean `RIVERSDIE`?"),
    (FEED, Instead("RIVERSIDE: urn:oid:2", "RIVERSIDE: 2"), "8:16", "as a system it is written `urn:oid:"),
    (FEED, Instead("default_patient:", "default_pateint:"), "10:3", "did you mean `default_patient`?"),
    (FEED, Instead("by: [RIVERSIDE]", "by: [RIVRSIDE]"), "12:17", "did you mean `RIVERSIDE`?"),
    (FEED, Instead("    RIVERSIDE: ", "\tRIVERSIDE: "), "8:2", "a tab"),
    (FEED, Written(""), "1:1", "this is nothing"),
    (FEED, Moved("partners/riverside.yaml"), "2:1", "this is a feed, and lies in `partners/`; move it to `feeds/`"),
];

const PEOPLE: &[Mistake] = &[
    (PARTNER, Instead("  base:", "\tbase:"), "6:2", "a tab"),
    (PARTNER, Instead("  base:", "  bsae:"), "6:3", "did you mean `base`?"),
    (PARTNER, Instead("{ system:", "{ sytem:"), "4:15", "did you mean `system`?"),
    (
        PARTNER,
        Moved("feeds/lakeside-practice.yaml"),
        "2:1",
        "this is a partner, and lies in `feeds/`; move it to `partners/`",
    ),
    (PANEL, Instead("practice:\n", "practise:\n"), "7:1", "did you mean `practice`?"),
    (PANEL, Instead("  name: Lake", "  nam: Lake"), "8:3", "did you mean `name`?"),
    (PANEL, Instead("member_system:", "member_sytem:"), "6:1", "did you mean `member_system`?"),
    (PANEL, Instead("lakeside.csv", "lakside.csv"), "5:10", "there is no file `panels/lakside.csv`"),
    (PANEL, Instead("us-federal", "us-fedral"), "11:13", "did you mean `us-federal`?"),
    (PANEL, Instead("{ name: Nia", "{ nmae: Nia"), "14:19", "did you mean `name`?"),
    (PANEL, Moved("partners/lakeside.yaml"), "2:1", "move it to `panels/`"),
    (ROSTER, Instead("mrn:RIVERSIDE", "mrn:RIVERSID"), "1:11", "neither a namespace of a feed nor an absolute URI"),
    (ROSTER, Instead("L-1002,4712", "L-1001,4711"), "3:1", "the same identifier stands in line 2 already"),
    (
        ROSTER,
        Instead("L-1002,4712,Dr. Helen Park,Nia Brooks RN,es,", "L-1002,4712,"),
        "3:1",
        "this row has 3 columns, the header has 6",
    ),
];

const AGREEMENTS: &[Mistake] = &[
    (AGREEMENT, Instead("agreement:", "agrement:"), "2:1", "did you mean `agreement`?"),
    (AGREEMENT, Instead("  - { resource: Task", "\t- { resource: Task"), "8:2", "a tab"),
    (AGREEMENT, Instead("partner: lake", "partnr: lake"), "3:1", "did you mean `partner`?"),
    (AGREEMENT, Instead("{ panel: lakeside", "{ panl: lakeside"), "6:13", "did you mean `panel`?"),
    (AGREEMENT, Instead("{ panel: lakeside", "{ panel: lakside"), "6:20", "did you mean `lakeside`?"),
    (AGREEMENT, Instead("resource: Flag", "resuorce: Flag"), "10:7", "did you mean `resource`?"),
    (AGREEMENT, Instead("Condition, pull:", "Condition, pul:"), "15:28", "did you mean `pull`?"),
    (AGREEMENT, Instead("Condition, pull: true", "Condition, pull: yep"), "15:34", "`pull` must be true or false"),
    (AGREEMENT, Instead("Condition,", "Condition, where: 'code in %copdd',"), "15:35", "did you mean `%copd`?"),
    (AGREEMENT, Moved("panels/lakeside-practice.yaml"), "2:1", "move it to `agreements/`"),
];

const LANGUAGES: &[Mistake] = &[
    (VALUE_SET, Instead("include:", "inlcude:"), "3:1", "did you mean `include`?"),
    (VALUE_SET, Instead("under:", "udner:"), "4:24", "did you mean `under`?"),
    (VALUE_SET, Instead("valueset:", "valuset:"), "1:1", "did you mean `valueset`?"),
    (VALUE_SET, Instead("  - {", "\t- {"), "4:2", "a tab"),
    (PROTOCOL, Instead("valueset: ours", "valueset: our"), "4:26", "did you mean `ours`?"),
    (PROTOCOL, Instead("prompts:", "prompt:"), "5:1", "did you mean `prompts`?"),
    (PROTOCOL, Instead("id: ask", "di: ask"), "6:5", "did you mean `id`?"),
    (PROTOCOL, Instead("    ask:", "    aks:"), "7:5", "did you mean `ask`?"),
    (CALENDAR, Instead("holidays:", "holdays:"), "2:1", "did you mean `holidays`?"),
    (CALENDAR, Instead("  - {", "\t- {"), "3:2", "a tab"),
    (MAP, Instead("elements:", "element:"), "1:1", "did you mean `elements`?"),
    (MAP, Instead("table: our-marital", "table: our-martial"), "2:27", "did you mean `our-marital`?"),
    (MAP, Instead("  marital", "\tmarital"), "2:2", "a tab"),
    (MAP, Moved("mappings/segments/PID-Patien.yaml"), "1:1", "did you mean `PID-Patient`?"),
    (MAP, Moved("mappings/segment/PID-Patient.yaml"), "1:1", "did you mean `segments/`?"),
    (TABLE, Instead("codes:", "cods:"), "4:1", "did you mean `codes`?"),
    (TABLE, Instead("  M:", "\tM:"), "5:2", "a tab"),
];

/// What is not quite as said, of one mistake.
fn unlike_said((file, change, place, says): &Mistake) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), &|text| text).unwrap();
    MORE.iter().for_each(|(file, text)| write(folder.path(), file, text));
    let at = make(folder.path(), file, change);
    let problems = load(folder.path()).problems;
    let errors: Vec<String> = problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    let start = format!("{at}:{place}: ");
    let is_said = matches!(errors.as_slice(), [one] if one.starts_with(&start) && one.contains(says));
    (!is_said).then(|| format!("{start}…{says}…\n    {}", errors.join("\n    ")))
}

/// Makes the mistake, and says in which file it is then.
fn make(root: &Path, file: &'static str, change: &Change) -> &'static str {
    let right = std::fs::read_to_string(root.join(file)).unwrap();
    match change {
        Instead(from, to) => {
            assert!(right.contains(from), "{file} does not say `{from}`");
            write(root, file, &right.replacen(from, to, 1));
            file
        }
        Written(text) => {
            write(root, file, text);
            file
        }
        Moved(there) => {
            std::fs::remove_file(root.join(file)).unwrap();
            write(root, there, &right);
            there
        }
    }
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Each loads a whole site, so they are shared out.
fn check(mistakes: &[Mistake]) {
    let unlike = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for part in mistakes.chunks(mistakes.len().div_ceil(4)) {
            scope.spawn(|| {
                let found: Vec<String> = part.iter().filter_map(unlike_said).collect();
                unlike.lock().unwrap().extend(found);
            });
        }
    });
    let unlike = unlike.into_inner().unwrap();
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}

#[test]
fn the_site_without_a_mistake_has_none() {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), &|text| text).unwrap();
    MORE.iter().for_each(|(file, text)| write(folder.path(), file, text));
    assert_eq!(load(folder.path()).problems, []);
}

#[test]
fn one_mistake_in_the_settings_is_one_error() {
    check(SETTINGS);
}

#[test]
fn one_mistake_about_who_logs_in_is_one_error() {
    check(LOGINS);
}

#[test]
fn a_password_that_stands_where_its_hash_should_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), &|text| text).unwrap();
    for key in ["password", "pasword", "totp"] {
        write(
            folder.path(),
            ACCOUNTS,
            &ACCOUNTS_TEXT.replacen("password: \"$argon2id", &format!("{key}: \"hunter2$argon2id"), 1),
        );
        let loaded = load(folder.path());
        let shown = super::render(&loaded.problems, &loaded.sources, false, 120);
        assert!(loaded.site.is_none() && !shown.contains("hunter2") && !shown.contains("19456"), "{key}: {shown}");
    }
}

#[test]
fn one_mistake_in_a_feed_is_one_error() {
    check(FEEDS);
}

#[test]
fn one_mistake_in_a_partner_a_panel_or_a_roster_is_one_error() {
    check(PEOPLE);
}

#[test]
fn one_mistake_in_an_agreement_is_one_error() {
    check(AGREEMENTS);
}

#[test]
fn one_mistake_in_a_value_set_a_protocol_a_calendar_or_a_mapping_is_one_error() {
    check(LANGUAGES);
}
