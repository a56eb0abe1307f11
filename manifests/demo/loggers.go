// Programs that only log, each in its own way.
package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"
)

// every calls a function at intervals until it is asked to end.
func every(interval time.Duration, stop <-chan os.Signal, do func(n int)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for n := 1; ; n++ {
		do(n)
		select {
		case <-stop:
			return nil
		case <-tick.C:
		}
	}
}

// ticker writes a plain line every second.
func ticker(stop <-chan os.Signal) error {
	host, _ := os.Hostname()
	return every(time.Second, stop, func(n int) {
		fmt.Printf("%s tick %d from %s\n", time.Now().UTC().Format(time.RFC3339), n, host)
	})
}

// app writes JSON with all levels, as the main program of a pod.
func app(stop <-chan os.Signal) error {
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return every(700*time.Millisecond, stop, func(n int) {
		order := 1000 + n
		switch {
		case n%23 == 0:
			log.Error("payment refused", "order", order, "error", "card expired", "attempt", 1+rand.IntN(3))
		case n%7 == 0:
			log.Warn("stock is low", "article", "A-"+fmt.Sprint(rand.IntN(90)+10), "left", rand.IntN(5))
		case n%3 == 0:
			log.Debug("cache", "hits", rand.IntN(1000), "misses", rand.IntN(50))
		default:
			log.Info("order placed", "order", order, "items", 1+rand.IntN(9), "ms", rand.IntN(120))
		}
	})
}

// sidecar writes plain text beside it.
func sidecar(stop <-chan os.Signal) error {
	return every(2*time.Second, stop, func(n int) {
		fmt.Printf("[sidecar] synchronised %d entries, round %d\n", rand.IntN(40), n)
		if n%10 == 0 {
			fmt.Fprintf(os.Stderr, "[sidecar] WARNING: round %d took longer than usual\n", n)
		}
	})
}
