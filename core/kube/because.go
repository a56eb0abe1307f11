// Why an API server gave no answer, in words for people: without addresses,
// which are the operators' own and stand in the log.

package kube

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"
)

// Why a request was ended by Atoll while it waited for an API server.
var (
	errHung     = errors.New("the API server gives no sign of life any more")
	errOverdue  = errors.New("the API server did not begin to answer in time")
	noAnswerFor = []error{context.DeadlineExceeded, errHung, errOverdue}
)

// noAnswer is a question to an API server that came to nothing.
type noAnswer struct{ err error }

func (e *noAnswer) Error() string { return "the API server " + because(e.err) }
func (e *noAnswer) Unwrap() error { return e.err }

// detail is an error with all that the log shall have of it.
func detail(err error) error {
	if e := (*noAnswer)(nil); errors.As(err, &e) {
		return e.err
	}
	return err
}

// timedOut tells whether somebody waited in vain.
func timedOut(err error) bool {
	for _, one := range noAnswerFor {
		if errors.Is(err, one) {
			return true
		}
	}
	timeout := net.Error(nil)
	return errors.As(err, &timeout) && timeout.Timeout()
}

// unheard tells whether an error is silence: nothing came back, not even a no.
func unheard(err error) bool {
	return timedOut(err) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// because says what an API server did instead of answering, as the end of a
// sentence about it.
func because(err error) string {
	var (
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		other   x509.HostnameError
		lookup  *net.DNSError
		op      *net.OpError
		wrapped *url.Error
	)
	switch {
	case errors.Is(err, errHung):
		return "gives no sign of life any more"
	case timedOut(err):
		return "did not answer in time"
	case refused(err):
		return "refuses connections"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "is on a host that cannot be reached"
	case errors.As(err, &lookup):
		return "has a name that cannot be found"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().After(invalid.Cert.NotAfter):
		return "shows a certificate that expired at " + invalid.Cert.NotAfter.UTC().Format(time.RFC3339)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "shows a certificate that is valid from " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339) + " only"
	case errors.As(err, &unknown):
		return "shows a certificate of another authority than its kubeconfig names"
	case errors.As(err, &other):
		return "shows a certificate for another name than its kubeconfig has"
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Sprintf("does not accept Atoll's certificate (%v)", op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "closed the connection"
	case errors.As(err, &op):
		return fmt.Sprintf("cannot be reached (%v)", op.Err)
	case errors.As(err, &wrapped):
		return fmt.Sprintf("cannot be asked (%v)", wrapped.Err)
	}
	return fmt.Sprintf("cannot be asked (%v)", err)
}
