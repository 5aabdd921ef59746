package server

import "github.com/go-mandate/mandate/core/oauth2"

// ReadClientMetadata returns what a registration of data would store of it, for a stranger or, lenient, from a document.
func (s *Server) ReadClientMetadata(data string, lenient bool) (oauth2.ClientMetadata, error) {
	members, err := readMembers(data)
	if err != nil {
		return oauth2.ClientMetadata{}, err
	}
	m, err := readMetadata(members)
	if err != nil {
		return m, err
	}
	return m, s.completeMetadata(&m, bounds{scopes: s.publicScopes(), grants: s.openGrants(), lenient: lenient})
}
