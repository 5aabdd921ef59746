package server

import (
	"context"
	"errors"
	"net/url"

	mandate "github.com/go-mandate/mandate/core"
	"github.com/go-mandate/mandate/core/oauth2"
	"github.com/go-mandate/mandate/core/pages"
	"github.com/go-mandate/mandate/core/store"
)

const fieldUserCode = "user_code"

// deviceFlow is how far a browser has come at the page of the device grant.
type deviceFlow struct {
	Stage deviceStage `json:"s"`
	Code  string      `json:"c,omitempty"` // the user code, in its normal form; whether there is one is not said
	Told  bool        `json:"t,omitempty"` // until somebody who has signed in was told so: then it need not be guessed any more
}

type deviceStage int

const (
	stageEnter     deviceStage = iota + 1 // asked for the code
	stageConfirm                          // asked whether it is the one on the device
	stageShown                            // and which client shows it
	stageConfirmed                        // it is
	stageApproved                         // and so is the client, by whom the flow says
)

// waiting is the device that a decision is for.
type waiting struct {
	ticket store.Ticket
	data   deviceData
	found  bool
}

// handleDevice is the page of the device grant (RFC 8628, section 3.3): the code, whether it is the right one, and then the
// decision, which the application makes as for any other request.
func (m mounted) handleDevice(ctx context.Context, r *mandate.Request) *mandate.Response {
	params, err := paramsOf(r)
	if err != nil {
		return m.errorPage(ctx, r, err, pages.Error{})
	}
	handle := params.Get(fieldHandle)
	if handle == "" && r.Method == "GET" {
		return m.beginDevicePage(ctx, r, params)
	}
	if handle == "" {
		return m.errorPage(ctx, r, errNoHandle, pages.Error{RestartURL: m.public("device")})
	}
	a, resp := m.resume(ctx, r, params, handle)
	switch {
	case resp != nil:
		return resp
	case a.device == nil:
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410, RestartURL: m.public("device")})
	}
	d := a.flow.Device
	switch {
	case d.Stage >= stageConfirmed:
		return m.decideDevice(ctx, a)
	case !a.submitted && d.Stage == stageEnter:
		return m.devicePage(ctx, a, pages.Device{})
	case !a.submitted:
		return m.confirmPage(ctx, a)
	case d.Stage == stageEnter:
		return m.enterCode(ctx, a, params.Get(fieldUserCode))
	case params.Get(fieldAction) == "cancel":
		return redirect(m.public("device"))
	case d.Stage == stageShown:
		d.Stage = stageApproved
	default:
		d.Stage = stageConfirmed
	}
	a.handle = ""
	return m.leave(ctx, a, a.resumeURL())
}

// beginDevicePage asks for a code, or where the browser brings one, from a QR code, whether that is on the device.
func (m mounted) beginDevicePage(ctx context.Context, r *mandate.Request, params mandate.Params) *mandate.Response {
	f := m.newFlow(m.now())
	f.Device = &deviceFlow{Stage: stageEnter}
	a := m.deviceAsk(ctx, r, f)
	typed, ok := params.Only(fieldUserCode)
	if !ok {
		return m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "parameter %s is repeated", fieldUserCode), pages.Error{RestartURL: m.public("device")})
	}
	if typed == "" {
		return m.devicePage(ctx, a, pages.Device{})
	}
	return m.enterCode(ctx, a, typed)
}

// deviceAsk returns the Ask of a browser at the page, of a client that nobody is told of yet.
func (m mounted) deviceAsk(ctx context.Context, r *mandate.Request, f flow) *Ask {
	a := &Ask{Client: new(store.Client), server: m.Server, ctx: ctx, request: r, flow: f, device: new(waiting)}
	a.browser = m.cookie(r, cookieBrowser)
	return a
}

// resumeDevice returns the Ask that handle is. Another browser, or too long a pause, begins with the question whether the code is on
// the device: a link must not lead past it.
func (m mounted) resumeDevice(ctx context.Context, r *mandate.Request, params mandate.Params, f flow, handle string) (*Ask, *mandate.Response) {
	again := m.public("device")
	if m.config.Device == nil {
		return nil, m.errorPage(ctx, r, mandate.Errorf(mandate.InvalidRequest, nil, "the request is over"), pages.Error{Reason: pages.Expired, Status: 410})
	}
	if f.Device.Code != "" {
		again += "?" + fieldUserCode + "=" + url.QueryEscape(f.Device.Code)
	}
	a := m.deviceAsk(ctx, r, f)
	over := m.now().Sub(f.begun()) >= flowTTL
	if r.Method == "POST" {
		if resp := m.checkPost(ctx, a, params, over, again); resp != nil {
			return nil, resp
		}
	} else if over || !f.boundTo(a.browser) {
		return nil, redirect(again)
	}
	a.submitted, a.handle = r.Method == "POST", handle
	return a, nil
}

// devicePage shows the page that asks for the code.
func (m mounted) devicePage(ctx context.Context, a *Ask, p pages.Device) *mandate.Response {
	if a.flow.Device.Stage != stageEnter || a.flow.Device.Code != "" {
		a.flow.Device, a.handle = &deviceFlow{Stage: stageEnter}, ""
	}
	p.Example = m.config.Device.Shape
	return m.showDevice(ctx, a, p)
}

func (m mounted) showDevice(ctx context.Context, a *Ask, p pages.Device) *mandate.Response {
	p.Action, p.Handle, p.CSRF = m.public("device"), a.Handle(), a.CSRF()
	if a.err != nil {
		return m.errorPage(ctx, a.request, a.err, pages.Error{})
	}
	resp, err := m.pagesFor(a.request, a.Request.UILocales).Device(p)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	return a.remember(resp)
}

