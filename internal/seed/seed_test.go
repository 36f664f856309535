package seed_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"copse/copse"
	"copse/internal/seed"
	"copse/internal/server"
	"copse/internal/world"
	"copse/store"
)

// Everything that was said reads the same at every council that has somebody in
// the community: in the same order, by the same people, with the same marks.
func TestFilledServersShowTheSameConversations(t *testing.T) {
	profile, err := seed.Unit()
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, council := range profile.Councils {
		hosts = append(hosts, council.Name+".example")
	}
	w := world.New(t, hosts...)
	servers := make(map[string]*server.Server)
	for _, council := range profile.Councils {
		servers[council.Name] = w[council.Name+".example"].Server
	}
	now := time.Now()
	err = seed.Fill(t.Context(), profile, servers, seed.Options{Seed: 1, Now: now, Password: "an oak and three ferns"})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()

	posts := 0
	for _, c := range profile.Communities {
		uri := "https://" + c.At + ".example/c/" + c.Name
		want := read(t, servers[c.At], uri)
		posts += len(want)
		if n := count(c); len(want) != n {
			t.Errorf("%s shows %d posts at its home, want %d", c.Name, len(want), n)
		}
		for name, s := range servers {
			got := read(t, s, uri)
			if len(got) > 0 && !slices.Equal(got, want) {
				t.Errorf("%s reads at %s\n%s\nwant, as at its home,\n%s", c.Name, name, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	if posts < 100 {
		t.Errorf("%d posts, want the 120 or so of a month", posts)
	}
	for name, s := range servers {
		st, err := server.Admin{Server: s}.Status(t.Context(), server.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		if st.People != 12 || st.SetAside != 0 || st.Outbox != 0 {
			t.Errorf("%s has %d people, %d activities given up and %d to deliver, want 12, 0 and 0", name, st.People, st.SetAside, st.Outbox)
		}
	}
}

func count(c *seed.Community) (n int) {
	for _, t := range c.Topic {
		n += 1 + len(t.Reply)
	}
	return n
}

// read returns what a server shows of a community to one of its members, a line
// for each post.
func read(t *testing.T, s *server.Server, uri string) (lines []string) {
	t.Helper()
	err := s.DB.View(t.Context(), func(tx *store.Tx) error {
		c, err := tx.CommunityByURI(uri)
		if copse.CodeOf(err) == copse.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		members, err := tx.MembersOf(c.ID, copse.Member, 0, 100)
		if err != nil {
			return err
		}
		v := copse.Viewer{}
		for _, m := range members {
			if m.Local {
				v.Actor = m.Actor.ID
			}
		}
		topics, err := tx.Newest(v, c.ID, "topic", 0, 100)
		if err != nil {
			return err
		}
		for _, topic := range topics {
			replies, err := tx.Thread(v, topic.ID, "", 100)
			if err != nil {
				return err
			}
			for _, p := range append([]store.Post{topic}, replies...) {
				lines = append(lines, fmt.Sprint(p.URI, p.By.Handle(), p.Published, p.Likes, p.Deleted.IsZero(), p.Title, p.HTML))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
