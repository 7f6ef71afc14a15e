//! Checks the `div` of a narrative (http://hl7.org/fhir/R4/narrative.html): well formed, nothing but what is allowed, and
//! not empty. Never changes it, and never tells anything of its text.

use super::allowed::{is_attribute, is_element, is_plain_link, is_plain_style};
use super::scan::{Part, Scanner, Wrong, decode};

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// How deep elements may nest.
const MAX_DEPTH: usize = 200;

/// Which of R4's rules a narrative breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrativeRule {
    /// txt-1: basic formatting only, well formed.
    Content,
    /// txt-2: some text or a picture.
    NotEmpty,
}

/// What is wrong with a narrative, and at which byte of it (from 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarrativeFault {
    pub rule: NarrativeRule,
    pub position: usize,
    /// A sentence that says what to change; nothing of the narrative is in it.
    pub text: &'static str,
}

/// Checks the content of `Narrative.div`, in time that grows with its length. Tells the first fault.
pub fn check_narrative(div: &str) -> Result<(), NarrativeFault> {
    let mut scanner = Scanner::new(div);
    let mut open: Vec<&str> = Vec::new();
    let (mut is_visible, mut is_done, mut start) = (false, false, 0);
    let fault = |position: usize, text: Wrong| NarrativeFault { rule: NarrativeRule::Content, position, text };
    while let Some(part) = scanner.next().map_err(|text| fault(start, text))? {
        let at = |text: Wrong| fault(start, text);
        match part {
            Part::Text { is_visible: shows } => {
                if shows && open.is_empty() {
                    return Err(at("a narrative is one `div`, with nothing before or after it"));
                }
                is_visible |= shows;
            }
            Part::Open { name, attributes, is_closed } => {
                if open.is_empty() && (is_done || name != "div") {
                    return Err(at("a narrative is one `div`, with nothing before or after it"));
                }
                if open.is_empty() && !attributes.contains(&("xmlns", XHTML)) {
                    return Err(at("the `div` must say xmlns=\"http://www.w3.org/1999/xhtml\""));
                }
                check_element(name, &attributes).map_err(at)?;
                is_visible |= name == "img";
                is_done = true;
                if !is_closed {
                    open.push(name);
                }
                if open.len() > MAX_DEPTH {
                    return Err(at("the elements are nested too deeply"));
                }
            }
            Part::Close(name) => {
                if open.pop() != Some(name) {
                    return Err(at("an end tag does not belong to the element that is open"));
                }
            }
        }
        start = scanner.position;
    }
    if !open.is_empty() || !is_done {
        return Err(fault(start, "an element is never closed, or there is none"));
    }
    if !is_visible {
        let text = "the narrative has no text and no picture; leave it out, or say something";
        return Err(NarrativeFault { rule: NarrativeRule::NotEmpty, position: 0, text });
    }
    Ok(())
}

