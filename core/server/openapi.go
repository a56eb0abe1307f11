// The API's own description, for clients that are generated from it.

package server

import "github.com/atoll-platform/atoll/core/server/api"

// APIVersion is the version of the REST API. It changes with the API and not
// with each build, so that clients generated from the document stay the same.
const APIVersion = "v1"

// OpenAPI is the OpenAPI 3.1 document of the REST API, as JSON that ends with a
// newline: the same bytes each time.
func OpenAPI() ([]byte, error) { return api.Document(APIVersion) }
