// What events call a request's method.
package audit

import (
	"net/http"
	"strings"
)

// Verb is Kubernetes' word for a method that changes something, and the method in
// small letters for any other.
func Verb(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	}
	return strings.ToLower(method)
}
