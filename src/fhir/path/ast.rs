//! An expression as a tree, ready to be evaluated many times: names resolved, literals read, patterns compiled.

use regex_lite::Regex;
use rust_decimal::Decimal;

use super::functions::Function;
use super::step::Step;
use crate::fhir::time::{PartialDateTime, PartialTime};

/// A call hands on what it is applied to, and so needs more of the stack than an operator.
const CALL_HEIGHT: u32 = 3;

/// One part of an expression and where its text begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub position: u32,
    /// How many parts stand one in another here, calls counted for more: what evaluation needs of the stack.
    pub height: u32,
    pub kind: NodeKind,
}

impl Node {
    pub fn new(position: u32, kind: NodeKind) -> Self {
        let mut height = 0;
        kind.each_part(&mut |node| height = height.max(node.height));
        let own = match &kind {
            NodeKind::Path { steps, .. } => u32::try_from(steps.len()).unwrap_or(u32::MAX),
            NodeKind::Call(_) => CALL_HEIGHT,
            _ => 1,
        };
        Self { position, height: height.saturating_add(own), kind }
    }

    /// Calls `look` with this part and every part below it.
    pub fn visit<'n>(&'n self, look: &mut dyn FnMut(&'n Node)) {
        look(self);
        self.kind.each_part(&mut |node| node.visit(look));
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
    /// What `defineVariable()` defined further left, by the number of its place.
    Defined(usize),
    /// Elements, from `target` or from what the expression is applied to, one step after the other.
    Path {
        target: Option<Box<Node>>,
        steps: Vec<Step>,
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

impl NodeKind {
    /// Calls `look` with each part that this one is made of.
    fn each_part<'n>(&'n self, look: &mut dyn FnMut(&'n Node)) {
        match self {
            Self::Path { target, .. } => target.iter().for_each(|node| look(node)),
            Self::Indexer { target, index } => [target, index].into_iter().for_each(|node| look(node)),
            Self::Call(call) => {
                call.target.iter().for_each(|node| look(node));
                call.arguments.iter().for_each(look);
            }
            Self::Binary { left, right, .. } => [left, right].into_iter().for_each(|node| look(node)),
            Self::Negate(value) | Self::Plus(value) => look(value),
            Self::Is { value, .. } | Self::As { value, .. } => look(value),
            Self::Literal(_)
            | Self::Empty
            | Self::This
            | Self::Index
            | Self::Total
            | Self::Variable(_)
            | Self::Defined(_) => {}
        }
    }
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
    /// For `defineVariable`: the number of its place.
    pub place: usize,
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
