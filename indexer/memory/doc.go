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
//
// # What it costs
//
// A million contacts of 200 tenants, the largest with 200,000, each with a name, a phone, an order number for two in
// three and one attribute: 418 bytes of heap a document. Measured by this package's benchmarks on two virtual cores of
// an AMD EPYC that other programs shared at a load of 11 and more, so the times that passed are upper bounds and the
// times computed are what to compare:
//
//	building a million        10.8 s computed
//	one update                17 to 21 us computed; all indexed when the call returns
//
//	25 hits, 7 facets                                   found  computed   p50 / p99 while 10,000 updates/s arrive
//	A  name of 3 letters and 3 filters                  2,670    1.2 ms    2.0 /  8.3 ms
//	B  5 digits of a phone and 3 filters                    4    0.1 ms    0.2 /  0.5 ms
//	C  name of 2 letters and 3 filters                  4,133    0.8 ms    2.0 / 17.1 ms
//	D  all of a tenant of 15,177                       15,177    0.4 ms    0.6 /  6.4 ms
//	E  all of the tenant of 200,000                   200,000    3.8 ms    4.8 / 28.0 ms
//	F  two words with typos among 200,000                 413    6.1 ms    7.6 / 58.6 ms
//	G  all of the tenant of 200,000, by name          200,000    4.0 ms   10.1 / 73.2 ms
//
// Not measured: a tenant beyond 200,000, attributes of which nearly all values differ (about 120 bytes a document
// for each), and what the feed and the store cost beside it.
package memory
