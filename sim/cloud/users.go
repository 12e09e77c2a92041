package cloud

import (
	"slices"
	"strings"
)

// PutUser creates or updates a customer and returns its key: the wa_id, or the BSUID of a user who is known by that only.
func (c *Cloud) PutUser(cfg UserConfig) (string, error) {
	if err := cfg.Validate(); err != nil {
		return "", badValue(err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cfg.WAID
	if cfg.WAID == "" {
		key, cfg.HidePhone = cfg.UserID, true
	}
	if cfg.Country == "" {
		cfg.Country = countryOf(cfg.WAID)
		if cc, _, ok := strings.Cut(cfg.UserID, "."); cfg.WAID == "" && ok {
			cfg.Country = cc
		}
	}
	if cfg.UserID == "" {
		cfg.UserID = bsuid(cfg.Country, key)
	}
	if cfg.Name == "" {
		cfg.Name = key
	}
	if other := c.byUserID(cfg.UserID); other != nil && other.key != key {
		return "", &Error{Status: 409, Code: "user_id_taken", Detail: "another user has this user_id"}
	}
	u := c.users[key]
	if u == nil {
		u = &user{key: key, watchers: map[chan struct{}]struct{}{}}
		c.users[key] = u
	}
	u.UserConfig = cfg
	c.note("user.put", nil, u, "", nil)
	u.wake()
	return key, nil
}

// DeleteUser forgets a customer, their chats and permissions; running calls are ended.
func (c *Cloud) DeleteUser(key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return errNoUser
	}
	for _, call := range c.calls {
		if call.user == u && call.state.Live() {
			_ = c.endByUser(call)
		}
	}
	for k := range c.pairs {
		if k.user == u.key {
			delete(c.pairs, k)
		}
	}
	delete(c.users, u.key)
	return nil
}

// UserView is a customer with the key that addresses it.
type UserView struct {
	UserConfig

	Key string `json:"key"`
}

// Users returns all customers by key.
func (c *Cloud) Users() []UserView {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]UserView, 0, len(c.users))
	for _, u := range c.users {
		out = append(out, UserView{u.UserConfig, u.key})
	}
	slices.SortFunc(out, func(a, b UserView) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// User returns one customer by key, wa_id (with or without the ninth digit) or BSUID.
func (c *Cloud) User(key string) (UserView, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.find(key)
	if u == nil {
		return UserView{}, errNoUser
	}
	return UserView{u.UserConfig, u.key}, nil
}

// find resolves a key, a number or a BSUID; call with mu held.
func (c *Cloud) find(key string) *user {
	key = strings.TrimPrefix(key, "+")
	if u := c.users[key]; u != nil {
		return u
	}
	if u := c.users[otherNinth(key)]; u != nil {
		return u
	}
	return c.byUserID(key)
}

func (c *Cloud) byUserID(id string) *user {
	for _, u := range c.users {
		if u.UserID == id || (u.ParentID != "" && u.ParentID == id) {
			return u
		}
	}
	return nil
}

// address resolves the "to" and "recipient" of a Graph request; "to" wins when both are given. Call with mu held.
func (c *Cloud) address(to, recipient string) *user {
	if to != "" {
		to = strings.TrimPrefix(to, "+")
		if u := c.users[to]; u != nil {
			return u
		}
		return c.users[otherNinth(to)]
	}
	return c.byUserID(recipient)
}

// number is what stands for the user in ids.
func (u *user) number() string {
	if u.WAID != "" && !u.HidePhone {
		return u.WAID
	}
	return u.UserID
}
