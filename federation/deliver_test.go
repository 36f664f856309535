package federation_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// hang is how a host answers that takes a connection and then nothing more.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// answering is how a host answers everything with one status.
func answering(status int, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(""))}, nil
	}
}

// announced returns the ids of the objects that a peer was told of, in order.
func (p *peer) announced() (ids []string) {
	for _, act := range p.received() {
		inner, ok := act["object"].(map[string]any)
		if act["type"] != "Announce" || !ok || inner["type"] == "Update" {
			continue
		}
		switch o := inner["object"].(type) {
		case string:
			ids = append(ids, o)
		case map[string]any:
			ids = append(ids, o["id"].(string))
		}
	}
	return ids
}

// crowded returns Harlow, its community, and n peers with a member each.
func crowded(t *testing.T, n *network, count int) (*town, *copse.Actor, *copse.Community, []*peer) {
	t.Helper()
	harlow := n.town(t, "harlow.example", storetest.Open(t))
	joan := harlow.person("joan")
	trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
	var peers []*peer
	for i := range count {
		p := n.peer(t, fmt.Sprintf("p%d.example", i))
		p.actor("Person", "/u/bob").member(harlow, trees)
		peers = append(peers, p)
	}
	return harlow, joan, trees, peers
}

// conversations posts a topic, a reply to it, a reply to that, and another topic,
// and returns their ids by topic.
func (w *town) conversations(by *copse.Actor, c *copse.Community, name string) [][]string {
	w.t.Helper()
	topic := w.post(by, &c.Actor, name, "<p>"+name)
	reply := w.answer(by, topic, "<p>one")
	below := w.answer(by, reply, "<p>two")
	other := w.post(by, &c.Actor, name+" too", "<p>"+name)
	return [][]string{{topic.URI, reply.URI, below.URI}, {other.URI}}
}

func (w *town) peer(host string) (p *copse.Peer) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		p, err = tx.Peer(host)
		return err
	})
	return p
}

// inOrder complains unless a peer was told of everything, once, and of nothing
// before what it answers: of conversations side by side, but each from the top.
func (p *peer) inOrder(t *testing.T, conversations ...[]string) {
	t.Helper()
	got := p.announced()
	total := 0
	for _, ids := range conversations {
		total += len(ids)
		var of []string
		for _, id := range got {
			if slices.Contains(ids, id) {
				of = append(of, id)
			}
		}
		if !slices.Equal(of, ids) {
			t.Errorf("%s was told of %q, want %q", p.host, of, ids)
		}
	}
	if len(got) != total {
		t.Errorf("%s was told of %d things, want %d", p.host, len(got), total)
	}
}

// Nine councils have everything at once, whatever the tenth does.
func TestADeadCouncilDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 10)
		n.answer("p0.example", hang)
		n.forget()
		var want [][]string
		for i := range 3 {
			want = append(want, harlow.conversations(joan, trees, fmt.Sprint("topic ", i))...)
		}
		synctest.Wait() // no time has passed at all
		for _, p := range peers[1:] {
			p.inOrder(t, want...)
		}
		time.Sleep(4 * time.Minute)
		if asked := len(n.requests("p0.example")); asked > 10 {
			t.Errorf("the dead one was asked %d times in four minutes", asked)
		}
		n.answer("p0.example", nil)
		time.Sleep(10 * time.Minute)
		peers[0].inOrder(t, want...)
		if p := harlow.peer("p0.example"); p.State != copse.PeerOK || p.Fails != 0 || p.Error != "" {
			t.Errorf("it is back, and noted as %s after %d failures: %q", p.State, p.Fails, p.Error)
		}
	})
}

