// The API as a whole: what it needs, and its operations.

package api

import "github.com/danielgtaylor/huma/v2"

// API holds the operations.
type API struct {
}

// register adds every operation.
func (s *API) register(a huma.API) {
	s.registerSessions(a)
	s.registerUsers(a)
	s.registerTokens(a)
	s.registerClusters(a)
	s.registerWorkspaces(a)
	s.registerProjects(a)
	s.registerExtensions(a)
	s.registerAccess(a)
	s.registerPlatform(a)
}
