package server

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/oauth2"
)

// What a client may say of itself at most: characters of a text and elements of a list.
const (
	maxMetadataText = 2048
	maxMetadataList = 50
	maxTagged       = 50           // language-tagged members
	maxInlineKeys   = 16 << 10     // bytes of jwks
	maxStatement    = jose.MaxSize // of a software statement
)

// badMetadata is invalid_client_metadata about the member called name.
func badMetadata(name, format string, args ...any) error {
	return mandate.Errorf(mandate.InvalidClientMetadata, nil, "%s %s", name, fmt.Sprintf(format, args...))
}

// readMembers returns the members of a JSON object by name, as JSON. A name that is there twice, in whatever spelling, is an
// error. null is absent (RFC 7592, section 2.2).
func readMembers(data string) (map[string]string, error) {
	list, err := jose.ParseMembers([]byte(data), nil)
	if err != nil {
		return nil, mandate.Errorf(mandate.InvalidClientMetadata, err, "body is not a JSON object in which each member is there once")
	}
	members := make(map[string]string, len(list))
	for _, m := range list {
		if m.Value != "null" {
			members[strings.Clone(m.Name)] = strings.Clone(m.Value)
		}
	}
	return members, nil
}

// readMetadata returns the client metadata that members are, each of the type that it must have. What the server does not know is left out
// (RFC 7591, section 2); what is tagged with a language is kept.
func readMetadata(members map[string]string) (oauth2.ClientMetadata, error) {
	var m oauth2.ClientMetadata
	for f, v := range reflect.ValueOf(&m).Elem().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		raw, ok := members[name]
		if !ok || name == "-" {
			continue
		}
		if err := readMember(name, raw, v.Addr().Interface()); err != nil {
			return m, err
		}
	}
	for name, raw := range members {
		base, tag, tagged := strings.Cut(name, "#")
		if !tagged || !forPeople(base) || !visible(tag, false) || tag == "" || len(tag) > 64 {
			continue
		}
		var text string
		if err := readMember(name, raw, &text); err != nil {
			return m, err
		}
		if base != "client_name" && !webURL(text) {
			return m, badMetadata(name, "is not an https URL")
		}
		if m.Extra == nil {
			m.Extra = make(map[string]json.RawMessage)
		}
		if len(m.Extra) == maxTagged {
			return m, mandate.Errorf(mandate.InvalidClientMetadata, nil, "more than %d members are tagged with a language", maxTagged)
		}
		m.Extra[name] = json.RawMessage(raw)
	}
	return m, nil
}

// forPeople reports whether people read the member called name, or where it leads: it may come in several languages (RFC 7591, section 2.2).
func forPeople(name string) bool {
	switch name {
	case "client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri":
		return true
	}
	return false
}

// readMember reads the member called name into a field of [oauth2.ClientMetadata].
func readMember(name, raw string, into any) error {
	var ok bool
	switch v := into.(type) {
	case *string:
		if *v, ok = jose.Text(raw); !ok {
			return badMetadata(name, "is not a string")
		}
		return readable(name, *v)
	case *[]string:
		if *v, ok = jose.Texts(raw); !ok || raw[0] != '[' {
			return badMetadata(name, "is not an array of strings")
		}
		if len(*v) > maxMetadataList {
			return badMetadata(name, "has more than %d elements", maxMetadataList)
		}
		for _, text := range *v {
			if err := readable(name, text); err != nil {
				return err
			}
		}
	case *bool:
		if *v = raw == "true"; !*v && raw != "false" {
			return badMetadata(name, "is not true or false")
		}
	case **int64:
		n, err := strconv.ParseInt(raw, 10, 64)
		if err != nil || n < 0 {
			return badMetadata(name, "is not a whole number of seconds")
		}
		*v = &n
	case *json.RawMessage:
		if raw[0] != '{' || len(raw) > maxInlineKeys {
			return badMetadata(name, "is not a JSON object of at most %d bytes", maxInlineKeys)
		}
		*v = json.RawMessage(raw)
	}
	return nil
}

