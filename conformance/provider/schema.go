package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A shape says which members a part of the configuration may have.
type shape struct {
	members map[string]shape // of an object; nil: any value will do
	each    *shape           // of an array: what its elements are
	later   bool             // known, and does not exist yet
}

// object is a shape whose members are any values; those among later do not exist yet.
func object(names []string, later ...string) shape {
	s := shape{members: make(map[string]shape)}
	for _, name := range names {
		s.members[name] = shape{}
	}
	for _, name := range later {
		s.members[name] = shape{later: true}
	}
	return s
}

func list(s shape) shape { return shape{each: &s} }

// with returns s with one more member.
func (s shape) with(name string, member shape) shape {
	s.members[name] = member
	return s
}

// configShape is the whole configuration, with the members that are planned: they are refused by another sentence.
func configShape() shape {
	client := object(
		[]string{
			"client_id", "client_secret", "token_format", "access_token_ttl_s", "code_ttl_s", "introspect", "exchange_from",
			"client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "application_type", "software_id", "software_version",
			"redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scope",
			"jwks", "jwks_uri", "token_endpoint_auth_signing_alg", "introspection_signed_response_alg",
			"require_pushed_authorization_requests", "require_signed_request_object", "request_object_signing_alg", "request_uris",
			"authorization_signed_response_alg", "authorization_details_types",
		},
		"post_logout_redirect_uris", "backchannel_logout_uri",
		"backchannel_logout_session_required", "frontchannel_logout_uri", "frontchannel_logout_session_required",
		"tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
		"dpop_bound_access_tokens", "dpop_nonce_required", "tls_client_certificate_bound_access_tokens",
		"id_token_signed_response_alg", "userinfo_signed_response_alg",
		"subject_type", "sector_identifier_uri", "default_max_age", "require_auth_time", "default_acr_values", "initiate_login_uri")
	return object(
		[]string{
			"issuer", "secret", "profile", "grant_types", "client_auth_methods", "scopes", "refresh_rotation", "refresh_grace_s",
			"password_cost", "auto_consent", "response_types", "response_modes",
		},
		"acr_values", "claims", "ui_locales", "subject_types",
		"pairwise_salt").
		with("tls", object([]string{"self_signed", "cert", "key"})).
		with("registration", object([]string{"enabled", "initial_access_token", "management", "trusted"})).
		with("keys", list(object([]string{"kid", "alg", "file"}))).
		with("signing_algs", object([]string{"token_auth", "introspection", "request_object"}, "id_token", "userinfo", "dpop", "authorization")).
		with("outbound", object([]string{"allow_private_networks", "insecure_tls", "ca_file", "timeout_s", "documents"})).
		with("features", object([]string{
			"pkce_required", "refresh_tokens", "iss_parameter", "device", "cimd", "token_exchange", "oauth1",
			"par", "require_par", "jar", "require_jar", "jarm", "request_uri", "rar",
		},
			"dpop", "mtls", "claims_parameter",
			"backchannel_logout", "frontchannel_logout", "session_management", "ciba")).
		with("lifetimes", object([]string{"code", "access_token", "refresh_token", "session", "device_code", "par"}, "id_token", "clock_skew")).
		with("limits", object([]string{"enabled"})).
		with("accounts", list(object([]string{"username", "password", "sub", "acr", "claims"}))).
		with("clients", list(client)).
		with("mcp", object([]string{"path", "resource", "scope", "step_up"})).
		with("oauth1", oauth1Shape()).
		with("resources", list(object([]string{"path", "resource", "scope", "token_format", "methods"}, "schemes")))
}

// check returns why data is not of shape s: a member that is unknown, does not exist yet, or is there twice. Names count to the
// letter, which package json would not insist on.
func (s shape) check(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := s.value(d, ""); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the JSON ends early")
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

func (s shape) value(d *json.Decoder, path string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return s.object(d, path)
	case json.Delim('['):
		var element shape
		if s.each != nil {
			element = *s.each
		}
		for i := 0; d.More(); i++ {
			if err := element.value(d, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	return nil
}

func (s shape) object(d *json.Decoder, path string) error {
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // of a member: the decoder has seen to that
		full := name
		if path != "" {
			full = path + "." + name
		}
		member, ok := s.members[name]
		switch {
		case seen[name]:
			return fmt.Errorf("%s is there twice", full)
		case s.members != nil && !ok:
			return fmt.Errorf("%s is unknown", full)
		case member.later:
			return fmt.Errorf("%s does not exist yet", full)
		}
		seen[name] = true
		if err := member.value(d, full); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}
