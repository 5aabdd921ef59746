package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-mandate/mandate/core/jose"
	"github.com/go-mandate/mandate/core/server"
)

// requestFeatures are the features that say how authorization requests come and how they are answered.
type requestFeatures struct {
	PAR         bool `json:"par"`
	RequirePAR  bool `json:"require_par"`
	JAR         bool `json:"jar"`
	RequireJAR  bool `json:"require_jar"`
	RequestURI  bool `json:"request_uri"`
	JARM        bool `json:"jarm"`
	RichDetails bool `json:"rar"`
}

// maxPAR is the longest life of a pushed request, in seconds (RFC 9126, section 2.2).
const maxPAR = 600

// checkRequests refuses members that contradict each other.
func (c *config) checkRequests() error {
	f := &c.Features
	switch {
	case f.RequirePAR && !f.PAR:
		return errors.New("features.require_par is true and features.par is not")
	case c.Lifetimes.PAR != nil && !f.PAR:
		return errors.New("lifetimes.par is set and features.par is not true")
	case c.Lifetimes.PAR != nil && (*c.Lifetimes.PAR < 1 || *c.Lifetimes.PAR > maxPAR):
		return fmt.Errorf("lifetimes.par %d is not between 1 and %d seconds", *c.Lifetimes.PAR, maxPAR)
	case f.RequireJAR && !f.JAR:
		return errors.New("features.require_jar is true and features.jar is not")
	case f.RequestURI && !f.JAR:
		return errors.New("features.request_uri is true and features.jar is not")
	case c.SigningAlgs.RequestObject != nil && !f.JAR:
		return errors.New("signing_algs.request_object is set and features.jar is not true")
	case c.ResponseModes != nil && f.JARM != slices.Contains(c.ResponseModes, "jwt"):
		return errors.New("features.jarm and jwt among response_modes go together: one is missing")
	}
	if c.ResponseModes != nil {
		if err := known("response_modes", c.ResponseModes, []string{"query", "fragment", "form_post", "jwt"}); err != nil {
			return err
		}
	}
	if c.SigningAlgs.RequestObject != nil {
		return known("signing_algs.request_object", c.SigningAlgs.RequestObject, signatures())
	}
	return nil
}

// signatures are the names of the algorithms that a request object may be signed with.
func signatures() []string {
	var names []string
	for _, alg := range append(jose.Asymmetric(), jose.HS256, jose.HS384, jose.HS512) {
		names = append(names, string(alg))
	}
	return names
}

// setRequests sets what the server does with authorization requests.
func (c *config) setRequests(sc *server.Config) {
	f := &c.Features
	sc.ResponseModes = c.ResponseModes
	if f.JARM && sc.ResponseModes == nil {
		sc.ResponseModes = []string{"query", "fragment", "form_post", "jwt"}
	}
	if f.PAR {
		sc.PushedRequests = &server.PushedRequests{TTL: seconds(c.Lifetimes.PAR), Required: f.RequirePAR}
	}
	if f.JAR {
		sc.RequestObjects = &server.RequestObjects{Algs: algs(c.SigningAlgs.RequestObject), Required: f.RequireJAR, ByReference: f.RequestURI}
	}
	if f.RichDetails {
		sc.RichTypes = c.richTypes()
	}
}

// richTypes are the types of authorization details: those that clients name, and two that every client may ask for.
func (c *config) richTypes() []server.RichType {
	names := []string{"payment_initiation", "account_information"}
	for i := range c.Clients {
		for _, name := range c.Clients[i].metadata.AuthorizationDetailsTypes {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	var types []server.RichType
	for _, name := range names {
		types = append(types, server.RichType{Name: name, Describe: func(detail json.RawMessage) (title, text string) { return name, string(detail) }})
	}
	return types
}
