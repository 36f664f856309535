package federation_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"copse/copse"
	"copse/internal/outbound"
)

// probed tests the connection to York and returns what failed, "" if nothing did.
func (w *town) probed(host string) (failed, detail string) {
	w.t.Helper()
	steps, err := w.fed.Probe(w.t.Context(), host)
	if err != nil {
		w.t.Fatal(err)
	}
	result := "ok"
	for _, s := range steps {
		if s.Result == "failed" {
			failed, detail, result = s.Name, s.Detail, "untried"
		} else if s.Result != result {
			w.t.Errorf("after %q: %+v, want it %s", failed, s, result)
		}
	}
	if len(steps) != 8 {
		w.t.Errorf("%d steps: %+v", len(steps), steps)
	}
	return failed, detail
}

func TestATestOfTheConnectionSaysWhatDoesNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "harlow.example", "york.example")
		harlow, york := n.towns["harlow.example"], n.towns["york.example"]
		failing := func(err error) func(*http.Request) (*http.Response, error) {
			return func(*http.Request) (*http.Response, error) { return nil, err }
		}
		for _, tt := range []struct {
			answer func(*http.Request) (*http.Response, error)
			failed string
		}{
			{nil, ""},
			{failing(&net.DNSError{Err: "no such host", Name: "york.example", IsNotFound: true}), "name"},
			{failing(fmt.Errorf("dial: %w", outbound.ErrBlockedAddress)), "address"},
			{refused, "connection"},
			{hang, "connection"},
			{failing(&tls.CertificateVerificationError{Err: errors.New("expired")}), "certificate"},
			{answering(404), "answer"},
			{answering(302, "Location", "https://elsewhere.example/"), "answer"},
			{answering(503), "answer"},
			{answering(401), "signature"},
		} {
			n.answer("york.example", tt.answer)
			if got, detail := harlow.probed("york.example"); got != tt.failed {
				t.Errorf("%q fails (%s), want %q", got, detail, tt.failed)
			}
		}
		n.answer("york.example", nil)
		york.decide("harlow.example", copse.DecideBlock)
		if got, detail := harlow.probed("york.example"); got != "signature" || detail != "403" {
			t.Errorf("where York blocks us, %q fails (%s), want the signature with 403", got, detail)
		}
		york.decide("harlow.example", copse.DecidePause)
		york.decide("harlow.example", copse.DecideForget)
		if got, detail := harlow.probed("york.example"); got != "answer" || detail != "503" {
			t.Errorf("where York has paused us, %q fails (%s), want the answer with 503", got, detail)
		}
		york.decide("harlow.example", copse.DecideResume)
		harlow.decide("york.example", copse.DecidePause)
		if got, _ := harlow.probed("york.example"); got != "" {
			t.Errorf("%q fails of a council that we have paused, want it tried", got)
		}
		n.forget()
		harlow.decide("york.example", copse.DecideBlock)
		got, _ := harlow.probed("york.example")
		harlow.turn(false)
		harlow.decide("york.example", copse.DecideAllow)
		off, _ := harlow.probed("york.example")
		if got != "allowed" || off != "allowed" || len(n.requests("york.example")) > 0 {
			t.Errorf("%q fails of a blocked council, %q with the exchange off, after the requests %q", got, off, n.requests("york.example"))
		}
	})
}

func TestATestOfTheConnectionTellsTheTime(t *testing.T) {
	n := newNetwork(t, "harlow.example")
	york := n.peer(t, "york.example")
	york.actor("Application", "/")
	for off, want := range map[time.Duration]string{0: "", -time.Minute: "", 7 * time.Minute: "clock", -2 * time.Hour: "clock"} {
		n.answer("york.example", func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/" {
				return answering(404)(r)
			}
			res, err := answering(200, "Content-Type", "application/activity+json", "Date", time.Now().Add(off).UTC().Format(http.TimeFormat))(r)
			res.Body = io.NopCloser(bytes.NewReader(york.docs["/"].body))
			return res, err
		})
		if got, detail := n.towns["harlow.example"].probed("york.example"); got != want || (want != "") != (strings.Contains(detail, "m")) {
			t.Errorf("with a clock that is %v off, %q fails (%s), want %q", off, got, detail, want)
		}
	}
}
