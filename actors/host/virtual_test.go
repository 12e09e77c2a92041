package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"ramal/cluster"
	"ramal/cluster/wire"
	"ramal/internal/fault"
)

// counter is the smallest core that needs everything the shell does: a number, and an alarm.
type counter struct {
	N     int       `json:"n"`
	Next  time.Time `json:"next,omitzero"`
	Wakes int       `json:"wakes"`
	Loose int       `json:"loose"` // volatile
}

// Its one command, event and effect are open records; Kind says which.
type (
	order struct {
		Kind string        `json:"kind"`
		N    int           `json:"n,omitempty"`
		In   time.Duration `json:"in,omitempty"`
	}
	happening struct {
		Kind string
		N    int
		At   time.Time
	}
	deed struct {
		Kind string
		N    int
	}
)

func decideCounter(s counter, c order, now time.Time) ([]happening, error) {
	switch c.Kind {
	case "add":
		return []happening{{Kind: "added", N: c.N}}, nil
	case "twice":
		return []happening{{Kind: "added", N: c.N}, {Kind: "added", N: c.N}}, nil
	case "loose":
		return []happening{{Kind: "loosened", N: c.N}}, nil
	case "alarm":
		return []happening{{Kind: "set", At: now.Add(c.In)}}, nil
	case "silence":
		return []happening{{Kind: "set"}}, nil
	case "wake":
		if !s.Next.IsZero() && !now.Before(s.Next) {
			return []happening{{Kind: "woke"}}, nil
		}
		return nil, nil
	case "nothing":
		return nil, nil
	case "refuse":
		return nil, fault.New(fault.Conflict, "counter.refuse", "refused", "no")
	case "panic":
		panic("the core has a defect")
	}
	return nil, fault.New(fault.Invalid, "counter", "unknown_command", c.Kind)
}

func evolveCounter(s counter, ev happening) counter {
	switch ev.Kind {
	case "added":
		s.N += ev.N
	case "loosened":
		s.Loose += ev.N
	case "set":
		s.Next = ev.At
	case "woke":
		s.Wakes, s.Next = s.Wakes+1, time.Time{}
	}
	return s
}

func counterEffects(before counter, ev happening, after counter) []deed {
	if ev.Kind == "added" {
		return []deed{{Kind: fmt.Sprintf("%d to %d", before.N, after.N), N: ev.N}}
	}
	return []deed{{Kind: ev.Kind}}
}

// table is the store of counters, and the diary of all that shells do. Guarded by mu.
type table struct {
	mu      sync.Mutex
	rows    map[string]row
	diary   []string
	saveErr error // of every save
	loadErr error
	applied bool    // with saveErr: the row is written all the same
	loadBad bool    // load panics
	due     []order // what load finds to be done
}

type row struct {
	counter
	version int64
}

func (d *table) notef(format string, args ...any) {
	d.diary = append(d.diary, fmt.Sprintf(format, args...))
}

func (d *table) set(edit func(*table)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	edit(d)
}

// took returns the diary so far and begins a new one.
func (d *table) took() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.diary
	d.diary = nil
	return out
}

func (d *table) load(_ context.Context, who cluster.Identity) (counter, int64, []order, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notef("load")
	if d.loadBad {
		panic("the row cannot be read")
	}
	r := d.rows[who.Key]
	return r.counter, r.version, d.due, d.loadErr
}

func (d *table) save(_ context.Context, who cluster.Identity, s counter, base int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notef("save %d", s.N)
	r := d.rows[who.Key]
	if d.saveErr != nil && !d.applied {
		return d.saveErr
	}
	if r.version != base {
		return fault.New(fault.Conflict, "table.save", "stale", "somebody else wrote it")
	}
	s.Loose = 0 // what is volatile is not kept
	d.rows[who.Key] = row{s, base + 1}
	return d.saveErr
}

type counterActor = virtual[counter, order, happening, deed]

// world is one shell under test: a node, a host without parts, and the table.
type world struct {
	t *testing.T
	*table
	h    *Host
	node *oneNode
}

const idleAfter = 10 * time.Minute

var (
	one  = cluster.Identity{Tenant: "acme", Key: "one"}
	away = fault.New(fault.Unavailable, "table.save", "not_sent", "the database is away")
)

