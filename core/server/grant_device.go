package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/store"
)

const (
	slowerBy = 5 * time.Second // RFC 8628, section 3.5
	// pollPace keeps how much slower one device must poll, in a row of its own: a poll that wrote to the ticket could
	// come between an approval and its write.
	pollPace store.Kind = "device_pace"
)

type deviceGrant struct{ server *Server }

// Name implements [GrantType].
func (deviceGrant) Name() string { return oauth2.GrantDeviceCode }

// Token implements [GrantType]. An approved code is generation 0 of the grant that the approval made: it is proven, spent and, the
// second time, the alarm, as an authorization code is. Until then a poll changes nothing but its own pace.
func (d deviceGrant) Token(ctx context.Context, r *TokenRequest) (*Issue, error) {
	code, err := r.Require("device_code")
	if err != nil {
		return nil, err
	}
	t, err := r.Tickets.Ticket(ctx, store.Device, d.server.deviceKey(code), r.Now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, mandate.Errorf(mandate.InvalidGrant, err, "device_code is not valid")
	case err != nil && !errors.Is(err, store.ErrExpired):
		return nil, fault("read device code", err)
	case t.ClientID != r.Client.ID:
		return nil, mandate.Errorf(mandate.InvalidGrant, nil, "device_code was issued to another client")
	}
	data, err := d.server.dataOf(t)
	if err != nil {
		return nil, err
	}
	over := !r.Now.Before(data.ends())
	switch {
	case t.State == deviceApproved:
		return d.redeem(ctx, r, t, &data, over)
	case over:
		return nil, mandate.Errorf(mandate.ExpiredToken, nil, "device_code is over")
	case t.State == deviceDenied:
		return nil, mandate.Errorf(mandate.AccessDenied, nil, "the user did not allow it")
	}
	return nil, d.wait(ctx, r, t, data.ends())
}

// redeem returns what an approved code entitles to.
func (d deviceGrant) redeem(ctx context.Context, r *TokenRequest, t store.Ticket, data *deviceData, over bool) (*Issue, error) {
	_, h, ok := d.server.deviceNames(data, t.Key, r.Now)
	if !ok {
		return nil, mandate.Errorf(mandate.ExpiredToken, nil, "device_code is over")
	}
	text, ok := d.server.write(credential{kid: d.server.refresh.Current(), handle: h}, new(room))
	if !ok {
		return nil, errors.New("the current key is gone")
	}
	g, from, err := r.Present(ctx, text)
	if err != nil {
		if over && g.Generation == 0 && errors.Is(err, mandate.InvalidGrant) {
			return nil, mandate.Errorf(mandate.ExpiredToken, err, "device_code is over")
		}
		return nil, err
	}
	audience, err := r.Audience(g.Details.Resources)
	if err != nil {
		return nil, err
	}
	rich, err := r.richGranted(ctx, g.Details.Rich)
	if err != nil {
		return nil, err
	}
	return &Issue{
		Rich: rich, Grant: g, Spend: true, From: from, Scopes: g.Details.Scopes, Audience: audience,
		Refresh: r.Client.Metadata.Allows(grantRefresh) && d.server.grants[grantRefresh] != nil,
	}, nil
}

// wait answers the poll of a device whose owner has not decided yet: authorization_pending, or slow_down where the one before was
// too short a while ago. From then on the device must wait 5 seconds more.
func (d deviceGrant) wait(ctx context.Context, r *TokenRequest, t store.Ticket, ends time.Time) error {
	s := d.server
	pace, err := r.Tickets.Ticket(ctx, pollPace, t.Key, r.Now)
	known := err == nil || errors.Is(err, store.ErrExpired)
	if !known && !errors.Is(err, store.ErrNotFound) {
		return fault("read pace of device", err)
	}
	interval := s.config.Device.Interval
	if known {
		slower, _ := strconv.Atoi(pace.State) // written below
		interval += time.Duration(slower) * slowerBy
	}
	// The network delays one poll and not the next: a tenth is forgiven.
	err = s.store.UseOnce(ctx, "poll", t.Key, r.Now, r.Now.Add(interval-interval/10))
	switch {
	case err == nil:
		return mandate.Errorf(mandate.AuthorizationPending, nil, "the user has not decided yet")
	case !errors.Is(err, store.ErrUsed):
		return fault("pace device", err)
	}
	// Of several polls at once one counts.
	if known {
		slower, _ := strconv.Atoi(pace.State)
		pace.State = strconv.Itoa(slower + 1)
		err = r.Tickets.UpdateTicket(ctx, pace)
	} else {
		err = r.Tickets.PutTicket(ctx, store.Ticket{Kind: pollPace, Key: t.Key, State: "1", ClientID: t.ClientID, Created: r.Now, Expires: ends.Add(keepDevice)})
	}
	if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrNotFound) {
		return fault("slow device down", err)
	}
	return mandate.Errorf(mandate.SlowDown, nil, "wait 5 seconds longer between two polls from now on")
}

// deviceNames returns the id of the grant that the approval of a device's ticket makes, and the handle that the device code stands for:
// whoever approves, there is one.
func (s *Server) deviceNames(data *deviceData, key mandate.Digest, now time.Time) (id string, h handle, ok bool) {
	f := flow{Key: data.Flow}
	copy(f.ID[:], key[:])
	return s.names(&f, now)
}
