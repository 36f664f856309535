package federation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"copse/copse"
	"copse/federation/ap"
	"copse/federation/httpsig"
	"copse/store"
)

// Documents as other software really writes them, each sent as if by whoever it
// names, get the answers they got before, and break nothing. The samples are not
// part of this tree: where they are missing nothing is proved here.
func TestWhatOtherSoftwareSendsBreaksNothing(t *testing.T) {
	const samples = "../../shared/fixtures"
	if _, err := os.Stat(samples); err != nil {
		t.Log("there are no samples at", samples)
		return
	}
	var files []string
	err := filepath.WalkDir(samples, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	alarm := &panicAlarm{Handler: slog.Default().Handler()}
	was := slog.Default()
	slog.SetDefault(slog.New(alarm))
	defer slog.SetDefault(was)

	var outcomes strings.Builder
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "leeds.example")
		n.elsewhere = answering(404)
		leeds := n.towns["leeds.example"]
		ann := leeds.person("ann")
		leeds.stop() // so that it shows what is parked
		key := n.key(1024)
		public, err := httpsig.MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		for i, file := range files {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body = bytes.ReplaceAll(body, []byte("SCRUBBED_ID"), fmt.Appendf(nil, "https://kbin.test/scrubbed/%d", i)) // Mbin's tests
			body = bytes.ReplaceAll(body, []byte(`"http://`), []byte(`"https://`))
			by, group := author(body)
			v := &voice{peer: &peer{t: t}, uri: by, key: httpsig.Key{ID: by + "#main-key", Private: key}}
			leeds.knows(t, by, public, group, ann)
			before := leeds.waiting(t)
			rec := leeds.do(v.request("leeds.example", "/inbox", body))
			outcome := fmt.Sprint(rec.Code, " ", strings.TrimSpace(rec.Body.String()))
			if leeds.waiting(t) > before {
				outcome += "parked"
			}
			if rec.Code >= 500 {
				t.Errorf("%s: answered %s", file, outcome)
			}
			fmt.Fprintf(&outcomes, "%s: %s\n", strings.TrimPrefix(filepath.ToSlash(file), samples+"/"), strings.TrimSpace(outcome))
		}
		leeds.start()
		synctest.Wait() // what was parked meets a network in which nothing is there
	})
	golden(t, "fixtures", outcomes.String())
	if alarm.raised() != "" {
		t.Error(alarm.raised())
	}
}

// author returns who a sample says has sent it, and whether that is a community.
func author(body []byte) (uri string, group bool) {
	if w, err := ap.Parse(body); err == nil {
		uri, _ = w.Actor.One()
		group = w.Type == "Announce"
	}
	if _, ok := ap.Host(uri); ok {
		return uri, group
	}
	var any struct{ ID string }
	if err := json.Unmarshal(body, &any); err == nil {
		if host, ok := ap.Host(any.ID); ok {
			return "https://" + host + "/nobody", false
		}
	}
	return "https://nowhere.example/nobody", false
}

// knows has a town know an actor, and if that is a community, somebody there be
// in it.
func (w *town) knows(t *testing.T, uri, public string, group bool, who *copse.Actor) {
	t.Helper()
	host, _ := ap.Host(uri)
	a := &copse.Actor{
		ID: store.NewID(), Type: copse.Person, URI: uri, Name: "somebody", Host: host, Inbox: uri + "/inbox",
		KeyID: uri + "#main-key", PublicKey: public,
	}
	if group {
		a.Type = copse.Group
	}
	err := w.db.Update(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.ActorByURI(uri); copse.CodeOf(err) != copse.CodeNotFound {
			return err
		}
		a.Created, a.Fetched = tx.Now, tx.Now
		if !group {
			return tx.AddActor(a)
		}
		if err := tx.AddCommunity(&copse.Community{Actor: *a, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}); err != nil {
			return err
		}
		return tx.SetMembership(&copse.Membership{Community: a.ID, Actor: who.ID, Role: copse.Member, State: copse.Active, Since: tx.Now})
	})
	if err != nil {
		t.Fatalf("%s: %v", uri, err)
	}
}

// waiting counts what is parked at a town.
func (w *town) waiting(t *testing.T) int {
	t.Helper()
	st, err := w.db.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Received
}
