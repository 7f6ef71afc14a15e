//! Shows problems: as a compiler would for people, as JSON for programs. Never shows a line of a roster, and no secret
//! that a line of settings may hold.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::masking::{Hidden, masked};
use crate::problem::{Place, Problem, Severity};
use crate::yaml::{Mark, Source};

/// All problems for a terminal, each with its line and a caret. `color` asks for ANSI colours; `width` is the terminal's.
pub fn render(problems: &[Problem], sources: &[Source], color: bool, width: usize) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width);
    let mut shown = String::new();
    for problem in problems {
        let hidden = Hidden::by(problems.iter().filter(|other| file_of(other) == file_of(problem)));
        shown.push_str(&one(problem, line_of(problem, sources), &hidden, &renderer));
        shown.push_str("\n\n");
    }
    shown
}

/// One problem in the same look, with the line of its file that the caller has.
pub fn render_one(problem: &Problem, line: Option<&str>, color: bool, width: usize) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    one(problem, line, &Hidden::by([problem]), &renderer.decor_style(DecorStyle::Ascii).term_width(width))
}

fn file_of(problem: &Problem) -> Option<&str> {
    match &problem.place {
        Place::File(mark) => Some(&mark.file),
        _ => None,
    }
}

fn line_of<'s>(problem: &Problem, sources: &'s [Source]) -> Option<&'s str> {
    let Place::File(mark) = &problem.place else { return None };
    let line = usize::try_from(mark.line).unwrap_or(1);
    let source = sources.iter().find(|source| source.name == mark.file)?;
    source.text.lines().nth(line.saturating_sub(1))
}

fn one(problem: &Problem, line: Option<&str>, hidden: &Hidden, renderer: &Renderer) -> String {
    let text = masked(&problem.text);
    // Texts are written as "what is wrong; what to do about it".
    let (wrong, help) = match text.split_once("; ") {
        Some((wrong, help)) => (wrong, Some(help)),
        None => (text.as_str(), None),
    };
    let level = match problem.severity {
        Severity::Fatal | Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Information => Level::NOTE,
    };
    let title = level.primary_title(wrong).id(problem.category.code());
    let group = match &problem.place {
        Place::File(mark) => at_mark(Group::with_title(title), mark, line.map(|line| hidden.masked(line))),
        place => Group::with_title(title).element(Origin::path(place.to_string())),
    };
    let group = match help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    };
    renderer.render(&[group])
}

fn at_mark<'g>(group: Group<'g>, mark: &'g Mark, text: Option<String>) -> Group<'g> {
    let line = usize::try_from(mark.line).unwrap_or(1);
    let column = usize::try_from(mark.column).unwrap_or(1);
    match text {
        Some(text) => {
            let start = byte_of(&text, column.saturating_sub(1));
            let end =
                byte_of(&text, column.saturating_sub(1).saturating_add(usize::try_from(mark.length).unwrap_or(1)));
            let snippet = Snippet::source(text)
                .path(mark.file.to_string())
                .line_start(line)
                .annotation(AnnotationKind::Primary.span(start..end));
            group.element(snippet)
        }
        None => group.element(Origin::path(mark.file.to_string()).line(line).char_column(column)),
    }
}

fn byte_of(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

/// All problems as an array of `{ severity, code, file, line, column, length, text }`.
pub fn problems_as_json(problems: &[Problem]) -> Value {
    Value::Array(problems.iter().map(problem_as_json).collect())
}

fn problem_as_json(problem: &Problem) -> Value {
    let mut value =
        json!({ "severity": problem.severity, "code": problem.category.code(), "text": masked(&problem.text) });
    if let Some(object) = value.as_object_mut() {
        match &problem.place {
            Place::File(mark) => {
                object.insert("file".to_string(), Value::from(mark.file.to_string()));
                object.insert("line".to_string(), Value::from(mark.line));
                object.insert("column".to_string(), Value::from(mark.column));
                object.insert("length".to_string(), Value::from(mark.length));
            }
            place => {
                object.insert("place".to_string(), Value::from(place.to_string()));
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Category;

    #[test]
    fn a_problem_shows_its_line_a_caret_and_what_to_do() {
        let source = Source::new("feeds/a.yaml", "feed: a\nzone: Mars\n");
        let mark = Mark { file: source.name.clone(), line: 2, column: 7, length: 4 };
        let problem = mark.problem(Category::CodeInvalid, "`Mars` is not a time zone; write an IANA name");
        let shown = render(&[problem], &[source], false, 100);
        assert!(shown.starts_with("error[code-invalid]: `Mars` is not a time zone\n"), "{shown}");
        assert!(shown.contains("--> feeds/a.yaml:2:7"), "{shown}");
        assert!(shown.contains("2 | zone: Mars\n  |       ^^^^"), "{shown}");
        assert!(shown.contains("= help: write an IANA name"), "{shown}");
    }

    #[test]
    fn a_secret_under_a_misspelt_key_is_never_shown() {
        let source = Source::new("feeds/a.yaml", "http: { credentials: [{ tokne: hunter2-hunter2 }] }\nzone: Mars\n");
        let mark = |line, column| Mark { file: source.name.clone(), line, column, length: 4 };
        let unknown = mark(1, 25).problem(Category::Structure, "unknown key `tokne`; did you mean `token`?");
        let same_line = mark(1, 9).problem(Category::Required, "a credential is one of `token` or `certificate`");
        let address = mark(2, 1).problem(Category::Value, "`postgres://me:hunter2@db/x` is no address");
        let shown = render(&[unknown, same_line, address], &[source], false, 100);
        assert!(shown.contains("tokne: ***") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_problem_in_a_file_that_is_not_shown_has_its_place_only() {
        let mark = Mark { file: "panels/a.csv".into(), line: 7, column: 3, length: 1 };
        let shown = render(&[mark.problem(Category::Value, "not a language")], &[], false, 100);
        assert!(shown.contains("--> panels/a.csv:7:3"), "{shown}");
    }
}