// shell runs do inside a bubble of virtual time; adjust changes the core.
func shell(t *testing.T, adjust func(*core[counter, order, happening, deed]), do func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, table: &table{rows: map[string]row{}}}
		w.h = New(Config{IdleAfter: idleAfter}, Deps{Logger: discard()})
		c := &core[counter, order, happening, deed]{
			kind: "counter", decide: decideCounter, evolve: evolveCounter, deadline: func(s counter) time.Time { return s.Next },
			effects: counterEffects, wake: order{Kind: "wake"}, load: w.load, save: w.save, idle: idleAfter,
			decode: func(kind string, body []byte) (order, error) {
				var o order
				if kind != "order" {
					return o, fault.New(fault.Invalid, "counter", "unknown_kind", kind)
				}
				return o, unpack(body, &o)
			},
			perform:  func(_ *counterActor, d deed) { w.set(func(*table) { w.notef("do %s", d.Kind) }) },
			volatile: func(ev happening) bool { return ev.Kind == "loosened" },
		}
		if adjust != nil {
			adjust(c)
		}
		w.node = newOneNode("node_1", kindOf(w.h, c))
		w.h.attach(w.node)
		do(w)
		w.node.close()
		time.Sleep(2 * idleAfter) // what was still to come finds nobody
	})
}

func (w *world) ask(o order) (counter, error) {
	return ask[counter](context.Background(), w.h, "counter", one, envelope("acme", "order", o))
}

// must asks and expects the number that follows.
func (w *world) must(o order, n int) counter {
	w.t.Helper()
	s, err := w.ask(o)
	if err != nil {
		w.t.Fatalf("%+v: %v", o, err)
	}
	if s.N != n {
		w.t.Errorf("%+v answers %d, want %d", o, s.N, n)
	}
	return s
}

func (w *world) peek() counter {
	w.t.Helper()
	s, err := peekAt[counter](context.Background(), w.h, "counter", one)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) did(want ...string) {
	w.t.Helper()
	if got := w.took(); !slices.Equal(got, want) {
		w.t.Errorf("it did %q, want %q", got, want)
	}
}

func (w *world) stored() row {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[one.Key]
}

func TestShellOrder(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.must(order{Kind: "add", N: 3}, 3)
		w.did("load", "save 3", "do 0 to 3")
		w.must(order{Kind: "twice", N: 2}, 7) // two events, one save, each effect with the state around its own event
		w.did("save 7", "do 3 to 5", "do 5 to 7")
		w.must(order{Kind: "nothing"}, 7)
		w.did()
		if r := w.stored(); r.N != 7 || r.version != 2 {
			t.Errorf("stored %+v", r)
		}
		if s := w.peek(); s.N != 7 {
			t.Errorf("peek %+v", s)
		}
		w.did()
	})
}

func TestShellRejections(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.must(order{Kind: "add", N: 1}, 1)
		w.took()
		_, err := w.ask(order{Kind: "refuse"})
		wantFault(t, "a refusal", err, fault.Conflict, "refused")
		w.did()                                 // not tried again, though it is a Conflict
		if w.node.births("counter", one) != 1 { // and no reason to stop
			t.Error("a refusal stopped the actor")
		}
		_, err = ask[counter](context.Background(), w.h, "counter", one, wire.New("nonsense", "acme", nil))
		wantFault(t, "an unknown message", err, fault.Invalid, "unknown_kind")
		_, err = ask[counter](context.Background(), w.h, "counter", one, wire.New("order", "acme", []byte("[")))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a malformed message: %v", err)
		}
		_, err = ask[counter](context.Background(), w.h, "counter", one, envelope("rival", "order", order{Kind: "add", N: 1}))
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("another tenant's message: got %v, want NotFound", err)
		}
		_, err = ask[counter](context.Background(), w.h, "counter", one, wire.New(peek, "rival", nil))
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("another tenant's look: got %v, want NotFound", err)
		}
		w.must(order{Kind: "nothing"}, 1)
	})
}

