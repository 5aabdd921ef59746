package oauth2

import (
	"encoding/json"
	"maps"
)

// ServerMetadata is what an authorization server says about itself (RFC 8414, section 2; RFC 9207 and
// OpenID Connect Discovery add members in the same object).
type ServerMetadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint,omitempty"`
	TokenEndpoint            string   `json:"token_endpoint,omitempty"`
	JWKSURI                  string   `json:"jwks_uri,omitempty"`
	RegistrationEndpoint     string   `json:"registration_endpoint,omitempty"`
	Scopes                   []string `json:"scopes_supported,omitempty"`
	ResponseTypes            []string `json:"response_types_supported"`
	ResponseModes            []string `json:"response_modes_supported,omitempty"`
	GrantTypes               []string `json:"grant_types_supported,omitempty"`
	AuthMethods              []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	ServiceDocumentation     string   `json:"service_documentation,omitempty"`
	UILocales                []string `json:"ui_locales_supported,omitempty"`
	PolicyURI                string   `json:"op_policy_uri,omitempty"`
	TermsURI                 string   `json:"op_tos_uri,omitempty"`
	RevocationEndpoint       string   `json:"revocation_endpoint,omitempty"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint,omitempty"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	ChallengeMethods         []string `json:"code_challenge_methods_supported,omitempty"`
	IssParameter             bool     `json:"authorization_response_iss_parameter_supported,omitempty"`

	// Extra holds the members of extensions.
	Extra map[string]json.RawMessage `json:"-"`
}

// plainMetadata has the fields of ServerMetadata and not its methods.
type plainMetadata ServerMetadata

// MarshalJSON writes the members and Extra as one object. Where both have a member, Extra's counts.
func (m ServerMetadata) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(plainMetadata(m))
	if err != nil || len(m.Extra) == 0 {
		return data, err
	}
	all := make(map[string]json.RawMessage)
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, m.Extra)
	return json.Marshal(all)
}