// readable returns why text cannot be in the member called name: what is not for people is ASCII.
func readable(name, text string) error {
	base, _, _ := strings.Cut(name, "#")
	switch {
	case len(text) > maxMetadataText:
		return badMetadata(name, "is longer than %d characters", maxMetadataText)
	case strings.ContainsFunc(text, unicode.IsControl):
		return badMetadata(name, "has a control character")
	case base == "redirect_uris": // which have an error of their own
		return nil
	case base != "client_name" && base != "contacts" && base != "software_version" && base != "tls_client_auth_subject_dn" && !visible(text, true):
		return badMetadata(name, "has a character that is not ASCII")
	}
	return nil
}

// completeMetadata fills in the defaults of m (RFC 7591, section 2) and returns what is wrong with it, for a client within b.
func (s *Server) completeMetadata(m *oauth2.ClientMetadata, b bounds) error {
	if b.lenient {
		s.adaptMetadata(m, b)
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{grantCode}
	}
	if m.ResponseTypes == nil && slices.Contains(m.GrantTypes, grantCode) {
		m.ResponseTypes = []string{"code"}
	}
	if m.AuthMethod == "" {
		m.AuthMethod = s.defaultMethod(m)
	}
	if m.Scope == "" {
		m.Scope = string(b.scopes)
	}
	for _, check := range []func(*oauth2.ClientMetadata, bounds) error{
		s.checkUse, checkRedirects, checkLinks, checkKeys, checkAlgs, checkOpenID,
	} {
		if err := check(m, b); err != nil {
			return err
		}
	}
	return nil
}

// defaultMethod returns how a client authenticates that does not say: with a secret, where the server takes one.
func (s *Server) defaultMethod(m *oauth2.ClientMetadata) string {
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		if slices.Contains(s.config.ClientAuthMethods, method) {
			return method
		}
	}
	if m.JWKS != nil || m.JWKSURI != "" {
		return "private_key_jwt"
	}
	return "none"
}

// adaptMetadata leaves out of m what the server does not offer to it, where that leaves something.
func (s *Server) adaptMetadata(m *oauth2.ClientMetadata, b bounds) {
	some := func(list []string, keep func(string) bool) []string {
		if kept := slices.DeleteFunc(slices.Clone(list), func(x string) bool { return !keep(x) }); len(kept) > 0 {
			return kept
		}
		return list
	}
	m.GrantTypes = some(m.GrantTypes, func(g string) bool { return slices.Contains(b.grants, g) })
	m.ResponseTypes = some(m.ResponseTypes, func(r string) bool { return r == "code" })
	if asked, err := mandate.ParseScopes(m.Scope); err == nil {
		m.Scope = string(asked.Only(b.scopes))
	}
}

// checkUse looks at what the client wants to do and how it proves who it is.
func (s *Server) checkUse(m *oauth2.ClientMetadata, b bounds) error {
	for i, g := range m.GrantTypes {
		switch {
		case !slices.Contains(b.grants, g):
			return badMetadata("grant_types", "has one that is unknown or not for this client: %s", mandate.Printable(g))
		case slices.Contains(m.GrantTypes[:i], g):
			return badMetadata("grant_types", "has one twice: %s", g)
		}
	}
	if len(m.GrantTypes) == 0 {
		return badMetadata("grant_types", "is empty")
	}
	code := false
	for i, r := range m.ResponseTypes {
		words := strings.Fields(r)
		slices.Sort(words)
		m.ResponseTypes[i] = strings.Join(words, " ") // as requests are compared
		unknown := slices.ContainsFunc(words, func(w string) bool { return s.responses[w].Respond == nil })
		if len(words) == 0 || unknown || r != "code" && !b.anyType || len(slices.Compact(words)) != len(strings.Fields(r)) {
			return badMetadata("response_types", "has one that is unknown or not for this client: %s", mandate.Printable(r))
		}
		code = code || slices.Contains(words, "code")
	}
	if code != slices.Contains(m.GrantTypes, grantCode) {
		return badMetadata("response_types", "and grant_types disagree: authorization_code and code go together")
	}
	if !slices.Contains(s.config.ClientAuthMethods, m.AuthMethod) {
		return badMetadata("token_endpoint_auth_method", "is none of %s", strings.Join(s.config.ClientAuthMethods, " "))
	}
	asked, err := mandate.ParseScopes(m.Scope)
	if err != nil || len(m.Scope) > maxMetadataText {
		return badMetadata("scope", "is not a list of scopes")
	}
	if !b.scopes.Covers(asked) {
		return badMetadata("scope", "has one that is unknown or not for this client")
	}
	return nil
}