// Whatever way a council is down in, it has everything afterwards: once, and
// nothing before what it answers.
func TestNothingIsLostWhileACouncilIsDown(t *testing.T) {
	for name, down := range map[string]func(*http.Request) (*http.Response, error){
		"refused":            refused,
		"hanging":            hang,
		"401":                answering(401),
		"404":                answering(404),
		"408":                answering(408),
		"410":                answering(410),
		"429":                answering(429),
		"429 for a minute":   answering(429, "Retry-After", "60"),
		"500":                answering(500),
		"503 for 4 minutes":  answering(503, "Retry-After", "240"),
		"503 until a moment": answering(503, "Retry-After", "Sat, 01 Jan 2000 00:04:00 GMT"),
		"301":                answering(301, "Location", "https://p0.example/inbox"),
		"another 2xx":        answering(204),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				harlow, joan, trees, peers := crowded(t, n, 1)
				n.answer("p0.example", down)
				n.forget()
				during := harlow.conversations(joan, trees, "while it is down")
				time.Sleep(3 * time.Minute)
				p, asked := harlow.peer("p0.example"), n.requests("p0.example")
				if name == "another 2xx" {
					if p.State != copse.PeerOK || len(asked) != len(slices.Concat(during...)) {
						t.Errorf("it is %s after %d requests, want all taken to be there", p.State, len(asked))
					}
					return
				}
				most := 10
				if name == "401" {
					most *= 2 // in both forms of signature
				}
				if len(asked) > most || strings.Contains(name, "503") && len(asked) != 1 {
					t.Errorf("it was asked %d times in three minutes", len(asked))
				}
				if p.State != copse.PeerFailing && !strings.HasPrefix(name, "429") || p.Error == "" {
					t.Errorf("it is noted as %s: %q", p.State, p.Error)
				}
				n.answer("p0.example", nil)
				after := harlow.conversations(joan, trees, "and after")
				time.Sleep(10 * time.Minute)
				peers[0].inOrder(t, slices.Concat(during, after)...)
			})
		})
	}
}

// What a council refuses for good is not sent again, holds nothing up, and is
// told to whoever wants to know.
func TestWhatIsRefusedHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		for _, status := range []int{400, 403, 405, 413, 422} {
			n.answer("p0.example", answering(status))
			n.forget()
			lost := harlow.post(joan, &trees.Actor, "lost", "<p>x")
			synctest.Wait()
			n.answer("p0.example", nil)
			kept := harlow.post(joan, &trees.Actor, "kept", "<p>x")
			time.Sleep(time.Minute)
			if got := peers[0].announced(); len(got) == 0 || got[len(got)-1] != kept.URI || slices.Contains(got, lost.URI) {
				t.Errorf("%d: it was told of %q, want of %s alone", status, got, kept.URI)
			}
			if asked := n.requests("p0.example"); len(asked) != 2 {
				t.Errorf("%d: it was asked %d times, want twice", status, len(asked))
			}
			harlow.view(func(tx *store.Tx) error {
				r, err := tx.Receipts(lost.ID)
				if err == nil && (len(r) != 1 || r[0].Has || r[0].Stopped.IsZero() || !strings.Contains(r[0].Error, fmt.Sprint(status))) {
					t.Errorf("%d: the receipts say %+v", status, r)
				}
				return err
			})
			if err := harlow.hub.SendAgain(t.Context(), joan, lost); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if got := peers[0].announced(); got[len(got)-1] != lost.URI {
				t.Errorf("%d: sent again, it was told of %q, want %s last", status, got, lost.URI)
			}
		}
	})
}

