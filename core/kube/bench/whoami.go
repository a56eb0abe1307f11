// Who a place makes of its caller, as kube-apiserver sees it.

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// whoami gives the headers by which kube-apiserver would be asked as the person
// that this place's caller is there.
func (p *place) whoami() (http.Header, error) {
	req, err := http.NewRequest(http.MethodPost, p.url+"/apis/authentication.k8s.io/v1/selfsubjectreviews",
		strings.NewReader(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking %s who one is: %w", p.name, err)
	}
	defer res.Body.Close()
	var review struct {
		Status struct {
			UserInfo struct {
				Username string
				Groups   []string
				Extra    map[string][]string
			}
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&review); err != nil || review.Status.UserInfo.Username == "" {
		return nil, fmt.Errorf("asking %s who one is: %s, %w", p.name, res.Status, err)
	}
	who := review.Status.UserInfo
	h := http.Header{"Impersonate-User": {who.Username}}
	for _, group := range who.Groups {
		if !strings.HasPrefix(group, "system:") { // Kubernetes adds its own again
			h.Add("Impersonate-Group", group)
		}
	}
	for key, values := range who.Extra {
		h["Impersonate-Extra-"+http.CanonicalHeaderKey(url.QueryEscape(key))] = values
	}
	return h, nil
}
