package store_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/store"
	"copse/store/storetest"
)

// A library is two communities with people and posts that a test adds.
type library struct {
	communities [2]*copse.Community
	author      *copse.Actor
	made        int
}

func newLibrary(t *testing.T, db *store.DB) *library {
	t.Helper()
	l := &library{
		communities: [2]*copse.Community{founded("trees", "york.example"), founded("hedges", "york.example")},
		author:      someone("author", "york.example", true),
	}
	update(t, db, func(tx *store.Tx) error {
		if err := tx.AddActor(l.author); err != nil {
			return err
		}
		for _, c := range l.communities {
			if err := tx.AddCommunity(c); err != nil {
				return err
			}
		}
		return nil
	})
	return l
}

// post returns an object that has not been added.
func (l *library) post(in int, parent copse.ID, audience copse.Audience) *copse.Object {
	l.made++
	o := &copse.Object{
		ID: store.NewID(), URI: fmt.Sprint("https://york.example/post/", l.made), Kind: "topic", Community: l.communities[in].ID,
		Author: l.author.ID, Parent: parent, Audience: audience, Published: time.Now().UTC().Truncate(time.Microsecond),
	}
	return o
}

func idsOf(posts []store.Post) (ids []copse.ID) {
	for _, p := range posts {
		ids = append(ids, p.ID)
	}
	return ids
}

