package indextest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"ramal/indexer"
	"ramal/indexer/filter"
	"ramal/internal/id"
)

// Generator makes contacts as a Brazilian company has them. The same seed makes the same contacts. It is not safe
// for use by several goroutines.
type Generator struct {
	*rand.Rand
	now time.Time
}

// NewGenerator returns a generator; dates of contacts are within two months around now.
func NewGenerator(seed uint64, now time.Time) *Generator {
	return &Generator{rand.New(rand.NewPCG(seed, 4)), now}
}

var (
	firsts = strings.Fields(`Ana Anabela Antônio Beatriz Bruno Caio Camila Carlos Cecília Conceição Davi Débora Diogo Eduardo
		Elisângela Estêvão Fátima Fernanda Gabriel Gonçalo Helena Hugo Inês Isabel Joana João José Júlia Karla Lívia Luís Lúcia
		Marcos Maria Mariana Mário Natália Nívea Olívia Otávio Patrícia Paulo Rafael Renata Sebastião Sofia Tânia Thiago Vitória Zé`)
	lasts = strings.Fields(`Almeida Araújo Assunção Barbosa Batista Cardoso Carvalho Conceição Costa Cunha D'Ávila Dias Espírito
		Fernandes Ferreira Fonseca França Freitas Gomes Gonçalves Guimarães Lima Lopes Machado Magalhães Martins Melo Mendonça
		Moraes Müller Nascimento Nóbrega Oliveira Paixão Pereira Ramos Ribeiro Rocha Santana Santos Silva Simões Sousa Souza Teixeira Vieira`)
	statuses = []string{"novo", "em atendimento", "aguardando cliente", "Orçamento enviado", "fechado", "perdido"}
	quotes   = []string{"rascunho", "enviado", "aprovado", "recusado", "vencido"}
	calls    = []string{"ringing", "active"}
	tags     = []string{"vip", "recorrente", "São Paulo", "convênio", "entrega", "retirada", "manipulado", "uso contínuo", "pets", "dermato", "crédito", "a,b", "x&&y"}
	colours  = []string{"azul", "Ação", "verde água", "(cinza)", "vermelho"}
	rares    = strings.Fields("ba ce di fo gu ja ke li mo nu pa re si to vu xa ze ri la ne")
)

// Attributes are the attributes that generated contacts may have.
var Attributes = indexer.Schema{Attributes: []indexer.Attribute{
	{Name: "cor", Kind: filter.Text}, {Name: "peso", Kind: filter.Number}, {Name: "limite", Kind: filter.Money},
	{Name: "nascimento", Kind: filter.Date}, {Name: "ativo", Kind: filter.Boolean}, {Name: "rotulos", Kind: filter.Tags},
}}

// Contact returns the id of the tenant's n-th contact.
func Contact(n int) id.Contact { return id.Contact(fmt.Sprintf("ct_01k0z%08d", n)) }

func pick[T any](g *Generator, from []T) T { return from[g.IntN(len(from))] }

// Document makes a contact with the given key.
func (g *Generator) Document(tenant id.Tenant, contact id.Contact, version int64) indexer.Document {
	d := indexer.Document{
		Tenant: tenant, Contact: contact, Version: version, Name: g.Name(), Phone: fmt.Sprintf("55%02d9%08d", 11+g.IntN(80), g.IntN(100_000_000)),
		CreatedAt: g.date(),
	}
	if g.IntN(3) > 0 {
		d.OrderNo = fmt.Sprintf("PED-%06d", g.IntN(1_000_000))
	}
	g.Change(&d)
	return d
}

// Name makes a name of two to four words; one in eight has a rare last name.
func (g *Generator) Name() string {
	words := []string{pick(g, firsts)}
	for range 1 + g.IntN(2) {
		words = append(words, pick(g, lasts))
	}
	if g.IntN(8) == 0 {
		words = append(words, strings.ToUpper(pick(g, rares))+pick(g, rares)+pick(g, rares)+pick(g, rares))
	}
	return strings.Join(words, " ")
}

// Change sets anew what the company's systems and calls change all the time.
func (g *Generator) Change(d *indexer.Document) {
	d.Status, d.QuoteStatus, d.CallState, d.Ongoing, d.AssignedAgent = pick(g, statuses), "", "", false, ""
	d.QuoteCents = 0
	if g.IntN(2) == 0 {
		d.QuoteStatus, d.QuoteCents = pick(g, quotes), int64(g.IntN(100_000))
	}
	if g.IntN(50) == 0 {
		d.CallState, d.Ongoing = pick(g, calls), true
	}
	if g.IntN(4) > 0 {
		d.AssignedAgent = id.Agent(fmt.Sprintf("ag_%02d", g.IntN(20)))
	}
	d.MayCallUntil, d.WindowUntil, d.ERPSyncedAt = g.maybe(g.date()), g.maybe(g.date()), g.maybe(g.date())
	d.LastActivityAt = g.date()
	d.Tags = g.tags(tags)
}

// Attribute sets anew the attributes of Attributes, some of them.
func (g *Generator) Attribute(d *indexer.Document) {
	d.Attributes = map[string]filter.Value{}
	for name, v := range map[string]filter.Value{
		"cor": filter.TextOf(pick(g, colours)), "peso": filter.NumberOf(int64(g.IntN(20)-10) * 250_000), "limite": filter.MoneyOf(int64(g.IntN(10)) * 1000),
		"nascimento": filter.DateOf(g.date()), "ativo": filter.BooleanOf(g.IntN(2) == 0), "rotulos": filter.TagsOf(g.tags(colours)...),
	} {
		if v.Present() {
			d.Attributes[name] = v
		}
	}
	for _, name := range []string{"cor", "peso", "limite", "nascimento", "ativo"} { // in a fixed order: the seed decides
		if g.IntN(3) == 0 {
			delete(d.Attributes, name)
		}
	}
}

func (g *Generator) date() time.Time {
	return g.now.Add(time.Duration(g.Int64N(60*24*3600_000)-30*24*3600_000) * time.Millisecond).UTC()
}

func (g *Generator) maybe(t time.Time) time.Time {
	if g.IntN(3) == 0 {
		return time.Time{}
	}
	return t
}

func (g *Generator) tags(from []string) []string {
	var out []string
	for _, i := range g.Perm(len(from))[:g.IntN(4)] {
		out = append(out, from[i])
	}
	return out
}
