package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/fetch"
)

// outbound says how the URLs are reached that clients name.
type outbound struct {
	AllowPrivate   bool                       `json:"allow_private_networks"`
	InsecureTLS    bool                       `json:"insecure_tls"`
	CAFile         string                     `json:"ca_file"`
	TimeoutSeconds *int64                     `json:"timeout_s"`
	Documents      map[string]json.RawMessage `json:"documents"`
}

const maxTimeout = 60 // seconds

// check refuses what contradicts itself.
func (o *outbound) check() error {
	switch {
	case o.InsecureTLS && o.CAFile != "":
		return errors.New("outbound.insecure_tls is true and outbound.ca_file is set: where any certificate will do, nobody asks who signed it")
	case o.TimeoutSeconds != nil && (*o.TimeoutSeconds < 1 || *o.TimeoutSeconds > maxTimeout):
		return fmt.Errorf("outbound.timeout_s %d is not between 1 and %d", *o.TimeoutSeconds, maxTimeout)
	}
	return nil
}

// fetcher returns what reaches the URLs that clients name.
func (c *config) fetcher() (mandate.Fetcher, error) {
	o := &c.Outbound
	fc := fetch.Config{
		AllowPrivateNetworks: o.AllowPrivate, InsecureSkipVerify: o.InsecureTLS, UserAgent: "mandate-provider",
		Timeout: min(seconds(o.TimeoutSeconds), maxTimeout*time.Second), Documents: make(map[string]string, len(o.Documents)),
	}
	for url, document := range o.Documents {
		fc.Documents[url] = string(document)
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(c.path(o.CAFile))
		if err != nil {
			return nil, fmt.Errorf("outbound.ca_file: %w", err)
		}
		fc.RootCAs = x509.NewCertPool()
		if !fc.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("outbound.ca_file %s has no certificate in PEM", o.CAFile)
		}
	}
	f, err := fetch.New(fc)
	if err != nil {
		return nil, fmt.Errorf("outbound: %w", err)
	}
	return f, nil
}