// Every way to read what was written shows each viewer what copse.MaySee lets
// them see, and nothing else.
func TestViewersSeeWhatTheyMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLibrary(t, db)
		trees := l.communities[0]

		viewers := map[string]copse.Viewer{"stranger": {}}
		inside := map[string]bool{}
		update(t, db, func(tx *store.Tx) error {
			join := func(name, host string, in int, state copse.State) (copse.ID, error) {
				a := someone(name, host, host == "york.example")
				if err := tx.AddActor(a); err != nil {
					return 0, err
				}
				return a.ID, tx.SetMembership(&copse.Membership{
					Community: l.communities[in].ID, Actor: a.ID, Role: copse.Member, State: state, Since: tx.Now,
				})
			}
			for _, state := range []copse.State{copse.Active, copse.Pending, copse.Declined, copse.Left, copse.Blocked} {
				id, err := join(string(state), "york.example", 0, state)
				if err != nil {
					return err
				}
				viewers[string(state)] = copse.Viewer{Actor: id}
				inside[string(state)] = state == copse.Active
			}
			id, err := join("neighbour", "york.example", 1, copse.Active)
			if err != nil {
				return err
			}
			viewers["member of another community"] = copse.Viewer{Actor: id}
			for host, state := range map[string]copse.State{"hull.example": copse.Active, "leeds.example": copse.Pending} {
				if _, err := join("bob", host, 0, state); err != nil {
					return err
				}
				p, err := tx.PeerAt(host)
				if err != nil {
					return err
				}
				name := "peer with somebody " + string(state)
				viewers[name] = copse.Viewer{Peer: p.ID}
				inside[name] = state == copse.Active
			}
			return nil
		})

		var all []*copse.Object
		update(t, db, func(tx *store.Tx) error {
			for _, audience := range []copse.Audience{copse.Public, copse.Members, ""} {
				topic := l.post(0, 0, audience)
				topic.Question = true
				if err := tx.AddObject(topic); err != nil {
					return err
				}
				if err := tx.Pin(topic); err != nil {
					return err
				}
				all = append(all, topic)
			}
			root := all[0].ID
			for _, audience := range []copse.Audience{copse.Public, copse.Members} {
				reply := l.post(0, root, audience)
				if err := tx.AddObject(reply); err != nil {
					return err
				}
				all = append(all, reply)
			}
			for _, o := range all {
				out := &store.Outgoing{URI: o.URI + "/create", Type: "Create", Community: trees.ID, Object: o.ID, Signer: trees.ID, Body: []byte("{}")}
				if err := tx.Append(out); err != nil {
					return err
				}
			}
			return nil
		})
		top := func(o *copse.Object) bool { return o.TopLevel() }
		reply := func(o *copse.Object) bool { return !o.TopLevel() }
		any := func(*copse.Object) bool { return true }

		// one reads every object by itself.
		one := func(read func(*copse.Object) error) ([]copse.ID, error) {
			var ids []copse.ID
			for _, o := range all {
				err := read(o)
				if err == nil {
					ids = append(ids, o.ID)
				} else if copse.CodeOf(err) != copse.CodeNotFound {
					return nil, err
				}
			}
			return ids, nil
		}
		list := func(posts []store.Post, err error) ([]copse.ID, error) { return idsOf(posts), err }
		ways := map[string]struct {
			of   func(*copse.Object) bool
			read func(*store.Tx, copse.Viewer) ([]copse.ID, error)
		}{
			"Post": {any, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return one(func(o *copse.Object) error { _, err := tx.Post(v, o.ID); return err })
			}},
			"PostByURI": {any, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return one(func(o *copse.Object) error { _, err := tx.PostByURI(v, o.URI); return err })
			}},
			"PlaceOf": {any, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return one(func(o *copse.Object) error { _, err := tx.PlaceOf(v, o.ID); return err })
			}},
			"Newest": {top, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return list(tx.Newest(v, trees.ID, "topic", 0, 100))
			}},
			"MostActive": {top, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return list(tx.MostActive(v, trees.ID, "topic", store.Place{}, 100))
			}},
			"Unanswered": {top, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return list(tx.Unanswered(v, trees.ID, 0, 100))
			}},
			"Pinned": {top, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) { return list(tx.Pinned(v, trees.ID)) }},
			"Thread": {reply, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				return list(tx.Thread(v, all[0].ID, "", 100))
			}},
			"ThreadURIs": {reply, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				uris, err := tx.ThreadURIs(v, all[0].ID)
				if err != nil {
					return nil, err
				}
				return one(func(o *copse.Object) error {
					if !slices.Contains(uris, o.URI) {
						return copse.NotFound("there is nothing here")
					}
					return nil
				})
			}},
			"By":        {any, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) { return list(tx.By(v, l.author.ID, 0, 100)) }},
			"Submitted": {any, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) { return list(tx.Submitted(v, trees.ID)) }},
			"Tally": {top, func(tx *store.Tx, v copse.Viewer) ([]copse.ID, error) {
				tally, err := tx.Tally(v, trees.ID)
				return make([]copse.ID, tally.Unanswered), err
			}},
			"Announced": {any, func(tx *store.Tx, v copse.Viewer) (ids []copse.ID, err error) {
				outgoing, err := tx.Announced(v, trees.ID, 100)
				for _, o := range outgoing {
					ids = append(ids, o.Object)
				}
				return ids, err
			}},
		}
		for m := range reflect.TypeFor[*store.Tx]().Methods() {
			if m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[copse.Viewer]() && ways[m.Name].read == nil {
				t.Errorf("%s shows a viewer something that this test does not look at", m.Name)
			}
		}
		for way, w := range ways {
			for name, v := range viewers {
				facts := copse.Facts{Community: trees}
				if inside[name] {
					facts.Role = copse.Member
				}
				var want []copse.ID
				for _, o := range all {
					if w.of(o) && copse.MaySee(facts, o.Audience) == nil {
						want = append(want, o.ID)
					}
				}
				view(t, db, func(tx *store.Tx) error {
					got, err := w.read(tx, v)
					slices.Sort(got)
					if way == "Tally" && len(got) == len(want) {
						return err
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s shows a %s %v, want %v", way, name, got, want)
					}
					return err
				})
			}
		}
	})
}

// The rule who may see what is in every query that is for a viewer.
func TestEveryQueryForAViewerHasTheRule(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || len(f.Type.Params.List) == 0 {
				continue
			}
			if typ, ok := f.Type.Params.List[0].Type.(*ast.SelectorExpr); !ok || typ.Sel.Name != "Viewer" {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if run, ok := call.Fun.(*ast.Ident); !ok || run.Name != "many" && run.Name != "one" {
					return true
				}
				has := false
				for _, arg := range call.Args {
					ast.Inspect(arg, func(n ast.Node) bool {
						id, ok := n.(*ast.Ident)
						has = has || ok && id.Name == "visible"
						return true
					})
				}
				if checked++; !has {
					t.Errorf("%s: a query of %s lets everybody see everything", name, f.Name.Name)
				}
				return true
			})
		}
	}
	if checked < 10 {
		t.Errorf("only %d queries were found", checked)
	}
}

