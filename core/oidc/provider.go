package oidc

import (
	"encoding/json"
	"fmt"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// Provider is what OpenID Connect adds to what an authorization server says about itself (OpenID Connect Discovery 1.0, section 3; RP-Initiated Logout
// 1.0 and Back-Channel Logout 1.0, section 2.1). All may be empty.
type Provider struct {
	UserInfoEndpoint   string   `json:"userinfo_endpoint"`
	EndSessionEndpoint string   `json:"end_session_endpoint"`
	IDTokenAlgs        []string `json:"id_token_signing_alg_values_supported"`
	UserInfoAlgs       []string `json:"userinfo_signing_alg_values_supported"`
	SubjectTypes       []string `json:"subject_types_supported"`
	ACRs               []string `json:"acr_values_supported"`
	Claims             []string `json:"claims_supported"`
	BackChannelLogout  bool     `json:"backchannel_logout_supported"`
	BackChannelSession bool     `json:"backchannel_logout_session_supported"`
}

// ProviderOf reads these members, which are among the Extra of m. One of the wrong type is an error.
func ProviderOf(m oauth2.ServerMetadata) (Provider, error) {
	var p Provider
	for _, x := range [...]struct {
		name string
		into any
	}{
		{"userinfo_endpoint", &p.UserInfoEndpoint},
		{"end_session_endpoint", &p.EndSessionEndpoint},
		{"id_token_signing_alg_values_supported", &p.IDTokenAlgs},
		{"userinfo_signing_alg_values_supported", &p.UserInfoAlgs},
		{"subject_types_supported", &p.SubjectTypes},
		{"acr_values_supported", &p.ACRs},
		{"claims_supported", &p.Claims},
		{"backchannel_logout_supported", &p.BackChannelLogout},
		{"backchannel_logout_session_supported", &p.BackChannelSession},
	} {
		if raw, ok := m.Extra[x.name]; ok {
			if err := json.Unmarshal(raw, x.into); err != nil {
				return Provider{}, fmt.Errorf("metadata: %s: %w", x.name, err)
			}
		}
	}
	return p, nil
}

// Asymmetric returns the algorithms of public keys among names that can be verified, in their order.
func Asymmetric(names []string) []jose.Alg {
	var algs []jose.Alg
	for _, name := range names {
		if alg := jose.Alg(name); alg.Known() && !alg.Symmetric() {
			algs = append(algs, alg)
		}
	}
	return algs
}
