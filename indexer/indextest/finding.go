package indextest

import (
	"strings"
	"testing"
	"time"

	"ramal/indexer"
	"ramal/indexer/text"
	"ramal/internal/id"
)

func testNames(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Maria da Conceição", "CONCEIÇÃO Souza", "Conceicao Lima", "João D'Ávila-Müller", "Ana", "Anabela Ção", "  "+"José   Antônio ", "")...)
	for query, want := range map[string][]id.Contact{
		"conceicao": {"c0", "c1", "c2"}, "Conceição": {"c0", "c1", "c2"}, "CONC": {"c0", "c1", "c2"}, "maria conc": {"c0"}, "conceição maria": {"c0"},
		"joao": {"c3"}, "joão": {"c3"}, "avila": {"c3"}, "ávi": {"c3"}, "muller": {"c3"}, "d'ávila": {"c3"},
		"ana": {"c4", "c5"}, "anab": {"c5"}, "ção": {"c5"}, "cao": {"c5"}, "jose antonio": {"c6"}, "antonio jose": {"c6"},
		"souza maria": nil, "onceicao": {"c0", "c1", "c2"}, // the last with a typo
		"xyz": nil, "": {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"}, " - ": {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"},
	} {
		expect(t, e, indexer.Request{Text: query}, want...)
	}
}

func testCodes(t *testing.T, e indexer.Engine) {
	docs := named("Ana Silva", "Ana Souza", "Drogaria 24h", "Bia")
	docs[0].Phone, docs[1].Phone, docs[2].Phone = "5511988887777", "5521912345678", "351912345678"
	docs[0].OrderNo, docs[1].OrderNo, docs[3].OrderNo = "PED-12345", "98888", "2024/00-7"
	put(t, e, nil, docs...)
	for query, want := range map[string][]id.Contact{
		"5511": {"c0"}, "88877": {"c0"}, "7777": {"c0"}, "+55 (11) 98888-7777": {"c0"}, "98888": {"c0", "c1"}, "912345678": {"c1", "c2"},
		"ped-12345": {"c0"}, "PED12": {"c0"}, "12345": {"c0", "c1", "c2"}, "2024/00": {"c3"}, "20240": {"c3"},
		"ana 12345": {"c0", "c1"}, "silva 12345": {"c0"}, "98888 souza": {"c1"}, "24h": {"c2"}, "999999": nil, "ped999": nil,
		"55119888877771": nil, strings.Repeat("1", 40): nil,
	} {
		expect(t, e, indexer.Request{Text: query}, want...)
	}
}

func testTypos(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Fernanda Guimarães", "Conceição Nunes", "Rita", "Marcelo", "Rosa 12")...)
	for _, c := range []struct {
		query string
		typos bool
		want  []id.Contact
	}{
		{"fernanda", false, []id.Contact{"c0"}},
		{"fermanda", true, []id.Contact{"c0"}},   // replaced
		{"frenanda", true, []id.Contact{"c0"}},   // swapped
		{"ferrnanda", true, []id.Contact{"c0"}},  // one too many
		{"fernada", true, []id.Contact{"c0"}},    // one too few
		{"guimarais", true, []id.Contact{"c0"}},  // accents do not count
		{"guimmarais", true, []id.Contact{"c0"}}, // two in ten letters
		{"conseisao", true, []id.Contact{"c1"}},  // two in nine letters
		{"Marsselo", true, []id.Contact{"c3"}},   // two in eight letters
		{"maxxelo", false, nil},                  // two in seven
		{"rta", false, nil},                      // three letters hold none
		{"rrta", true, []id.Contact{"c2"}},
		{"xita", true, []id.Contact{"c2"}},
		{"ferx", true, []id.Contact{"c0"}}, // the beginning of a word
		{"xxxxxxxx", false, nil},
		{"13", false, nil}, // codes hold none
	} {
		got, res := search(t, e, indexer.Request{Text: c.query})
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] || res.Typos != c.typos {
			t.Errorf("%q: found %v with typos %v, want %v with %v", c.query, got, res.Typos, c.want, c.typos)
		}
	}
	put(t, e, nil, named("Fernanda Guimarães", "Conceição Nunes", "Fermanda")...)
	expect(t, e, indexer.Request{Text: "fermanda"}, "c2") // what was typed is there: no typos
	expect(t, e, indexer.Request{Text: "fermanda", Filter: parse(t, "id:!=c2")}, "c0")
}