// One activity that a council cannot take is stepped over, and what comes after
// it arrives; it is tried again, without holding up anything once more.
func TestAPoisonedActivityIsSteppedOver(t *testing.T) {
	for name, breaks := range map[string]func(*http.Request) (*http.Response, error){
		"500": answering(500), "hanging": hang,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				harlow, joan, trees, peers := crowded(t, n, 1)
				var cured atomic.Bool
				n.answer("p0.example", func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					r.Body = io.NopCloser(strings.NewReader(string(body)))
					if strings.Contains(string(body), "poison") && !cured.Load() {
						return breaks(r)
					}
					return nil, nil
				})
				poison := harlow.post(joan, &trees.Actor, "poison", "<p>x")
				another := harlow.post(joan, &trees.Actor, "poison as well", "<p>x")
				want := slices.Concat(harlow.conversations(joan, trees, "harmless")...)
				time.Sleep(5 * time.Minute)
				seen := func() (ids []string) { // the first time it was told of each
					for _, id := range peers[0].announced() {
						if !slices.Contains(ids, id) {
							ids = append(ids, id)
						}
					}
					return ids
				}
				for _, id := range want {
					if !slices.Contains(seen(), id) {
						t.Errorf("%s never arrived", id)
					}
				}
				// Whenever the bad ones are tried again, nobody waits for them.
				for range 10 {
					time.Sleep(time.Minute)
					later := harlow.post(joan, &trees.Actor, "later", "<p>x")
					time.Sleep(11 * time.Second) // one of them may be under way
					if got := seen(); got[len(got)-1] != later.URI {
						t.Fatalf("%s has not arrived", later.URI)
					}
				}
				if p := harlow.peer("p0.example"); p.State != copse.PeerOK {
					t.Errorf("a council that takes the rest is noted as %s", p.State)
				}
				cured.Store(true)
				time.Sleep(25 * time.Minute)
				for _, o := range []*copse.Object{poison, another} {
					if !slices.Contains(seen(), o.URI) {
						t.Errorf("%s was not tried again", o.URI)
					}
				}
			})
		})
	}
}

// A council that answers every other request is not taken for dead.
func TestACouncilThatStumblesKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		var count atomic.Int64
		n.answer("p0.example", func(r *http.Request) (*http.Response, error) {
			if count.Add(1)%2 == 0 {
				return refused(r)
			}
			return nil, nil
		})
		for i := range 30 {
			harlow.post(joan, &trees.Actor, fmt.Sprint(i), "<p>x")
		}
		time.Sleep(3 * time.Minute)
		if got := len(peers[0].announced()); got < 30 {
			t.Errorf("after three minutes it has %d of 30", got)
		}
	})
}

// What somebody submits to a community whose home is down is kept, shown to be
// waiting, and taken when the home is back.
func TestSubmissionsWaitForTheirHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "stevenage.example")
		harlow, stevenage := n.towns["harlow.example"], n.towns["stevenage.example"]
		trees := harlow.community(harlow.person("joan"), "trees", copse.JoinOpen, copse.Public)
		tess := stevenage.person("tess")
		there := stevenage.find(trees.URI)
		stevenage.join(tess, there)
		synctest.Wait()
		n.answer("harlow.example", refused)
		topic := stevenage.post(tess, there, "Ash", "<p>Sick?")
		reply := stevenage.answer(tess, topic, "<p>Dead")
		time.Sleep(10 * time.Minute)
		if o := stevenage.object(topic.URI); !o.Accepted.IsZero() {
			t.Error("it is taken to be accepted by a community that has not got it")
		}
		n.answer("harlow.example", nil)
		time.Sleep(15 * time.Minute)
		for _, o := range []*copse.Object{topic, reply} {
			if harlow.object(o.URI) == nil {
				t.Errorf("Harlow never got %s", o.URI)
			}
			if stevenage.object(o.URI).Accepted.IsZero() {
				t.Errorf("Stevenage never heard that %s was taken", o.URI)
			}
		}
		// A peer that is only submitted to does not make us read the outbox from
		// the beginning each time.
		var end copse.ID
		stevenage.view(func(tx *store.Tx) (err error) {
			end, err = tx.EndOfOutbox()
			return err
		})
		if p := stevenage.peer("harlow.example"); p.Cursor != end {
			t.Errorf("its place in the outbox is %d, the end %d", p.Cursor, end)
		}
	})
}