fn check_element(name: &str, attributes: &[(&str, &str)]) -> Result<(), Wrong> {
    if !is_element(name) {
        return Err(match name {
            "script" => "scripts are not allowed in a narrative",
            "form" | "input" | "button" | "select" | "textarea" => "forms are not allowed in a narrative",
            "object" | "embed" | "applet" | "iframe" | "frame" => "a narrative must not hold other documents",
            "head" | "body" | "html" | "link" | "base" | "style" => "a narrative is a `div`, not a whole document",
            _ => "this element is not allowed in a narrative; basic formatting only",
        });
    }
    for (attribute, value) in attributes {
        if !is_attribute(name, attribute) {
            return Err(if attribute.starts_with("on") {
                "event attributes are not allowed in a narrative"
            } else {
                "this attribute is not allowed on this element in a narrative"
            });
        }
        let value = decode(value)?;
        match *attribute {
            "xmlns" if value != XHTML => return Err("the name space must be XHTML's"),
            "style" if !is_plain_style(&value) => return Err("a style must not fetch or run anything"),
            "href" | "cite" | "longdesc" | "usemap" if !is_plain_link(&value, false) => {
                return Err("a link must not run anything");
            }
            "src" if !is_plain_link(&value, true) => return Err("a picture must be a picture"),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(inner: &str) -> Result<(), NarrativeFault> {
        check_narrative(&format!("<div xmlns=\"{XHTML}\">{inner}</div>"))
    }

    #[test]
    fn basic_formatting_is_accepted() {
        for inner in [
            "plain",
            "<p id='a' class=\"b\" title='c' xml:lang=\"en\">a &lt; b &amp; c &#160;&#xE9;<br/></p>",
            "<table border=\"1\"><caption>x</caption><tbody><tr><th scope='row'>1</th><td colspan='2'>2</td></tr></tbody></table>",
            "<a href=\"https://example.org\" name=\"n\">x</a><a href=\"#top\">y</a><a href=\"Patient/1\">z</a>",
            "<img src=\"data:image/png;base64,AAAA\" alt=\"\"/>",
            "<p style=\"color: red; background: url(data: image/png;base64,AAAA), url('x.png')\">x</p>",
            "<span style=\"color: red; font-weight: bold\">x</span><!-- said once -->",
            "<span style=\"background-image: url(line.png)\">x</span><p style='background: url(\"data:image/png;base64,AA\")'>y</p>",
            "<ul><li><b>x</b> <i>y</i></li></ul><pre>z</pre><![CDATA[a < b]]>",
        ] {
            assert_eq!(check(inner), Ok(()), "{inner}");
        }
    }

    #[test]
    fn active_content_is_refused() {
        for (inner, part) in [
            ("<script>x</script>", "scripts"),
            ("<p onclick=\"x()\">x</p>", "event"),
            ("<form>x</form>", "forms"),
            ("<iframe src='x'>x</iframe>", "other documents"),
            ("<a href=\"javascript:x()\">x</a>", "run"),
            ("<a href=\" java&#115;cript:x()\">x</a>", "run"),
            ("<a href=\"data:text/html,x\">x</a>", "run"),
            ("<img src=\"data:image/svg+xml,x\"/>", "picture"),
            ("<p style=\"background: url( 'data:text/html,x')\">x</p>", "style"),
            ("<p style=\"@import 'x'\">x</p>", "style"),
            ("<p style=\"width: exp/**/ression(x)\">x</p>", "style"),
            ("<link rel='stylesheet' href='x'/>x", "whole document"),
            ("<font color='red'>x</font>", "basic formatting"),
            ("<ins>x</ins>", "basic formatting"),
            ("<p data-x='1'>x</p>", "attribute"),
            ("<P>x</P>", "basic formatting"),
        ] {
            let fault = check(inner).unwrap_err();
            assert!(fault.text.contains(part) && fault.rule == NarrativeRule::Content, "{inner}: {}", fault.text);
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused_at_its_place() {
        for inner in [
            "<p>x",
            "x</p>",
            "<p>x</b>",
            "a & b",
            "&nbsp;x",
            "&#0;x",
            "<br>x",
            "<p id=a>x</p>",
            "<p id='a' id='b'>x</p>",
            "<!DOCTYPE x>x",
            "<?x?>x",
            "< p>x",
            "<!-- x",
            "\u{1}x",
        ] {
            assert_eq!(check(inner).unwrap_err().rule, NarrativeRule::Content, "{inner}");
        }
        let fault = check("<p>x</p><b onload='y'>z</b>").unwrap_err();
        assert_eq!(fault.position, "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>x</p>".len());
        for whole in ["", "x", "<div>x</div>", "<p xmlns='http://www.w3.org/1999/xhtml'>x</p>"] {
            assert!(check_narrative(whole).is_err(), "{whole}");
        }
        let one = "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>";
        assert!(check_narrative(&format!("{one}{one}")).is_err() && check_narrative(&format!("{one}x")).is_err());
        assert_eq!(check_narrative(&format!(" {one}\n")), Ok(()));
    }

    #[test]
    fn emptiness_is_a_rule_of_its_own() {
        for inner in ["", "  \n", "<p> </p>", "&#160;", "<br/>", "<!-- x -->"] {
            assert_eq!(check(inner).unwrap_err().rule, NarrativeRule::NotEmpty, "{inner:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}x{}", "<b>".repeat(300), "</b>".repeat(300));
        assert!(check(&deep).unwrap_err().text.contains("too deeply"));
    }
}
