package store

import (
	"context"
	"errors"
	"fmt"
)

// ClientsFunc returns base with the application's own table of clients in front of base's:
//
//	s := store.ClientsFunc(base, func(ctx context.Context, id string) (*store.Client, error) {
//		var app App
//		if err := db.WithContext(ctx).Where("key = ?", id).Take(&app).Error; errors.Is(err, gorm.ErrRecordNotFound) {
//			return nil, store.ErrNotFound
//		} else if err != nil {
//			return nil, err
//		}
//		return app.Client(), nil
//	})
//
// Where f returns [ErrNotFound], base is asked, so that clients that register themselves and those of an
// administrator can live there beside the application's own. Any other error of f is an outage: base is not asked, or a
// client that was disabled in one place would come back from the other. No client and no error is ErrNotFound. A client
// whose ID is not the one asked for is as good as none: a database that takes "APP" for "app" does not
// decide here. f may be called from any number of goroutines, and the client that it returns must not be changed afterwards.
//
// Where base is a [ClientWriter], so is the result, and writes to base: the ID of a client that f knows is
// [ErrExists] when it is put, and an error when it is deleted. FindClients lists base's.
func ClientsFunc(base Store, f func(ctx context.Context, id string) (*Client, error)) Store {
	own := ownClients{f, base}
	if w, ok := base.(ClientWriter); ok {
		return Override(base, Parts{Clients: ownWriter{own, w}})
	}
	return Override(base, Parts{Clients: own})
}

type ownClients struct {
	f    func(ctx context.Context, id string) (*Client, error)
	base Clients
}

// own returns the application's own client called id.
func (o ownClients) own(ctx context.Context, id string) (*Client, error) {
	c, err := o.f(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case c == nil || c.ID != id:
		return nil, ErrNotFound
	default:
		return c, nil
	}
}

// Client implements [Clients].
func (o ownClients) Client(ctx context.Context, id string) (*Client, error) {
	c, err := o.own(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return o.base.Client(ctx, id)
	}
	return c, err
}

// ownWriter writes to a base whose clients stand behind the application's own.
type ownWriter struct {
	ownClients
	writer ClientWriter
}

// PutClient implements [ClientWriter].
func (o ownWriter) PutClient(ctx context.Context, c *Client) error {
	switch _, err := o.own(ctx, c.ID); {
	case err == nil:
		return fmt.Errorf("%w: client %q is in the application's own table, which ClientsFunc reads; change it there", ErrExists, c.ID)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return o.writer.PutClient(ctx, c)
}

// DeleteClient implements [ClientWriter].
func (o ownWriter) DeleteClient(ctx context.Context, id string) error {
	switch _, err := o.own(ctx, id); {
	case err == nil:
		return fmt.Errorf("store: client %q is in the application's own table, which ClientsFunc reads; delete it there", id)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return o.writer.DeleteClient(ctx, id)
}

// FindClients implements [ClientWriter].
func (o ownWriter) FindClients(ctx context.Context, page Page) ([]*Client, error) {
	return o.writer.FindClients(ctx, page)
}