// However the program ends and starts again, everything arrives and takes effect
// once. On both engines: the order of the outbox is made differently on each.
func TestARestartLosesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t, "stevenage.example")
		harlow, stevenage := n.town(t, "harlow.example", db), n.towns["stevenage.example"]
		joan, tess := harlow.person("joan"), stevenage.person("tess")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Members)
		there := stevenage.find(trees.URI)
		stevenage.join(tess, there)
		n.settle(t)
		topic := harlow.post(joan, &trees.Actor, "Ash", "<p>Sick?")
		for i := range 8 {
			harlow.answer(joan, topic, fmt.Sprint("<p>reply ", i))
			if i%2 == 1 {
				harlow.stop() // wherever it is just now
				harlow.start()
			}
		}
		stevenage.stop()
		stevenage.start()
		n.settle(t)
		o := stevenage.object(topic.URI)
		if o == nil || o.Replies != 8 {
			t.Fatalf("Stevenage has %+v, want a topic with 8 replies", o)
		}
		if err := stevenage.hub.Like(t.Context(), tess, o, true); err != nil {
			t.Fatal(err)
		}
		n.settle(t)
		if got := harlow.object(topic.URI).Likes; got != 1 {
			t.Errorf("%d marks at home, want 1", got)
		}
		n.forget()
		harlow.stop()
		harlow.start()
		n.settle(t)
		if asked := n.requests("stevenage.example"); len(asked) > 0 {
			t.Errorf("what had arrived was sent again: %q", asked)
		}
	})
}

// Two hundred dead councils cost a request now and then, and nobody waits.
func TestManyDeadCouncilsAreCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const dead = 200
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		err := harlow.db.Update(t.Context(), func(tx *store.Tx) error {
			for i := range dead {
				host := fmt.Sprintf("dead%d.example", i)
				a := &copse.Actor{
					ID: store.NewID(), Type: copse.Person, URI: "https://" + host + "/u/bob", Name: "bob", Host: host,
					Inbox: "https://" + host + "/inbox", Created: tx.Now,
				}
				if err := tx.AddActor(a); err != nil {
					return err
				}
				m := &copse.Membership{Community: trees.ID, Actor: a.ID, Role: copse.Member, State: copse.Active, Since: tx.Now}
				if err := tx.SetMembership(m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		idle := runtime.NumGoroutine()
		n.forget()
		var want []string
		for i := range 4 {
			want = append(want, harlow.post(joan, &trees.Actor, fmt.Sprint(i), "<p>x").URI)
			synctest.Wait()
			if got := peers[0].announced(); !slices.Equal(got, want) {
				t.Fatalf("after %d posts it has %d", len(want), len(got))
			}
			time.Sleep(10 * time.Second)
		}
		if now := runtime.NumGoroutine(); now > idle+10 {
			t.Errorf("%d goroutines where there were %d", now, idle)
		}
		if asked := len(n.asked()) - len(want); asked > dead*6 {
			t.Errorf("in 40 seconds the dead were asked %d times", asked)
		}
	})
}

// A council that has failed for a week is asked once a day, and at once when it
// is heard of.
func TestADormantCouncilIsWokenByItsOwnVoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, _ := crowded(t, n, 1)
		late := n.peer(t, "late.example")
		bob := late.actor("Person", "/u/bob")
		bob.member(harlow, trees)
		n.answer("late.example", refused)
		err := harlow.db.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Peer("late.example")
			if err != nil {
				return err
			}
			p.Fails, p.State = 53, copse.PeerFailing // a week of failures, but for one
			return tx.SetHealth(p)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := harlow.conversations(joan, trees, "x")
		time.Sleep(time.Minute)
		p := harlow.peer("late.example")
		if pause := time.Until(p.NotUntil); p.State != copse.PeerDormant || pause < 17*time.Hour {
			t.Errorf("it is %s and tried again in %v", p.State, pause)
		}
		n.answer("late.example", nil)
		if got := bob.say(harlow, bob.act("Like", "1", want[1][0])); got != 202 {
			t.Errorf("it is answered %d", got)
		}
		synctest.Wait()
		want[1] = append(want[1], want[1][0]) // Bob's mark, passed on
		late.inOrder(t, want...)
		if p := harlow.peer("late.example"); p.State != copse.PeerOK || p.LastSeen.IsZero() {
			t.Errorf("it is %s, last seen %v", p.State, p.LastSeen)
		}
	})
}

