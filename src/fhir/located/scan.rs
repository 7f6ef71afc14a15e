//! The shape of a JSON text (RFC 8259) with the offset of everything in it. Reads texts that serde_json has found to be
//! JSON, whose depth is therefore bounded; where one is not, it stops without a result.

/// A value and where it stands, in bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar,
    List(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Debug)]
pub(super) struct Member {
    pub key: String,
    /// Of the key with its quotes.
    pub start: usize,
    pub end: usize,
    pub value: Node,
}

impl Node {
    pub fn member(&self, key: &str) -> Option<&Member> {
        match &self.shape {
            // Of a key that stands twice, serde_json takes the last.
            Shape::Object(members) => members.iter().rev().find(|member| member.key == key),
            _ => None,
        }
    }

    pub fn item(&self, index: usize) -> Option<&Self> {
        match &self.shape {
            Shape::List(items) => items.get(index),
            _ => None,
        }
    }

    /// Calls `visit` with every object and list below and this itself.
    pub fn walk<'n>(&'n self, visit: &mut dyn FnMut(&'n Self)) {
        visit(self);
        match &self.shape {
            Shape::Scalar => {}
            Shape::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Shape::Object(members) => members.iter().for_each(|member| member.value.walk(visit)),
        }
    }
}

pub(super) fn scan(text: &str) -> Option<Node> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.value()
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self) -> Option<Node> {
        let first = self.peek()?;
        let start = self.at;
        let shape = match first {
            b'{' => self.object()?,
            b'[' => self.list()?,
            b'"' => {
                self.string()?;
                Shape::Scalar
            }
            _ => {
                let rest = self.text.as_bytes().get(start..)?;
                let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
                self.at += rest.iter().position(is_end).unwrap_or(rest.len());
                Shape::Scalar
            }
        };
        Some(Node { start, end: self.at, shape })
    }

    fn list(&mut self) -> Option<Shape> {
        let mut items = Vec::new();
        self.take(b'[');
        while !self.take(b']') {
            items.push(self.value()?);
            self.take(b',');
        }
        Some(Shape::List(items))
    }

    fn object(&mut self) -> Option<Shape> {
        let mut members = Vec::new();
        self.take(b'{');
        while !self.take(b'}') {
            self.peek()?;
            let start = self.at;
            let key = self.string()?;
            let end = self.at;
            if !self.take(b':') {
                return None;
            }
            members.push(Member { key, start, end, value: self.value()? });
            self.take(b',');
        }
        Some(Shape::Object(members))
    }

    /// A string in quotes, with what its escapes stand for.
    fn string(&mut self) -> Option<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if bytes.get(start) != Some(&b'"') {
            return None;
        }
        let (mut at, mut has_escapes) = (start + 1, false);
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.at = at + 1;
        if has_escapes {
            return serde_json::from_str(self.text.get(start..self.at)?).ok();
        }
        self.text.get(start + 1..at).map(str::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_offsets() {
        let text = r#" {"a" : [1, "b\"]", {}], "cé": null } "#;
        let root = scan(text).unwrap();
        let of = |node: &Node| text[node.start..node.end].to_string();
        assert_eq!(of(&root), text.trim());
        let list = &root.member("a").unwrap().value;
        assert_eq!((of(list), of(list.item(1).unwrap())), (r#"[1, "b\"]", {}]"#.into(), r#""b\"]""#.into()));
        assert_eq!(of(list.item(2).unwrap()), "{}");
        assert_eq!(of(&root.member("cé").unwrap().value), "null");
        assert!(list.item(3).is_none() && root.member("d").is_none());
    }

    #[test]
    fn what_is_no_json_has_no_shape_and_does_no_harm() {
        for text in ["", "{", "{\"a\"", "{\"a\" 1}", "[1, ", "\"a", "{1: 2}"] {
            assert!(scan(text).is_none(), "{text}");
        }
    }
}
