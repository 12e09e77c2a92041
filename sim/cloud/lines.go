package cloud

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"ramal/sim/hooks"
	"ramal/sim/ledger"
	"ramal/sim/metaerr"
	"ramal/sim/settings"
)

// PutLine creates or updates a business number with its account and app. An update keeps settings (unless given),
// permissions, chats and calls.
func (c *Cloud) PutLine(cfg LineConfig) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	given := cfg.Settings
	cfg = cfg.withDefaults()
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[cfg.PNID]
	if l == nil {
		l = &line{settings: settings.Calling{Status: new("ENABLED")}}
		c.lines[cfg.PNID] = l
	}
	l.LineConfig = cfg
	if given != nil {
		l.settings = settings.Merge(settings.Calling{}, *given)
		l.settings.Restrictions = given.Restrictions
	}
	l.limits = ledger.Limits{}
	switch {
	case cfg.Limits != nil:
		l.limits = *cfg.Limits
	case cfg.Sandbox:
		l.limits = ledger.Sandbox()
	}
	l.limits = l.limits.WithDefaults()
	a := c.apps[cfg.AppID]
	if a == nil {
		a = &app{id: cfg.AppID}
		c.apps[cfg.AppID] = a
	}
	a.secret, a.verifyToken, a.fields = cfg.AppSecret, cfg.VerifyToken, cfg.Fields
	if cfg.CallbackURL != "" {
		a.callback = cfg.CallbackURL
	}
	acc := c.accounts[cfg.WABA]
	if acc == nil {
		acc = &account{id: cfg.WABA, subscribed: map[string]override{}}
		c.accounts[cfg.WABA] = acc
	}
	if _, ok := acc.subscribed[cfg.AppID]; !ok {
		acc.subscribed[cfg.AppID] = override{}
	}
	c.note("line.put", l, nil, "", map[string]any{"callback_url": a.callback})
	c.wakePairs(l)
	return nil
}

func (c *Cloud) wakePairs(l *line) {
	for k, p := range c.pairs {
		if k.pnid == l.PNID {
			p.user.wake()
		}
	}
}

// Line returns the configuration of a business number as it is now.
func (c *Cloud) Line(pnid string) (LineConfig, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[pnid]
	if l == nil {
		return LineConfig{}, false
	}
	return c.lineConfig(l), true
}

func (c *Cloud) lineConfig(l *line) LineConfig {
	cfg := l.LineConfig
	limits := l.limits
	cfg.Settings, cfg.Limits = copyOf(l.settings), &limits
	if a := c.apps[cfg.AppID]; a != nil {
		cfg.CallbackURL, cfg.Fields = a.callback, a.fields
	}
	return cfg
}

// copyOf returns settings that share nothing with the original: callers change them.
func copyOf(in settings.Calling) *settings.Calling {
	raw, err := json.Marshal(in)
	if err != nil {
		panic(err) // plain data always marshals
	}
	out := &settings.Calling{}
	if err := json.Unmarshal(raw, out); err != nil {
		panic(err)
	}
	return out
}

// Lines returns all business numbers, by PNID.
func (c *Cloud) Lines() []LineConfig {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]LineConfig, 0, len(c.lines))
	for _, l := range c.lines {
		out = append(out, c.lineConfig(l))
	}
	slices.SortFunc(out, func(a, b LineConfig) int { return strings.Compare(a.PNID, b.PNID) })
	return out
}

// Restrict sets or clears (empty kind) a restriction of the line and announces it by account_update.
func (c *Cloud) Restrict(pnid string, list []settings.Restriction) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[pnid]
	if l == nil {
		return errNoLine
	}
	l.settings.Restrictions = nil
	if len(list) > 0 {
		l.settings.Restrictions = &settings.Restrictions{List: list}
	}
	info := make([]map[string]any, 0, len(list))
	for _, r := range list {
		info = append(info, map[string]any{"restriction_type": r.Type, "expiration": r.Expiration})
	}
	c.emitAccount(l, "account_update", map[string]any{"event": "ACCOUNT_RESTRICTION", "phone_number": l.Display, "restriction_info": info})
	c.wakePairs(l)
	return nil
}

