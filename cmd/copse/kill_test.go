package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"copse/copse"
	"copse/federation/httpsig"
	"copse/store"
)

const (
	kills     = 20
	drillPeer = 8
)

// A 202 means it is on disk: peers post, and post again until they are told 202,
// while the server is killed again and again. Then everything that was
// acknowledged is there, once, and is on its way to the others.
func TestKilledServerLosesNothingItAcknowledged(t *testing.T) {
	port := freePort(t)
	base := fmt.Sprintf("http://home.localhost:%d", port)
	data := t.TempDir()
	env := append(os.Environ(),
		"COPSE_SERVER__URL="+base, fmt.Sprintf("COPSE_SERVER__LISTEN=127.0.0.1:%d", port), "COPSE_SERVER__DATA="+data,
		"COPSE_FEDERATION__MODE=open", "COPSE_FEDERATION__PRIVATE_NETWORKS=127.0.0.0/8,::1/128")
	run(t, env, "", "community", "add", "--name", "trees", "--title", "Trees")

	peers := make([]*drillPoster, drillPeer)
	for i := range peers {
		peers[i] = newPoster(t, i, base)
	}
	// What is posted before the peers are members is refused, so first all join.
	child := start(t, env, base)
	for _, p := range peers {
		p.deliver(t.Context(), p.follow())
	}
	until(t, "everybody is a member", func() bool {
		return strings.Contains(get(t, base+"/c/trees/followers"), fmt.Sprintf(`"totalItems":%d`, drillPeer))
	})

	ctx, stop := context.WithCancel(t.Context())
	var posting sync.WaitGroup
	for _, p := range peers {
		posting.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				p.deliver(ctx, p.create(n))
			}
		})
	}
	for range kills {
		pause := time.NewTimer(time.Duration(30+rand.IntN(200)) * time.Millisecond)
		<-pause.C
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		child.Wait() // killed: there is no other way to end
		child = start(t, env, base)
	}
	stop()
	posting.Wait()
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("the server ends with %v when asked to stop, want 0", err)
	}

	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(data, "copse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	acknowledged := 0
	err = db.View(t.Context(), func(tx *store.Tx) error {
		trees, err := tx.ActorByName("trees")
		if err != nil {
			return err
		}
		announced := make(map[copse.ID]int)
		for after := copse.ID(0); ; {
			some, err := tx.OutboxAfter(after, 1000)
			if err != nil {
				return err
			}
			for _, o := range some {
				after = o.ID
				if !o.Microblog {
					announced[o.Object]++
				}
			}
			if len(some) == 0 {
				break
			}
		}
		for _, p := range peers {
			acknowledged += len(p.acknowledged)
			for _, uri := range p.acknowledged {
				o, err := tx.ObjectByURI(uri)
				if err != nil {
					t.Errorf("%s was acknowledged and is gone: %v", uri, err)
					continue
				}
				if o.Community != trees.ID || announced[o.ID] != 1 {
					t.Errorf("%s is announced %d times, want once", uri, announced[o.ID])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if acknowledged < 2*kills {
		t.Errorf("only %d posts were acknowledged: the drill proves little", acknowledged)
	}
	t.Logf("%d kills, %d acknowledged, all there once", kills, acknowledged)
}

// start starts the server and returns once it answers.
func start(t *testing.T, env []string, base string) *exec.Cmd {
	t.Helper()
	child := exec.Command(binary(t), "serve")
	child.Env = env
	child.Stderr = io.Discard
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { child.Process.Kill() })
	until(t, "the server answers", func() bool { return get(t, base+"/.well-known/nodeinfo") != "" })
	return child
}

// run runs a command of the program to its end.
func run(t *testing.T, env []string, in string, args ...string) string {
	t.Helper()
	c := exec.Command(binary(t), args...)
	c.Env, c.Stdin = env, strings.NewReader(in)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("copse %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// local reaches *.localhost without a name server (RFC 6761).
var local = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	},
}}

// get returns the body of a page, or "" if there is no answer.
func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/activity+json")
	res, err := local.Do(r)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body) // cut short by a kill reads as no answer
	return string(b)
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("20 seconds later it is still not so that %s", what)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// A drillPoster is a peer with one person, who posts and remembers what was
// acknowledged.
type drillPoster struct {
	home, base, actor string
	key               httpsig.Key
	acknowledged      []string
}

func newPoster(t *testing.T, i int, home string) *drillPoster {
	t.Helper()
	private, err := httpsig.GenerateRSA()
	if err != nil {
		t.Fatal(err)
	}
	public, err := httpsig.MarshalPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	p := &drillPoster{home: home}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/u/ann" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/activity+json")
		json.NewEncoder(w).Encode(map[string]any{
			"@context": "https://www.w3.org/ns/activitystreams", "id": p.actor, "type": "Person",
			"preferredUsername": "ann", "inbox": p.actor + "/inbox", "outbox": p.actor + "/outbox",
			"publicKey": map[string]string{"id": p.key.ID, "owner": p.actor, "publicKeyPem": public},
		})
	}))
	t.Cleanup(srv.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	p.base = fmt.Sprintf("http://peer%d.localhost:%s", i, port)
	p.actor = p.base + "/u/ann"
	p.key = httpsig.Key{ID: p.actor + "#main-key", Private: private}
	return p
}

func (p *drillPoster) follow() map[string]any {
	return map[string]any{"id": p.base + "/follow", "type": "Follow", "actor": p.actor, "object": p.home + "/c/trees"}
}

func (p *drillPoster) create(n int) map[string]any {
	group := p.home + "/c/trees"
	to := []string{group, "https://www.w3.org/ns/activitystreams#Public"}
	return map[string]any{
		"id": fmt.Sprintf("%s/create/%d", p.base, n), "type": "Create", "actor": p.actor, "to": to, "cc": []string{}, "audience": group,
		"object": map[string]any{
			"id": fmt.Sprintf("%s/post/%d", p.base, n), "type": "Page", "attributedTo": p.actor, "audience": group,
			"to": to, "cc": []string{}, "name": fmt.Sprintf("Post %d", n), "content": "<p>Words</p>",
		},
	}
}

// deliver posts an activity again and again until it is acknowledged or ctx ends.
func (p *drillPoster) deliver(ctx context.Context, activity map[string]any) {
	activity["@context"] = "https://www.w3.org/ns/activitystreams"
	body, err := json.Marshal(activity)
	if err != nil {
		panic(err) // plain maps always marshal
	}
	digest := sha256.Sum256(body)
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, "POST", p.home+"/inbox", bytes.NewReader(body))
		if err != nil {
			panic(err) // the address is a constant
		}
		r.Header.Set("Content-Type", "application/activity+json")
		if err := httpsig.Sign(r, p.key, httpsig.Cavage, &digest, time.Now()); err != nil {
			panic(err)
		}
		res, err := local.Do(r)
		if err != nil {
			<-time.After(10 * time.Millisecond) // killed in the middle; ask again, and let it start
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusAccepted {
			if o, ok := activity["object"].(map[string]any); ok {
				p.acknowledged = append(p.acknowledged, o["id"].(string))
			}
			return
		}
	}
}
