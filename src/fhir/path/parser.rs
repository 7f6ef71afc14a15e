//! Builds the tree of an expression by precedence (http://hl7.org/fhirpath/N1/#operator-precedence).

use super::ast::{Call, Literal, Namespace, Node, NodeKind, Operator, TypeSpecifier};
use super::error::PathError;
use super::functions::{self, Function};
use super::lexer::{Token, tokens};
use super::literal;
use super::step::Step;
use super::variables;
use crate::fhir::definition::Definitions;
use crate::yaml::nearest;

/// How deep parentheses and arguments may nest.
const MAX_DEPTH: u32 = 64;

/// How high the tree may be: operators and steps in a row, and calls, which count threefold. An unoptimised build then
/// needs less than 1 MiB of stack.
const MAX_HEIGHT: u32 = 150;

/// Binds tighter than every operator.
const HIGHEST: u8 = 14;

pub(super) struct Parser {
    tokens: Vec<(Token, u32)>,
    next: usize,
    depth: u32,
    /// Whether this is one of the expressions that R4 and its guides ship: there `as` filters collections, and types of
    /// other releases are named, which nothing is of here.
    is_shipped: bool,
    /// What `defineVariable()` defined that is in scope here, with the number of its place.
    defined: Vec<(String, usize)>,
    /// How many such places there are.
    places: usize,
}