func testRelevance(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Mariangela", "Marcelx", "Marcelo", "Maarcelp")...)
	got, _ := search(t, e, indexer.Request{Text: "mari", Sort: indexer.Sort{Field: indexer.Relevance}})
	if len(got) != 1 || got[0] != "c0" {
		t.Errorf("by relevance: %v", got)
	}
	q := text.Parse("marcelyy")
	got, res := search(t, e, indexer.Request{Text: "marcelyy", Sort: indexer.Sort{Field: indexer.Relevance}})
	last := 0
	for _, h := range res.Hits {
		n, ok := typos(q, &h.Document)
		if !ok || n < last {
			t.Errorf("%s with %d typos comes after one with %d", h.Document.Name, n, last)
		}
		last = n
	}
	if len(got) < 2 || !res.Typos {
		t.Errorf("with two typos: %v", got)
	}
	p, err := collect(t.Context(), e, indexer.Request{Tenant: tenant, Text: "marcelyy", Sort: indexer.Sort{Field: indexer.Relevance}, Limit: 1})
	if err != nil || len(p.hits) != len(got) {
		t.Fatalf("page by page: %d of %d, %v", len(p.hits), len(got), err)
	}
	for i, h := range p.hits {
		if h.Document.Contact != got[i] {
			t.Errorf("page by page %s is in place of %s", h.Document.Contact, got[i])
		}
	}
}

func testHighlights(t *testing.T, e indexer.Engine) {
	docs := named("Maria da Conceição")
	docs[0].Phone, docs[0].OrderNo = "5511988887777", "PED-98888"
	put(t, e, nil, docs...)
	for _, c := range []struct{ query, name, phone, order string }{
		{"conc", "Maria da <Conc>eição", "", ""},
		{"maria concei", "<Maria> da <Concei>ção", "", ""},
		{"maria 98888", "<Maria> da Conceição", "5511<98888>7777", "PED-<98888>"},
		{"conceisao", "Maria da <Conceição>", "", ""},
		{"", "", "", ""},
	} {
		_, res := search(t, e, indexer.Request{Text: c.query, Highlight: true})
		got := map[string]string{}
		for _, h := range res.Hits[0].Highlights {
			got[h.Field] = mark(docs[0].Value(h.Field).Text, h.Spans)
		}
		if got["name"] != c.name || got["phone"] != c.phone || got["order_no"] != c.order {
			t.Errorf("%q: %v", c.query, got)
		}
	}
	if _, res := search(t, e, indexer.Request{Text: "maria"}); res.Hits[0].Highlights != nil {
		t.Error("highlights that nobody asked for")
	}
}

func mark(s string, spans []text.Span) string {
	var out strings.Builder
	at := 0
	for _, sp := range spans {
		out.WriteString(s[at:sp.Start] + "<" + s[sp.Start:sp.End] + ">")
		at = sp.End
	}
	return out.String() + s[at:]
}

