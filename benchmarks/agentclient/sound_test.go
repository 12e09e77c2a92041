package agentclient

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestVoiceIsHeard(t *testing.T) {
	ear, err := newEar()
	if err != nil {
		t.Fatal(err)
	}
	silence, err := loop(0)
	if err != nil {
		t.Fatal(err)
	}
	tone, err := loop(700)
	if err != nil {
		t.Fatal(err)
	}
	now, ts := time.Now().Add(-1200*time.Millisecond), uint32(1<<32-4800) // across the wrap of the clock
	say := func(frames [][]byte, n int) {
		for i := range n {
			ear.hear(now, ts, frames[i%len(frames)])
			now, ts = now.Add(20*time.Millisecond), ts+frameTicks
		}
	}
	say(silence, 20)
	if !ear.FirstSound().IsZero() {
		t.Error("silence is taken for sound")
	}
	began := now
	say(tone, 40)
	if first := ear.FirstSound(); first.Before(began) || first.Sub(began) > 60*time.Millisecond {
		t.Errorf("the first sound came %v after it began", first.Sub(began))
	}
	pcm, err := ear.Window(500 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got := Level(pcm, 700); got < -15 || got > -9 {
		t.Errorf("its own tone at %.1f dB", got)
	}
	if got := Level(pcm, 1010); got > -45 {
		t.Errorf("another tone at %.1f dB", got)
	}
	if ear.Packets() != 60 {
		t.Errorf("%d packets", ear.Packets())
	}
}

func TestNothingHeardIsSilence(t *testing.T) {
	ear, err := newEar()
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := ear.Window(200 * time.Millisecond)
	if err != nil || len(pcm) != 200*Rate/1000 || Loudness(pcm) != -120 {
		t.Errorf("%d samples at %.0f dB: %v", len(pcm), Loudness(pcm), err)
	}
	ear.hear(time.Now(), 0, []byte{0xff, 0xff}) // a broken packet is a gap
	if pcm, err = ear.Window(200 * time.Millisecond); err != nil || Loudness(pcm) > -60 {
		t.Errorf("%.0f dB: %v", Loudness(pcm), err)
	}
}

func TestTokenSaysWhoItIs(t *testing.T) {
	parts := strings.Split(Token("secret", Claims{Tenant: "t", Agent: "a", Role: "admin"}), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"iss": "ramal", "aud": "ramal", "sub": "a", "tenant": "t", "role": "admin"} {
		if claims[name] != want {
			t.Errorf("%s is %v", name, claims[name])
		}
	}
	if exp, ok := claims["exp"].(float64); !ok || time.Until(time.Unix(int64(exp), 0)) < 50*time.Minute {
		t.Errorf("expires %v", claims["exp"])
	}
}