// TestShellWithoutSender: a message that nobody waits for is handled like any other.
func TestShellWithoutSender(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.peek()
		w.node.mu.Lock()
		pid := w.node.mu.live[keyOf("counter", one)].pid
		w.node.mu.Unlock()
		w.node.sys.Root.Send(pid, envelope("acme", "order", order{Kind: "add", N: 2}))
		w.node.sys.Root.Send(pid, envelope("acme", "order", order{Kind: "refuse"}))
		synctest.Wait()
		w.must(order{Kind: "nothing"}, 2)
	})
}

// TestShellSaveFails: what is not stored has not happened, and what the store says then is the truth.
func TestShellSaveFails(t *testing.T) {
	for name, c := range map[string]struct {
		applied bool // the row was written although the answer was lost
		then    int
	}{"not written": {false, 1}, "written all the same": {true, 6}} {
		t.Run(name, func(t *testing.T) {
			shell(t, nil, func(w *world) {
				w.must(order{Kind: "add", N: 1}, 1)
				w.took()
				w.set(func(d *table) { d.saveErr, d.applied = away, c.applied })
				_, err := w.ask(order{Kind: "add", N: 5})
				wantFault(t, "the command", err, fault.Unavailable, "not_sent")
				w.did("save 6") // no effect
				w.set(func(d *table) { d.saveErr = nil })
				w.must(order{Kind: "nothing"}, c.then)
				w.did("load")
				w.must(order{Kind: "add", N: 10}, c.then+10)
				w.did(fmt.Sprintf("save %d", c.then+10), fmt.Sprintf("do %d to %d", c.then, c.then+10))
				if got := w.node.births("counter", one); got != 1 {
					t.Errorf("%d activations, want the first to go on", got)
				}
			})
		})
	}
}

func TestShellLoadFails(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.set(func(d *table) { d.loadErr = fault.New(fault.NotFound, "table.load", "no_row", "") })
		_, err := w.ask(order{Kind: "add", N: 1})
		wantFault(t, "an absent row", err, fault.NotFound, "no_row")
		w.set(func(d *table) { d.loadErr = away })
		_, err = w.ask(order{Kind: "add", N: 1})
		wantFault(t, "a store that is away", err, fault.Unavailable, "not_sent")
		w.did("load", "load")
		w.set(func(d *table) { d.loadErr = nil })
		w.must(order{Kind: "add", N: 1}, 1)
	})
}

// TestShellDueAtLoad: what the row itself asks for goes the way of every command, before the one that was sent.
func TestShellDueAtLoad(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.set(func(d *table) { d.due, d.saveErr = []order{{Kind: "add", N: 5}}, away })
		_, err := w.ask(order{Kind: "add", N: 1})
		wantFault(t, "without a store", err, fault.Unavailable, "not_sent")
		w.did("load", "save 5")
		w.set(func(d *table) { d.saveErr = nil })
		w.must(order{Kind: "add", N: 1}, 6)
		w.did("load", "save 5", "do 0 to 5", "save 6", "do 5 to 6")
		w.must(order{Kind: "nothing"}, 6) // once only
		w.did()
	})
}

// TestShellOvertaken: an actor whose row somebody else has written stops, and the command goes to the next activation.
func TestShellOvertaken(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.must(order{Kind: "add", N: 1}, 1)
		w.took()
		w.set(func(d *table) { d.rows[one.Key] = row{counter{N: 100}, 7} })
		w.must(order{Kind: "add", N: 1}, 101)
		w.did("save 2", "load", "save 101", "do 100 to 101")
		if got := w.node.births("counter", one); got != 2 {
			t.Errorf("%d activations, want 2", got)
		}
	})
}

// TestShellOvertakenTwice: once more, and no more: two activations that fight must not do it for ever.
func TestShellOvertakenTwice(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.set(func(d *table) { d.saveErr = fault.New(fault.Conflict, "table.save", "stale", "") })
		_, err := w.ask(order{Kind: "add", N: 1})
		wantFault(t, "the command", err, fault.Conflict, codeOvertaken)
		w.did("load", "save 1", "load", "save 1")
	})
}

func soft(c *core[counter, order, happening, deed]) { c.soft = true }

func TestSoftActsFirst(t *testing.T) {
	shell(t, soft, func(w *world) {
		w.must(order{Kind: "add", N: 3}, 3)
		synctest.Wait() // the reply comes before the save
		w.did("load", "do 0 to 3", "save 3")
		if r := w.stored(); r.N != 3 {
			t.Errorf("stored %+v", r)
		}
	})
}

