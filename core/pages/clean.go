package pages

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// How much of a text is shown, in characters.
const (
	maxName  = 80
	maxText  = 400
	maxField = 256 // of what is prefilled: more than this is no username
	maxHost  = 253 // RFC 1035, section 2.3.4
	maxMarks = 3   // combining characters in a row: enough for any language, too few to paint over the page
)

// text returns at most limit characters of hostile text, on one line and without what would change
// the direction or the place of its surroundings. What is cut off leaves an ellipsis.
func text(s string, limit int) string {
	var b strings.Builder
	count, marks, space := 0, 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case invisible(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			count, space = count+1, false
		}
		if count++; count > limit {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

// invisible reports whether r has no picture of its own: controls, embeddings, overrides and isolates,
// tags, private use. The two joiners stay: Persian, Hindi and emoji are not written without them.
func invisible(r rune) bool {
	return r != '\u200c' && r != '\u200d' && unicode.Is(unicode.C, r)
}

// field is text that a person edits and sends: all of it or nothing.
func field(s string) string {
	clean := strings.Map(func(r rune) rune {
		if invisible(r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len([]rune(clean)) > maxField {
		return ""
	}
	return clean
}

// host returns a host to be read by a person: other scripts stay visibly encoded, so that they do not
// pass for Latin, and of too long a one the end is shown, since that is who owns it.
func host(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	out := b.String()
	if len(out) > maxHost {
		out = "…" + out[len(out)-maxHost:]
	}
	return out
}

// path returns s if it is an absolute path of this server, else "".
func path(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || !plain(s) {
		return ""
	}
	if _, err := url.Parse(s); err != nil {
		return ""
	}
	return s
}

// web returns s if it is an absolute URL with a host and one of the schemes, else "".
func web(s string, schemes ...string) string {
	u, err := parse(s)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	if !slices.Contains(schemes, u.Scheme) {
		return ""
	}
	return s
}

// away returns s and what a person is told of it, if it is what a redirect URI may be: a web
// address, or a private-use scheme, which has a dot (RFC 8252, section 7.1).
func away(s string) (link template.URL, name string) {
	if web(s, "http", "https") != "" {
		return template.URL(s), hostOf(s) //nolint:gosec // the scheme is http or https, and the template escapes the attribute
	}
	u, err := parse(s)
	if err != nil || !strings.Contains(u.Scheme, ".") {
		return "", ""
	}
	return template.URL(s), host(u.Scheme) //nolint:gosec // the scheme has a dot: none that a browser executes has, and the template escapes the attribute
}

// hostOf returns the host of an http or https URL, else "".
func hostOf(s string) string {
	if web(s, "http", "https") == "" {
		return ""
	}
	u, err := parse(s)
	if err != nil {
		return ""
	}
	return host(u.Hostname())
}

func parse(s string) (*url.URL, error) {
	if !plain(s) {
		return nil, fmt.Errorf("pages: %q is not a URL", s)
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if u.User != nil {
		return nil, fmt.Errorf("pages: %q has a user", s)
	}
	return u, nil
}

// plain reports whether s has only characters that a URL may have (RFC 3986, section 2). A browser takes "\"
// for "/" and leaves out tabs and line feeds, wherever they stand.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= 0x20 || c >= 0x7f || c == '\\' || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return true
}

// cleanTexts returns texts, each as clean returns it.
func cleanTexts(texts []string, clean func(string) string) []string {
	var list []string
	for _, s := range texts {
		list = append(list, clean(s))
	}
	return list
}

// clean returns c as pages may show it.
func (c Client) clean() Client {
	idHost := host(c.IDHost)
	if idHost == "" {
		idHost = hostOf(c.ID)
	}
	id := text(c.ID, maxName)
	name := text(c.Name, maxName)
	if name == "" && idHost != "" {
		name = idHost
	}
	if name == "" {
		name = id
	}
	return Client{
		ID: id, IDHost: idHost, Name: name,
		LogoURL:   path(c.LogoURL),
		PolicyURL: web(c.PolicyURL, "https"),
		TermsURL:  web(c.TermsURL, "https"),
		URI:       web(c.URI, "https"),
	}
}
