//! What the documents show as examples is compiled, each block by what stands behind its language: `yaml site=FILE` is that file of
//! a site, `yaml into=FILE` keys in place of that file's own, `yaml examples=FILE` more examples at its end, `yaml when=FILE` a
//! condition in each line, `yaml write=FILE` a file of the tutorial, which a test of its own plays. Examples in them are run. A block that cannot be compiled is `text`, and says why.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;

use super::load;
use super::starter::write_demo;
use super::whole::Site;
use crate::mapping::Authorities;

/// One fenced block of a document.
pub(crate) struct Block {
    /// `docs/site.md:90`
    pub place: String,
    /// What stands behind the fence, such as `yaml site=feeds/a.yaml`.
    pub says: String,
    pub text: String,
}

/// The documents for people, by name.
pub(crate) fn documents() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let names = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_str().unwrap()));
    let names = names.filter(|name| name.ends_with(".md")).chain(["README.md".to_string()]);
    names.map(|name| (name.clone(), std::fs::read_to_string(root.join(name)).unwrap())).collect()
}

/// All fenced blocks of all documents.
pub(crate) fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (name, text) in documents() {
        let mut is_open = false;
        for (line, written) in text.lines().enumerate() {
            if let Some(says) = written.trim_start().strip_prefix("```") {
                is_open = !is_open;
                let place = format!("{name}:{}", line + 1);
                blocks.extend(is_open.then(|| Block { place, says: says.trim().to_string(), text: String::new() }));
            } else if is_open {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(written);
                block.text.push('\n');
            }
        }
        assert!(!is_open, "a block of {name} is not closed");
    }
    blocks
}

/// What blocks name that is in no document.
const BESIDE: (&str, &str) = ("mappings/tables/our-marital.yaml", "table: our-marital\ncodes:\n  Z: { code: Z }\n");

/// A block of YAML, how it becomes a file of a site, and which.
type Example<'b> = (&'b Block, &'b str, &'b str);

/// Loading a site takes a second, so blocks that are different files are compiled as one site.
fn sites<'b>(examples: Vec<Example<'b>>) -> Vec<Vec<Example<'b>>> {
    let mut sites: Vec<Vec<Example<'b>>> = Vec::new();
    for example in examples {
        let has_room = |site: &&mut Vec<Example<'b>>| site.iter().all(|(_, _, file)| *file != example.2);
        match sites.iter_mut().find(has_room) {
            Some(site) => site.push(example),
            None => sites.push(vec![example]),
        }
    }
    sites
}