func TestSoftGoesOnWithoutStore(t *testing.T) {
	shell(t, soft, func(w *world) {
		w.must(order{Kind: "add", N: 1}, 1)
		synctest.Wait()
		w.took()
		w.set(func(d *table) { d.saveErr = away })
		w.must(order{Kind: "add", N: 2}, 3)
		w.must(order{Kind: "add", N: 3}, 6)
		time.Sleep(3500 * time.Millisecond)
		tries := w.took()
		if got := strings.Join(tries, ", "); strings.Count(got, "save 6") < 3 || strings.Contains(got, "load") {
			t.Errorf("in 3.5 s without a store it did %q; want saves again and again, and no reload", got)
		}
		if r := w.stored(); r.N != 1 {
			t.Errorf("stored %+v", r)
		}
		w.set(func(d *table) { d.saveErr = nil })
		time.Sleep(saveRetry + time.Millisecond)
		if r := w.stored(); r.N != 6 || r.version != 2 {
			t.Errorf("when the store is back, stored %+v, want 6 at version 2", r)
		}
		w.took()
		time.Sleep(10 * time.Second)
		w.did() // clean: it rests
	})
}

// TestSoftSavesBeforeItGoes: neither idleness nor a hand-over loses what was not saved yet.
func TestSoftSavesBeforeItGoes(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		shell(t, soft, func(w *world) {
			w.set(func(d *table) { d.saveErr = away })
			w.must(order{Kind: "add", N: 2}, 2)
			time.Sleep(3 * idleAfter)
			if !w.node.lives(keyOf("counter", one)) {
				t.Error("an actor with unsaved state left memory")
			}
			w.set(func(d *table) { d.saveErr = nil })
			time.Sleep(3 * idleAfter)
			if w.node.lives(keyOf("counter", one)) || w.stored().N != 2 {
				t.Errorf("then it is still there, or stored %+v", w.stored())
			}
		})
	})
	t.Run("stopped", func(t *testing.T) {
		shell(t, soft, func(w *world) {
			w.set(func(d *table) { d.saveErr = away })
			w.must(order{Kind: "add", N: 2}, 2)
			synctest.Wait()
			w.set(func(d *table) { d.saveErr = nil })
			w.node.close() // before the next attempt
			if w.stored().N != 2 {
				t.Errorf("stored %+v", w.stored())
			}
		})
	})
}

func TestSoftOvertaken(t *testing.T) {
	shell(t, soft, func(w *world) {
		w.must(order{Kind: "add", N: 1}, 1)
		synctest.Wait()
		w.set(func(d *table) { d.rows[one.Key] = row{counter{N: 100}, 7} })
		w.must(order{Kind: "add", N: 1}, 2) // it acts first
		synctest.Wait()
		w.must(order{Kind: "add", N: 1}, 101) // the next activation has the truth
		if got := w.node.births("counter", one); got != 2 {
			t.Errorf("%d activations, want 2", got)
		}
		synctest.Wait()
		if w.stored().N != 101 {
			t.Errorf("stored %+v", w.stored())
		}
	})
}

func TestVolatileEventsAreNotWritten(t *testing.T) {
	shell(t, nil, func(w *world) {
		if s := w.must(order{Kind: "loose", N: 4}, 0); s.Loose != 4 {
			t.Errorf("the answer is %+v", s)
		}
		w.did("load", "do loosened")
		w.must(order{Kind: "add", N: 1}, 1)
		w.did("save 1", "do 0 to 1")
		if s := w.peek(); s.Loose != 4 {
			t.Errorf("after a write the volatile part is %d, want 4", s.Loose)
		}
	})
}

func TestPassivation(t *testing.T) {
	lives := func(w *world) bool { return w.node.lives(keyOf("counter", one)) }
	t.Run("idle", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "add", N: 3}, 3)
			time.Sleep(idleAfter)
			if !lives(w) {
				t.Error("it left before it was idle for long enough")
			}
			time.Sleep(idleAfter/idleJitter + time.Second)
			if lives(w) {
				t.Error("it does not leave memory")
			}
			w.took()
			w.must(order{Kind: "add", N: 1}, 4)
			w.did("load", "save 4", "do 3 to 4")
		})
	})
	t.Run("in use", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			for range 8 {
				w.must(order{Kind: "nothing"}, 0)
				time.Sleep(idleAfter / 2)
			}
			if got := w.node.births("counter", one); got != 1 {
				t.Errorf("%d activations of an actor in use, want 1", got)
			}
		})
	})
	t.Run("waiting for its alarm", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "alarm", In: idleAfter * 3 / 2}, 0)
			time.Sleep(idleAfter*3/2 + time.Second)
			if r := w.stored(); r.Wakes != 1 {
				t.Errorf("an alarm soon to ring was lost: %+v", r)
			}
		})
	})
}

