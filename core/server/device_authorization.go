package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

const (
	limitDevice   = 32 << 10 // of a request for codes
	maxDeviceData = 32 << 10 // of what is kept of it

	maxDeviceClient = 32 << 20 // of all that is kept for one public client, in bytes
	deviceRow       = 512      // of one row, beside its data

	keepDevice   = 10 * time.Minute // how long a device is still told that its code is over
	maxCodeTries = 5                // for a user code that nobody else has now
)

// The states of a device's ticket.
const (
	devicePending  = "pending"
	deviceApproved = "approved"
	deviceDenied   = "denied"
)

// deviceData is what the ticket of a device keeps beside its columns. The user code is not in it.
type deviceData struct {
	Details store.Details      `json:"d"`
	Flow    mandate.ShortKeyID `json:"k"` // of the MAC that the grant's id and handle are made with
	Ends    int64              `json:"e"` // of both codes, Unix milliseconds; the row is kept longer
}

func (d *deviceData) ends() time.Time { return time.UnixMilli(d.Ends).UTC() }

// dataOf returns what t keeps.
func (s *Server) dataOf(t store.Ticket) (deviceData, error) {
	var d deviceData
	if err := json.Unmarshal([]byte(t.Data), &d); err != nil {
		return d, fault("decode device authorization", err)
	}
	return d, nil
}

// deviceAnswer is RFC 8628, section 3.2.
type deviceAnswer struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int64  `json:"expires_in"`
	Interval   int64  `json:"interval"`
}

// handleDeviceAuthorization is the device authorization endpoint (RFC 8628, section 3.1).
func (s *Server) handleDeviceAuthorization(ctx context.Context, r *mandate.Request) *mandate.Response {
	form, err := r.Form()
	if err != nil {
		return s.Refuse(err)
	}
	if err := checkForm(form); err != nil {
		return s.Refuse(err)
	}
	client, err := s.authenticate(ctx, r, form)
	if err != nil {
		return s.Refuse(err)
	}
	answer, err := s.beginDevice(ctx, r, client, form)
	if err != nil {
		s.requestRefused(ctx, r, "device_authorization", client, oauth2.GrantDeviceCode, err)
		return s.Refuse(err)
	}
	return JSON(200, answer)
}

// beginDevice keeps what a proven client asks for, under two new codes.
func (s *Server) beginDevice(ctx context.Context, r *mandate.Request, client Client, form mandate.Params) (*deviceAnswer, error) {
	if !client.Metadata.Allows(oauth2.GrantDeviceCode) {
		return nil, mandate.Errorf(mandate.UnauthorizedClient, nil, "client may not use this grant_type")
	}
	if err := s.refuseUnmet(client.Client); err != nil {
		return nil, err
	}
	now, device := s.now(), s.config.Device
	a := &Ask{Client: client.Client, server: s, ctx: ctx, request: r, flow: s.newFlow(now), device: new(waiting)}
	var err error
	details := &a.Request.Details
	if details.Rich, err = s.richFor(ctx, client.Client, form.Get(paramDetails)); err != nil {
		return nil, err
	}
	if details.Scopes, err = s.scopesFor(client.Client, form.Get("scope")); err != nil && (details.Rich == "" || form.Get("scope") != "") {
		return nil, err
	}
	if details.Resources, err = s.resourcesFor(client.Client, form.Values("resource")); err != nil {
		return nil, err
	}
	for _, e := range s.config.Extensions {
		if e.Begin != nil {
			if err := e.Begin(ctx, a, form); err != nil {
				return nil, err
			}
		}
	}
	ends := now.Add(device.TTL)
	data, err := json.Marshal(deviceData{Details: *details, Flow: a.flow.Key, Ends: ends.UnixMilli()})
	switch {
	case err != nil:
		return nil, fault("encode device authorization", err)
	case len(data) > maxDeviceData:
		return nil, mandate.Errorf(mandate.InvalidRequest, nil, "the request is too large to be kept")
	}
	if client.isFree() {
		if err := s.mayWrite(ctx, r, WriteAttempt, "device_authorization", client.ID); err != nil {
			return nil, err
		}
		if !s.devices.take(client.ID, s.remote(r), int64(deviceRow+len(data)), now) {
			return nil, &limited{mandate.Errorf(mandate.TemporarilyUnavailable, nil, "too many requests of this client"), device.TTL, 429}
		}
	}
	if err := s.SpendProof(ctx, client); err != nil {
		return nil, err
	}
	code := prefixDevice + randomText()
	t := store.Ticket{
		Kind: store.Device, Key: s.deviceKey(code), State: devicePending, ClientID: client.ID, Created: now, Expires: ends.Add(keepDevice), Data: string(data),
	}
	for range maxCodeTries {
		user, err := device.newUserCode()
		if err != nil {
			return nil, err
		}
		t.AltKey = s.userCodeKey(user)
		err = s.store.PutTicket(ctx, t)
		if err == nil {
			return s.deviceAnswer(code, user), nil
		}
		if !errors.Is(err, store.ErrExists) {
			return nil, fault("keep device authorization", err)
		}
	}
	return nil, mandate.Errorf(mandate.TemporarilyUnavailable, nil, "no user code is free")
}

func (s *Server) deviceAnswer(code, user string) *deviceAnswer {
	d, page := s.config.Device, s.url("device")
	answer := &deviceAnswer{
		DeviceCode: code, UserCode: d.shown(user), URI: d.VerificationURL,
		ExpiresIn: int64(d.TTL / time.Second), Interval: int64(d.Interval / time.Second),
	}
	answer.Complete = page + "?" + fieldUserCode + "=" + url.QueryEscape(answer.UserCode)
	if answer.URI == "" {
		answer.URI = page
	}
	return answer
}
