package mandatefiber

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"unsafe"

	"github.com/gofiber/fiber/v2"

	mandate "github.com/go-mandate/mandate/core"
)

// request reads the request for an endpoint of that origin and path, or for a guard, which has neither. All of its strings are copies:
// endpoints keep what they like. Of a body that comes in chunks as a stream no more is read than tells that it is over the limit, but
// that cannot be given back.
func request(c *fiber.Ctx, origin, path string, limit int64) *mandate.Request {
	uri := c.Request().URI()
	r := &mandate.Request{
		Method: string(c.Request().Header.Method()), Origin: origin, Path: path, RawQuery: string(uri.QueryString()),
		Header: header{c}, Remote: c.Context().RemoteAddr().String(),
	}
	if escaped := uri.PathOriginal(); string(escaped) != path {
		r.Path = string(escaped)
	}
	if strings.HasSuffix(path, "/{id}") {
		r.PathID, _ = url.PathUnescape(r.Path[strings.LastIndexByte(r.Path, '/')+1:]) // what cannot be decoded names nothing
	}
	if state := c.Context().TLSConnectionState(); state != nil && len(state.PeerCertificates) > 0 {
		r.Peer = state.PeerCertificates[0]
	}
	if oversizedStream(c, limit) {
		r.Oversized = true
		c.Context().SetConnectionClose() // fasthttp would take what nobody reads of it for the next request
	} else if body := c.Request().Body(); int64(len(body)) > limit {
		r.Oversized = true
	} else {
		r.Body = string(body)
	}
	return r
}

// oversizedStream reports whether the body is a stream (fiber.Config.StreamRequestBody) of more than limit bytes: Body would take in all of it, however much
// comes. A shorter one is read.
func oversizedStream(c *fiber.Ctx, limit int64) bool {
	r := c.Request()
	switch length := int64(r.Header.ContentLength()); {
	case !r.IsBodyStream():
		return false
	case length >= 0:
		return length > limit
	}
	data, err := io.ReadAll(io.LimitReader(r.BodyStream(), limit+1))
	if int64(len(data)) > limit {
		return true
	}
	if err == nil {
		r.SetBodyRaw(data) // which fits the chunks that it came in as well
	}
	return false
}

// header is the header of a request. It is a pointer, so that making an interface of it allocates nothing; what it returns
// may be kept.
type header struct{ c *fiber.Ctx }

// Get implements [mandate.Header]. Host is no field here, as in net/http: nothing may be made of it.
func (h header) Get(name string) string {
	if strings.EqualFold(name, fiber.HeaderHost) {
		return ""
	}
	return string(h.c.Request().Header.Peek(name))
}

// Values implements [mandate.Header].
func (h header) Values(name string) []string {
	if strings.EqualFold(name, fiber.HeaderHost) {
		return nil
	}
	fields := h.c.Request().Header.PeekAll(name)
	values := make([]string, len(fields))
	for i, f := range fields {
		values[i] = string(f)
	}
	return values
}

// write writes resp, which has no Page, as it is.
func write(c *fiber.Ctx, resp *mandate.Response) error {
	writeFields(c, resp)
	return c.Status(resp.Status).Send(resp.Body)
}

// writeFields sets the header fields of resp but for those called without. A field replaces what others set under its name,
// except where values add up: cookies and Vary.
func writeFields(c *fiber.Ctx, resp *mandate.Response, without ...string) {
	out := &c.Response().Header
	for i, f := range resp.Header {
		if slices.ContainsFunc(without, func(name string) bool { return strings.EqualFold(name, f.Name) }) {
			continue
		}
		adds := strings.EqualFold(f.Name, fiber.HeaderSetCookie) || strings.EqualFold(f.Name, fiber.HeaderVary)
		if !adds && resp.Header[:i].Get(f.Name) == "" {
			out.Del(f.Name)
		}
		out.Add(f.Name, f.Value)
	}
}

// view returns b as a string without copying it: good until Fiber uses the buffer again.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // #nosec G103 -- read only, and not kept
}
