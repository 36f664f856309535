package federation_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

func (w *town) decide(host string, what copse.Decision) {
	w.t.Helper()
	if err := w.fed.Decide(w.t.Context(), nil, host, what); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) turn(on bool) {
	w.t.Helper()
	if err := w.fed.Switch(w.t.Context(), nil, on); err != nil {
		w.t.Fatal(err)
	}
}

// joined returns Harlow with a community and Stevenage with a member of it.
func joined(t *testing.T) (n *network, harlow, stevenage *town, joan, tess, trees, there *copse.Actor) {
	n = newNetwork(t, "harlow.example", "stevenage.example")
	harlow, stevenage = n.towns["harlow.example"], n.towns["stevenage.example"]
	joan, tess = harlow.person("joan"), stevenage.person("tess")
	trees = &harlow.community(joan, "trees", copse.JoinOpen, copse.Members).Actor
	there = stevenage.find(trees.URI)
	stevenage.join(tess, there)
	synctest.Wait()
	return n, harlow, stevenage, joan, tess, trees, there
}

// has complains unless a town has all of these, or none of them.
func (w *town) has(want bool, when string, all ...*copse.Object) {
	w.t.Helper()
	for _, o := range all {
		if got := w.object(o.URI) != nil; got != want {
			w.t.Errorf("%s: that %s has %q is %v, want %v", when, w.host, o.Title, got, want)
		}
	}
}

// While a council is paused nothing goes either way, and both keep what they have
// for the other.
func TestAPausedCouncilLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, harlow, stevenage, joan, tess, trees, there := joined(t)
		harlow.decide("Stevenage.example", copse.DecidePause)
		n.forget()
		ours := harlow.post(joan, trees, "Ash", "<p>x")
		theirs := stevenage.post(tess, there, "Elm", "<p>x")
		time.Sleep(2 * time.Hour)
		stevenage.has(false, "paused", ours)
		harlow.has(false, "paused", theirs)
		if asked := n.requests("stevenage.example"); len(asked) > 0 {
			t.Errorf("a paused council was asked %q", asked)
		}
		if p := harlow.peer("stevenage.example"); p.Paused.IsZero() || p.State != copse.PeerOK {
			t.Errorf("it is noted as %+v, want paused, and not as failing", p)
		}
		if _, err := harlow.fed.Find(t.Context(), "@bob@stevenage.example"); copse.CodeOf(err) != copse.CodeUnavailable || !strings.Contains(err.Error(), "paused") {
			t.Errorf("whoever looks for somebody there hears %v", err)
		}
		harlow.decide("stevenage.example", copse.DecideResume)
		time.Sleep(5 * time.Second)
		stevenage.has(true, "five seconds after it is resumed", ours)
		time.Sleep(7 * time.Minute)
		harlow.has(true, "seven minutes later", theirs)
		stevenage.has(true, "seven minutes later", ours, theirs)
	})
}

// What a community elsewhere passes on of a paused council's people is taken from
// it at once, and shown when the pause is over.
func TestWhatOthersPassOnWaitsForAPausedCouncil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, harlow, stevenage, _, tess, trees, there := joined(t)
		york := n.town(t, "york.example", storetest.Open(t))
		york.join(york.person("ann"), york.find(trees.URI))
		synctest.Wait()
		york.decide("stevenage.example", copse.DecidePause)
		topic := stevenage.post(tess, there, "Elm", "<p>x")
		time.Sleep(time.Hour)
		york.has(false, "paused", topic)
		if p := harlow.peer("york.example"); p.State != copse.PeerOK || p.Fails > 0 {
			t.Errorf("Harlow has trouble with York because York paused Stevenage: %+v", p)
		}
		york.decide("stevenage.example", copse.DecideResume)
		time.Sleep(2 * time.Hour)
		york.has(true, "after the pause", topic)
	})
}