// Verify does the subscription handshake with the callback of the line's app.
func (c *Cloud) Verify(ctx context.Context, pnid string) error {
	c.mu.Lock()
	l := c.lines[pnid]
	if l == nil {
		c.mu.Unlock()
		return errNoLine
	}
	a := c.apps[l.AppID]
	url, token := a.callback, a.verifyToken
	c.mu.Unlock()
	return c.hooks.Verify(ctx, url, token, c.challenge())
}

func (c *Cloud) challenge() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strconv.Itoa(100000000 + c.rng.IntN(900000000))
}

// Inject sends any webhook of a line, for shapes the simulator does not produce by itself.
func (c *Cloud) Inject(pnid, field string, value any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[pnid]
	if l == nil {
		return errNoLine
	}
	c.emit(l, field, "inject", "inject", value)
	return nil
}

// Token is what a bearer token may see.
type Token struct {
	lines map[string]bool
	waba  map[string]bool
	app   string
}

// Authorize reads a bearer token: a line's token, or "app id|app secret".
func (c *Cloud) Authorize(bearer string) (Token, *metaerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Token{lines: map[string]bool{}, waba: map[string]bool{}}
	if bearer == "" {
		e := metaerr.New(190, "")
		e.Code, e.Message = 0, "An access token is required to request this resource."
		return t, e
	}
	if id, secret, ok := strings.Cut(bearer, "|"); ok {
		if a := c.apps[id]; a != nil && a.secret == secret {
			t.app = id
			return t, nil
		}
		return t, metaerr.New(190, "")
	}
	for pnid, l := range c.lines {
		if l.Token == bearer {
			t.lines[pnid], t.waba[l.WABA] = true, true
			t.app = l.AppID
		}
	}
	if len(t.lines) == 0 {
		return t, metaerr.New(190, "")
	}
	return t, nil
}

// lineFor resolves a phone-number id that the token may use; call with mu held.
func (c *Cloud) lineFor(t Token, pnid, method string) (*line, *metaerr.Error) {
	if !t.lines[pnid] || c.lines[pnid] == nil {
		return nil, metaerr.NoObject(pnid, method)
	}
	return c.lines[pnid], nil
}