// native reports whether m is of a program on the user's own machine, which may have a scheme of its own (RFC 8252, section 7.1). Who does
// not say is one if it keeps no secret.
func native(m *oauth2.ClientMetadata) bool {
	return m.ApplicationType == "native" || m.ApplicationType == "" && m.Public()
}

func checkRedirects(m *oauth2.ClientMetadata, _ bounds) error {
	if t := m.ApplicationType; t != "" && t != "web" && t != "native" {
		return badMetadata("application_type", "is neither web nor native")
	}
	if len(m.RedirectURIs) == 0 && len(m.ResponseTypes) > 0 {
		return mandate.Errorf(mandate.InvalidRedirectURI, nil, "redirect_uris is missing")
	}
	check := func(name string, code mandate.Code, uris []string) error {
		for i, uri := range uris {
			err := oauth2.CheckRedirectURI(uri)
			switch {
			case err != nil:
				return mandate.Errorf(code, err, "%s: %s", name, strings.ReplaceAll(err.Error(), `"`, "'"))
			case oauth2.PrivateUseURI(uri) && !native(m):
				return mandate.Errorf(code, nil, "%s has a scheme of its own, which is for native applications", name)
			case slices.Contains(uris[:i], uri):
				return mandate.Errorf(code, nil, "%s has one twice", name)
			}
		}
		return nil
	}
	if err := check("redirect_uris", mandate.InvalidRedirectURI, m.RedirectURIs); err != nil {
		return err
	}
	return check("post_logout_redirect_uris", mandate.InvalidClientMetadata, m.PostLogoutRedirectURIs)
}

// webURL reports whether text is an https URL without user information and fragment.
func webURL(text string) bool {
	return strings.HasPrefix(text, "https://") && oauth2.CheckRedirectURI(text) == nil
}

// checkLinks looks at what leads elsewhere: pages for people, and what the server fetches or calls when it needs it, not now.
func checkLinks(m *oauth2.ClientMetadata, _ bounds) error {
	for name, link := range map[string]string{
		"client_uri": m.ClientURI, "logo_uri": m.LogoURI, "policy_uri": m.PolicyURI, "tos_uri": m.TermsURI, "jwks_uri": m.JWKSURI,
		"initiate_login_uri": m.InitiateLoginURI, "sector_identifier_uri": m.SectorIdentifierURI,
		"backchannel_logout_uri": m.BackchannelLogoutURI, "frontchannel_logout_uri": m.FrontchannelLogoutURI,
		"backchannel_client_notification_endpoint": m.BackchannelNotificationURI,
	} {
		if link != "" && !webURL(link) {
			return badMetadata(name, "is not an https URL")
		}
	}
	for _, uri := range m.RequestURIs {
		plain, _, _ := strings.Cut(uri, "#") // which may name the digest of what is there (OpenID Connect Registration, section 2)
		if !webURL(plain) {
			return badMetadata("request_uris", "has one that is not an https URL")
		}
	}
	return nil
}

