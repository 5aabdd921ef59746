package oauth2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"reflect"
	"strings"
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
	AuthAlgs                 []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	ServiceDocumentation     string   `json:"service_documentation,omitempty"`
	UILocales                []string `json:"ui_locales_supported,omitempty"`
	PolicyURI                string   `json:"op_policy_uri,omitempty"`
	TermsURI                 string   `json:"op_tos_uri,omitempty"`
	DeviceEndpoint           string   `json:"device_authorization_endpoint,omitempty"`
	RevocationEndpoint       string   `json:"revocation_endpoint,omitempty"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAuthAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint,omitempty"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAlgs        []string `json:"introspection_signing_alg_values_supported,omitempty"` // RFC 9701
	IntrospectionAuthAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	ChallengeMethods         []string `json:"code_challenge_methods_supported,omitempty"`
	PushedEndpoint           string   `json:"pushed_authorization_request_endpoint,omitempty"` // RFC 9126, section 5
	RequirePushed            bool     `json:"require_pushed_authorization_requests,omitempty"`
	ClientDocuments          bool     `json:"client_id_metadata_document_supported,omitempty"` // draft-ietf-oauth-client-id-metadata-document
	RequestParameter         bool     `json:"request_parameter_supported,omitempty"`           // RFC 9101, section 10.5
	RequestURIParameter      *bool    `json:"request_uri_parameter_supported,omitempty"`       // absent means true to some
	RequireSignedRequest     bool     `json:"require_signed_request_object,omitempty"`
	RequestAlgs              []string `json:"request_object_signing_alg_values_supported,omitempty"`
	AuthorizationAlgs        []string `json:"authorization_signing_alg_values_supported,omitempty"` // JARM, section 4
	RichTypes                []string `json:"authorization_details_types_supported,omitempty"`      // RFC 9396, section 10
	IssParameter             bool     `json:"authorization_response_iss_parameter_supported,omitempty"`

	// Extra holds the members of extensions.
	Extra map[string]json.RawMessage `json:"-"`
}

// plainMetadata has the fields of ServerMetadata and not its methods.
type plainMetadata ServerMetadata

// MarshalJSON writes the members and Extra as one object. Where both have a member, Extra's counts.
func (m ServerMetadata) MarshalJSON() ([]byte, error) {
	return withExtra(plainMetadata(m), m.Extra)
}

// withExtra writes the members of plain and of extra, which counts where both have one, as one object.
func withExtra(plain any, extra map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(plain)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	all := make(map[string]json.RawMessage)
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, extra)
	return json.Marshal(all)
}

// maxMetadata is the largest metadata document that is read, in bytes.
const maxMetadata = 256 << 10

// ParseServerMetadata reads what the authorization server called issuer says about itself (RFC 8414, section 3.2). It is an error if the
// document names another issuer, even one that differs in a slash or in letter case (section 3.3): its keys and endpoints would be a
// stranger's. So is a doubled member. Members that have no field are in Extra, among them those whose spelling differs in letter case.
func ParseServerMetadata(data []byte, issuer string) (ServerMetadata, error) {
	var m ServerMetadata
	if len(data) > maxMetadata {
		return m, fmt.Errorf("metadata has %d bytes, want at most %d", len(data), maxMetadata)
	}
	extra, err := members(data)
	if err != nil {
		return m, fmt.Errorf("metadata: %w", err)
	}
	known := make(map[string]json.RawMessage, len(extra))
	for field := range reflect.TypeFor[plainMetadata]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if raw, ok := extra[name]; ok && name != "-" {
			known[name] = raw
			delete(extra, name)
		}
	}
	exact, err := json.Marshal(known)
	if err != nil {
		return m, fmt.Errorf("metadata: %w", err)
	}
	if err := json.Unmarshal(exact, (*plainMetadata)(&m)); err != nil {
		return ServerMetadata{}, fmt.Errorf("metadata: %w", err)
	}
	if m.Issuer != issuer || issuer == "" {
		return ServerMetadata{}, fmt.Errorf("metadata is of the issuer %.200q, want %q to the letter", m.Issuer, issuer)
	}
	if len(extra) > 0 {
		m.Extra = extra
	}
	return m, nil
}

// members returns the members of a JSON object, each of which must be there once.
func members(data []byte) (map[string]json.RawMessage, error) {
	in := json.NewDecoder(bytes.NewReader(data))
	if open, err := in.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	all := map[string]json.RawMessage{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("not a JSON object")
		}
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("member %.40q is there twice", key)
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, err
		}
		all[key] = value
	}
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON object")
	}
	return all, nil
}

// MetadataURLs returns where an issuer may publish its metadata, the likeliest first: as RFC 8414, section 3.1 has it, with the
// well-known part between host and path, and as OpenID Connect Discovery, section 4 has it, after the path; what some do for both,
// "openid-configuration" in between, is last. A slash at the end of the issuer is left out. It is an error if issuer is not an
// absolute http or https URL without query, fragment and user.
func MetadataURLs(issuer string) ([]string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(issuer, "?# ") || len(issuer) > maxURI {
		return nil, fmt.Errorf("issuer %.200q is not an http(s) URL without query and fragment", issuer)
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	urls := []string{origin + "/.well-known/oauth-authorization-server" + path, origin + path + "/.well-known/openid-configuration"}
	if path != "" {
		urls = append(urls, origin+"/.well-known/openid-configuration"+path)
	}
	return urls, nil
}
