package mandate

import "context"

// Fetcher reaches the outside for packages that cannot: key sets, metadata, client and request
// documents, introspection, logout delivery. The one implementation is in package fetch.
type Fetcher interface {
	// Fetch sends r and returns the answer, whatever its status. A redirect is followed or is an error,
	// never an answer. Anything that kept it from an answer is an error.
	Fetch(ctx context.Context, r *FetchRequest) (*Response, error)
}

// FetchRequest is a request to the outside.
type FetchRequest struct {
	Method   string // empty: GET
	URL      string
	Header   Fields
	Body     string
	Purpose  string // what it is for, in one word: "jwks", "introspection", ...; for hooks and limits
	Trust    Trust
	MaxBytes int64 // of the answer's body; zero: 64 KiB
}

// Trust says who wrote down the URL of a [FetchRequest].
type Trust int

// The classes of trust.
const (
	// Untrusted is a URL that a stranger supplied (a client's jwks_uri, a document): https, public
	// addresses only, no redirect.
	Untrusted Trust = iota
	// Operator is a URL from the application's own configuration (an issuer, an introspection
	// endpoint): private networks are allowed, redirects stay within the origin.
	Operator
)