func TestAlarms(t *testing.T) {
	t.Run("rings once, on time", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "alarm", In: 30 * time.Second}, 0)
			time.Sleep(30*time.Second - time.Millisecond)
			if w.stored().Wakes != 0 {
				t.Error("it rang early")
			}
			time.Sleep(2 * time.Millisecond)
			if w.stored().Wakes != 1 {
				t.Error("it did not ring")
			}
			time.Sleep(5 * time.Minute)
			if w.stored().Wakes != 1 {
				t.Errorf("it rang %d times", w.stored().Wakes)
			}
		})
	})
	t.Run("again and again", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			for i := range 5 {
				w.must(order{Kind: "alarm", In: time.Minute}, 0)
				time.Sleep(61 * time.Second)
				if got := w.stored().Wakes; got != i+1 {
					t.Fatalf("after alarm %d it had woken %d times", i+1, got)
				}
			}
		})
	})
	t.Run("put forward and off", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "alarm", In: time.Hour}, 0)
			w.must(order{Kind: "alarm", In: time.Second}, 0)
			time.Sleep(1100 * time.Millisecond)
			if w.stored().Wakes != 1 {
				t.Error("the earlier alarm did not ring")
			}
			w.must(order{Kind: "alarm", In: time.Second}, 0)
			w.must(order{Kind: "silence"}, 0)
			time.Sleep(5 * time.Second)
			if w.stored().Wakes != 1 {
				t.Error("an alarm that was taken back rang")
			}
		})
	})
	t.Run("overdue at activation", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.set(func(d *table) { d.rows[one.Key] = row{counter{N: 1, Next: time.Now().Add(-time.Hour)}, 3} })
			w.peek()
			time.Sleep(time.Second)
			if w.stored().Wakes != 1 {
				t.Error("an alarm from before the activation did not ring")
			}
		})
	})
	t.Run("the store was away when it rang", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "alarm", In: time.Minute}, 0)
			time.Sleep(50 * time.Second)
			w.set(func(d *table) { d.saveErr = away })
			time.Sleep(20 * time.Second)
			tries := 0
			for _, entry := range w.took() {
				if strings.HasPrefix(entry, "save") {
					tries++
				}
			}
			if tries > 60 {
				t.Errorf("it tried %d times in 10 s", tries)
			}
			w.set(func(d *table) { d.saveErr = nil })
			time.Sleep(30 * time.Second) // nobody sends anything
			if w.stored().Wakes != 1 {
				t.Error("an alarm that could not be saved is lost")
			}
		})
	})
}

// TestAlarmsOfTheSoft: neither an unsaved state puts the alarm off, nor an alarm the save.
func TestAlarmsOfTheSoft(t *testing.T) {
	shell(t, soft, func(w *world) {
		w.set(func(d *table) { d.saveErr = away })
		w.must(order{Kind: "alarm", In: 4500 * time.Millisecond}, 0)
		time.Sleep(4600 * time.Millisecond)
		if s := w.peek(); s.Wakes != 1 {
			t.Errorf("the alarm did not ring on time: %+v", s)
		}
		w.set(func(d *table) { d.saveErr = nil })
		w.must(order{Kind: "alarm", In: time.Hour}, 0)
		time.Sleep(2 * time.Second)
		if r := w.stored(); r.Wakes != 1 || r.Next.IsZero() {
			t.Errorf("stored %+v", r)
		}
	})
}

