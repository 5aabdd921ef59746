package mandate

import (
	"context"
	"log/slog"
)

// Hooks are told what happens. A nil function costs nothing. Functions may be called from several
// goroutines at once.
type Hooks struct {
	// Around is called when a request comes to an endpoint, before anything else. The context that it returns is that of everything
	// that happens, other hooks included; the function that it returns is called with the answer's status and cause, as
	// After is. It may be nil. Traces and durations are made of it.
	Around func(ctx context.Context, endpoint string) (context.Context, func(status int, err error))
	// BeforeWithSecrets may answer in place of an endpoint. Nil lets the request pass. It is the one hook that gets the request
	// itself, which holds secrets, codes and passwords: do not log its parameters.
	BeforeWithSecrets func(ctx context.Context, endpoint string, r *Request) *Response
	// After sees each answer's status and, for a refusal, its cause: hand it to package slog, which shows all of it; Error()
	// is what the peer may know.
	After func(ctx context.Context, endpoint string, status int, err error)
	// On sees each event, when it is done and before the answer is written. Events hold no secrets.
	On func(ctx context.Context, e Event)
}

// Tell calls On, if there is one.
func (h *Hooks) Tell(ctx context.Context, e Event) {
	if h.On != nil {
		h.On(ctx, e)
	}
}

// JoinHooks returns hooks that call those of all, in their order. The first answer of a BeforeWithSecrets counts. What nobody has
// set stays nil and costs nothing.
func JoinHooks(all ...Hooks) Hooks {
	var joined Hooks
	for _, next := range all {
		joined.add(next)
	}
	return joined
}

// add lets h call next after its own.
func (h *Hooks) add(next Hooks) {
	if first, second := h.Around, next.Around; first == nil {
		h.Around = second
	} else if second != nil {
		h.Around = func(ctx context.Context, endpoint string) (context.Context, func(int, error)) {
			ctx, outer := first(ctx, endpoint)
			ctx, inner := second(ctx, endpoint)
			return ctx, func(status int, err error) {
				for _, end := range [...]func(int, error){inner, outer} {
					if end != nil {
						end(status, err)
					}
				}
			}
		}
	}
	if first, second := h.BeforeWithSecrets, next.BeforeWithSecrets; first == nil {
		h.BeforeWithSecrets = second
	} else if second != nil {
		h.BeforeWithSecrets = func(ctx context.Context, endpoint string, r *Request) *Response {
			if resp := first(ctx, endpoint, r); resp != nil {
				return resp
			}
			return second(ctx, endpoint, r)
		}
	}
	if first, second := h.After, next.After; first == nil {
		h.After = second
	} else if second != nil {
		h.After = func(ctx context.Context, endpoint string, status int, err error) {
			first(ctx, endpoint, status, err)
			second(ctx, endpoint, status, err)
		}
	}
	if first, second := h.On, next.On; first == nil {
		h.On = second
	} else if second != nil {
		h.On = func(ctx context.Context, e Event) {
			first(ctx, e)
			second(ctx, e)
		}
	}
}

// LogHooks returns hooks that write events and answers to logger: faults and reuse as errors, refusals as warnings, what went well as info, each
// answer at the level debug. Nothing that is written is a secret. Subjects and accounts are left out, whose names people may have taken for
// the field of the password: who wants them has [Event].
func LogHooks(logger *slog.Logger) Hooks {
	return Hooks{
		After: func(ctx context.Context, endpoint string, status int, err error) {
			if !logger.Enabled(ctx, slog.LevelDebug) {
				return
			}
			attrs := []slog.Attr{slog.String("endpoint", endpoint), slog.Int("status", status)}
			if err != nil {
				attrs = append(attrs, slog.Any("err", err))
			}
			logger.LogAttrs(ctx, slog.LevelDebug, "answered", attrs...)
		},
		On: func(ctx context.Context, e Event) {
			if level := e.Name.level(); logger.Enabled(ctx, level) {
				logger.LogAttrs(ctx, level, string(e.Name), e.attrs()...)
			}
		},
	}
}

// level returns how much an event matters to who runs the server.
func (n EventName) level() slog.Level {
	switch n {
	case Fault, GrantReused:
		return slog.LevelError
	case ClientRefused, RequestRefused, TokenRefused, SignInRefused, AttemptRefused:
		return slog.LevelWarn
	case TokenAuthenticated, ClientAuthenticated:
		return slog.LevelDebug
	default: // it went well
		return slog.LevelInfo
	}
}

// attrs returns what a log shows of e: the members that are set, but for the subject.
func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 8)
	for _, a := range [...]struct{ name, value string }{
		{"endpoint", e.Endpoint},
		{"client", e.ClientID},
		{"grant", e.GrantID},
		{"grant_type", e.GrantType},
		{"scope", string(e.Scopes)},
		{"jti", e.TokenID},
		{"remote", e.Remote},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	if !e.Expires.IsZero() {
		attrs = append(attrs, slog.Time("expires", e.Expires))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("err", e.Err))
	}
	return attrs
}
