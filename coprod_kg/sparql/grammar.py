"""LL(1) parser of SPARQL 1.1 that finds the first token that does not fit, and what would.

The engine reports how far the furthest of its attempts got, which is seldom where the mistake is.
The grammar can be read with one token of foresight, so the first token that no rule takes is the
first that no text could go on with. Nothing is parsed recursively: no text ends the process.

A text that this grammar takes may still be refused by the engine, for what no grammar says: a
variable bound twice, a blank node in what is deleted.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from coprod_kg.sparql.tokens import Token, significant

__all__ = ["Misfit", "begins", "first_unexpected", "words"]

_RULES: Final = """
Query : Prologue (Select | Construct | Describe | Ask) Values
Update : Prologue (Operation (';' Update)?)?
Prologue : (BASE iri | PREFIX namespace iri)*
Select : SelectClause From* Where Modifiers
SubSelect : SelectClause Where Modifiers Values
SelectClause : SELECT (DISTINCT | REDUCED)? (Projected Projected* | '*')
Projected : variable | '(' Expression AS variable ')'
Construct : CONSTRUCT (Template From* Where Modifiers | From* WHERE Template Modifiers)
Describe : DESCRIBE (Named Named* | '*') From* Where? Modifiers
Ask : ASK From* Where Modifiers
From : FROM NAMED? Iri
Where : WHERE? Group
Modifiers : GroupBy? Having? OrderBy? Slice?
GroupBy : GROUP BY GroupKey GroupKey*
GroupKey : Call | FunctionCall | '(' Expression (AS variable)? ')' | variable
Having : HAVING Constraint Constraint*
OrderBy : ORDER BY OrderKey OrderKey*
OrderKey : (ASC | DESC) '(' Expression ')' | Constraint | variable
Slice : LIMIT number (OFFSET number)? | OFFSET number (LIMIT number)?
Values : (VALUES Data)?
Operation : LOAD SILENT? Iri (INTO GRAPH Iri)? | (CLEAR | DROP) SILENT? Graphs
 | CREATE SILENT? GRAPH Iri | (ADD | MOVE | COPY) SILENT? GraphOrDefault TO GraphOrDefault
 | INSERT (DATA Quads | Quads Using* WHERE Group)
 | DELETE (DATA Quads | WHERE Quads | Quads (INSERT Quads)? Using* WHERE Group)
 | WITH Iri (DELETE Quads (INSERT Quads)? | INSERT Quads) Using* WHERE Group
Graphs : GRAPH Iri | DEFAULT | NAMED | ALL
GraphOrDefault : DEFAULT | GRAPH? Iri
Using : USING NAMED? Iri
Quads : '{' TemplateTriples? (GRAPH Named '{' TemplateTriples? '}' '.'? TemplateTriples?)* '}'
Template : '{' TemplateTriples? '}'
TemplateTriples : TemplateSubject ('.' TemplateTriples?)?
TemplateSubject : Term TemplateProperties | TemplateNode TemplateProperties?
TemplateProperties : TemplateProperty (';' TemplateProperty?)*
TemplateProperty : (variable | Iri | a) TemplateObject (',' TemplateObject)*
TemplateObject : Term | TemplateNode
TemplateNode : '(' TemplateObject TemplateObject* ')' | '[' TemplateProperties ']'
Group : '{' (SubSelect | Triples? (Element '.'? Triples?)*) '}'
Element : Group (UNION Group)* | (OPTIONAL | MINUS) Group | GRAPH Named Group
 | SERVICE SILENT? Named Group | FILTER Constraint | BIND '(' Expression AS variable ')'
 | VALUES Data
