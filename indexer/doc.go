// Package indexer is the port through which contacts are found: the document that is indexed, the one request model
// (text, typed filter, sort, facets, cursor), and the interfaces of an engine. It is not an engine, not the feed
// that keeps one up to date, and not the store: an index may be lost at any time and is built again from the store.
// It owns no state. The drivers are in packages below (memory), and all pass the suite in indexer/indextest, which
// is the precise form of what is said here.
//
//	 store ──▶ feed ──▶ Writer ─┐                   filter: the language of filters, parsed once into a tree
//	                            ├─▶ Engine          text: how names and codes are cut, folded, compared
//	gateway ─▶ Request ─▶ Searcher ┘                indextest: what every driver must do
//
// The invariant: a search of one tenant never sees a document of another. The tenant of a request is set by the
// engine of calls from the session, never from what a client sent.
//
// # What matches
//
// A document matches when the filter holds (package filter says what that means) and the text matches (package text
// says how it is cut into words and codes). Every word must begin a word of the name, and every code must stand
// somewhere in the digits of the phone, somewhere in the order number, or begin a word of the name. Case and accents
// do not count. Only where no document of the tenant matches text and filter in that way, words of 4 letters and
// more may hold one typo and of 8 and more two; Result.Typos says that this was so.
//
// Engines differ in what they can do cheaply, so this much is certain and no more:
//
//   - Certainly found, where the text has no code: documents whose name holds every word but the last as a whole
//     word, and one that begins with the last. Where it has one code, of 3 characters or more: documents that hold
//     the code, and every word as a whole. What matches only in the wider sense above (several beginnings, several
//     or shorter codes) may be missed. The memory driver finds it.
//   - With typos, the documents with the fewest in all are certainly found, those with more may be; none is found
//     beyond the limits. Sorted by relevance, fewer typos come first. How documents with equally many compare is the
//     driver's, but stable, the latest activity first where possible.
//   - A filter for the beginning of a text may be refused with the code "filter_unsupported", never answered wrongly.
//   - Of a record that changes between two pages of a cursor nothing is certain. One whose sort value stays is on
//     exactly one of the pages; sorted by relevance this is certain only while nothing changes.
//
// # Order
//
// Sorting is by one field: numbers and dates by value, texts by text.Key byte by byte, booleans false before true.
// Documents without a value come last in both directions. Equals are in the order of Tie, ascending in both
// directions.
package indexer
