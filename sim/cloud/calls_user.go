package cloud

import (
	"ramal/sim/audio"
	"ramal/sim/callflow"
	"ramal/sim/leg"
	"ramal/sim/metaerr"
	"slices"
)

// callOf finds a call of the user: by id, or with an empty id the newest live one; call with mu held.
func (c *Cloud) callOf(key, id string) (*call, error) {
	u := c.find(key)
	if u == nil {
		return nil, errNoUser
	}
	if id == "" {
		for _, v := range slices.Backward(c.callOrder) {
			if k := c.calls[v]; k.user == u && k.state.Live() {
				return k, nil
			}
		}
		return nil, errNoCall
	}
	if k := c.calls[id]; k != nil && k.user == u {
		return k, nil
	}
	return nil, errNoCall
}

func over(err error) error {
	if err != nil {
		return errOver
	}
	return nil
}

// AcceptCall is the user answering an incoming call.
func (c *Cloud) AcceptCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error { return over(c.do(k, callflow.UserAccept{})) })
}

// EndCall is the user declining, cancelling or hanging up.
func (c *Cloud) EndCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error { return c.endByUser(k) })
}

// DeclineCall is EndCall for an incoming call that still rings.
func (c *Cloud) DeclineCall(key, id string) error {
	return c.withCall(key, id, func(k *call) error {
		if k.state.Phase == callflow.Accepted || k.state.Direction != callflow.BusinessInitiated {
			return errOver
		}
		return c.endByUser(k)
	})
}

func (c *Cloud) endByUser(k *call) error { return over(c.do(k, callflow.UserEnd{})) }

// FailCall ends a call with an error code of the user's client, such as 138019.
func (c *Cloud) FailCall(key, id string, code int) error {
	if !metaerr.Known(code) {
		return badValue("code is not in the table")
	}
	return c.withCall(key, id, func(k *call) error { return over(c.do(k, callflow.Fail{Code: code})) })
}

func (c *Cloud) withCall(key, id string, f func(*call) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.callOf(key, id)
	if err != nil {
		return err
	}
	return f(k)
}

func (c *Cloud) withLeg(key, id string, f func(*leg.Leg) error) error {
	return c.withCall(key, id, func(k *call) error {
		if k.leg == nil {
			return errAudio
		}
		return f(k.leg)
	})
}

// MuteCall silences the phone's microphone.
func (c *Cloud) MuteCall(key, id string, on bool) error {
	return c.withCall(key, id, func(k *call) error {
		if !k.state.Live() {
			return errOver
		}
		k.muted = on
		if k.leg != nil {
			k.leg.Mute(on)
		}
		k.user.wake()
		return nil
	})
}

// DialDigits sends DTMF.
func (c *Cloud) DialDigits(key, id, digits string) error {
	if digits == "" || len(digits) > 32 {
		return badValue("digits must be 1 to 32 of 0-9 * # A-D")
	}
	return c.withLeg(key, id, func(l *leg.Leg) error {
		if err := l.Dial(digits); err != nil {
			return badValue(err.Error())
		}
		return nil
	})
}

// Speak plays encoded frames once.
func (c *Cloud) Speak(key, id string, frames [][]byte) error {
	return c.withLeg(key, id, func(l *leg.Leg) error { l.Say(audio.Once(frames)); return nil })
}

// SetVoice changes the endless voice of a call.
func (c *Cloud) SetVoice(key, id string, v VoiceSpec) error {
	if err := v.validate(); err != nil {
		return badValue(err.Error())
	}
	return c.withLeg(key, id, func(l *leg.Leg) error { l.SetVoice(voice(v)); return nil })
}

// Ear gives access to what was heard in a call; with an empty id in the newest one, live or not.
func (c *Cloud) Ear(key, id string) (*audio.Ear, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, err := c.callOf(key, id)
	if err != nil && id == "" {
		if u := c.find(key); u != nil {
			for i := len(c.callOrder) - 1; i >= 0 && k == nil; i-- {
				if old := c.calls[c.callOrder[i]]; old.user == u {
					k, err = old, nil
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if k.leg == nil {
		return nil, errAudio
	}
	return k.leg.Ear, nil
}

// BridgeCall connects a browser to the phone of a call and returns the SDP answer.
func (c *Cloud) BridgeCall(key, id, offer string) (string, error) {
	c.mu.Lock()
	k, err := c.callOf(key, id)
	switch {
	case err != nil:
		c.mu.Unlock()
		return "", err
	case k.leg == nil || !k.state.Live() || c.closed:
		c.mu.Unlock()
		return "", errAudio
	}
	old := k.bridge
	k.bridge = nil
	l := k.leg
	c.mu.Unlock()
	if old != nil {
		old.Close()
	}
	b, answer, err := c.bridges.Open(l, offer)
	if err != nil {
		return "", &Error{Status: 409, Code: "audio_unavailable", Detail: err.Error()}
	}
	c.mu.Lock()
	if !k.state.Live() || c.closed || k.bridge != nil {
		c.mu.Unlock()
		b.Close()
		return "", errAudio
	}
	k.bridge = b
	c.note("media.bridged", k.line, k.user, k.id, nil)
	k.user.wake()
	c.mu.Unlock()
	return answer, nil
}
