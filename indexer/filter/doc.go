// Package filter is the language in which contacts are filtered: text is parsed against a Schema into a tree of
// typed conditions, which is evaluated, checked or emitted again. It is not the language of any search engine: each
// driver writes the tree in its engine's own words and never passes a client's text on. It is pure and holds no
// state; a tree is never changed once made.
//
// The grammar, in EBNF; white space may stand between any two symbols except inside a value, a number or a date:
//
//	filter    = or .
//	or        = and { "||" and } .
//	and       = unary { "&&" unary } .                      "&&" binds closer than "||", "!" closer than both
//	unary     = "!" unary | "(" or ")" | condition .
//	condition = field ":" ( "*" | [ "=" | "!=" ] operand | ( ">" | ">=" | "<" | "<=" ) scalar ) .
//	operand   = item | "[" item { "," item } "]" .
//	item      = scalar [ ".." scalar ]                      number, money, date: a range with both ends
//	          | ( bare | quoted ) [ "*" ]                   text, tags: "*" makes it a beginning
//	          | "true" | "false" .                          boolean, not in a list
//	scalar    = number | integer | date .                   as the field's kind asks
//	number    = [ "-" ] digits [ "." digits ] .             at most 6 decimals
//	integer   = [ "-" ] digits .                            money: cents
//	date      = RFC 3339 with at most milliseconds | [ "-" ] digits .   digits: seconds since 1970
//	bare      = characters without ( ) [ ] , : = < > * ` "&&" "||", outer white space cut off .
//	quoted    = "`" characters, a backtick written twice "`" .
//	field     = letter { letter | digit | "_" | "." } .     lower case
//
// What it means: "field:*" holds where the field has a value. "field:=v" and "field:v" hold where the value is v,
// byte for byte (case and accents count: what people type belongs into the search text, not here), for tags where
// one of them is; a list holds where one of its items does. "field:!=v" is "!(field:=v)". A condition on a field
// without a value is false, so its negation is true: there is no third truth value. "<" and ">" compare numbers,
// money and dates.
package filter
