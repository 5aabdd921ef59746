package resource

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
	"github.com/go-mandate/mandate/core/internal/issuer"
	"github.com/go-mandate/mandate/core/oauth2"
)

const maxMetadata = 256 << 10 // bytes

// finder reads the metadata of an issuer. It is used by one goroutine at a time.
type finder struct {
	issuer  string
	fetcher mandate.Fetcher
	urls    []string // where it may be; where it was found is first
}

// newFinder returns the finder of the issuer called name. field names the field of a configuration in errors.
func newFinder(name, field string, f mandate.Fetcher) (*finder, error) {
	urls, err := oauth2.MetadataURLs(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return &finder{issuer: name, fetcher: f, urls: urls}, nil
}

// find returns the metadata and how long it is fresh.
func (d *finder) find(ctx context.Context) (oauth2.ServerMetadata, time.Duration, error) {
	var causes []error
	for i, u := range d.urls {
		// One form that hangs leaves time for the others.
		share, cancel := context.WithTimeout(ctx, timeLeft(ctx)/time.Duration(len(d.urls)-i))
		body, fresh, err := issuer.Document(share, d.fetcher, u, "metadata", maxMetadata)
		cancel()
		if err == nil {
			var m oauth2.ServerMetadata
			if m, err = oauth2.ParseServerMetadata(body, d.issuer); err == nil {
				copy(d.urls[1:i+1], d.urls[:i])
				d.urls[0] = u
				return m, fresh, nil
			}
			err = fmt.Errorf("%s: %w", u, err)
		}
		causes = append(causes, err)
		if ctx.Err() != nil {
			break
		}
	}
	return oauth2.ServerMetadata{}, 0, oneLine(causes)
}

// timeLeft returns how long ctx lasts, at most an hour.
func timeLeft(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(time.Until(end), time.Hour)
	}
	return time.Hour
}

// oneLine joins errors as a line of a log can hold them.
func oneLine(causes []error) error {
	texts := make([]string, len(causes))
	for i, err := range causes {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}

// checkURL is an error unless target is as safe as the issuer that names it.
func (d *finder) checkURL(target, member string) error {
	switch {
	case target == "":
		return fmt.Errorf("metadata of %s has no %s", d.issuer, member)
	case strings.HasPrefix(target, "https://"), strings.HasPrefix(target, "http://") && strings.HasPrefix(d.issuer, "http://"):
		return nil
	}
	return fmt.Errorf("metadata of %s has the %s %.200q, want an https URL", d.issuer, member, target)
}

// fetcherOf returns f, or the guarded default, which cannot reach plain http beyond loopback: field and url are for the error then.
func fetcherOf(f mandate.Fetcher, c fetch.Config, field, url string) (mandate.Fetcher, error) {
	if f != nil {
		return f, nil
	}
	if !strings.HasPrefix(url, "https://") && !oauth2.LoopbackURI(url) {
		return nil, fmt.Errorf("%s %.200q is neither https nor http on loopback: use https, or hand over a Fetcher that may use plain http (fetch.Config.AllowInsecureHTTP)", field, url)
	}
	return fetch.New(c)
}
