//! The pictures that README.md and docs/ show, taken anew of the demo as it runs by one command:
//! `HANDOVER_PICTURES=docs/pictures cargo test --locked --test console pictures`. What is shown and what is taken are held together always.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fantoccini::Locator;

use crate::browser::{self, Browser};

/// One picture: its file, its page, what leads on from there, and the width it is seen at.
struct Picture {
    name: &'static str,
    address: &'static str,
    /// The link that is followed, where the page itself has no address that stays.
    then: &'static str,
    width: u32,
    height: u32,
}

const fn desk(name: &'static str, address: &'static str, then: &'static str) -> Picture {
    Picture { name, address, then, width: 1280, height: 860 }
}

const PICTURES: [Picture; 7] = [
    desk("my-work", "/console/work", ""),
    Picture { name: "my-work-phone", address: "/console/work", then: "", width: 390, height: 844 },
    desk("patient", "/console/patients?find=okafor", "main table a"),
    desk("huddle", "/console/huddle", ""),
    desk("measures", "/console/measures", ""),
    desk("overview", "/console", ""),
    desk("message", "/console/messages?event=ORU", "main table a"),
];

/// A file weighs no more than this: they are in everybody's clone.
const HEAVIEST: u64 = 90_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The demo, once its story is told; it ends with the test.
struct Demo {
    child: Child,
    link: String,
    _folder: tempfile::TempDir,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo() -> Demo {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_handover"));
    command.arg("demo").env("TMPDIR", folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let link = said.find_map(|line| Some(line.split_once("Console (opens once):")?.1.trim().to_string())).unwrap();
    std::thread::spawn(move || said.for_each(drop));
    Demo { child, link, _folder: folder }
}

async fn take(browser: &Browser, base: &str, picture: &Picture, folder: &Path) {
    let client = &browser.client;
    client.set_window_size(picture.width, picture.height).await.unwrap();
    client.goto(&format!("{base}{}", picture.address)).await.unwrap();
    if !picture.then.is_empty() {
        browser.click(picture.then).await;
    }
    client.wait().for_element(Locator::Css("main h1")).await.unwrap();
    std::fs::write(folder.join(format!("{}.webp", picture.name)), browser.picture(picture.width, picture.height).await)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_taken_of_the_running_demo() {
    let Some(folder) = std::env::var_os("HANDOVER_PICTURES").map(|folder| root().join(PathBuf::from(folder))) else {
        println!("skipped: HANDOVER_PICTURES names no folder to put them into");
        return;
    };
    let Some(browser) = browser::start().await else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let demo = tokio::task::spawn_blocking(demo).await.unwrap();
    let base = demo.link.split("/console").next().unwrap().to_string();
    browser.client.goto(&demo.link).await.unwrap();
    browser.client.find(Locator::Css("input[name=name]")).await.unwrap().send_keys("Nia Brooks RN").await.unwrap();
    browser.click("#log-in").await;
    browser.client.wait().for_element(Locator::Css("form.me")).await.unwrap();
    for picture in &PICTURES {
        take(&browser, &base, picture, &folder).await;
    }
    browser.client.clone().close().await.unwrap();
}

/// The pictures that a document shows: `![words](docs/pictures/NAME.webp)`.
fn shown() -> BTreeSet<String> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents =
        docs.filter(|path| path.extension().is_some_and(|end| end == "md")).chain([root().join("README.md")]);
    let mut shown = BTreeSet::new();
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for part in text.split("![").skip(1) {
            let (words, rest) = part.split_once("](").unwrap();
            let target = rest.split(')').next().unwrap();
            let file = document.parent().unwrap().join(target);
            assert!(file.exists(), "{}: {target} is not there; take it anew", document.display());
            assert!(words.len() > 15, "{}: {target} says nothing to who cannot see it", document.display());
            shown.insert(file.file_stem().unwrap().to_str().unwrap().to_string());
        }
    }
    shown
}

#[test]
fn every_picture_that_is_shown_is_one_that_the_command_takes_and_none_is_left_over() {
    let taken: BTreeSet<String> = PICTURES.iter().map(|picture| picture.name.to_string()).collect();
    assert_eq!(shown(), taken);
    let files = std::fs::read_dir(root().join("docs/pictures")).unwrap().map(|entry| entry.unwrap());
    let mut there = BTreeSet::new();
    for file in files {
        let (path, weight) = (file.path(), file.metadata().unwrap().len());
        assert!(weight <= HEAVIEST, "{}: {weight} bytes", path.display());
        there.insert(path.file_stem().unwrap().to_str().unwrap().to_string());
    }
    assert_eq!(there, taken);
    let pages = std::fs::read_to_string(root().join("docs/pages.md")).unwrap();
    for picture in &PICTURES {
        let address = picture.address.split('?').next().unwrap();
        assert!(pages.contains(&format!("`{address}`")), "{address} is no page of docs/pages.md");
    }
}
