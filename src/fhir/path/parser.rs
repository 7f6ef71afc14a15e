//! Builds the tree of an expression by precedence (http://hl7.org/fhirpath/N1/#operator-precedence).

use super::ast::{Call, Literal, Namespace, Node, NodeKind, Operator, TypeSpecifier};
use super::error::PathError;
use super::functions::{self, Function};
use super::lexer::{Token, tokens};
use super::literal;
use crate::fhir::definition::Definitions;
use crate::yaml::nearest;

/// How deep parentheses and arguments may nest.
const MAX_DEPTH: u32 = 100;

/// Binds tighter than every operator.
const HIGHEST: u8 = 14;

pub(super) struct Parser {
    tokens: Vec<(Token, u32)>,
    next: usize,
    depth: u32,
    /// Whether `as` filters collections, as the expressions that R4 itself ships want it.
    as_filters: bool,
}

pub(super) fn parse(text: &str, as_filters: bool) -> Result<Node, PathError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, as_filters };
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
        let mut operators = 0;
        while let Some((strength, operator)) = self.infix().filter(|(strength, _)| *strength > least) {
            let position = self.position();
            self.advance();
            operators += 1;
            if operators > 1000 {
                return Err(self.fault("this expression has too many operators"));
            }
            let value = Box::new(left);
            let kind = match operator {
                Infix::Is => NodeKind::Is { value, kind: self.type_specifier()? },
                Infix::As => {
                    let kind = self.type_specifier()?;
                    if self.as_filters { filter_by(value, kind) } else { NodeKind::As { value, kind } }
                }
                Infix::Operator(operator) => {
                    let right = Box::new(self.expression(strength)?);
                    NodeKind::Binary { operator, left: value, right }
                }
            };
            left = Node { position, kind };
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
                return Ok(Node { position, kind });
            }
        }
        self.invocations()
    }

    fn invocations(&mut self) -> Result<Node, PathError> {
        let mut node = self.term()?;
        let mut count = 0;
        loop {
            count += 1;
            let position = self.position();
            if count > 200 {
                return Err(self.fault("this path has too many steps"));
            }
            if self.accept(".") {
                node = self.invocation(Some(Box::new(node)))?;
            } else if self.accept("[") {
                let index = Box::new(self.expression(0)?);
                self.require("]")?;
                node = Node { position, kind: NodeKind::Indexer { target: Box::new(node), index } };
            } else {
                return Ok(node);
            }
        }
    }

    fn term(&mut self) -> Result<Node, PathError> {
        let position = self.position();
        let kind = match self.peek().clone() {
            Token::Symbol("(") => {
                self.advance();
                let node = self.expression(0)?;
                self.require(")")?;
                return Ok(node);
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
                NodeKind::Variable(name)
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
        Ok(Node { position, kind })
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
                ("this", None) => Ok(Node { position, kind: NodeKind::This }),
                ("index", None) => Ok(Node { position, kind: NodeKind::Index }),
                ("total", None) => Ok(Node { position, kind: NodeKind::Total }),
                _ => Err(PathError::at(
                    position,
                    "only `$this`, `$index` and `$total` exist, and only at the start of a path",
                )),
            },
            Token::Identifier(name) | Token::Quoted(name) => {
                if self.accept("(") {
                    return self.call(target, &name, position);
                }
                let sibling = format!("_{name}");
                Ok(Node { position, kind: NodeKind::Member { target, name, sibling } })
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
        let mut call = Call { target, function, arguments: Vec::new(), kind: None, pattern: None };
        if matches!(function, Function::Is | Function::As | Function::OfType) {
            call.kind = Some(self.type_specifier()?);
            self.require(")")?;
            if function == Function::As && self.as_filters {
                call.function = Function::OfType;
            }
            return Ok(Node { position, kind: NodeKind::Call(call) });
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
        Ok(Node { position, kind: NodeKind::Call(call) })
    }

    fn type_specifier(&mut self) -> Result<TypeSpecifier, PathError> {
        let position = self.position();
        let first = self.name()?;
        if !self.accept(".") {
            let known = Definitions::r4();
            if !is_system_type(&first) && known.kind(&first).is_none() {
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

enum Infix {
    Operator(Operator),
    Is,
    As,
}

fn filter_by(value: Box<Node>, kind: TypeSpecifier) -> NodeKind {
    let function = Function::OfType;
    NodeKind::Call(Call { target: Some(value), function, arguments: Vec::new(), kind: Some(kind), pattern: None })
}

fn is_system_type(name: &str) -> bool {
    matches!(name, "Boolean" | "String" | "Integer" | "Decimal" | "Date" | "DateTime" | "Time" | "Quantity" | "Any")
}
