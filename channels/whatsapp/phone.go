package whatsapp

import "strings"

// Digits keeps the digits of a phone number written by a person ("+55 (11) 98765-4321").
func Digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
}

// PhoneVariants returns the ways WhatsApp may write one number, the given one first. A Brazilian mobile
// (55, two-digit area, subscriber) has its ninth digit in some webhooks and not in others. Only subscribers
// whose old eight digits begin with 6 to 9 are rewritten: below that an eight-digit number is a landline, and a
// variant would be somebody else's.
func PhoneVariants(waID string) []string {
	d := Digits(waID)
	if d == "" {
		return nil
	}
	if !strings.HasPrefix(d, "55") {
		return []string{d}
	}
	switch {
	case len(d) == 13 && d[4] == '9' && d[5] >= '6':
		return []string{d, d[:4] + d[5:]}
	case len(d) == 12 && d[4] >= '6':
		return []string{d, d[:4] + "9" + d[4:]}
	}
	return []string{d}
}