// checkKeys looks at the client's public keys.
func checkKeys(m *oauth2.ClientMetadata, _ bounds) error {
	switch {
	case m.JWKS != nil && m.JWKSURI != "":
		return badMetadata("jwks", "and jwks_uri exclude each other (RFC 7591, section 2)")
	case m.AuthMethod == "private_key_jwt" && m.JWKS == nil && m.JWKSURI == "":
		return badMetadata("jwks", "or jwks_uri is missing, which private_key_jwt needs")
	case m.JWKS == nil:
		return nil
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(m.JWKS, &set); err != nil || len(set.Keys) == 0 {
		return badMetadata("jwks", "is not a key set with a key")
	}
	for _, key := range set.Keys {
		for name := range key {
			if slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}, strings.ToLower(name)) {
				return badMetadata("jwks", "has a key that is private or symmetric: make a new one, this one is known now")
			}
		}
	}
	if _, err := jose.ParseKeySet(m.JWKS); err != nil {
		return badMetadata("jwks", "is not a key set of at most 100 keys")
	}
	own, err := json.Marshal(set) // not the client's own spelling, in which there may be what no database takes
	if err != nil || strings.Contains(string(own), `\u0000`) {
		return badMetadata("jwks", "has a character that is not allowed")
	}
	m.JWKS = own
	return nil
}

// checkAlgs looks at the algorithms that the client wants.
func checkAlgs(m *oauth2.ClientMetadata, _ bounds) error {
	auth := jose.Alg(m.AuthAlg)
	switch {
	case auth == "":
	case !auth.Known(),
		m.AuthMethod == "private_key_jwt" && auth.Symmetric(), m.AuthMethod == "client_secret_jwt" && !auth.Symmetric():
		return badMetadata("token_endpoint_auth_signing_alg", "does not go with the method, or is unknown")
	}
	for name, alg := range map[string]string{
		"request_object_signing_alg": m.RequestAlg, "id_token_signed_response_alg": m.IDTokenAlg, "userinfo_signed_response_alg": m.UserinfoAlg,
		"authorization_signed_response_alg": m.AuthorizationAlg, "introspection_signed_response_alg": m.IntrospectionAlg,
		"backchannel_authentication_request_signing_alg": m.BackchannelRequestAlg,
	} {
		if alg != "" && !slices.Contains(jose.Asymmetric(), jose.Alg(alg)) {
			return badMetadata(name, "is none of %v", jose.Asymmetric())
		}
	}
	for name, alg := range map[string]string{
		"id_token_encrypted_response_alg": m.IDTokenEncryptionAlg, "id_token_encrypted_response_enc": m.IDTokenEncryptionEnc,
		"userinfo_encrypted_response_alg": m.UserinfoEncryptionAlg, "userinfo_encrypted_response_enc": m.UserinfoEncryptionEnc,
		"authorization_encrypted_response_alg": m.AuthorizationEncryptionAlg, "authorization_encrypted_response_enc": m.AuthorizationEncryptionEnc,
	} {
		if alg != "" {
			return badMetadata(name, "asks for encryption, which this server does not offer")
		}
	}
	return nil
}

// checkOpenID looks at the words of OpenID Connect Registration, section 2, and CIBA, section 4.
func checkOpenID(m *oauth2.ClientMetadata, _ bounds) error {
	for _, w := range []struct {
		name, value string
		known       []string
	}{
		{"subject_type", m.SubjectType, []string{"public", "pairwise"}},
		{"backchannel_token_delivery_mode", m.BackchannelTokenDelivery, []string{"poll", "ping", "push"}},
	} {
		if w.value != "" && !slices.Contains(w.known, w.value) {
			return badMetadata(w.name, "is none of %s", strings.Join(w.known, " "))
		}
	}
	subjects := 0
	for _, one := range []string{m.TLSSubjectDN, m.TLSSanDNS, m.TLSSanURI, m.TLSSanIP, m.TLSSanEmail} {
		if one != "" {
			subjects++
		}
	}
	if subjects > 1 {
		return badMetadata("tls_client_auth_subject_dn", "and its like exclude each other (RFC 8705, section 2.1.2)")
	}
	return nil
}