pub(super) fn parse(text: &str, is_shipped: bool) -> Result<Node, PathError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, next: 0, depth: 0, is_shipped, defined: Vec::new(), places: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => Err(parser.fault("an operator was expected here")),
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn position(&self) -> u32 {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, position)| *position)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn fault(&self, text: &str) -> PathError {
        let found = if *self.peek() == Token::End { "; the expression ends too early" } else { "" };
        PathError::at(self.position(), format!("{text}{found}"))
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        if found {
            self.next += 1;
        }
        found
    }

    fn require(&mut self, symbol: &str) -> Result<(), PathError> {
        if self.accept(symbol) { Ok(()) } else { Err(self.fault(&format!("`{symbol}` was expected here"))) }
    }

    /// Everything that binds tighter than `least`.
    fn expression(&mut self, least: u8) -> Result<Node, PathError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("this expression is nested too deeply"));
        }
        let mut left = self.prefixed()?;
        while let Some((strength, operator)) = self.infix().filter(|(strength, _)| *strength > least) {
            let position = self.position();
            self.advance();
            let value = Box::new(left);
            let kind = match operator {
                Infix::Is => NodeKind::Is { value, kind: self.type_specifier()? },
                Infix::As => {
                    let kind = self.type_specifier()?;
                    if self.is_shipped { filter_by(value, kind) } else { NodeKind::As { value, kind } }
                }
                Infix::Operator(operator) => {
                    let right = Box::new(self.expression(strength)?);
                    NodeKind::Binary { operator, left: value, right }
                }
            };
            left = node(position, kind)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn infix(&self) -> Option<(u8, Infix)> {
        let word = match self.peek() {
            Token::Symbol(symbol) => symbol,
            Token::Identifier(word) => word.as_str(),
            _ => return None,
        };
        let operator = match word {
            "*" => (11, Operator::Multiply),
            "/" => (11, Operator::Divide),
            "div" => (11, Operator::WholeDivide),
            "mod" => (11, Operator::Modulo),
            "+" => (10, Operator::Add),
            "-" => (10, Operator::Subtract),
            "&" => (10, Operator::Concatenate),
            "is" => return Some((9, Infix::Is)),
            "as" => return Some((9, Infix::As)),
            "|" => (8, Operator::Union),
            "<" => (7, Operator::Less),
            "<=" => (7, Operator::LessOrEqual),
            ">" => (7, Operator::Greater),
            ">=" => (7, Operator::GreaterOrEqual),
            "=" => (6, Operator::Equal),
            "!=" => (6, Operator::NotEqual),
            "~" => (6, Operator::Equivalent),
            "!~" => (6, Operator::NotEquivalent),
            "in" => (5, Operator::In),
            "contains" => (5, Operator::Contains),
            "and" => (4, Operator::And),
            "or" => (3, Operator::Or),
            "xor" => (3, Operator::Xor),
            "implies" => (2, Operator::Implies),
            _ => return None,
        };
        Some((operator.0, Infix::Operator(operator.1)))
    }

    fn prefixed(&mut self) -> Result<Node, PathError> {
        let position = self.position();
        for symbol in ["-", "+"] {
            if self.accept(symbol) {
                // The sign binds weaker than `.` and `[]` and stronger than every operator.
                let value = Box::new(self.expression(HIGHEST)?);
                let kind = if symbol == "-" { NodeKind::Negate(value) } else { NodeKind::Plus(value) };
                return node(position, kind);
            }
        }
        self.invocations()
    }

    fn invocations(&mut self) -> Result<Node, PathError> {
        // What a path defines is known to the rest of that path only.
        let known = self.defined.len();
        let mut found = self.term()?;
        loop {
            let position = self.position();
            if self.accept(".") {
                found = self.invocation(Some(Box::new(found)))?;
            } else if self.accept("[") {
                let index = Box::new(self.expression(0)?);
                self.require("]")?;
                found = node(position, NodeKind::Indexer { target: Box::new(found), index })?;
            } else {
                self.defined.truncate(known);
                return Ok(found);
            }
        }
    }

    fn term(&mut self) -> Result<Node, PathError> {
        let position = self.position();
        let kind = match self.peek().clone() {
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.require(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.advance();
                self.require("}")?;
                NodeKind::Empty
            }
            Token::Identifier(word) if word == "true" || word == "false" => {
                self.advance();
                NodeKind::Literal(Literal::Boolean(word == "true"))
            }
            Token::Identifier(_) | Token::Quoted(_) => return self.invocation(None),
            Token::Variable(name) => {
                self.advance();
                match self.defined.iter().find(|(own, _)| *own == name) {
                    Some((_, place)) => NodeKind::Defined(*place),
                    None => NodeKind::Variable(name),
                }
            }
            Token::Special(_) => return self.invocation(None),
            Token::Text(text) => {
                self.advance();
                NodeKind::Literal(Literal::String(text))
            }
            Token::Number(text) => {
                self.advance();
                self.number(&text, position)?
            }
            Token::Date(text) => {
                self.advance();
                NodeKind::Literal(literal::date(&text).ok_or_else(|| PathError::at(position, "there is no such date"))?)
            }
            Token::Time(text) => {
                self.advance();
                NodeKind::Literal(literal::time(&text).ok_or_else(|| PathError::at(position, "there is no such time"))?)
            }
            _ => return Err(self.fault("a value, an element or a function was expected here")),
        };
        node(position, kind)
    }

    fn number(&mut self, text: &str, position: u32) -> Result<NodeKind, PathError> {
        let number = literal::number(text).ok_or_else(|| PathError::at(position, "this number is too long"))?;
        let unit = match self.peek() {
            Token::Text(unit) => Some((unit.clone(), false)),
            Token::Identifier(word) if literal::is_calendar_unit(word) => Some((word.clone(), true)),
            _ => None,
        };
        let Some((unit, is_calendar)) = unit else { return Ok(NodeKind::Literal(number)) };
        self.advance();
        let value = match number {
            Literal::Integer(value) => value.into(),
            Literal::Decimal(value) => value,
            _ => return Err(PathError::at(position, "a unit follows a number")),
        };
        Ok(NodeKind::Literal(Literal::Quantity { value, unit, is_calendar }))
    }

    fn invocation(&mut self, target: Option<Box<Node>>) -> Result<Node, PathError> {
        let position = self.position();
        match self.advance() {
            Token::Special(word) => match (word.as_str(), target) {
                ("this", None) => node(position, NodeKind::This),
                ("index", None) => node(position, NodeKind::Index),
                ("total", None) => node(position, NodeKind::Total),
                _ => Err(PathError::at(
                    position,
                    "only `$this`, `$index` and `$total` exist, and only at the start of a path",
                )),
            },
            Token::Identifier(name) | Token::Quoted(name) => {
                if self.accept("(") {
                    return self.call(target, &name, position);
                }
                path(target, Step::new(position, name))
            }
            _ => Err(PathError::at(position, "the name of an element or function was expected here")),
        }
    }

    fn call(&mut self, target: Option<Box<Node>>, name: &str, position: u32) -> Result<Node, PathError> {
        let Some((function, least, most)) = functions::by_name(name) else {
            let hint = nearest(name, functions::names()).map(|near| format!("; did you mean `{near}`?"));
            let text = format!("there is no function `{name}`{}", hint.unwrap_or_default());
            return Err(PathError::at(position, text));
        };
        let mut call = Call { target, function, arguments: Vec::new(), kind: None, pattern: None, place: 0 };
        if matches!(function, Function::Is | Function::As | Function::OfType) {
            call.kind = Some(self.type_specifier()?);
            self.require(")")?;
            if function == Function::As && self.is_shipped {
                call.function = Function::OfType;
            }
            return node(position, NodeKind::Call(call));
        }
        if !self.accept(")") {
            loop {
                call.arguments.push(self.expression(0)?);
                if !self.accept(",") {
                    break;
                }
            }
            self.require(")")?;
        }
        let count = call.arguments.len();
        if count < least || count > most {
            let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(PathError::at(position, format!("`{name}` takes {wanted} arguments; here are {count}")));
        }
        if let (true, Some(NodeKind::Literal(Literal::String(pattern)))) =
            (function.takes_pattern(), call.arguments.first().map(|first| &first.kind))
        {
            call.pattern = Some(functions::compile_pattern(pattern, function, position)?);
        }
        if function == Function::DefineVariable {
            call.place = self.define(call.arguments.first(), position)?;
        }
        node(position, NodeKind::Call(call))
    }

    /// Puts a name into scope (http://hl7.org/fhirpath/#definevariablename-string--expr-expression). It must be written
    /// out, so that where a name is known can be told without evaluating anything.
    fn define(&mut self, name: Option<&Node>, position: u32) -> Result<usize, PathError> {
        let Some(NodeKind::Literal(Literal::String(name))) = name.map(|name| &name.kind) else {
            return Err(PathError::at(position, "`defineVariable` takes a name in quotes"));
        };
        if variables::is_defined(name) || self.defined.iter().any(|(own, _)| own == name) {
            return Err(PathError::at(position, format!("`%{name}` is defined already; choose another name")));
        }
        let place = self.places;
        self.places += 1;
        self.defined.push((name.clone(), place));
        Ok(place)
    }

    fn type_specifier(&mut self) -> Result<TypeSpecifier, PathError> {
        let position = self.position();
        let first = self.name()?;
        if !self.accept(".") {
            let known = Definitions::r4();
            if !self.is_shipped && !is_system_type(&first) && known.kind(&first).is_none() {
                return Err(PathError::at(position, format!("there is no type `{first}`")));
            }
            return Ok(TypeSpecifier { namespace: None, name: first });
        }
        let namespace = match first.as_str() {
            "System" => Namespace::System,
            "FHIR" => Namespace::Fhir,
            _ => return Err(PathError::at(position, "types are in `System` or in `FHIR`")),
        };
        Ok(TypeSpecifier { namespace: Some(namespace), name: self.name()? })
    }

    fn name(&mut self) -> Result<String, PathError> {
        let position = self.position();
        match self.advance() {
            Token::Identifier(name) | Token::Quoted(name) => Ok(name),
            _ => Err(PathError::at(position, "the name of a type was expected here")),
        }
    }
}