func testFilters(t *testing.T, e indexer.Engine) {
	declare(t, e, tenant, Attributes)
	docs := named("Ana", "Bia", "Caio")
	g := NewGenerator(1, noon)
	docs[0].Status, docs[0].Tags, docs[0].QuoteCents, docs[0].Ongoing, docs[0].CallState = "Em atendimento", []string{"vip", "São Paulo"}, 1000, true, "active"
	docs[1].Status, docs[1].Tags, docs[1].QuoteCents, docs[1].ERPSyncedAt = "em atendimento", []string{"a,b", "x&&y"}, -5, noon
	docs[2].AssignedAgent, docs[2].OrderNo, docs[2].Phone = "ag_1", "A`B", "5511"
	docs[1].MayCallUntil = noon.Add(time.Hour)
	for i := range docs[:2] {
		for g.Attribute(&docs[i]); len(docs[i].Attributes) < 6; {
			g.Attribute(&docs[i])
		}
	}
	docs[0].Attributes["peso"], docs[0].Attributes["ativo"] = docs[1].Attributes["peso"], docs[1].Attributes["ativo"]
	o := oracle{}
	put(t, e, o, docs...)
	for text, want := range map[string][]id.Contact{
		"status:=Em atendimento": {"c0"}, "status:=em atendimento": {"c1"}, "status:!=em atendimento": {"c0", "c2"}, "status:*": {"c0", "c1"}, "!status:*": {"c2"},
		"status:[Em atendimento,em atendimento,x]": {"c0", "c1"}, "status:=x": nil, "status:!=[x,Em atendimento]": {"c1", "c2"},
		"tags:=vip": {"c0"}, "tags:=São Paulo": {"c0"}, "tags:=sao paulo": nil, "tags:=`a,b`": {"c1"}, "tags:=`x&&y`": {"c1"}, "tags:!=vip": {"c1", "c2"}, "tags:[vip,`a,b`]": {"c0", "c1"},
		"quote_cents:>0": {"c0"}, "quote_cents:>=0": {"c0", "c2"}, "quote_cents:<0": {"c1"}, "quote_cents:[-5..0]": {"c1", "c2"}, "quote_cents:!=0": {"c0", "c1"}, "quote_cents:[-5,1000]": {"c0", "c1"},
		"erp_synced_at:>2026-11-03T12:00:00.122Z": {"c1"}, "erp_synced_at:>2026-11-03T12:00:00.123Z": nil, "erp_synced_at:=2026-11-03T09:00:00.123-03:00": {"c1"},
		"erp_synced_at:<2027-01-01T00:00:00Z": {"c1"}, "!erp_synced_at:<2027-01-01T00:00:00Z": {"c0", "c2"}, "may_call_until:>2026-11-03T12:00:00.123Z": {"c1"}, "may_call_until:*": {"c1"},
		"ongoing:=true": {"c0"}, "ongoing:=false": {"c1", "c2"}, "ongoing:!=true": {"c1", "c2"}, "call_state:=active": {"c0"}, "assigned_agent:=ag_1": {"c2"}, "!assigned_agent:*": {"c0", "c1"},
		"id:[c0,c2,c9]": {"c0", "c2"}, "id:!=c0": {"c1", "c2"}, "name:=Ana": {"c0"}, "name:=ana": nil, "order_no:=`A``B`": {"c2"}, "phone:=5511": {"c2"}, "phone:*": {"c2"},
		"status:=x || tags:=vip && ongoing:=true": {"c0"}, "(ongoing:=true || tags:*) && quote_cents:<0": {"c1"}, "ongoing:=true || tags:* && quote_cents:<0": {"c0", "c1"},
		"!(ongoing:=true || quote_cents:<0)": {"c2"}, "!(ongoing:=true && quote_cents:<0)": {"c0", "c1", "c2"}, "!!ongoing:=true": {"c0"},
	} {
		expect(t, e, indexer.Request{Filter: parse(t, text)}, want...)
	}
	for text, want := range map[string][]id.Contact{"status:=Em*": {"c0"}, "tags:=[v*,`x&&`*]": {"c0", "c1"}, "status:!=Em*": {"c1", "c2"}, "phone:=55*": {"c2"}} {
		r := indexer.Request{Tenant: tenant, Filter: parse(t, text)}
		if _, err := e.Search(t.Context(), r); err != nil {
			refused(t, err, "invalid", "filter_unsupported")
			continue
		}
		expect(t, e, r, want...)
	}
	for range 300 {
		check(t, e, o, indexer.Request{Tenant: tenant, Filter: g.filter(3)})
	}
}

func testLongFilters(t *testing.T, e indexer.Engine) {
	put(t, e, nil, named("Ana", "Bia")...)
	deep := parse(t, strings.Repeat("!(", 8)+"id:=c0"+strings.Repeat(")", 8))
	expect(t, e, indexer.Request{Filter: deep}, "c0")
	wide := parse(t, strings.Repeat("id:=x || ", 99)+"id:=c1")
	expect(t, e, indexer.Request{Filter: wide}, "c1")
	list := parse(t, "id:["+strings.Repeat("x,", 249)+"c1]")
	expect(t, e, indexer.Request{Filter: list}, "c1")
}