// Turning pages shows everything that was there at first exactly once, whatever
// comes in meanwhile.
func TestPagesShowEachPostOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLibrary(t, db)
		ann := someone("ann", "york.example", true)
		const n = 60
		var topics, replies []copse.ID
		update(t, db, func(tx *store.Tx) error {
			if err := tx.AddActor(ann); err != nil {
				return err
			}
			for _, c := range l.communities {
				m := &copse.Membership{Community: c.ID, Actor: ann.ID, Role: copse.Member, State: copse.Active, Since: tx.Now}
				if err := tx.SetMembership(m); err != nil {
					return err
				}
			}
			for range n {
				o := l.post(0, 0, copse.Public)
				o.Question, o.Published = true, o.Published.Truncate(time.Second) // many at the same time
				if err := tx.AddObject(o); err != nil {
					return err
				}
				topics = append(topics, o.ID)
			}
			for range n {
				o := l.post(0, topics[0], copse.Public)
				if err := tx.AddObject(o); err != nil {
					return err
				}
				replies = append(replies, o.ID)
			}
			return nil
		})

		// Others post all the while.
		var others sync.WaitGroup
		done := make(chan struct{})
		for w := range 2 {
			others.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					err := db.Update(t.Context(), func(tx *store.Tx) error {
						for j, parent := range []copse.ID{0, topics[0], replies[i%n]} {
							o := &copse.Object{
								ID: store.NewID(), URI: fmt.Sprintf("https://york.example/other/%d/%d/%d", w, i, j), Kind: "topic",
								Community: l.communities[0].ID, Author: l.author.ID, Parent: parent, Question: true,
								Audience: copse.Public, Published: tx.Now,
							}
							if err := tx.AddObject(o); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		v := copse.Viewer{Actor: ann.ID}
		trees := l.communities[0].ID
		place := func(p store.Post) store.Place { return store.Place{Active: p.Active, ID: p.ID} }
		for way, next := range map[string]func(*store.Tx, store.Post) ([]store.Post, error){
			"Newest": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.Newest(v, trees, "topic", last.ID, 7)
			},
			"MostActive": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.MostActive(v, trees, "topic", place(last), 7)
			},
			"Unanswered": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.Unanswered(v, trees, last.ID, 7)
			},
			"Thread": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.Thread(v, topics[0], last.Path, 7)
			},
			"By": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.By(v, l.author.ID, last.ID, 7)
			},
			"Home": func(tx *store.Tx, last store.Post) ([]store.Post, error) {
				return tx.Home(ann.ID, place(last), 7)
			},
		} {
			seen := make(map[copse.ID]int)
			last := store.Post{Object: &copse.Object{}}
			for more, pages := true, 0; more && pages < 10000; pages++ {
				view(t, db, func(tx *store.Tx) error {
					page, err := next(tx, last)
					for _, p := range page {
						seen[p.ID]++
						last = p
					}
					more = len(page) > 0
					return err
				})
			}
			want := slices.Concat(topics, replies)
			switch way {
			case "Thread":
				want = replies
			case "MostActive", "Home": // the first topic moves up with every reply
				want = topics[1:]
			case "Newest", "Unanswered":
				want = topics
			}
			for _, id := range want {
				if seen[id] != 1 {
					t.Errorf("%s showed one of the first posts %d times", way, seen[id])
				}
			}
			for id, times := range seen {
				if times > 1 && id != topics[0] {
					t.Errorf("%s showed a post %d times", way, times)
				}
			}
		}
		close(done)
		others.Wait()
	})
}

