package main

import (
	"context"
	"io"
	"log/slog"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/resource"
)

// newLog returns what logs to w as text or json, or nil.
func newLog(format string, w io.Writer) *slog.Logger {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil))
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return nil
}

// logHooks log each event and each answer of the server. Events hold no secrets.
func logHooks(log *slog.Logger) mandate.Hooks {
	if log == nil {
		return mandate.Hooks{}
	}
	return mandate.Hooks{
		On: func(ctx context.Context, e mandate.Event) {
			level := slog.LevelInfo
			if e.Name == mandate.Fault {
				level = slog.LevelError
			}
			attrs := make([]slog.Attr, 0, 5)
			for _, a := range []slog.Attr{
				slog.String("endpoint", e.Endpoint), slog.String("client", e.ClientID), slog.String("subject", e.Subject),
				slog.String("grant", e.GrantID), slog.String("grant_type", e.GrantType), slog.String("scope", string(e.Scopes)),
			} {
				if a.Value.String() != "" {
					attrs = append(attrs, a)
				}
			}
			if e.Err != nil {
				attrs = append(attrs, slog.String("cause", e.Err.Error()))
			}
			log.LogAttrs(ctx, level, string(e.Name), attrs...)
		},
		After: func(ctx context.Context, endpoint string, status int, err error) {
			attrs := []slog.Attr{slog.String("endpoint", endpoint), slog.Int("status", status)}
			if err != nil {
				attrs = append(attrs, slog.String("cause", err.Error()))
			}
			log.LogAttrs(ctx, slog.LevelInfo, "answered", attrs...)
		},
	}
}

// guardHooks log what guards refuse, and why.
func guardHooks(log *slog.Logger) mandate.Hooks {
	if log == nil {
		return mandate.Hooks{}
	}
	return resource.LogRefusals(log)
}
