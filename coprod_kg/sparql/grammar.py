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

__all__ = ["Misfit", "begins", "misfit", "words"]

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
class _Part:
    """A part of a rule.

    Attributes:
        kind: token, rule, all, either, maybe or many.
        name: of the token or the rule.
        parts: what it consists of.
    """

    kind: str
    name: str = ""
    parts: tuple["_Part", ...] = ()


def misfit(text: str, *, update: bool = False) -> Misfit | None:
    """The first token that does not fit, or None where the whole text does.

    Args:
        text: a query or an update.
        update: whether it is an update.
    """
    rules, firsts = _grammar()
    tokens = _terminals(text)
    name, token = next(tokens)
    stack = [_Part("rule", "Update" if update else "Query")]
    expected = set[str]()
    while stack:
        part = stack.pop()
        first, empty = firsts[part]
        if name not in first:
            expected |= first
            if not empty:
                return Misfit(token, frozenset(expected))
        elif part.kind == "token":
            name, token = next(tokens)
            expected.clear()
        elif part.kind == "rule":
            stack.append(rules[part.name])
        elif part.kind == "all":
            stack += reversed(part.parts)
        elif part.kind == "either":
            stack.append(next(choice for choice in part.parts if name in firsts[choice][0]))
        elif part.kind == "maybe":
            stack += part.parts
        else:
            stack += (part, *part.parts)
    return Misfit(token, frozenset(expected)) if token else None


def begins(rule: str) -> frozenset[str]:
    """The tokens that the text of a rule can begin with."""
    return _grammar()[1][_Part("rule", rule)][0]


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
def _grammar() -> tuple[Mapping[str, _Part], Mapping[_Part, tuple[frozenset[str], bool]]]:
    """The rules; and of each part what it can begin with, and whether it can be nothing."""
    rules = {}
    for rule in re.split(r"\n(?! )", _RULES.strip()):
        name, _, body = rule.partition(" : ")
        rules[name] = _parsed_rule(re.findall(r"'[^']+'|\w+|[()|?*]", body))
    firsts = dict[_Part, tuple[frozenset[str], bool]]()
    unvisited = [*rules.values(), *(_Part("rule", name) for name in rules)]
    while unvisited:
        part = unvisited.pop()
        firsts[part] = (frozenset(), False)
        unvisited += [inner for inner in part.parts if inner not in firsts]
    growing = True
    while growing:
        grown = {part: _first(part, rules, firsts) for part in firsts}
        growing, firsts = grown != firsts, grown
    return rules, firsts


def _first(
    part: _Part, rules: Mapping[str, _Part], firsts: Mapping[_Part, tuple[frozenset[str], bool]]
) -> tuple[frozenset[str], bool]:
    if part.kind == "token":
        return frozenset({part.name}), False
    if part.kind == "rule":
        return firsts[rules[part.name]]
    firsts_of_parts = [firsts[inner] for inner in part.parts]
    if part.kind == "either":
        union = frozenset[str]().union(*(first for first, _ in firsts_of_parts))
        return union, any(empty for _, empty in firsts_of_parts)
    if part.kind in ("maybe", "many"):
        return firsts_of_parts[0][0], True
    union = frozenset()
    for first, empty in firsts_of_parts:
        union |= first
        if not empty:
            return union, False
    return union, True


def _parsed_rule(words: list[str]) -> _Part:
    """The part that some words of a rule stand for; they are used up to a closing parenthesis."""
    choices, sequence = list[_Part](), list[_Part]()
    while words:
        word = words.pop(0)
        if word == ")":
            break
        if word == "|":
            choices.append(_Part("all", parts=tuple(sequence)))
            sequence = []
        elif word in "?*":
            kind = "maybe" if word == "?" else "many"
            sequence.append(_Part(kind, parts=(sequence.pop(),)))
        elif word == "(":
            sequence.append(_parsed_rule(words))
        elif re.fullmatch("[A-Z][a-z]\\w*", word):
            sequence.append(_Part("rule", word))
        else:
            sequence.append(_Part("token", word.strip("'")))
    return _Part("either", parts=(*choices, _Part("all", parts=tuple(sequence))))
