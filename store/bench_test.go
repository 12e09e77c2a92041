package store_test

import (
	"fmt"
	"testing"

	"ramal/store"
	"ramal/store/storetest"
)

// The benchmarks show what one statement costs over loopback, without fsync: compare them with one another, not with
// production.

func BenchmarkAppendCallEvents(b *testing.B) {
	s := storetest.Open(b)
	row := call(pharmacy, "call_1")
	if err := s.InsertCall(b.Context(), row); err != nil {
		b.Fatal(err)
	}
	for seq := int64(0); b.Loop(); seq++ {
		row.Seq = seq + 1
		if err := s.AppendCallEvents(b.Context(), seq, events(seq+1, "x"), row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSaveContacts(b *testing.B) {
	for _, size := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := storetest.Open(b)
			if err := s.InsertTenant(b.Context(), store.TenantRow{ID: pharmacy, CreatedAt: noon}); err != nil {
				b.Fatal(err)
			}
			rows := make([]store.ContactRow, size)
			for i := range rows {
				rows[i] = contact(pharmacy, fmt.Sprint("ct_", i))
			}
			for b.Loop() {
				if lost, err := s.SaveContacts(b.Context(), rows); err != nil || len(lost) > 0 {
					b.Fatal(lost, err)
				}
				for i := range rows {
					rows[i].Base, rows[i].Version = rows[i].Version, rows[i].Version+1
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