Data : variable '{' Datum* '}' | (nil | '(' variable* ')') '{' ('(' Datum* ')' | nil)* '}'
Datum : Iri | Literal | UNDEF
Triples : Subject ('.' Triples?)?
Subject : Term Properties | Node Properties?
Properties : Property (';' Property?)*
Property : Verb Object (',' Object)*
Verb : variable | Path
Object : Term | Node
Node : '(' Object Object* ')' | '[' Properties ']'
Path : Steps ('|' Steps)*
Steps : Step ('/' Step)*
Step : '^'? StepItself ('?' | '*' | '+')?
StepItself : Iri | a | '(' Path ')' | '!' (Negated | nil | '(' (Negated ('|' Negated)*)? ')')
Negated : '^'? (Iri | a)
Term : variable | Iri | Literal | blank | anon | nil
Named : variable | Iri
Iri : iri | pname | namespace
Literal : Plain | ('+' | '-') number
Plain : string (language | '^^' Iri)? | number | TRUE | FALSE
Constraint : '(' Expression ')' | Call | FunctionCall
FunctionCall : Iri Arguments
Arguments : nil | '(' DISTINCT? Expression (',' Expression)* ')'
Expressions : nil | '(' Expression (',' Expression)* ')'
Expression : And ('||' And)*
And : Relation ('&&' Relation)*
Relation : Sum (('=' | '!=' | '<' | '>' | '<=' | '>=') Sum | IN Expressions | NOT IN Expressions)?
Sum : Product (('+' | '-') Product)*
Product : Factor (('*' | '/') Factor)*
Factor : ('!' | '+' | '-')? Primary
Primary : '(' Expression ')' | Call | Iri Arguments? | Plain | variable
Call : Function | EXISTS Group | NOT EXISTS Group
Function : OfOne '(' Expression ')' | OfTwo '(' Expression ',' Expression ')'
 | (RAND | NOW | UUID | STRUUID) nil | BNODE (nil | '(' Expression ')')
 | (CONCAT | COALESCE) Expressions
 | BOUND '(' variable ')' | IF '(' Expression ',' Expression ',' Expression ')'
 | (REGEX | SUBSTR) '(' Expression ',' Expression (',' Expression)? ')'
 | REPLACE '(' Expression ',' Expression ',' Expression (',' Expression)? ')'
 | COUNT '(' DISTINCT? ('*' | Expression) ')'
 | (SUM | MIN | MAX | AVG | SAMPLE) '(' DISTINCT? Expression ')'
 | GROUP_CONCAT '(' DISTINCT? Expression (';' SEPARATOR '=' string)? ')'
OfOne : STR | LANG | DATATYPE | IRI | URI | ABS | CEIL | FLOOR | ROUND | STRLEN | UCASE | LCASE
 | ENCODE_FOR_URI | YEAR | MONTH | DAY | HOURS | MINUTES | SECONDS | TIMEZONE | TZ | MD5 | SHA1
 | SHA256 | SHA384 | SHA512 | ISIRI | ISURI | ISBLANK | ISLITERAL | ISNUMERIC
OfTwo : LANGMATCHES | CONTAINS | STRSTARTS | STRENDS | STRBEFORE | STRAFTER | SAMETERM | STRDT
 | STRLANG
"""
"""Rules of tokens: in capitals or quotes what is written so, in small letters a kind of token."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first token that does not fit.

    Attributes:
        token: the token; None where the text ends too early.
        expected: what could stand there: marks, words in capitals, kinds of tokens.
    """

    token: Token | None
    expected: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A symbol of the grammar: a token, the name of a rule, or what those make together.

    Attributes:
        kind: token, rule, sequence, choice, optional or repeat.
        name: of the token or the rule.
        parts: what it consists of.
    """

    kind: str
    name: str = ""
    parts: tuple["_Symbol", ...] = ()


def first_unexpected(text: str, *, update: bool = False) -> Misfit | None:
    """The first token that does not fit, or None where the whole text does.

    Args:
        text: a query or an update.
        update: whether it is an update.
    """
    rules, first_sets = _grammar()
    tokens = _terminals(text)
    name, token = next(tokens)
    stack = [_Symbol("rule", "Update" if update else "Query")]
    expected = set[str]()
    while stack:
        part = stack.pop()
        first, nullable = first_sets[part]
        if name not in first:
            expected |= first
            if not nullable:
                return Misfit(token, frozenset(expected))
        elif part.kind == "token":
            name, token = next(tokens)
            expected.clear()
        elif part.kind == "rule":
            stack.append(rules[part.name])
        elif part.kind == "sequence":
            stack += reversed(part.parts)
        elif part.kind == "choice":
            stack.append(next(choice for choice in part.parts if name in first_sets[choice][0]))
        elif part.kind == "optional":
            stack += part.parts
        else:
            stack += (part, *part.parts)
    return Misfit(token, frozenset(expected)) if token else None


