package oauth2

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// ResourceMetadata is what a protected resource says about itself (RFC 9728, section 2).
type ResourceMetadata struct {
	// Resource is the resource identifier, byte for byte as it stands in requests for tokens (RFC 8707). A client refuses
	// the document if it differs from what it asked for (RFC 9728, section 3.3).
	Resource                  string   `json:"resource"`
	AuthorizationServers      []string `json:"authorization_servers,omitempty"` // issuers whose tokens the resource takes
	JWKSURI                   string   `json:"jwks_uri,omitempty"`              // keys of the resource itself
	Scopes                    []string `json:"scopes_supported,omitempty"`
	BearerMethods             []string `json:"bearer_methods_supported,omitempty"` // "header", "body", "query" (RFC 6750, section 2)
	SigningAlgs               []string `json:"resource_signing_alg_values_supported,omitempty"`
	Name                      string   `json:"resource_name,omitempty"`
	Documentation             string   `json:"resource_documentation,omitempty"`
	PolicyURI                 string   `json:"resource_policy_uri,omitempty"`
	TermsURI                  string   `json:"resource_tos_uri,omitempty"`
	CertificateBoundTokens    bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705
	AuthorizationDetailsTypes []string `json:"authorization_details_types_supported,omitempty"`      // RFC 9396
	DPoPAlgs                  []string `json:"dpop_signing_alg_values_supported,omitempty"`          // RFC 9449
	DPoPRequired              bool     `json:"dpop_bound_access_tokens_required,omitempty"`
	Signed                    string   `json:"signed_metadata,omitempty"` // the same as claims of a JWT (RFC 9728, section 2.2)

	// Extra holds all other members: names in further languages ("resource_name#de"), those of extensions.
	Extra map[string]json.RawMessage `json:"-"`
}

type plainResourceMetadata ResourceMetadata

// MarshalJSON writes the members and Extra as one object. Where both have a member, Extra's counts.
func (m ResourceMetadata) MarshalJSON() ([]byte, error) {
	return withExtra(plainResourceMetadata(m), m.Extra)
}

// ResourceMetadataPath is the well-known path of RFC 9728, section 3.
const ResourceMetadataPath = "/.well-known/oauth-protected-resource"

// ResourceMetadataURL returns where the metadata of resource is found (RFC 9728, section 3.1): the well-known path comes between the
// host and the path and query of resource, which must be an https URL without user and fragment; on loopback http will do.
func ResourceMetadataURL(resource string) (*url.URL, error) {
	u, err := url.Parse(resource)
	if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) || u.Hostname() == "" || u.User != nil ||
		u.ForceQuery || strings.ContainsAny(resource, "# \"\\") || len(resource) > maxURI {
		return nil, fmt.Errorf("resource %.200q is not an https URL without user and fragment", resource)
	}
	at := u.Scheme + "://" + u.Host + ResourceMetadataPath
	if rest := u.EscapedPath(); rest != "/" {
		at += rest
	}
	if u.RawQuery != "" {
		at += "?" + u.RawQuery
	}
	return url.Parse(at)
}
