package oauth2

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// ClientMetadata is what a client says about itself (RFC 7591, section 2; OpenID Connect Registration and
// RFCs 8705, 9101, 9126, 9396 and 9449 add members in the same object). The zero value is a
// confidential client of the code grant with client_secret_basic.
type ClientMetadata struct {
	Name            string   `json:"client_name,omitempty"`
	ClientURI       string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TermsURI        string   `json:"tos_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	ApplicationType string   `json:"application_type,omitempty"` // "web" (default) or "native"
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`

	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	GrantTypes    []string `json:"grant_types,omitempty"`                // none: authorization_code
	ResponseTypes []string `json:"response_types,omitempty"`             // none: code
	AuthMethod    string   `json:"token_endpoint_auth_method,omitempty"` // empty: client_secret_basic
	Scope         string   `json:"scope,omitempty"`

	JWKSURI     string          `json:"jwks_uri,omitempty"`
	JWKS        json.RawMessage `json:"jwks,omitempty"`
	AuthAlg     string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	RequestAlg  string          `json:"request_object_signing_alg,omitempty"`
	RequestURIs []string        `json:"request_uris,omitempty"`

	IDTokenAlg                 string   `json:"id_token_signed_response_alg,omitempty"`
	IDTokenEncryptionAlg       string   `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptionEnc       string   `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoAlg                string   `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoEncryptionAlg      string   `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptionEnc      string   `json:"userinfo_encrypted_response_enc,omitempty"`
	AuthorizationAlg           string   `json:"authorization_signed_response_alg,omitempty"`
	AuthorizationEncryptionAlg string   `json:"authorization_encrypted_response_alg,omitempty"`
	AuthorizationEncryptionEnc string   `json:"authorization_encrypted_response_enc,omitempty"`
	IntrospectionAlg           string   `json:"introspection_signed_response_alg,omitempty"`
	SectorIdentifierURI        string   `json:"sector_identifier_uri,omitempty"`
	SubjectType                string   `json:"subject_type,omitempty"`
	DefaultMaxAge              *int64   `json:"default_max_age,omitempty"` // seconds
	RequireAuthTime            bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues           []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI           string   `json:"initiate_login_uri,omitempty"`
	PostLogoutRedirectURIs     []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI       string   `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSession   bool     `json:"backchannel_logout_session_required,omitempty"`
	FrontchannelLogoutURI      string   `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSession  bool     `json:"frontchannel_logout_session_required,omitempty"`
	AuthorizationDetailsTypes  []string `json:"authorization_details_types,omitempty"`
	RequirePAR                 bool     `json:"require_pushed_authorization_requests,omitempty"`
	RequireSignedRequest       bool     `json:"require_signed_request_object,omitempty"`
	DPoPBound                  bool     `json:"dpop_bound_access_tokens,omitempty"`
	CertificateBound           bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	TLSSubjectDN               string   `json:"tls_client_auth_subject_dn,omitempty"`
	TLSSanDNS                  string   `json:"tls_client_auth_san_dns,omitempty"`
	TLSSanURI                  string   `json:"tls_client_auth_san_uri,omitempty"`
	TLSSanIP                   string   `json:"tls_client_auth_san_ip,omitempty"`
	TLSSanEmail                string   `json:"tls_client_auth_san_email,omitempty"`
	BackchannelTokenDelivery   string   `json:"backchannel_token_delivery_mode,omitempty"`
	BackchannelNotificationURI string   `json:"backchannel_client_notification_endpoint,omitempty"`
	BackchannelRequestAlg      string   `json:"backchannel_authentication_request_signing_alg,omitempty"`
	BackchannelUserCode        bool     `json:"backchannel_user_code_parameter,omitempty"`

	// Extra holds members that this version does not know, language-tagged names among them, so that none is lost.
	Extra map[string]json.RawMessage `json:"-"`
}

// Allows reports whether the client registered grantType. Without a list it is the authorization code alone.
func (m *ClientMetadata) Allows(grantType string) bool {
	if len(m.GrantTypes) == 0 {
		return grantType == "authorization_code"
	}
	return slices.Contains(m.GrantTypes, grantType)
}

// Responds reports whether the client registered responseType, whose words may stand in any order (RFC 6749, section 3.1.1). Without a list it is
// code alone.
func (m *ClientMetadata) Responds(responseType string) bool {
	if len(m.ResponseTypes) == 0 {
		return responseType == "code"
	}
	return slices.Contains(m.ResponseTypes, responseType) ||
		slices.ContainsFunc(m.ResponseTypes, func(registered string) bool { return sameWords(registered, responseType) })
}

// sameWords reports whether a and b have the same words, in whatever order.
func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(strings.FieldsSeq(a)), slices.Sorted(strings.FieldsSeq(b)))
}

// Method returns how the client authenticates: AuthMethod, or client_secret_basic.
func (m *ClientMetadata) Method() string {
	if m.AuthMethod == "" {
		return "client_secret_basic"
	}
	return m.AuthMethod
}

// Public reports whether the client has nothing to authenticate with (RFC 6749, section 2.1).
func (m *ClientMetadata) Public() bool { return m.AuthMethod == "none" }

// UsesSecret reports whether the client authenticates with a secret that it shares with the server: by client_secret_basic, client_secret_post or
// client_secret_jwt.
func (m *ClientMetadata) UsesSecret() bool {
	switch m.Method() {
	case "client_secret_basic", "client_secret_post", "client_secret_jwt":
		return true
	}
	return false
}

// Clone returns a deep copy.
func (m *ClientMetadata) Clone() ClientMetadata {
	c := *m
	for _, v := range reflect.ValueOf(&c).Elem().Fields() {
		switch f := v.Addr().Interface().(type) {
		case *[]string:
			*f = slices.Clone(*f)
		case *json.RawMessage:
			*f = slices.Clone(*f)
		}
	}
	if m.DefaultMaxAge != nil {
		age := *m.DefaultMaxAge
		c.DefaultMaxAge = &age
	}
	c.Extra = maps.Clone(m.Extra)
	for name, value := range c.Extra {
		c.Extra[name] = slices.Clone(value)
	}
	return c
}

// plain has the fields of ClientMetadata and not its methods.
type plain ClientMetadata

// MarshalJSON writes the known members and Extra as one object.
func (m ClientMetadata) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(plain(m))
	if err != nil || len(m.Extra) == 0 {
		return data, err
	}
	all := make(map[string]json.RawMessage)
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	known := knownMembers()
	for name, value := range m.Extra {
		if !known[name] {
			all[name] = value
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads the known members, and keeps the others in Extra.
func (m *ClientMetadata) UnmarshalJSON(data []byte) error {
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	known := knownMembers()
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return known[name] })
	if len(all) > 0 {
		p.Extra = all
	}
	*m = ClientMetadata(p)
	return nil
}

// knownMembers returns the names of the members that have a field.
func knownMembers() map[string]bool {
	names := make(map[string]bool)
	for f := range reflect.TypeFor[plain]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}