// Who reads what a council that is away has said is told so by the next page, and
// no longer once anything comes from there. Deliveries are as they were.
func TestReadersNoticeThatACouncilIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example", "harlow.example")
		leeds, harlow := n.towns["leeds.example"], n.towns["harlow.example"]
		joan, bob := harlow.person("joan"), leeds.person("bob")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := leeds.find("!trees@harlow.example")
		leeds.join(bob, there)
		time.Sleep(10 * time.Minute)
		looked := func(after time.Duration) *copse.Peer {
			t.Helper()
			time.Sleep(after)
			leeds.fed.Freshen(there)
			synctest.Wait()
			return leeds.peer("harlow.example")
		}
		if p := looked(0); p.State != copse.PeerOK {
			t.Errorf("it is %s and answers", p.State)
		}
		n.forget()
		for range 10 {
			looked(time.Second / 10)
		}
		if got := n.requests("harlow.example"); len(got) > 0 {
			t.Errorf("ten pages of one minute asked for %q", got)
		}

		n.answer("harlow.example", refused)
		if p := looked(time.Minute); p.State != copse.PeerFailing || p.Fails != 0 || !p.NotUntil.IsZero() || p.Error == "" {
			t.Errorf("it does not answer and is %+v", p)
		}
		n.answer("harlow.example", nil)
		if p := looked(time.Minute); p.State != copse.PeerOK {
			t.Errorf("it answers again and is %s", p.State)
		}

		harlow.post(joan, &trees.Actor, "Elm", "<p>Elm")
		n.answer("harlow.example", refused)
		if p := looked(10 * time.Second); p.State != copse.PeerFailing {
			t.Errorf("it does not answer any more and is %s", p.State)
		}
		n.answer("harlow.example", nil)
		harlow.post(joan, &trees.Actor, "Ash", "<p>Ash")
		synctest.Wait()
		if p := leeds.peer("harlow.example"); p.State != copse.PeerOK {
			t.Errorf("it has spoken and is %s", p.State)
		}

		n.answer("harlow.example", answering(403))
		if p := looked(time.Minute); p.State != copse.PeerOK {
			t.Errorf("it refuses to answer and is %s", p.State)
		}
	})
}

// A council that has just taken something is asked again, however long it had not
// answered.
func TestACouncilThatTakesSomethingIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		group := harlow.find(peers[0].actor("Group", "/c/ponds").uri)
		n.answer("p0.example", refused)
		for range 10 {
			time.Sleep(10 * time.Minute)
			harlow.fed.Freshen(group)
		}
		synctest.Wait()
		n.answer("p0.example", nil)
		harlow.post(joan, &trees.Actor, "Ash", "<p>Ash")
		synctest.Wait()
		if got := harlow.peer("p0.example").State; got != copse.PeerOK {
			t.Errorf("it has taken something and is %s", got)
		}
		harlow.find(peers[0].actor("Person", "/u/new").uri)
	})
}

// What waits for a council that is back waits no longer once there is a sign of
// it, an answer or something sent; and if it still takes nothing, the pauses go on
// from where they were.
func TestASignOfACouncilTriesItsLaneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example", "harlow.example")
		leeds, harlow := n.towns["leeds.example"], n.towns["harlow.example"]
		joan, bob := harlow.person("joan"), leeds.person("bob")
		trees := harlow.community(joan, "trees", copse.JoinOpen, copse.Public)
		there := leeds.find("!trees@harlow.example")
		leeds.join(bob, there)
		synctest.Wait()
		for name, sign := range map[string]func(){
			"an answer":      func() { leeds.fed.Freshen(there) },
			"something sent": func() { harlow.post(joan, &trees.Actor, "Elm", "<p>Elm") },
		} {
			n.answer("harlow.example", refused)
			waiting := leeds.post(bob, there, "Oak", "<p>Oak")
			time.Sleep(6 * time.Hour)
			fails := leeds.peer("harlow.example").Fails

			// It speaks and takes nothing: one more attempt, however much it says.
			n.answer("harlow.example", func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return refused(r)
				}
				return nil, nil
			})
			for range 5 {
				sign()
				synctest.Wait()
				time.Sleep(6 * time.Second)
			}
			p := leeds.peer("harlow.example")
			if p.Fails != fails+1 || p.State != copse.PeerFailing || time.Until(p.NotUntil) < time.Hour {
				t.Errorf("after %s the lane has failed %d times, want %d, and is tried again in %v", name, p.Fails, fails+1, time.Until(p.NotUntil))
			}

			n.answer("harlow.example", nil)
			time.Sleep(2 * time.Minute)
			sign()
			synctest.Wait()
			if o := leeds.object(waiting.URI); o.Accepted.IsZero() {
				t.Errorf("after %s it still waits", name)
			}
			if p := leeds.peer("harlow.example"); p.State != copse.PeerOK || p.Fails != 0 {
				t.Errorf("after %s it is %s with %d failures", name, p.State, p.Fails)
			}
		}
	})
}