func TestAThreadIsReadFromTopToBottom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLibrary(t, db)
		random := rand.New(rand.NewPCG(1, 2))
		topic := l.post(0, 0, copse.Public)
		update(t, db, func(tx *store.Tx) error { return tx.AddObject(topic) })
		var all []*copse.Object
		update(t, db, func(tx *store.Tx) error {
			other := l.post(0, 0, copse.Public)
			if err := tx.AddObject(other); err != nil {
				return err
			}
			for i := range 120 {
				parent := topic.ID
				if len(all) > 0 && random.IntN(4) > 0 {
					parent = all[random.IntN(len(all))].ID
				}
				o := l.post(0, parent, copse.Public)
				o.ID = topic.ID + copse.ID(random.IntN(1<<30)) + 1 // they come in any order
				if err := tx.AddObject(o); err != nil {
					return err
				}
				all = append(all, o)
				if i%10 == 0 {
					if err := tx.AddObject(l.post(0, other.ID, copse.Public)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		// Each after what it answers, and among answers to one the older first.
		slices.SortFunc(all, func(a, b *copse.Object) int { return cmp.Compare(a.ID, b.ID) })
		var want []copse.ID
		var read func(parent copse.ID)
		read = func(parent copse.ID) {
			for _, o := range all {
				if o.Parent == parent {
					want = append(want, o.ID)
					read(o.ID)
				}
			}
		}
		read(topic.ID)
		for _, n := range []int{1, 50, 1000} {
			var got []copse.ID
			view(t, db, func(tx *store.Tx) error {
				after := ""
				for {
					page, err := tx.Thread(copse.Viewer{}, topic.ID, after, n)
					if err != nil || len(page) == 0 {
						return err
					}
					got = append(got, idsOf(page)...)
					after = page[len(page)-1].Path
				}
			})
			if !slices.Equal(got, want) {
				t.Errorf("%d a page, the thread is in another order: %v\nwant %v", n, got, want)
			}
		}
	})
}

// Home is what one would get by sorting everything.
func TestHomeIsTheMergeOfAPersonsCommunities(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, seed := range []uint64{1, 2, 3} {
			random := rand.New(rand.NewPCG(seed, 0))
			ann := someone(fmt.Sprint("ann", seed), "york.example", true)
			var want []*copse.Object
			update(t, db, func(tx *store.Tx) error {
				if err := tx.AddActor(ann); err != nil {
					return err
				}
				for i := range 14 {
					c := founded(fmt.Sprintf("c%d_%d", seed, i), "york.example")
					if err := tx.AddCommunity(c); err != nil {
						return err
					}
					state := copse.Active
					if i%7 == 6 {
						state = copse.Pending
					}
					m := &copse.Membership{Community: c.ID, Actor: ann.ID, Role: copse.Member, State: state, Since: tx.Now}
					if err := tx.SetMembership(m); err != nil {
						return err
					}
					var roots []*copse.Object
					for j := range random.IntN(1 + 2*i) { // the first have few or none
						o := &copse.Object{
							ID:  copse.ID(1e6 + random.IntN(1e9)),
							URI: fmt.Sprintf("https://york.example/%d/%d/%d", seed, i, j), Kind: "topic", Community: c.ID, Author: ann.ID,
							Audience: []copse.Audience{copse.Public, copse.Members}[random.IntN(2)],
							// To the second, as peers give it, so that many tie.
							Published: time.Unix(int64(random.IntN(25)), 0).UTC(),
						}
						if len(roots) > 0 && random.IntN(3) == 0 {
							root := roots[random.IntN(len(roots))]
							o.Parent = root.ID
							if err := tx.AddObject(o); err != nil {
								return err
							}
							if o.Published.After(root.Active) {
								root.Active = o.Published
							}
							continue
						}
						if err := tx.AddObject(o); err != nil {
							return err
						}
						if random.IntN(8) == 0 {
							if err := tx.DeleteObject(o, false); err != nil {
								return err
							}
							continue
						}
						roots = append(roots, o)
					}
					if state == copse.Active {
						want = append(want, roots...)
					}
				}
				return nil
			})
			slices.SortFunc(want, func(a, b *copse.Object) int {
				return cmp.Or(b.Active.Compare(a.Active), cmp.Compare(b.ID, a.ID))
			})
			var wantIDs []copse.ID
			for _, o := range want {
				wantIDs = append(wantIDs, o.ID)
			}
			for _, n := range []int{1, 2, 5, 20, 1000} {
				var got []copse.ID
				view(t, db, func(tx *store.Tx) error {
					var after store.Place
					for {
						page, err := tx.Home(ann.ID, after, n)
						if err != nil || len(page) == 0 {
							return err
						}
						if len(page) > n {
							t.Errorf("seed %d: a page of %d has %d", seed, n, len(page))
						}
						got = append(got, idsOf(page)...)
						last := page[len(page)-1]
						after = store.Place{Active: last.Active, ID: last.ID}
						if place, err := tx.PlaceOf(copse.Viewer{Actor: ann.ID}, last.ID); err != nil || place != after {
							t.Errorf("seed %d: its place is %v, %v, want %v", seed, place, err, after)
						}
					}
				})
				if !slices.Equal(got, wantIDs) {
					t.Errorf("seed %d, %d a page: %v\nwant %v", seed, n, got, wantIDs)
				}
			}
		}
	})
}

