package providers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// scenario is a login as a file tells it: what the application sends, which GOLDEN=write writes down, and what the provider answers.
//
//	-- authorize --
//	https://id.example.com/authorize       the URL the browser is sent to, and its parameters, a line each
//	client_id=us
//	-- callback --
//	code=the-code                          what the browser comes back with, besides the state; POST in a line of its own makes it a form
//	-- then --
//	refresh revoke                         what is done with the token after the sign-in, if anything
//	-- request --                          as often as there are requests
//	POST https://id.example.com/token
//	Accept: application/json
//
//	code=the-code                          the parameters of a form or a query, a line each; any other body as it is
//	-- answer --
//	200
//	Content-Type: application/json
//
//	{"access_token": "..."}
//	-- outcome --
//	{...}                                  the sign-in, or the error
//
// {state}, {nonce}, {challenge} and {verifier} stand for those of the login.
type scenario struct {
	path  string
	parts []part
}

type part struct{ name, text string }

func readScenario(tb testing.TB, path string) *scenario {
	tb.Helper()
	data, err := os.ReadFile(path) // #nosec G304 -- a file of this test
	if err != nil {
		tb.Fatal(err)
	}
	s := &scenario{path: path}
	for line := range strings.Lines(string(data)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		name, closed := strings.CutSuffix(name, " --")
		switch {
		case ok && closed:
			s.parts = append(s.parts, part{name: name})
		case len(s.parts) == 0:
			tb.Fatalf("%s begins with no part", path)
		default:
			s.parts[len(s.parts)-1].text += line
		}
	}
	return s
}

// all returns the texts of the parts called name, in their order.
func (s *scenario) all(name string) []string {
	var texts []string
	for _, p := range s.parts {
		if p.name == name {
			texts = append(texts, p.text)
		}
	}
	return texts
}

func (s *scenario) one(name string) string { return strings.Join(s.all(name), "") }

// check compares what was seen with what the file says, or writes it down.
func (s *scenario) check(tb testing.TB, authorize string, requests []string, outcome string) {
	tb.Helper()
	var b strings.Builder
	write := func(name, text string) {
		fmt.Fprintf(&b, "-- %s --\n%s\n", name, strings.TrimRight(text, "\n"))
	}
	if note := s.one("note"); note != "" {
		write("note", note)
	}
	write("authorize", authorize)
	write("callback", s.one("callback"))
	if then := s.one("then"); then != "" {
		write("then", then)
	}
	answers := s.all("answer")
	for i := range max(len(requests), len(answers)) {
		if i < len(requests) {
			write("request", requests[i])
		}
		if i < len(answers) {
			write("answer", answers[i])
		}
	}
	write("outcome", outcome)
	var had strings.Builder
	for _, p := range s.parts {
		fmt.Fprintf(&had, "-- %s --\n%s\n", p.name, strings.TrimRight(p.text, "\n"))
	}
	switch {
	case had.String() == b.String():
	case os.Getenv("GOLDEN") == "write":
		if err := os.WriteFile(s.path, []byte(b.String()), 0o600); err != nil {
			tb.Fatal(err)
		}
	default:
		tb.Errorf("%s differs (GOLDEN=write rewrites it):\n%s", s.path, differ(had.String(), b.String()))
	}
}

// differ returns the lines that one of the texts has and the other has not.
func differ(had, have string) string {
	old, now := strings.Split(had, "\n"), strings.Split(have, "\n")
	var b strings.Builder
	for _, line := range old {
		if !slices.Contains(now, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