// A blocked council gets nothing, and what waited once it is trusted again.
func TestABlockedCouncilGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		policy := func(p copse.Policy) {
			if err := harlow.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetPolicy("p0.example", p) }); err != nil {
				t.Fatal(err)
			}
		}
		policy(copse.Block)
		n.forget()
		want := harlow.conversations(joan, trees, "x")
		time.Sleep(15 * time.Minute)
		if len(n.asked()) > 0 {
			t.Errorf("it was asked %q", n.asked())
		}
		policy(copse.Undecided)
		time.Sleep(15 * time.Minute)
		peers[0].inOrder(t, want...)
	})
}

// What a council's lane stepped over does not follow it out of the community.
func TestNothingIsSentToACouncilThatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, _ := crowded(t, n, 0)
		gone := n.peer(t, "gone.example")
		bob := gone.actor("Person", "/u/bob")
		bob.member(harlow, trees)
		n.answer("gone.example", func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			if strings.Contains(string(body), "poison") {
				return answering(500)(r)
			}
			return nil, nil
		})
		poison := harlow.post(joan, &trees.Actor, "poison", "<p>x")
		harlow.post(joan, &trees.Actor, "harmless", "<p>x")
		time.Sleep(2 * time.Minute)
		harlow.view(func(tx *store.Tx) error {
			r, err := tx.Receipts(poison.ID)
			if err == nil && (len(r) != 1 || r[0].Has || !r[0].Stopped.IsZero() || r[0].Peer.State != copse.PeerOK) {
				t.Fatalf("it has not been stepped over: %+v", r)
			}
			return err
		})
		if got := bob.say(harlow, bob.act("Undo", "1", bob.act("Follow", "join-trees", trees.URI))); got != 202 {
			t.Fatalf("leaving is answered %d", got)
		}
		n.answer("gone.example", nil)
		before := len(gone.received())
		time.Sleep(10 * time.Minute)
		for _, act := range gone.received()[before:] {
			t.Errorf("it was sent %v", act)
		}
	})
}

// What is said while something else is under way to a slow council goes after it,
// though nothing more happens that would wake its lane.
func TestASlowCouncilGetsWhatIsSaidMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 1)
		n.answer("p0.example", func(*http.Request) (*http.Response, error) {
			time.Sleep(5 * time.Second) // the clock of the test
			return nil, nil
		})
		first := harlow.post(joan, &trees.Actor, "first", "<p>x")
		time.Sleep(2 * time.Second)
		second := harlow.post(joan, &trees.Actor, "second", "<p>x")
		time.Sleep(time.Minute)
		peers[0].inOrder(t, []string{first.URI}, []string{second.URI})
	})
}

// What was being dealt with when the program ended is dealt with first when it
// starts, not when the time is up that its worker had.
func TestWhatWasBegunBeforeTheEndGoesOnAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, _, trees, _ := crowded(t, n, 0)
		good := n.peer(t, "good.example")
		alice := good.actor("Person", "/u/alice")
		n.answer("good.example", hang)
		if got := alice.say(harlow, alice.act("Follow", "1", trees.URI)); got != 202 {
			t.Fatalf("answered %d", got)
		}
		time.Sleep(time.Second)
		harlow.stop()
		n.answer("good.example", nil)
		harlow.start()
		time.Sleep(5 * time.Second)
		if a := harlow.actorByURI(alice.uri); a == nil || harlow.membership(&trees.Actor, a).State != copse.Active {
			t.Error("she is not in yet")
		}
	})
}
