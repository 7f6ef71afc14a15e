//! An expression as a tree, ready to be evaluated many times: names resolved, literals read, patterns compiled.

use regex_lite::Regex;
use rust_decimal::Decimal;

use super::functions::Function;
use crate::fhir::time::{PartialDateTime, PartialTime};

/// One part of an expression and where its text begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub position: u32,
    pub kind: NodeKind,
}

impl Node {
    /// Calls `look` with this part and every part below it.
    pub fn visit<'n>(&'n self, look: &mut dyn FnMut(&'n Node)) {
        look(self);
        match &self.kind {
            NodeKind::Member { target, .. } => target.iter().for_each(|node| node.visit(look)),
            NodeKind::Indexer { target, index } => [target, index].into_iter().for_each(|node| node.visit(look)),
            NodeKind::Call(call) => {
                call.target.iter().for_each(|node| node.visit(look));
                call.arguments.iter().for_each(|node| node.visit(look));
            }
            NodeKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|node| node.visit(look)),
            NodeKind::Negate(value) | NodeKind::Plus(value) => value.visit(look),
            NodeKind::Is { value, .. } | NodeKind::As { value, .. } => value.visit(look),
            NodeKind::Literal(_)
            | NodeKind::Empty
            | NodeKind::This
            | NodeKind::Index
            | NodeKind::Total
            | NodeKind::Variable(_) => {}
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    Literal(Literal),
    /// `{}`
    Empty,
    This,
    Index,
    Total,
    Variable(String),
    /// An element, of `target` or of what the expression is applied to.
    Member {
        target: Option<Box<Node>>,
        name: String,
        sibling: String,
    },
    Indexer {
        target: Box<Node>,
        index: Box<Node>,
    },
    Call(Call),
    Negate(Box<Node>),
    Plus(Box<Node>),
    Binary {
        operator: Operator,
        left: Box<Node>,
        right: Box<Node>,
    },
    Is {
        value: Box<Node>,
        kind: TypeSpecifier,
    },
    As {
        value: Box<Node>,
        kind: TypeSpecifier,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(String),
    Date(PartialDateTime),
    DateTime(PartialDateTime),
    Time(PartialTime),
    Quantity { value: Decimal, unit: String, is_calendar: bool },
}

/// A function and what it is called with.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub target: Option<Box<Node>>,
    pub function: Function,
    pub arguments: Vec<Node>,
    /// For functions that take a type.
    pub kind: Option<TypeSpecifier>,
    /// For functions that take a pattern, when it is a literal.
    pub pattern: Option<Regex>,
}

/// The name of a type, in one name space or in either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeSpecifier {
    pub namespace: Option<Namespace>,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namespace {
    System,
    Fhir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Multiply,
    Divide,
    WholeDivide,
    Modulo,
    Add,
    Subtract,
    Concatenate,
    Union,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}
