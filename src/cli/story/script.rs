//! The file of a story: HL7 messages, each from its MSH on, and between them lines that begin with `#`. Such a line lets
//! time pass, names the feed, or says what a person does; anything else after `#` is a remark.

use crate::pipeline::TaskAction;

/// One step of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Message(Vec<u8>),
    /// `# at 2026-03-05T09:00`, `# at +3 d`: as written.
    At(String),
    /// `# feed NAME`: where the messages after it come from.
    Feed(String),
    /// `# accept RULE: note`
    Act {
        action: TaskAction,
        rule: String,
        note: String,
    },
    Remark(String),
}

/// Takes a file apart. Bytes before the first MSH that are no `#` line belong to a message of their own, which is then
/// refused with its reason.
pub fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_open = false;
    for line in bytes.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        let text = line.trim_ascii();
        if let Some(told) = text.strip_prefix(b"#") {
            is_open = false;
            steps.push(told_by(String::from_utf8_lossy(told).trim()));
            continue;
        }
        let begins = text.trim_ascii_start().strip_prefix(b"\x0B").unwrap_or(text).starts_with(b"MSH");
        match steps.last_mut() {
            Some(Step::Message(message)) if is_open && !begins => message.extend_from_slice(line),
            _ if text.is_empty() => {}
            _ => {
                is_open = true;
                steps.push(Step::Message(line.to_vec()));
            }
        }
    }
    steps
}

fn told_by(text: &str) -> Step {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let action = match word {
        "at" if !rest.is_empty() => return Step::At(rest.to_string()),
        "feed" if !rest.is_empty() && !rest.contains(char::is_whitespace) => return Step::Feed(rest.to_string()),
        "accept" => TaskAction::Accept,
        "start" => TaskAction::Start,
        "complete" => TaskAction::Complete,
        "cancel" => TaskAction::Cancel,
        "note" => TaskAction::Note,
        _ => return Step::Remark(text.to_string()),
    };
    let (rule, note) = rest.split_once(':').unwrap_or((rest, ""));
    if rule.is_empty() || rule.contains(char::is_whitespace) {
        return Step::Remark(text.to_string());
    }
    Step::Act { action, rule: rule.to_string(), note: note.trim().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_what_happens_between_them_are_told_apart() {
        let file = b"# a visit\nMSH|^~\\&|A\nPID|1\n\n# at +2 h\n# accept high: called\n# accept what a mess\nMSH|^~\\&|B\rPV1|1\r# feed lab\n";
        let message = |text: &str| Step::Message(text.as_bytes().to_vec());
        let expected = vec![
            Step::Remark("a visit".into()),
            message("MSH|^~\\&|A\nPID|1\n\n"),
            Step::At("+2 h".into()),
            Step::Act { action: TaskAction::Accept, rule: "high".into(), note: "called".into() },
            Step::Remark("accept what a mess".into()),
            message("MSH|^~\\&|B\rPV1|1\r"),
            Step::Feed("lab".into()),
        ];
        assert_eq!(steps(file), expected);
    }

    #[test]
    fn what_is_no_message_is_still_played_so_that_its_refusal_is_seen() {
        assert_eq!(steps(b"PID|1\rPV1|1\r"), vec![Step::Message(b"PID|1\rPV1|1\r".to_vec())]);
        assert!(steps(b"\r\n\r\n").is_empty());
    }
}