func TestListsHaveTheirOrderAndLeaveOutWhatIsNotTheirs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newLibrary(t, db)
		posts := make(map[string]*copse.Object)
		add := func(tx *store.Tx, name string, o *copse.Object) error {
			posts[name] = o
			return tx.AddObject(o)
		}
		update(t, db, func(tx *store.Tx) error {
			for _, name := range []string{"a", "b", "deleted", "answered"} {
				o := l.post(0, 0, copse.Public)
				o.Question = true
				if err := add(tx, name, o); err != nil {
					return err
				}
			}
			statement, page, elsewhere := l.post(0, 0, copse.Public), l.post(0, 0, copse.Public), l.post(1, 0, copse.Public)
			page.Kind = "page"
			for name, o := range map[string]*copse.Object{"statement": statement, "page": page, "elsewhere": elsewhere} {
				if err := add(tx, name, o); err != nil {
					return err
				}
			}
			answer := l.post(0, posts["answered"].ID, copse.Public)
			if err := add(tx, "answer", answer); err != nil {
				return err
			}
			posts["answered"].Answer = answer.ID
			if err := rewrite(tx, posts["answered"]); err != nil {
				return err
			}
			late := l.post(0, posts["a"].ID, copse.Public)
			late.Author = l.communities[0].ID
			if err := add(tx, "late", late); err != nil {
				return err
			}
			return tx.DeleteObject(posts["deleted"], false)
		})
		view(t, db, func(tx *store.Tx) error {
			in := l.communities[0].ID
			for way, tt := range map[string]struct {
				list func() ([]store.Post, error)
				want []string
			}{
				"Newest":     {func() ([]store.Post, error) { return tx.Newest(copse.Viewer{}, in, "topic", 0, 9) }, []string{"statement", "answered", "b", "a"}},
				"MostActive": {func() ([]store.Post, error) { return tx.MostActive(copse.Viewer{}, in, "topic", store.Place{}, 9) }, []string{"a", "answered", "statement", "b"}},
				"pages":      {func() ([]store.Post, error) { return tx.Newest(copse.Viewer{}, in, "page", 0, 9) }, []string{"page"}},
				"Unanswered": {func() ([]store.Post, error) { return tx.Unanswered(copse.Viewer{}, in, 0, 9) }, []string{"b", "a"}},
				"two":        {func() ([]store.Post, error) { return tx.Newest(copse.Viewer{}, in, "topic", 0, 2) }, []string{"statement", "answered"}},
				"By": {func() ([]store.Post, error) { return tx.By(copse.Viewer{}, l.author.ID, posts["statement"].ID, 9) },
					[]string{"answered", "b", "a"}},
				"BySomebodyElse": {func() ([]store.Post, error) { return tx.By(copse.Viewer{}, in, 0, 9) }, []string{"late"}},
			} {
				got, err := tt.list()
				if err != nil {
					return err
				}
				var names []string
				for _, p := range got {
					for name, o := range posts {
						if o.ID == p.ID {
							names = append(names, name)
						}
					}
					if p.By.ID != p.Author {
						t.Errorf("%s: %d by %d comes with %d", way, p.ID, p.Author, p.By.ID)
					}
				}
				if !slices.Equal(names, tt.want) {
					t.Errorf("%s is %v, want %v", way, names, tt.want)
				}
			}
			tally, err := tx.Tally(copse.Viewer{}, in)
			if tally.Unanswered != 2 {
				t.Errorf("%d questions are unanswered, want 2", tally.Unanswered)
			}
			return err
		})
	})
}
