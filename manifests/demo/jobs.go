// Programs that come to an end: one well, one badly.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// report works for a few seconds and completes.
func report(stop <-chan os.Signal) error {
	fmt.Println("collecting figures")
	for quarter := 1; quarter <= 4; quarter++ {
		select {
		case <-stop:
			return errors.New("interrupted")
		case <-time.After(time.Second):
		}
		fmt.Printf("quarter %d: %d orders\n", quarter, 900+quarter*137)
	}
	fmt.Println("report written")
	return nil
}

// crasher fails as programs do that lost their database.
func crasher(stop <-chan os.Signal) error {
	fmt.Println("connecting to database db.internal:5432")
	select {
	case <-stop:
		return nil
	case <-time.After(2 * time.Second):
	}
	fmt.Fprint(os.Stderr, `java.lang.IllegalStateException: could not open the connection pool
	at shop.store.Pool.open(Pool.java:118)
	at shop.store.Store.<init>(Store.java:41)
	at shop.Main.main(Main.java:22)
Caused by: java.net.ConnectException: Connection refused
	at java.base/sun.nio.ch.Net.pollConnect(Native Method)
	at shop.store.Pool.connect(Pool.java:87)
	... 2 more
`)
	return errors.New("FATAL: giving up")
}
