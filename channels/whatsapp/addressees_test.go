package whatsapp

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestReadAddressees(t *testing.T) {
	number := func(field, n string) string {
		return fmt.Sprintf(`{"field":%q,"value":{"metadata":{"phone_number_id":%s},"messages":[{}]}}`, field, n)
	}
	entry := func(account string, changes ...string) string {
		return `{"changes":[` + strings.Join(changes, ",") + `],"time":1,"id":"` + account + `"}`
	}
	body := func(entries ...string) string { return `{"x":{"y":[1]},"Entry":[` + strings.Join(entries, ",") + `]}` }
	settings := `{"field":"account_settings_update","value":{"PHONE_NUMBER_SETTINGS":{"phone_number_id":"P3"}}}`
	for name, c := range map[string]struct{ body, want string }{
		"numbers":             {body(entry("W", number("calls", `"P1"`), number("messages", "2")), entry("W", number("calls", `"P1"`))), "[P1 2] []"},
		"settings":            {body(entry("W", settings)), "[P3] []"},
		"account":             {body(entry("W", `{"field":"account_update","value":{"metadata":{"phone_number_id":"P1"}}}`)), "[] [W]"},
		"both":                {body(entry("W", settings, `{"field":"x"}`)), "[P3] [W]"},
		"no changes":          {body(entry("W")), "[] [W]"},
		"odd siblings":        {body("5", "[1]", `"x"`, entry("W", "7", number("calls", `"P1"`), `{"field":9,"value":[]}`)), "[P1] [W]"},
		"changes no list":     {body(`{"id":"W","changes":{"a":1,"b":[]}}`, entry("V", number("calls", `"P1"`))), "[P1] [W]"},
		"entry no list":       {`{"entry":{"id":"W"}}`, "[] []"},
		"cut":                 {strings.TrimSuffix(body(entry("W", number("calls", `"P1"`))), "}]}"), "[P1] []"},
		"no JSON":             {"hello", "[] []"},
		"nothing":             {"", "[] []"},
		"list":                {"[]", "[] []"},
		"far too long an id":  {body(entry(strings.Repeat("W", maxID+1))), "[] []"},
		"no number in a call": {body(entry("W", number("calls", `""`))), "[] [W]"},
	} {
		got := ReadAddressees([]byte(c.body))
		if s := fmt.Sprint(got.Numbers, got.Accounts); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// kept measures what stays of f's result, in bytes.
func kept(f func() any) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
}

// Whatever stands beside the elements, a batch does not multiply it.
func TestBatchDoesNotMultiply(t *testing.T) {
	big := strings.Repeat("n", 200<<10)
	message := `{"id":"wamid.%d","from":"55119","type":"text","text":{"body":"oi"}}`
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf(message, i)
	}
	elements := strings.Join(many, ",")
	calls := strings.ReplaceAll(elements, `"type":"text"`, `"event":"terminate","status":"FAILED"`)
	with := func(account, product, display, name, kind, list, errs string) string {
		return `{"object":"whatsapp_business_account","entry":[{"id":"` + account + `","changes":[{"field":"messages","value":{"messaging_product":"` + product +
			`","metadata":{"display_phone_number":"` + display + `","phone_number_id":"P1"},"contacts":[{"wa_id":"55119","profile":{"name":"` + name + `"}}],"` +
			kind + `":[` + list + `],"errors":[` + errs + `]}}]}]}`
	}
	for name, body := range map[string]string{
		"contact":  with("W", "whatsapp", "55", big, "messages", elements, ""),
		"account":  with(big, "whatsapp", "55", "Ana", "messages", elements, ""),
		"product":  with("W", big, "55", "Ana", "messages", elements, ""),
		"display":  with("W", "whatsapp", big, "Ana", "messages", elements, ""),
		"escaping": with("W", "whatsapp", "55", strings.Repeat("<", 4000), "messages", elements, ""),
		"errors":   with("W", "whatsapp", "55", "Ana", "calls", calls, strings.TrimSuffix(strings.Repeat(`{"code":1,"message":"`+big[:4000]+`"},`, 4), ",")),
	} {
		t.Run(name, func(t *testing.T) {
			raw := []byte(body)
			if got, most := kept(func() any { items, _ := SplitWebhook(raw); return items }), uint64(8*len(raw)+4<<20); got > most {
				t.Errorf("%d bytes of body keep %d, more than %d", len(raw), got, most)
			}
			if got, most := allocated(func() { _, _ = SplitWebhook(raw) }), uint64(64*len(raw)+64<<20); got > most {
				t.Errorf("%d bytes of body allocate %d, more than %d", len(raw), got, most)
			}
			if got, most := allocated(func() { ReadAddressees(raw) }), uint64(8*len(raw)+1<<20); got > most {
				t.Errorf("addressees of %d bytes allocate %d, more than %d", len(raw), got, most)
			}
		})
	}
}

// A large batch of ordinary messages is read whole.
func TestOrdinaryBatchIsWhole(t *testing.T) {
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf(`{"id":"wamid.%d","from":"5511987654321","timestamp":"1795950500","type":"text","text":{"body":"oi"}}`, i)
	}
	items, err := SplitWebhook([]byte(value("messages", anaContact+`"messages":[`+strings.Join(many, ",")+`]`)))
	if err != nil || len(items) != 1000 {
		t.Fatalf("%d items, %v", len(items), err)
	}
}

// Control characters cannot be stored as text and mean nothing on a screen; the line ends of SDP and texts stay.
func TestControlCharactersAreStripped(t *testing.T) {
	body := value("messages", `"contacts":[{"profile":{"name":"An\u0000a\u0007 \u0085Souza\u007f"},"wa_id":"55119"}],
		"messages":[{"from":"55119","id":"wamid.T\u0000","type":"text","text":{"body":"a\u0000b\r\n\tç\ud83d\ude00"}}]`)
	items, err := SplitWebhook([]byte(body))
	if err != nil || len(items) != 1 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	ev, err := ParseItem(items[0].Body)
	m, ok := ev.(InboundMessage)
	if err != nil || !ok || m.Text != "ab\r\n\tç😀" || m.Party.Name != "Ana Souza" || m.MessageID != "wamid.T" || items[0].DedupeKey != "P1|wamid.T|message" {
		t.Errorf("read %+v, key %q, %v", ev, items[0].DedupeKey, err)
	}
	unknown, err := SplitWebhook([]byte(`{"object":"whatsapp_business_account","entry":[{"id":"W","changes":[{"field":"a\u0000b","value":{}}]}]}`))
	if err != nil || len(unknown) != 1 || unknown[0].Field != "ab" {
		t.Errorf("an unknown field reads %+v, %v", unknown, err)
	}
}

// What SplitWebhook finds an owner for must have been named before.
func FuzzAddressees(f *testing.F) {
	for _, c := range bodies {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		named := ReadAddressees(raw)
		if len(named.Numbers) == maxAddressees || len(named.Accounts) == maxAddressees {
			return
		}
		items, _ := SplitWebhook(raw)
		for _, it := range items {
			if n := it.PhoneNumberID; n != "" && len(n) <= maxID && !slices.Contains(named.Numbers, n) {
				t.Fatalf("%q is not in %+v", n, named)
			}
		}
	})
}