/// Writes the demo's site with blocks of YAML as those files of it.
fn write(examples: &[Example<'_>], folder: &Path) {
    write_demo(folder, &|text| text).unwrap();
    let texts = examples.iter().map(|(block, how, file)| (*file, text_of(folder, block, how, file)));
    let texts: Vec<(&str, String)> = texts.chain([(BESIDE.0, BESIDE.1.to_string())]).collect();
    for (file, text) in texts {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Writes a site in which the documents' examples lie, as many as do not stand in each other's place.
pub(crate) fn write_examples(folder: &Path) {
    let blocks = blocks();
    let examples = blocks.iter().filter_map(|block| {
        let (how, file) = block.says.strip_prefix("yaml ")?.split_once('=')?;
        (how != "write").then_some((block, how, file))
    });
    let first = sites(examples.collect()).into_iter().next().unwrap_or_default();
    write(&first, folder);
}

/// What is wrong with blocks of YAML, compiled as those files of the demo's site.
fn faults(examples: &[Example<'_>]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write(examples, folder.path());
    let loaded = load(folder.path());
    let errors = loaded.problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string);
    let mut faults: Vec<String> = errors.collect();
    if let Some(site) = loaded.site {
        faults.extend(failed_examples(&site, examples));
    }
    let place_of = |fault: &str| {
        let of = examples.iter().find(|(_, _, file)| fault.starts_with(*file));
        of.map_or("of several blocks", |(block, _, _)| &block.place).to_string()
    };
    faults.iter().map(|fault| format!("{}: {fault}", place_of(fault))).collect()
}

/// The examples in the blocks' own files that do not go as written.
fn failed_examples(site: &Site, examples: &[Example<'_>]) -> Vec<String> {
    let mut failed = Vec::new();
    let of_maps = |file: &str| examples.iter().any(|(block, _, own)| *own == file && block.text.contains("examples:"));
    // Running them all takes a second, too.
    if examples.iter().any(|(_, _, file)| file.starts_with("mappings/") && of_maps(file)) {
        let maps = site.mappings.values().next().unwrap();
        let results = maps.run_examples(&TimeZone::UTC, &Authorities::default());
        for result in results.iter().filter(|result| of_maps(&result.mark.file)) {
            failed.extend(result.differences.iter().map(|text| format!("{}: {text}", result.mark.file)));
        }
    }
    for (_, _, file) in examples {
        let Some(name) = file.strip_prefix("protocols/").and_then(|name| name.strip_suffix(".yaml")) else { continue };
        for result in site.protocols.only(name).run_examples() {
            failed.extend(result.failures.iter().map(|text| format!("{}: {text}", result.place)));
        }
    }
    failed
}

/// The file's text with the block in it.
fn text_of(site: &Path, block: &Block, how: &str, file: &str) -> String {
    match how {
        "site" => block.text.clone(),
        "into" => into(&below(site, file), &block.text),
        "examples" => format!("{}\n{}", below(site, file).trim_end(), indented(&block.text)),
        "when" => notices(&block.text),
        _ => panic!("{}: `{how}=` is none of site, into, examples, when", block.place),
    }
}

/// The file that a block changes: the site's, or the built-in one.
fn below(site: &Path, file: &str) -> String {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(site.join(file)).or_else(|_| std::fs::read_to_string(built_in)).unwrap()
}

/// The block's keys, and those of the file that the block does not have.
fn into(file: &str, block: &str) -> String {
    let key_of = |line: &str| {
        let starts = line.starts_with(|sign: char| sign.is_ascii_alphabetic());
        line.split_once(':').filter(|_| starts).map(|(key, _)| key.to_string())
    };
    let keys: Vec<String> = block.lines().filter_map(key_of).collect();
    let (mut text, mut is_kept) = (block.to_string(), true);
    for line in file.lines() {
        if let Some(key) = key_of(line) {
            is_kept = !keys.contains(&key);
        }
        if is_kept {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A notice for each condition.
fn notices(text: &str) -> String {
    let one = |line: &str| format!("  - {line}\n    at: PID-1\n    kind: visit\n    text: it holds\n");
    format!("notices:\n{}", text.lines().map(one).collect::<String>())
}

#[test]
fn every_block_of_the_documents_is_compiled_or_says_why_it_cannot_be() {
    let (blocks, mut examples, mut wrong) = (blocks(), Vec::new(), Vec::new());
    for block in &blocks {
        let (language, more) = block.says.split_once(' ').unwrap_or((&block.says, ""));
        match (language, more.split_once('=')) {
            // The tutorial is played step by step, by a test of its own.
            ("yaml", Some(("write", _))) if block.place.starts_with("docs/tutorial.md:") => {}
            ("yaml", Some((how, file))) => examples.push((block, how, file)),
            // The command line's own parser reads them, beside it.
            ("sh", _) => {}
            ("text" | "http", _) if more.split_whitespace().count() > 2 => {}
            _ => wrong.push(format!(
                "{}: `{}` says neither how this is compiled nor why it cannot be",
                block.place, block.says
            )),
        }
    }
    let sites = sites(examples);
    std::thread::scope(|scope| {
        let compiled: Vec<_> = sites.iter().map(|site| scope.spawn(|| faults(site))).collect();
        wrong.extend(compiled.into_iter().flat_map(|site| site.join().unwrap()));
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
