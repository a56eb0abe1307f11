// Saying no in the words of whoever asked: problems, and Kubernetes Status
// objects where a Kubernetes client is waiting.

package server

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/atoll-platform/atoll/core/server/api"
	"github.com/atoll-platform/atoll/core/server/problem"
)

// fail answers with a problem, in the form that the path's clients read.
func fail(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	if x := exchangeOf(r.Context()); x != nil {
		x.noted.Reason = p.Error()
	}
	if !strings.HasPrefix(r.URL.Path, "/clusters/") {
		p.WithInstance(api.RequestID(r.Context())).Write(w, r)
		return
	}
	reasons := map[int]metav1.StatusReason{
		http.StatusUnauthorized: metav1.StatusReasonUnauthorized, http.StatusForbidden: metav1.StatusReasonForbidden,
		http.StatusTooManyRequests: metav1.StatusReasonTooManyRequests, http.StatusRequestEntityTooLarge: metav1.StatusReasonRequestEntityTooLarge,
		http.StatusServiceUnavailable: metav1.StatusReasonServiceUnavailable, http.StatusInternalServerError: metav1.StatusReasonInternalError,
		http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusBadRequest: metav1.StatusReasonBadRequest,
	}
	reason, ok := reasons[p.Status]
	if !ok {
		reason = metav1.StatusReasonUnknown
	}
	text, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Message: p.Error(), Reason: reason, Code: int32(p.Status),
	})
	if err != nil {
		text = []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure"}`)
	}
	h := w.Header()
	for name, values := range p.GetHeaders() {
		h[name] = values
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the client may have gone
	}
}
