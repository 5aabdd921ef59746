package issuer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
)

// How long documents of an issuer are fresh: what it says (Cache-Control), within bounds.
const (
	minFresh     = 5 * time.Minute
	defaultFresh = 10 * time.Minute
	maxFresh     = 24 * time.Hour
)

// StatusError is an answer that is not the document.
type StatusError struct {
	URL    string
	Status int
}

// Error implements error.
func (e StatusError) Error() string { return e.URL + " answered " + strconv.Itoa(e.Status) }

// Document fetches a JSON document of at most limit bytes, and returns how long it is fresh.
func Document(ctx context.Context, f mandate.Fetcher, url, purpose string, limit int64) ([]byte, time.Duration, error) {
	res, err := f.Fetch(ctx, &mandate.FetchRequest{
		URL: url, Header: mandate.Fields{{Name: "Accept", Value: "application/json, application/jwk-set+json"}},
		Purpose: purpose, Trust: mandate.Operator, MaxBytes: limit,
	})
	switch {
	case err != nil:
		return nil, 0, err
	case res == nil:
		return nil, 0, fmt.Errorf("%s: the Fetcher returned neither an answer nor an error", url)
	case res.Status != 200:
		return nil, 0, StatusError{url, res.Status}
	case int64(len(res.Body)) > limit:
		return nil, 0, fmt.Errorf("%s: %w: more than %d bytes", url, fetch.ErrTooLarge, limit)
	}
	return res.Body, freshness(res.Header), nil
}

// freshness returns how long an answer is fresh (RFC 9111, section 4.2), within bounds: an issuer that forbids caching would otherwise be
// asked for each token, and one that means for ever could never rotate a key.
func freshness(h mandate.Fields) time.Duration {
	fresh, said := time.Duration(0), false
	for _, line := range h.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return minFresh
			case "max-age":
				fresh, said = seconds(strings.Trim(value, `"`)), true
			}
		}
	}
	if !said {
		return defaultFresh
	}
	return min(max(fresh-seconds(h.Get("Age")), minFresh), maxFresh)
}

// seconds reads a number of seconds; what is none is zero, what is too large a day or more.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return maxFresh
	}
	return time.Duration(min(n, 1e9)) * time.Second
}