// With the exchange off, nothing goes out five seconds later, what comes in is
// asked to come again, and nothing is lost: not by a restart either.
func TestSwitchedOffNothingIsExchangedAndNothingLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		harlow, joan, trees, peers := crowded(t, n, 3)
		n.answer("p0.example", refused)
		n.answer("p1.example", func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // so that much is still to be sent when the switch is turned
			return nil, nil
		})
		var want [][]string
		for range 20 {
			want = append(want, harlow.conversations(joan, trees, "before")...)
		}
		time.Sleep(2 * time.Second)
		harlow.turn(false)
		time.Sleep(5 * time.Second)
		n.forget()
		want = append(want, harlow.conversations(joan, trees, "meanwhile")...)
		time.Sleep(time.Hour)
		harlow.stop()
		harlow.start()
		time.Sleep(time.Hour)
		if asked := n.asked(); len(asked) > 0 {
			t.Errorf("with the exchange off, others were asked %q", asked)
		}
		bob := peers[2].actor("Person", "/u/bob")
		rec := httptest.NewRecorder()
		harlow.handler.ServeHTTP(rec, bob.request(harlow.host, "/inbox", bob.act("Like", "1", want[0][0]).json()))
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != "300" {
			t.Errorf("the inbox answers %d, Retry-After %q, want 503 and 300", rec.Code, rec.Header().Get("Retry-After"))
		}
		n.answer("p0.example", nil)
		n.answer("p1.example", nil)
		harlow.turn(true)
		time.Sleep(5 * time.Second)
		peers[2].inOrder(t, want...)
		time.Sleep(5 * time.Minute)
		peers[0].inOrder(t, want...)
		for _, ids := range want {
			for _, id := range ids {
				if !slices.Contains(peers[1].announced(), id) {
					t.Errorf("p1.example never heard of %s", id)
				}
			}
		}
	})
}

// What came in before and waits for something is not given up while that could not
// be fetched.
func TestWhatIsParkedOutlastsTheExchangeBeingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _, stevenage, _, tess, trees, there := joined(t)
		york := n.town(t, "york.example", storetest.Open(t))
		york.join(york.person("ann"), york.find(trees.URI))
		synctest.Wait()
		n.answer("stevenage.example", func(r *http.Request) (*http.Response, error) {
			if r.Method == "GET" { // York cannot ask whether Tess said it
				return refused(r)
			}
			return nil, nil
		})
		topic := stevenage.post(tess, there, "Elm", "<p>x")
		time.Sleep(time.Minute)
		york.turn(false)
		time.Sleep(2 * time.Hour)
		n.answer("stevenage.example", nil)
		york.turn(true)
		time.Sleep(time.Minute)
		york.has(true, "a minute after the exchange is on again", topic)
	})
}

// Whoever decides is remembered, with what and when, and a decision about nobody is
// refused.
func TestDecisionsAreRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		harlow := n.town(t, "harlow.example", db)
		joan := harlow.person("joan")
		ctx := t.Context()
		for _, what := range []copse.Decision{copse.DecideAllow, copse.DecidePause, copse.DecideResume, copse.DecideTryAgain, copse.DecideBlock, copse.DecideForget} {
			if err := harlow.fed.Decide(ctx, joan, "York.example", what); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		agreed := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
		if err := harlow.fed.Agree(ctx, nil, "york.example", agreed, " Signed by Ann \n"); err != nil {
			t.Error(err)
		}
		if p := harlow.peer("york.example"); !p.Agreed.Equal(agreed) || p.Note != "Signed by Ann" || p.Policy != copse.Undecided || !p.Paused.IsZero() {
			t.Errorf("it is noted as %+v", p)
		}
		harlow.turn(false)
		harlow.turn(false)
		harlow.turn(true)
		harlow.view(func(tx *store.Tx) error {
			about, err := tx.Decisions(harlow.peer("york.example").ID, 3)
			if err != nil {
				return err
			}
			if len(about) != 3 || about[0].What != copse.DecideNote || about[0].By != nil || about[1].What != copse.DecideForget ||
				about[1].By.ID != joan.ID || about[2].What != copse.DecideBlock || time.Since(about[2].At) > time.Minute {
				t.Errorf("decided about York: %+v", about)
			}
			all, err := tx.Decisions(0, 10)
			if err == nil && (len(all) != 2 || all[0].What != copse.DecideOn || all[1].What != copse.DecideOff) {
				t.Errorf("decided about all: %+v, want off and on once", all)
			}
			return err
		})
		for host, what := range map[string]copse.Decision{"harlow.example": copse.DecidePause, "not a host": copse.DecidePause, "york.example": copse.DecideOff} {
			if err := harlow.fed.Decide(ctx, joan, host, what); copse.CodeOf(err) != copse.CodeInvalid {
				t.Errorf("%s about %q: %v, want it refused", what, host, err)
			}
		}
		if err := harlow.fed.Agree(ctx, joan, "york.example", agreed, strings.Repeat("x", 2001)); copse.CodeOf(err) != copse.CodeInvalid {
			t.Errorf("a note of 2,001 letters: %v", err)
		}
	})
}
