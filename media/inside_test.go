package media

import (
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ramal/internal/id"
	"ramal/media/codec"
	"ramal/media/munge"
	"ramal/media/opus"
)

// The least of facts go first when their receiver does not keep up, and every loss is counted.
func TestFactQueueIsBounded(t *testing.T) {
	var count counters
	q := newFactQueue(func(Fact) {}, &count)
	for range maxSpeaking + 10 {
		q.put(Speaking{Leg: "luis", On: true})
	}
	if n := count.factsDropped.Load(); n != 10 {
		t.Errorf("%d turns of speech dropped, want 10", n)
	}
	for range maxFacts {
		q.put(Connected{Leg: "luis"})
	}
	if n := count.factsDropped.Load(); n != 10+maxSpeaking {
		t.Errorf("%d facts dropped in all, want %d", n, 10+maxSpeaking)
	}
	q.close()
	q.put(Connected{Leg: "luis"})
	if _, ok, closed := q.take(); ok || !closed {
		t.Error("a closed queue still gives")
	}
	q.run() // returns, since it is closed
}

// still is an engine without a network, for the clock alone.
func still() *Engine {
	e := &Engine{cfg: Config{}.withDefaults(), log: slog.New(slog.DiscardHandler), epoch: time.Now()}
	e.mu.conferences = make(map[*Conference]struct{})
	return e
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := still()
		s := newShard(e)
		var stall atomic.Int64
		s.now = func() time.Duration {
			time.Sleep(time.Duration(stall.Swap(0)))
			return e.now()
		}
		ended := make(chan struct{})
		go func() { // until quit is closed
			defer close(ended)
			s.run()
		}()
		all := make([]*Conference, 5)
		for i := range all {
			time.Sleep(37 * time.Millisecond)
			all[i] = newConference(e, id.Call("call_"+strconv.Itoa(i)), func(Fact) {})
			s.add(all[i])
		}
		turns := func() (n []int64) {
			synctest.Wait()
			s.mu.Lock() // the clock's next turn comes after this reading
			defer s.mu.Unlock()
			for _, c := range all {
				n = append(n, c.last)
			}
			return n
		}
		time.Sleep(100 * time.Millisecond) // all have had their first
		before := turns()
		time.Sleep(10 * time.Second)
		for i, n := range turns() {
			if n-before[i] != 500 {
				t.Errorf("conference %d took %d turns in 10 s", i, n-before[i])
			}
		}
		if n := e.count.ticksSkipped.Load(); n != 0 {
			t.Errorf("%d turns skipped without a stall", n)
		}
		stall.Store(int64(35 * time.Millisecond)) // made up for
		time.Sleep(time.Second)
		turns()
		if n := e.count.ticksSkipped.Load(); n != 0 {
			t.Errorf("%d turns skipped after a short stall", n)
		}
		stall.Store(int64(300 * time.Millisecond)) // not made up for
		time.Sleep(time.Second)
		turns()
		if n := e.count.ticksSkipped.Load(); n < 5*12 || n > 5*15 {
			t.Errorf("%d turns skipped by 5 conferences in a stall of 300 ms", n)
		}
		for i, c := range all {
			s.remove(c)
			if i == 2 { // the phases stay even
				for p := range s.mu.phase {
					if len(s.mu.phase[p]) > 1 {
						t.Errorf("%d conferences in phase %d", len(s.mu.phase[p]), p)
					}
				}
			}
		}
		time.Sleep(time.Second) // idle: no timer runs
		c := newConference(e, "again", func(Fact) {})
		s.add(c)
		time.Sleep(time.Second)
		synctest.Wait()
		if c.last < 0 || e.count.ticksSkipped.Load() > 5*15 {
			t.Errorf("after an idle time: turn %d, %d skipped", c.last, e.count.ticksSkipped.Load())
		}
		close(s.quit)
		<-ended
	})
}