def begins(rule: str) -> frozenset[str]:
    """The tokens that the text of a rule can begin with."""
    return _grammar()[1][_Symbol("rule", rule)][0]


@cache
def words() -> tuple[str, ...]:
    """The keywords, in the order in which they may come."""
    return tuple(dict.fromkeys(re.findall(r"\b[A-Z][A-Z0-9_]+\b", _RULES)))


def _terminals(text: str) -> Iterator[tuple[str, Token | None]]:
    """Each token with what the rules call it; at last the end, which no rule takes."""
    tokens = significant(text)
    token = next(tokens, None)
    while token is not None:
        following = next(tokens, None)
        pair = token.text + (following.text if following else "")
        if pair in ("()", "[]"):
            yield ("nil" if pair == "()" else "anon"), token
            following = next(tokens, None)
        elif token.kind == "pname" and token.text.endswith(":"):
            yield "namespace", token
        elif token.kind == "word":
            yield ("a" if token.text == "a" else token.text.upper()), token
        else:
            yield (token.text if token.kind == "mark" else token.kind), token
        token = following
    while True:
        yield "", None


@cache
def _grammar() -> tuple[Mapping[str, _Symbol], Mapping[_Symbol, tuple[frozenset[str], bool]]]:
    """The rules; and of each part what it can begin with, and whether it can be nothing."""
    rules = {}
    for rule in re.split(r"\n(?! )", _RULES.strip()):
        name, _, body = rule.partition(" : ")
        rules[name] = _parsed_rule(re.findall(r"'[^']+'|\w+|[()|?*]", body))
    first_sets = dict[_Symbol, tuple[frozenset[str], bool]]()
    unvisited = [*rules.values(), *(_Symbol("rule", name) for name in rules)]
    while unvisited:
        part = unvisited.pop()
        first_sets[part] = (frozenset(), False)
        unvisited += [inner for inner in part.parts if inner not in first_sets]
    growing = True
    while growing:
        grown = {part: _first(part, rules, first_sets) for part in first_sets}
        growing, first_sets = grown != first_sets, grown
    return rules, first_sets


def _first(
    part: _Symbol,
    rules: Mapping[str, _Symbol],
    first_sets: Mapping[_Symbol, tuple[frozenset[str], bool]],
) -> tuple[frozenset[str], bool]:
    if part.kind == "token":
        return frozenset({part.name}), False
    if part.kind == "rule":
        return first_sets[rules[part.name]]
    first_sets_of_parts = [first_sets[inner] for inner in part.parts]
    if part.kind == "choice":
        union = frozenset[str]().union(*(first for first, _ in first_sets_of_parts))
        return union, any(empty for _, empty in first_sets_of_parts)
    if part.kind in ("optional", "repeat"):
        return first_sets_of_parts[0][0], True
    union = frozenset()
    for first, nullable in first_sets_of_parts:
        union |= first
        if not nullable:
            return union, False
    return union, True


def _parsed_rule(words: list[str]) -> _Symbol:
    """The part that some words of a rule stand for; they are used up to a closing parenthesis."""
    choices, sequence = list[_Symbol](), list[_Symbol]()
    while words:
        word = words.pop(0)
        if word == ")":
            break
        if word == "|":
            choices.append(_Symbol("sequence", parts=tuple(sequence)))
            sequence = []
        elif word in "?*":
            kind = "optional" if word == "?" else "repeat"
            sequence.append(_Symbol(kind, parts=(sequence.pop(),)))
        elif word == "(":
            sequence.append(_parsed_rule(words))
        elif re.fullmatch("[A-Z][a-z]\\w*", word):
            sequence.append(_Symbol("rule", word))
        else:
            sequence.append(_Symbol("token", word.strip("'")))
    return _Symbol("choice", parts=(*choices, _Symbol("sequence", parts=tuple(sequence))))
