package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/pages"
)

// checkLocales sets Locales by language tags in lower case, or says why it cannot be.
func (c *Config) checkLocales() error {
	locales := make(map[string]*pages.Set, len(c.Locales))
	for _, tag := range slices.Sorted(maps.Keys(c.Locales)) {
		lower := strings.ToLower(tag)
		switch {
		case !isLanguage(lower):
			return fmt.Errorf("server: Locales has %q, which is not a language tag such as \"de\" or \"pt-BR\"", tag)
		case c.Locales[tag] == nil:
			return fmt.Errorf("server: Locales has no pages for %q: make them with pages.New", tag)
		case !strings.EqualFold(c.Locales[tag].Lang(), tag):
			return fmt.Errorf("server: Locales has pages in %q for %q: set pages.Options.Lang to the same tag, which browsers and screen readers are told", c.Locales[tag].Lang(), tag)
		case locales[lower] != nil:
			return fmt.Errorf("server: Locales has %q twice", tag)
		}
		locales[lower] = c.Locales[tag]
	}
	if own := strings.ToLower(c.Pages.Lang()); len(locales) > 0 && locales[own] == nil {
		locales[own] = c.Pages
	}
	c.Locales = locales
	return nil
}

// isLanguage reports whether lower could be a language tag in lower case.
func isLanguage(lower string) bool {
	return lower != "" && strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// uiLocales returns the languages of the pages, for the metadata; nil where there is one alone.
func (s *Server) uiLocales() []string {
	return slices.Sorted(maps.Keys(s.config.Locales))
}

// maxLanguages bounds how many languages of a request are looked at.
const maxLanguages = 16

// pagesFor returns the pages for who sent r: in the first language of wanted, which is ui_locales, that there is, else of what the browser prefers,
// else Config.Pages.
func (s *Server) pagesFor(r *mandate.Request, wanted string) *pages.Set {
	if len(s.config.Locales) == 0 {
		return s.pages
	}
	n := 0
	for tag := range strings.FieldsSeq(wanted) {
		if set := s.locale(tag); set != nil {
			return set
		}
		if n++; n == maxLanguages {
			break
		}
	}
	var best *pages.Set
	var most float64
	n = 0
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		if n++; n > maxLanguages {
			break
		}
		tag, rest, _ := strings.Cut(part, ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(rest), "q="); ok {
			var err error
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if quality > most { // of those that are wanted as much the first counts
			if tag = strings.TrimSpace(tag); tag == "*" {
				best, most = s.pages, quality
			} else if set := s.locale(tag); set != nil {
				best, most = set, quality
			}
		}
	}
	if best != nil {
		return best
	}
	return s.pages
}

// locale returns the pages for a language tag, or for the longest beginning of it that there are pages for (RFC 4647, section 3.4).
func (s *Server) locale(tag string) *pages.Set {
	if len(tag) > 35 {
		return nil
	}
	for tag = strings.ToLower(tag); tag != ""; {
		if set := s.config.Locales[tag]; set != nil {
			return set
		}
		i := strings.LastIndexByte(tag, '-')
		if i < 0 {
			return nil
		}
		tag = tag[:i]
	}
	return nil
}