// enterCode takes what somebody typed. What can be no code is said at once: everybody may know what codes look like.
func (m mounted) enterCode(ctx context.Context, a *Ask, typed string) *mandate.Response {
	code, ok := m.config.Device.normal(typed)
	if !ok {
		return m.devicePage(ctx, a, pages.Device{UserCode: typed, Failed: true})
	}
	a.flow.Device = &deviceFlow{Stage: stageConfirm, Code: code}
	a.handle, a.submitted = "", false
	return m.confirmPage(ctx, a)
}

// confirmPage asks whether the code is the one on the device: somebody else may have sent the link (RFC 8628, section 5.4). Who is
// signed in at the built-in pages sees which client shows it.
func (m mounted) confirmPage(ctx context.Context, a *Ask) *mandate.Response {
	user, ok, err := m.signedIn(ctx, a.request)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	if !ok {
		return m.showDevice(ctx, a, pages.Device{Confirm: true, UserCode: a.UserCode()})
	}
	if resp := m.findDevice(ctx, a); resp != nil {
		return resp
	}
	if resp := m.tellCode(ctx, a, user, false); resp != nil {
		return resp
	}
	return m.showClient(ctx, a, user)
}

// showClient asks user, who is signed in, whether the client that shows the code is theirs.
func (m mounted) showClient(ctx context.Context, a *Ask, user User) *mandate.Response {
	a.submitted = false
	a.show(user)
	a.flow.Device, a.handle = &deviceFlow{Stage: stageShown, Code: a.flow.Device.Code, Told: true}, ""
	return m.showDevice(ctx, a, pages.Device{Confirm: true, UserCode: a.UserCode(), Client: m.pageClient(a.Client)})
}

// decideDevice asks the application about a code that was confirmed.
func (m mounted) decideDevice(ctx context.Context, a *Ask) *mandate.Response {
	if resp := m.findDevice(ctx, a); resp != nil {
		return resp
	}
	seen := a.flow.Device.Stage == stageApproved
	shown, session := a.flow.Shown, a.flow.Session
	answer, err := m.Decide(ctx, a)
	if err == nil {
		err = a.err
	}
	if err != nil {
		return m.refuseDevice(ctx, a, err)
	}
	switch {
	case answer.kind == signIn, answer.kind == interact, answer.kind == choose, answer.kind == visit && answer.code != mandate.ConsentRequired:
		return m.act(ctx, a, &answer)
	}
	who := answer.user
	if answer.kind != approve {
		who = User{Subject: a.flow.Shown, SessionID: a.flow.Session}
	}
	if resp := m.tellCode(ctx, a, who, answer.kind == approve); resp != nil {
		return resp
	}
	if answer.kind == approve && !a.submitted && (!seen || shown != who.Subject || session != who.SessionID) {
		return m.showClient(ctx, a, who)
	}
	return m.act(ctx, a, &answer)
}

// findDevice looks up what the code of a stands for. It tells nobody: that is tellCode's to do.
func (m mounted) findDevice(ctx context.Context, a *Ask) *mandate.Response {
	t, err := m.findUserCode(ctx, a.flow.Device.Code, m.now())
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), errors.Is(err, store.ErrUsed):
		return nil
	case err != nil:
		return m.errorPage(ctx, a.request, fault("read user code", err), pages.Error{})
	}
	data, err := m.dataOf(t)
	if err != nil {
		return m.errorPage(ctx, a.request, err, pages.Error{})
	}
	if !m.now().Before(data.ends()) {
		return nil
	}
	c, err := m.liveClient(ctx, t.ClientID)
	switch {
	case errors.Is(err, mandate.InvalidClient):
		return nil
	case err != nil:
		return m.errorPage(ctx, a.request, err, pages.Error{})
	case !c.Metadata.Allows(oauth2.GrantDeviceCode):
		return nil
	}
	*a.device = waiting{t, data, true}
	a.Client, a.Request.Details = c, data.Details
	m.introduce(a)
	return nil
}

// tellCode answers user, who is signed in, where there is nothing to decide: the code is nobody's, it was guessed too often, or
// somebody decided. again lets an approval that was made before be made again.
func (m mounted) tellCode(ctx context.Context, a *Ask, user User, again bool) *mandate.Response {
	if d := a.flow.Device; !d.Told || !a.device.found {
		// Right ones count, too, once each: codes of one's own are easy to get, and must not clear who guesses.
		if _, err := m.attempt(ctx, a.request, Attempt{What: UserCodeAttempt, Endpoint: "device", Account: user.Subject}); err != nil {
			if !isLimited(err) {
				return m.errorPage(ctx, a.request, err, pages.Error{})
			}
			resp := m.devicePage(ctx, a, pages.Device{Limited: true})
			resp.Err = err
			if field, ok := retryAfter(err); ok {
				resp = resp.With(field.Name, field.Value)
			}
			return resp
		}
		d.Told, a.handle = a.device.found, ""
	}
	switch {
	case !a.device.found:
		m.hooks.Tell(ctx, mandate.Event{Name: mandate.UserCodeRefused, Endpoint: "device", Subject: user.Subject, Remote: m.remote(a.request)})
		return m.devicePage(ctx, a, pages.Device{UserCode: a.UserCode(), Failed: true})
	case a.device.ticket.State == deviceDenied:
		return m.deviceDone(ctx, a, true)
	case a.device.ticket.State != devicePending && !again:
		return m.decidedDevice(ctx, a, nil)
	}
	return nil
}
