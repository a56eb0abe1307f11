// The least that any proxy costs: a relay in a process of its own that decrypts
// what comes, encrypts it anew for kube-apiserver, and reads none of it.

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// relayWord is the argument that makes this program the relay.
const relayWord = "relay"

// runRelay is the main of the relay. It prints its address, and its certificate
// as PEM up to an empty line, and goes on until its standard input ends.
func runRelay(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	upstream, err := rest.TLSConfigFor(config)
	if err != nil {
		return err
	}
	to, err := url.Parse(config.Host)
	if err != nil {
		return err
	}
	upstream = upstream.Clone()
	upstream.NextProtos, upstream.ServerName = []string{"http/1.1"}, to.Hostname()
	own, err := ownCertificate()
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}})
	if err != nil {
		return err
	}
	fmt.Printf("%s\n%s\n", listener.Addr(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		listener.Close()
	}()
	for {
		client, err := listener.Accept()
		if err != nil {
			return nil
		}
		go func() {
			defer client.Close()
			server, err := tls.Dial("tcp", to.Host, upstream)
			if err != nil {
				fmt.Fprintln(os.Stderr, "relay:", err)
				return
			}
			defer server.Close()
			go func() {
				_, _ = io.Copy(server, client)
				server.Close()
			}()
			_, _ = io.Copy(client, server)
		}()
	}
}

// ownCertificate signs itself, for loopback and an hour.
func ownCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// startRelay starts it and says how to end it. It asks with the kubeconfig's
// client certificate, and its callers' headers go with that.
func startRelay(kubeconfig string) (*place, func(), error) {
	cmd := exec.Command(os.Args[0], relayWord, kubeconfig)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting the relay: %w", err)
	}
	end := func() {
		in.Close()
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(said)
	lines.Scan()
	address := lines.Text()
	var certificate strings.Builder
	for lines.Scan() && lines.Text() != "" {
		certificate.WriteString(lines.Text() + "\n")
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(certificate.String())) {
		end()
		return nil, nil, fmt.Errorf("the relay says %q and no certificate", address)
	}
	return &place{name: "a bare relay", client: newClient(&tls.Config{RootCAs: trusted}), url: "https://" + address}, end, nil
}