// TestPanics: a defect costs its caller one answer, and the actor what it had not stored.
func TestPanics(t *testing.T) {
	t.Run("in the core", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.must(order{Kind: "add", N: 2}, 2)
			_, err := w.ask(order{Kind: "panic"})
			wantFault(t, "the caller", err, fault.Internal, cluster.CodePanic)
			w.must(order{Kind: "add", N: 1}, 3)
			w.must(order{Kind: "alarm", In: time.Minute}, 3)
			time.Sleep(2 * time.Minute)
			if w.stored().Wakes != 1 {
				t.Error("it has no alarm any more")
			}
		})
	})
	t.Run("in an effect", func(t *testing.T) {
		shell(t, func(c *core[counter, order, happening, deed]) {
			c.perform = func(*counterActor, deed) { panic("the effect has a defect") }
		}, func(w *world) {
			_, err := w.ask(order{Kind: "add", N: 2})
			wantFault(t, "the caller", err, fault.Internal, cluster.CodePanic)
			if s := w.peek(); s.N != 2 {
				t.Errorf("what was stored before the effect is %+v", s)
			}
		})
	})
	t.Run("in load", func(t *testing.T) {
		shell(t, nil, func(w *world) {
			w.set(func(d *table) { d.loadBad = true })
			_, err := w.ask(order{Kind: "add", N: 2})
			wantFault(t, "the caller", err, fault.Internal, cluster.CodePanic)
			w.set(func(d *table) { d.loadBad = false })
			w.must(order{Kind: "add", N: 2}, 2)
		})
	})
}

// TestOther: what is no command may be answered, refused or left to the core.
func TestOther(t *testing.T) {
	shell(t, func(c *core[counter, order, happening, deed]) {
		c.other = func(v *counterActor, msg *wire.Envelope) (any, bool, error) {
			switch msg.GetKind() {
			case "double":
				return counter{N: 2 * v.s.N}, true, nil
			case "mute":
				return nil, true, nil
			case "no":
				return nil, true, fault.New(fault.Denied, "counter", "no", "")
			}
			return nil, false, nil
		}
	}, func(w *world) {
		w.must(order{Kind: "add", N: 4}, 4)
		say := func(kind string) (counter, error) {
			return ask[counter](context.Background(), w.h, "counter", one, wire.New(kind, "acme", nil))
		}
		if s, err := say("double"); err != nil || s.N != 8 {
			t.Errorf("double: %+v, %v", s, err)
		}
		if s, err := say("mute"); err != nil || s != (counter{}) {
			t.Errorf("mute: %+v, %v", s, err)
		}
		_, err := say("no")
		wantFault(t, "no", err, fault.Denied, "no")
		_, err = say("nonsense")
		wantFault(t, "nonsense", err, fault.Invalid, "unknown_kind")
	})
}

// TestTimersMeanNothingToTheUnloaded: an actor that could not load keeps trying only when asked.
func TestTimersMeanNothingToTheUnloaded(t *testing.T) {
	shell(t, nil, func(w *world) {
		w.set(func(d *table) { d.loadErr = away })
		_, err := w.ask(order{Kind: "nothing"})
		if !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		w.node.mu.Lock()
		pid := w.node.mu.live[keyOf("counter", one)].pid
		w.node.mu.Unlock()
		w.node.sys.Root.Send(pid, alarmRang{})
		w.node.sys.Root.Send(pid, idleCheck{})
		time.Sleep(3 * idleAfter)
		if w.node.lives(keyOf("counter", one)) {
			t.Error("it never leaves memory")
		}
	})
}

func TestAnswer(t *testing.T) {
	if e := answer(nil, nil); wire.Err(e) != nil || len(e.GetBody()) != 0 {
		t.Errorf("nothing: %v", e)
	}
	if e := answer(counter{N: 1}, nil); wire.Err(e) != nil || !json.Valid(e.GetBody()) {
		t.Errorf("a reply: %v", e)
	}
	err := wire.Err(answer(counter{N: 1}, errors.New("boom")))
	if !fault.Is(err, fault.Internal) {
		t.Errorf("an error: %v", err)
	}
	next := fault.New(fault.Exhausted, "x", "limit", "too many")
	next.NextAllowed = noon
	err = wire.Err(answer(nil, next))
	if e, is := errors.AsType[*fault.Error](err); !is || e.Code != "limit" || !e.NextAllowed.Equal(noon) {
		t.Errorf("a refusal with its time: %+v", err)
	}
}

var _ actor.Actor = (*counterActor)(nil)