func TestSocketsShareOnePort(t *testing.T) {
	s, err := listen(Config{UDPAddr: ":0", IncludeLoopback: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	port := s.addrs[0].(*net.UDPAddr).Port
	loopback := false
	for _, a := range s.addrs {
		udp := a.(*net.UDPAddr)
		loopback = loopback || udp.IP.IsLoopback()
		if udp.Port != port || udp.IP.IsUnspecified() {
			t.Errorf("%v beside port %d", udp, port)
		}
	}
	if !loopback {
		t.Errorf("no loopback address among %v", s.addrs)
	}
	if conns, err := bind([]net.IP{net.IPv4(127, 0, 0, 1)}, port); err == nil {
		t.Errorf("the port was bound twice: %v", conns)
	}
}

// nowhere takes packets as a connection would.
type nowhere struct{ n int }

func (w *nowhere) WriteRTP(_ *rtp.Header, payload []byte) (int, error) {
	w.n++
	return len(payload), nil
}

func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }

func bound(w *nowhere) *track {
	t := &track{}
	t.binding.Store(&binding{ssrc: 1, pt: opusPT, writer: w})
	return t
}

// One packet of a speaker on its way to seven browsers and into the mix allocates nothing.
func BenchmarkForward(b *testing.B) {
	var count counters
	in, err := newInput(&count)
	if err != nil {
		b.Fatal(err)
	}
	speaker := &leg{id: "luis", kind: agent, in: in, conf: newConference(still(), "call", func(Fact) {})}
	r := &route{mixed: true}
	w := &nowhere{}
	for range 7 {
		s := newSink(bound(w), &count)
		s.assign(speaker)
		r.sinks = append(r.sinks, s)
	}
	speaker.route.Store(r)
	packet := speech(b)
	h := &rtp.Header{SSRC: 7}
	b.ReportAllocs()
	for b.Loop() {
		h.SequenceNumber++
		h.Timestamp += codec.FrameTicks
		speaker.receive(inbound{stream: 1, header: h, payload: packet, now: time.Duration(h.Timestamp)})
		in.pop()
	}
	if w.n != b.N*7 {
		b.Fatalf("%d packets for %d", w.n, b.N*7)
	}
}

// One 20 ms turn of a conference in which a contact hears two agents: decode twice, mix, encode once.
func BenchmarkTurn(b *testing.B) {
	e := still()
	out, err := newOutput(bound(&nowhere{}), e)
	if err != nil {
		b.Fatal(err)
	}
	c := newConference(e, "call", func(Fact) {})
	m := mixing{out: out}
	p := &plan{}
	for range 2 {
		in, err := newInput(&e.count)
		if err != nil {
			b.Fatal(err)
		}
		l := &leg{id: "agent", kind: agent, in: in, conf: c}
		l.route.Store(&route{mixed: true})
		p.legs = append(p.legs, l)
		m.sources = append(m.sources, source{in: l, gain: 4096})
	}
	p.outputs = []mixing{m}
	c.plan.Store(p)
	packet := speech(b)
	h := &rtp.Header{SSRC: 7}
	var turn int64
	b.ReportAllocs()
	for b.Loop() {
		h.SequenceNumber++
		h.Timestamp += codec.FrameTicks
		for _, l := range p.legs {
			l.receive(inbound{stream: 1, header: h, payload: packet})
		}
		c.tick(turn, 0)
		turn++
	}
	if n := e.count.mixed.Load(); n < uint64(b.N) {
		b.Fatalf("%d mixed of %d", n, b.N)
	}
}

func BenchmarkNewOutput(b *testing.B) {
	e := still()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newOutput(&track{}, e); err != nil {
			b.Fatal(err)
		}
	}
}

func speech(tb testing.TB) []byte {
	enc, err := opus.NewEncoder(5)
	if err != nil {
		tb.Fatal(err)
	}
	pcm := make([]int16, codec.FrameSamples)
	packet := make([]byte, codec.MaxFrameBytes)
	n := 0
	for i := range 10 {
		for j := range pcm {
			pcm[j] = int16((i*7919+j*j*31)%8000 - 4000)
		}
		if n, err = enc.Encode(pcm, packet); err != nil {
			tb.Fatal(err)
		}
	}
	return packet[:n]
}

// The rewriter's state and the sink's guard together: a packet of somebody else never gets through.
func TestSinkTakesItsSpeakerOnly(t *testing.T) {
	var count counters
	w := &nowhere{}
	s := newSink(bound(w), &count)
	luis, ana := &leg{id: "luis"}, &leg{id: "ana"}
	s.forward(luis, munge.Header{SSRC: 1, Seq: 1}, []byte{1}, 0)
	s.assign(luis)
	s.forward(luis, munge.Header{SSRC: 1, Seq: 2}, []byte{1}, 0)
	s.forward(ana, munge.Header{SSRC: 2, Seq: 9}, []byte{1}, 0)
	s.assign(nil)
	s.forward(luis, munge.Header{SSRC: 1, Seq: 3}, []byte{1}, 0)
	if w.n != 1 {
		t.Errorf("%d packets got through, want 1", w.n)
	}
	if n := count.snapshot().Dropped[DropStale]; n != 3 {
		t.Errorf("%d counted as stale, want 3", n)
	}
}