// Subscribe sets an app's callback after verifying it (POST /{app}/subscriptions).
func (c *Cloud) Subscribe(ctx context.Context, t Token, appID, callback, verifyToken string, fields []string) *metaerr.Error {
	if t.app != appID {
		return metaerr.NoObject(appID, "post")
	}
	for _, f := range fields {
		if !slices.Contains(allFields, f) {
			return metaerr.New(100, "unknown webhook field %q", f)
		}
	}
	if err := c.hooks.Verify(ctx, callback, verifyToken, c.challenge()); err != nil {
		return metaerr.New(2200, "Callback verification failed: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.apps[appID]
	a.callback, a.verifyToken = callback, verifyToken
	if len(fields) > 0 {
		a.fields = fields
	}
	c.note("app.subscribed", nil, nil, "", map[string]any{"app": appID, "callback_url": callback, "fields": a.fields})
	return nil
}

// Subscription is an app's callback.
type Subscription struct {
	Object   string   `json:"object"`
	Callback string   `json:"callback_url"`
	Active   bool     `json:"active"`
	Fields   []string `json:"fields"`
}

// Subscriptions lists the callback of an app (GET /{app}/subscriptions).
func (c *Cloud) Subscriptions(t Token, appID string) ([]Subscription, *metaerr.Error) {
	if t.app != appID {
		return nil, metaerr.NoObject(appID, "get")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.apps[appID]
	if a == nil || a.callback == "" {
		return []Subscription{}, nil
	}
	return []Subscription{{"whatsapp_business_account", a.callback, true, a.fields}}, nil
}

// SubscribeAccount subscribes the token's app to an account, with an optional callback of its own.
func (c *Cloud) SubscribeAccount(ctx context.Context, t Token, waba, callback, verifyToken string) *metaerr.Error {
	if !t.waba[waba] {
		return metaerr.NoObject(waba, "post")
	}
	if callback != "" {
		if err := c.hooks.Verify(ctx, callback, verifyToken, c.challenge()); err != nil {
			return metaerr.New(2200, "Callback verification failed: %v", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts[waba].subscribed[t.app] = override{callback, verifyToken}
	return nil
}

// UnsubscribeAccount removes the token's app from an account.
func (c *Cloud) UnsubscribeAccount(t Token, waba string) *metaerr.Error {
	if !t.waba[waba] {
		return metaerr.NoObject(waba, "delete")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.accounts[waba].subscribed, t.app)
	return nil
}

// SubscribedApp is one app of an account.
type SubscribedApp struct {
	ID, Name, Override string
}

// SubscribedApps lists the apps of an account.
func (c *Cloud) SubscribedApps(t Token, waba string) ([]SubscribedApp, *metaerr.Error) {
	if !t.waba[waba] {
		return nil, metaerr.NoObject(waba, "get")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []SubscribedApp{}
	for id, o := range c.accounts[waba].subscribed {
		out = append(out, SubscribedApp{id, "App " + id, o.url})
	}
	slices.SortFunc(out, func(a, b SubscribedApp) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// endpoints returns where a webhook of the line goes: every subscribed app that takes the field; call with mu held.
func (c *Cloud) endpoints(l *line, field string) []hooks.Endpoint {
	acc := c.accounts[l.WABA]
	var out []hooks.Endpoint
	for id, o := range acc.subscribed {
		a := c.apps[id]
		if a == nil || !slices.Contains(a.fields, field) {
			continue
		}
		url := a.callback
		if o.url != "" {
			url = o.url
		}
		if l.override.url != "" && id == l.AppID {
			url = l.override.url
		}
		if url != "" {
			out = append(out, hooks.Endpoint{App: id, URL: url, Secret: a.secret})
		}
	}
	slices.SortFunc(out, func(a, b hooks.Endpoint) int { return strings.Compare(a.App, b.App) })
	return out
}

// callsSubscribed reports whether an app takes the calls field of the line; call with mu held.
func (c *Cloud) callsSubscribed(l *line) bool {
	for id := range c.accounts[l.WABA].subscribed {
		if a := c.apps[id]; a != nil && slices.Contains(a.fields, "calls") {
			return true
		}
	}
	return false
}

// UpdateSettings is POST /{pnid}/settings.
func (c *Cloud) UpdateSettings(t Token, pnid string, patch settings.Calling) *metaerr.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "post")
	if e != nil {
		return e
	}
	next := settings.Merge(l.settings, patch)
	env := settings.Env{MessagingLimit: l.MessagingLimit, Sandbox: l.Sandbox, CallsSubscribed: c.callsSubscribed(l), Now: c.now()}
	if p := settings.Validate(patch, next, env); p != nil {
		return metaerr.New(p.Code, "%s", p.Details)
	}
	before := l.settings
	l.settings = next
	c.note("settings.updated", l, nil, "", next)
	if settings.WatchedChange(before, next) {
		c.emitSettings(l)
	}
	c.wakePairs(l)
	return nil
}

// Settings is GET /{pnid}/settings.
func (c *Cloud) Settings(t Token, pnid string, credentials bool) (settings.Calling, *metaerr.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, e := c.lineFor(t, pnid, "get")
	if e != nil {
		return settings.Calling{}, e
	}
	out := l.settings
	if out.SIP != nil && len(out.SIP.Servers) > 0 {
		sip := *out.SIP
		sip.Servers = slices.Clone(sip.Servers)
		for i := range sip.Servers {
			sip.Servers[i].AppID = l.AppID
			if credentials {
				sip.Servers[i].Password = "sip-" + l.PNID
			}
		}
		out.SIP = &sip
	}
	if c.flags.SettingsNotSet {
		for _, f := range []**string{&out.Status, &out.IconVisibility, &out.CallbackPermission} {
			if *f == nil {
				*f = new("NOT_SET")
			}
		}
	}
	return out, nil
}
