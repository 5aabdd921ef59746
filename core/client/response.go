package client

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	mandate "github.com/go-mandate/mandate/core"
)

// Response is the answer of an API, whatever its status.
type Response struct {
	Status      int
	Header      http.Header
	Raw         []byte // the body as it came
	ContentType string // what the body is taken for

	app string
}

// OK reports whether the status is 2xx.
func (r *Response) OK() bool { return r.Status/100 == 2 }

// Err returns nil if the status is 2xx, and else an [*Error] of the kind [BadStatus] with what can be read of it.
func (r *Response) Err() error {
	if r.OK() {
		return nil
	}
	e := &Error{Kind: BadStatus, App: r.app, Status: r.Status, Body: cut(r.Raw)}
	if m, ok := members(&mandate.Response{Status: r.Status, Header: mandate.Fields{{Name: "Content-Type", Value: r.ContentType}}, Body: r.Raw}, ""); ok {
		said := refusal(&mandate.Response{Status: r.Status}, m)
		e.Code, e.Description, e.URI = said.Code, said.Description, said.URI
	}
	return e
}

// Decode reads the body of an answer with a status of 2xx into a pointer, as [Response.Read] does. Another status is the error of
// [Response.Err].
func (r *Response) Decode(into any) error {
	if err := r.Err(); err != nil {
		return err
	}
	return r.Read(into)
}

// Read reads the body into a pointer by its content type: JSON or XML as encoding/json and encoding/xml do, a form into a *url.Values or
// a *map[string]string, and anything at all into a *[]byte or *string. A body without a type is taken for JSON. An empty one leaves everything as it is. Entities of XML that
// are not its own five are errors: nothing is ever fetched.
func (r *Response) Read(into any) error {
	switch p := into.(type) {
	case *[]byte:
		*p = bytes.Clone(r.Raw)
		return nil
	case *string:
		*p = string(r.Raw)
		return nil
	}
	body, kind, err := r.text()
	if err == nil && len(bytes.TrimSpace(body)) > 0 {
		switch {
		case kind == "" || isJSON(kind):
			err = json.Unmarshal(body, into)
		case isXML(kind):
			err = readXML(body, into)
		case kind == formType:
			err = readForm(body, into)
		default:
			err = fmt.Errorf("%.100q is neither JSON, XML nor a form: read it into a *[]byte", kind)
		}
	}
	if err != nil {
		return &Error{Kind: Unreadable, App: r.app, Status: r.Status, Body: cut(r.Raw), Cause: err}
	}
	return nil
}

// Data returns the body as what it is: JSON as map[string]any, []any, string, json.Number, bool or nil, a form as url.Values, XML as a
// *[Element], and anything else as []byte. An empty body is nil.
func (r *Response) Data() (any, error) {
	_, kind, err := r.text()
	switch {
	case len(bytes.TrimSpace(r.Raw)) == 0:
		return nil, nil //nolint:nilnil // nothing is what it says
	case err != nil:
		return nil, &Error{Kind: Unreadable, App: r.app, Status: r.Status, Body: cut(r.Raw), Cause: err}
	case kind == formType:
		var form url.Values
		err = r.Read(&form)
		return form, err
	case isXML(kind):
		var root Element
		err = r.Read(&root)
		return &root, err
	case kind == "" || isJSON(kind):
		var v number
		err = r.Read(&v)
		return v.value, err
	}
	return bytes.Clone(r.Raw), nil
}

// number reads any JSON without making a float64 of what may be an ID.
type number struct{ value any }

func (n *number) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(&n.value)
}

// Element is an element of XML.
type Element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []Element  `xml:",any"`
}

// maxDepth bounds how deep XML is nested.
const maxDepth = 64

func isXML(kind string) bool {
	return kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml")
}

func readXML(body []byte, into any) error {
	depth := 0
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("it is nested more than %d levels deep", maxDepth)
		}
	}
	return xml.Unmarshal(body, into)
}

func readForm(body []byte, into any) error {
	form, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		return err
	}
	switch p := into.(type) {
	case *url.Values:
		*p = form
	case *map[string]string:
		*p = make(map[string]string, len(form))
		for name, values := range form {
			(*p)[name] = values[0]
		}
	default:
		return fmt.Errorf("a form is read into a *url.Values or a *map[string]string, not into a %T", into)
	}
	return nil
}

// text returns the body in UTF-8, and its media type.
func (r *Response) text() (body []byte, kind string, err error) {
	body, kind = bytes.TrimPrefix(r.Raw, []byte("\xef\xbb\xbf")), mediaType(r.ContentType)
	_, params, _ := mime.ParseMediaType(r.ContentType)
	switch charset := strings.ToLower(params["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii":
	case "iso-8859-1", "latin1":
		latin := make([]rune, len(body))
		for i, b := range body {
			latin[i] = rune(b)
		}
		body = []byte(string(latin))
	default:
		if kind == "" || isJSON(kind) || isXML(kind) || kind == formType {
			return nil, kind, fmt.Errorf("its character set is %.100q: read it into a *[]byte", charset)
		}
	}
	return body, kind, nil
}
