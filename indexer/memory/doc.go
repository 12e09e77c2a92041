// Package memory is the driver of the search port that keeps everything in the process: the default of a single
// node. It is not durable: who feeds it fills it again from the store after a start. It starts no goroutine.
//
// Each tenant has a partition, which a search of another tenant has no way to: the tenant is the key by which the
// partition is found, not a condition of the query. A partition is cut into shards of up to 65,535 documents, each
// with a lock of its own: a writer holds it for one document, a search for its part of the shard, so neither waits
// long for the other. The writers of one partition take turns.
//
//	Engine ─ tenant ─▶ partition ─▶ shard ─┬─ columns   value of each document, by ordinal
//	                    slots: id ─▶ place ├─ postings  documents of each value (roaring bitmaps)
//	                                       ├─ terms     documents of each word of a name, and of short beginnings
//	                                       └─ grams     documents of any three neighbouring characters of codes
//
// A search intersects sets, the smallest first, then tests what is left on numbers and dates, counts facets over the
// columns, and keeps the best of a page in a heap: no order is kept up, so updates of what is sorted by cost
// nothing. A deletion takes the document out of every posting; its ordinal goes to a later one. A small shard does
// without short beginnings and grams and looks at its documents instead.
//
// A search sees each shard at one moment, but not all shards at the same one. A hit is read again at the end: it may
// be newer than what matched, and one that was deleted meanwhile is missing from the page.
package memory