/// A part of the tree, unless the tree grows too high with it.
fn node(position: u32, kind: NodeKind) -> Result<Node, PathError> {
    let node = Node::new(position, kind);
    if node.height > MAX_HEIGHT {
        return Err(PathError::at(position, "this expression has too many steps or operators in a row"));
    }
    Ok(node)
}

/// A path, or one that is longer by a step.
fn path(target: Option<Box<Node>>, step: Step) -> Result<Node, PathError> {
    match target.map(|node| *node) {
        Some(Node { position, kind: NodeKind::Path { target, mut steps }, .. }) => {
            steps.push(step);
            node(position, NodeKind::Path { target, steps })
        }
        target => node(step.position, NodeKind::Path { target: target.map(Box::new), steps: vec![step] }),
    }
}

enum Infix {
    Operator(Operator),
    Is,
    As,
}

fn filter_by(value: Box<Node>, kind: TypeSpecifier) -> NodeKind {
    let function = Function::OfType;
    NodeKind::Call(Call {
        target: Some(value),
        function,
        arguments: Vec::new(),
        kind: Some(kind),
        pattern: None,
        place: 0,
    })
}

fn is_system_type(name: &str) -> bool {
    matches!(name, "Boolean" | "String" | "Integer" | "Decimal" | "Date" | "DateTime" | "Time" | "Quantity" | "Any")
}
