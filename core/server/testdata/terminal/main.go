// A guest with sessions into pods, for the integration tests: exec whose bytes
// pass by in the host, exec whose messages it reads, and a port as plain bytes;
// and with streams: a log through its door, and words of its own.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atoll-platform/atoll/sdk/go"
)

const protocol = "Sec-WebSocket-Protocol"

func main() {}

func init() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods/{pod}/exec", exec)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods/{pod}/watched", watched)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods/{pod}/ports/{port}", port)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/pods/{pod}/log", log)
	mux.HandleFunc("GET /clusters/{cluster}/projects/{project}/ticks", ticks)
	atoll.Serve(mux)
}

// dial opens a session with a pod, or answers why there is none.
func dial(w http.ResponseWriter, r *http.Request, subresource, query, wanted string) *atoll.Conn {
	u := url.URL{Scheme: "http", Host: "kubernetes", RawQuery: query,
		Path: "/api/v1/namespaces/" + r.PathValue("project") + "/pods/" + r.PathValue("pod") + "/" + subresource}
	pod, response, err := atoll.Dial(r.Context(), "websocket", u.String(), http.Header{protocol: {wanted}})
	if refused := (*atoll.StatusError)(nil); errors.As(err, &refused) {
		w.WriteHeader(refused.Status)
		_, _ = w.Write(refused.Body)
		return nil
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return nil
	}
	if chosen := response.Header.Get(protocol); r.Header.Get(protocol) != "" {
		w.Header().Set(protocol, chosen)
	}
	return pod
}

func exec(w http.ResponseWriter, r *http.Request) {
	pod := dial(w, r, "exec", r.URL.RawQuery, r.Header.Get(protocol))
	if pod == nil {
		return
	}
	client, err := atoll.Upgrade(w, r)
	if err != nil {
		return
	}
	_ = client.Join(pod)
}

// log follows a pod's log.
func log(w http.ResponseWriter, r *http.Request) {
	lines, err := atoll.Client.Get(r.Context(), "http://kubernetes/api/v1/namespaces/"+r.PathValue("project")+"/pods/"+r.PathValue("pod")+"/log?follow=true")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer lines.Body.Close()
	w.WriteHeader(lines.StatusCode)
	buffer := make([]byte, 4<<10)
	for {
		n, err := lines.Body.Read(buffer)
		if _, failed := w.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}

// ticks asks nobody for what it says.
func ticks(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte("tick\n")); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// watched is exec through the guest's own hands: it says what it sees at the end.
func watched(w http.ResponseWriter, r *http.Request) {
	pod := dial(w, r, "exec", r.URL.RawQuery, r.Header.Get(protocol))
	if pod == nil {
		return
	}
	client, err := atoll.Upgrade(w, r)
	if err != nil {
		return
	}
	counted := make(chan int)
	go func() {
		n := 0
		for {
			message, text, err := client.ReadMessage()
			if err != nil {
				_ = pod.Close(1000, "")
				counted <- n
				return
			}
			n += len(message)
			_ = pod.WriteMessage(message, text)
		}
	}()
	for {
		message, text, err := pod.ReadMessage()
		if err != nil {
			break
		}
		if err := client.WriteMessage(message, text); err != nil {
			break
		}
	}
	_ = client.Close(4000, "the pod has said all")
	<-counted
}

// port makes plain binary messages of a pod's port: Kubernetes prefixes each
// with a channel, and says the port first.
func port(w http.ResponseWriter, r *http.Request) {
	pod := dial(w, r, "portforward", "ports="+r.PathValue("port"), "v4.channel.k8s.io")
	if pod == nil {
		return
	}
	client, err := atoll.Upgrade(w, r)
	if err != nil {
		return
	}
	go func() {
		for {
			message, text, err := client.ReadMessage()
			if err != nil {
				_ = pod.Close(1000, "")
				return
			}
			_ = pod.WriteMessage(append([]byte{0}, message...), text)
		}
	}()
	said := map[byte]bool{}
	for {
		message, text, err := pod.ReadMessage()
		if err != nil || len(message) == 0 {
			break
		}
		channel, rest := message[0], message[1:]
		if !said[channel] { // the port, as two bytes
			said[channel] = true
			if want, _ := strconv.Atoi(r.PathValue("port")); len(rest) != 2 || int(binary.LittleEndian.Uint16(rest)) != want {
				_ = client.Close(4001, "another port")
				return
			}
			continue
		}
		if channel == 1 { // why it cannot be reached
			_ = client.Close(4002, string(bytes.TrimSpace(rest[:min(len(rest), 100)])))
			return
		}
		if client.WriteMessage(rest, text) != nil {
			break
		}
	}
	_ = client.Close(1000, "")
}
