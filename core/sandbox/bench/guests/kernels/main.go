// Guest kernels: ten pieces of plain computing, each a few milliseconds long, by
// which the price of metering is told.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/json"
	"hash/crc32"
	"math"
	"sort"
	"strings"
)

func main() {}

//go:wasmexport run
func run(kernel int32) int64 {
	return kernels[kernel]()
}

var kernels = []func() int64{
	sieve, matrix, mandelbrot, nbody, fibonacci, sorting, digest, checksum, document, compress, words,
}

func sieve() (primes int64) {
	composite := make([]bool, 200_000)
	for n := 2; n < len(composite); n++ {
		if !composite[n] {
			primes++
			for m := 2 * n; m < len(composite); m += n {
				composite[m] = true
			}
		}
	}
	return primes
}

func matrix() int64 {
	const n = 72
	var a, b, c [n][n]float64
	for i := range n {
		for j := range n {
			a[i][j], b[i][j] = float64(i*j%7), float64(i+j)
		}
	}
	for i := range n {
		for j := range n {
			sum := 0.0
			for k := range n {
				sum += a[i][k] * b[k][j]
			}
			c[i][j] = sum
		}
	}
	return int64(c[n-1][n/2])
}

func mandelbrot() (inside int64) {
	for y := range 60 {
		for x := range 60 {
			cr, ci, zr, zi := float64(x)/30-1.5, float64(y)/30-1, 0.0, 0.0
			n := 0
			for ; n < 100 && zr*zr+zi*zi < 4; n++ {
				zr, zi = zr*zr-zi*zi+cr, 2*zr*zi+ci
			}
			if n == 100 {
				inside++
			}
		}
	}
	return inside
}

func nbody() int64 {
	var x, v [5][3]float64
	for i := range x {
		for d := range 3 {
			x[i][d], v[i][d] = float64(i*3+d), float64(d-i)/10
		}
	}
	for range 2000 {
		for i := range x {
			for j := i + 1; j < len(x); j++ {
				var d [3]float64
				r := 0.01
				for k := range 3 {
					d[k] = x[i][k] - x[j][k]
					r += d[k] * d[k]
				}
				f := 0.001 / (r * math.Sqrt(r))
				for k := range 3 {
					v[i][k] -= d[k] * f
					v[j][k] += d[k] * f
				}
			}
		}
		for i := range x {
			for k := range 3 {
				x[i][k] += 0.001 * v[i][k]
			}
		}
	}
	return int64(x[0][0] * 1e6)
}

func fib(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	return fib(n-1) + fib(n-2)
}

func fibonacci() int64 { return fib(23) }

func sorting() int64 {
	values := make([]int, 20_000)
	state := uint32(1)
	for n := range values {
		state = state*1664525 + 1013904223
		values[n] = int(state >> 8)
	}
	sort.Ints(values)
	return int64(values[len(values)/2])
}

var megabyte = bytes.Repeat([]byte("All work and no play makes a dull guest. "), 4096)

func digest() int64 {
	sum := sha256.Sum256(megabyte)
	return int64(sum[0])
}

func checksum() int64 {
	var sum uint32
	for range 4 {
		sum = crc32.Update(sum, crc32.IEEETable, megabyte)
	}
	return int64(sum)
}

type pod struct {
	Name   string
	Labels map[string]string
	Ports  []int
}

func document() int64 {
	pods := make([]pod, 40)
	for n := range pods {
		pods[n] = pod{strings.Repeat("x", n), map[string]string{"app": "web", "tier": "front"}, []int{80, 443, n}}
	}
	text, _ := json.Marshal(pods)
	var back []pod
	_ = json.Unmarshal(text, &back)
	return int64(len(text) + len(back))
}

func compress() int64 {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 6)
	_, _ = w.Write(megabyte[:64<<10])
	_ = w.Close()
	return int64(out.Len())
}

func words() int64 {
	counts := map[string]int{}
	for _, word := range strings.Fields(string(megabyte[:48<<10])) {
		counts[strings.ToLower(word)]++
	}
	return int64(len(counts))
}
