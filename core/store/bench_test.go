// What the embedded driver costs. The file lies in the test's folder: on a disk
// the sync decides over a write, so that writers together must be faster.

package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/atoll-platform/atoll/core/store"
)

func BenchmarkGet(b *testing.B) {
	s := filled(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Get(b.Context(), fmt.Sprintf("k/%05d", i%10_000)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList100(b *testing.B) {
	s := filled(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if page, err := s.List(b.Context(), "k/", store.ListOptions{Limit: 100}); err != nil || len(page.Records) != 100 {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit is one durable write, by so many clients at a time.
func BenchmarkCommit(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := filled(b, 1000)
			value := make([]byte, 256)
			var n atomic.Int64
			b.SetParallelism(clients) // times GOMAXPROCS
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Commit(context.Background(), nil, store.Put(fmt.Sprintf("k/%05d", n.Add(1)%1000), value)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func filled(b *testing.B, records int) store.Store {
	b.Helper()
	s := openBolt(b, b.TempDir(), store.Options{})
	b.Cleanup(func() { s.Close() })
	for i := 0; i < records; {
		var ops []store.Op
		for ; i < records && len(ops) < store.MaxOps; i++ {
			ops = append(ops, store.Put(fmt.Sprintf("k/%05d", i), make([]byte, 256)))
		}
		if _, err := s.Commit(context.Background(), nil, ops...); err != nil {
			b.Fatal(err)
		}
	}
	return s
}
