package id

import (
	"strings"
	"testing"
	"time"
)

func TestNewSortsByTime(t *testing.T) {
	early := New("call", time.UnixMilli(1_000))
	late := New("call", time.UnixMilli(2_000))
	if early >= late {
		t.Fatalf("id of the earlier millisecond %q does not sort before %q", early, late)
	}
	if !strings.HasPrefix(early, "call_") || !Valid(early) {
		t.Fatalf("New made %q, which is not a valid prefixed id", early)
	}
}

func TestBucketSpreadsEvenly(t *testing.T) {
	var counts [Buckets]int
	const keys = 256_000
	for i := range keys {
		counts[Bucket("farmacia", "contact", New("ct", time.UnixMilli(int64(i))))]++
	}
	for bucket, n := range counts {
		if n < 800 || n > 1_200 { // mean 1000, sigma about 32
			t.Errorf("bucket %d holds %d of %d keys", bucket, n, keys)
		}
	}
}

func TestBucketIsStored(t *testing.T) { // buckets are written into rows: this value may never change
	if got := Bucket("farmacia", "contact", "ct_1"); got != 16 {
		t.Fatalf("Bucket changed to %d: rows already written would be owned by another node", got)
	}
	if Bucket("a", "bc", "d") == Bucket("ab", "c", "d") && Bucket("a", "b", "cd") == Bucket("a", "bc", "d") {
		t.Fatal("parts run into one another")
	}
}

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{"ct_01J": true, "a-b": true, "": false, "a b": false, "../x": false, strings.Repeat("a", 65): false, "ç": false} {
		if Valid(s) != want {
			t.Errorf("Valid(%q) = %v", s, !want)
		}
	}
}
