package cloud

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// wacid makes a call id of the real structure: user digits, direction byte, 32 hex digits, business digits.
func wacid(user, business string, byUser bool) string {
	kind := byte(0x11)
	if byUser {
		kind = 0x12
	}
	var unique [16]byte
	_, _ = rand.Read(unique[:]) // never fails
	b := append(make([]byte, 0, 96), 0x1c, 0x18, byte(len(user)))
	b = append(b, user...)
	b = append(b, 0x15, 0x02, 0x00, kind, 0x18, 0x20)
	b = append(b, strings.ToUpper(hex.EncodeToString(unique[:]))...)
	b = append(b, 0x1c, 0x18, byte(len(business)))
	b = append(b, business...)
	b = append(b, 0x15, 0x02, 0x00, 0x15, 0x0a)
	return "wacid." + base64.StdEncoding.EncodeToString(b)
}

// wamid makes a message id.
func wamid(user string, fromUser bool) string {
	kind := byte(0x11)
	if fromUser {
		kind = 0x12
	}
	var unique [10]byte
	_, _ = rand.Read(unique[:])
	b := append(make([]byte, 0, 96), 0x1c, 0x18, byte(len(user)))
	b = append(b, user...)
	b = append(b, 0x15, 0x02, 0x00, kind, 0x18, 0x14)
	b = append(b, strings.ToUpper(hex.EncodeToString(unique[:]))...)
	b = append(b, 0x00)
	return "wamid." + base64.StdEncoding.EncodeToString(b)
}

// bsuid derives a stable business-scoped user id.
func bsuid(country, seed string) string {
	sum := sha256.Sum256([]byte("bsuid " + seed))
	text := strings.NewReplacer("+", "x", "/", "y", "=", "").Replace(base64.StdEncoding.EncodeToString(sum[:12]))
	return country + "." + text
}

func trace() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "A" + strings.NewReplacer("+", "x", "/", "y", "=", "").Replace(base64.StdEncoding.EncodeToString(b[:]))
}

func digitsOnly(s string) bool {
	if len(s) < 5 || len(s) > 20 {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// otherNinth returns the same Brazilian mobile number with or without its ninth digit, "" for any other number:
// WhatsApp knows many of them by eight digits only, whatever was dialled.
func otherNinth(number string) string {
	if !strings.HasPrefix(number, "55") {
		return ""
	}
	switch {
	case len(number) == 13 && number[4] == '9':
		return number[:4] + number[5:]
	case len(number) == 12 && number[4] >= '6':
		return number[:4] + "9" + number[4:]
	}
	return ""
}

// prefixes of countries that matter here; everything else is "ZZ", and Country can always be configured.
var prefixes = map[string]string{
	"55": "BR", "351": "PT", "1": "US", "44": "GB", "54": "AR", "34": "ES", "20": "EG", "84": "VN", "234": "NG", "49": "DE",
	"33": "FR", "39": "IT", "52": "MX", "57": "CO", "56": "CL", "91": "IN", "598": "UY", "595": "PY", "51": "PE", "244": "AO",
}

func countryOf(number string) string {
	for n := 3; n >= 1; n-- {
		if len(number) > n {
			if c, ok := prefixes[number[:n]]; ok {
				return c
			}
		}
	}
	return "ZZ"
}

// noBIC lists the countries whose business numbers may not call users (2026).
var noBIC = map[string]bool{"US": true, "CA": true, "EG": true, "VN": true, "NG": true}
