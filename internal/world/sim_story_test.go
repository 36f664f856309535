package world_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"copse/content/forum"
	"copse/copse"
	"copse/internal/markup"
	"copse/store"
)

const (
	howMany  = 60             // steps of a story
	troubled = 24 * time.Hour // how long things go wrong
	longDown = 3 * time.Hour  // how long a council is down that crashed, at most
	longCut  = 16 * time.Hour // how long nothing gets from one council to another, at most
	healthy  = 16 * time.Hour // how long nothing goes wrong in the end
)

// A step is one thing that somebody does, or that happens to a council.
type step struct {
	n   int
	at  time.Duration // since the faults began
	who *copse.Actor  // nil if it happens to the council
	c   *council
	do  string
}

// verbs are what people do, each as often as it is named. What is tried and not
// allowed costs nothing.
var verbs = strings.Fields(`post post post post reply reply reply reply reply edit edit edit delete delete
	like like like like unlike unlike accept accept withdraw remove remove restore appoint appoint dismiss join join leave
	lock unlock pin unpin ban unban`)

// plan draws the story.
func (s *sim) plan() {
	members := s.councils[:len(s.councils)-1]
	for n := range howMany {
		st := step{n: n, at: s.delay(troubled, "at", n), c: members[s.number("where", n)%uint64(len(members))]}
		st.who = s.people[st.c.host][s.number("who", n)%2]
		st.do = verbs[s.number("what", n)%uint64(len(verbs))]
		switch st.do {
		case "join", "leave":
			st.who = s.people[st.c.host][1] // the first stays: see finally
		case "remove", "restore", "lock", "unlock", "pin", "unpin", "ban", "unban":
			st.c, st.who = s.councils[0], s.people[home][0]
			if s.chance(.5, "rules elsewhere", n) {
				st.c = members[s.number("where", n)%uint64(len(members))]
				st.who = s.people[st.c.host][0]
			}
		case "appoint", "dismiss":
			st.c, st.who = s.councils[0], s.people[home][0]
		}
		s.steps = append(s.steps, st)
	}
	l := s.council(late)
	s.steps = append(s.steps, step{n: howMany, at: troubled/4 + s.delay(troubled/4, "late"), c: l, who: s.people[late][0], do: "join"})
	for n := range 3 {
		c := s.councils[s.number("crashes", n)%uint64(len(s.councils))]
		s.steps = append(s.steps, step{n: howMany + 1 + n, at: s.delay(troubled, "crash", n), c: c, do: "crash"})
		from, to := s.councils[s.number("from", n)%uint64(len(s.councils))], s.councils[s.number("to", n)%uint64(len(s.councils))]
		if from == s.council(late) || to == s.council(late) {
			// What was said in a community before anybody at a council joined is read
			// once. Whoever cannot read it for twenty minutes starts out empty, and does
			// not ask again: copse cannot yet ask for what it missed.
			continue
		}
		begin := s.delay(troubled, "cut", n)
		s.cuts = append(s.cuts, cut{from.host, to.host, begin, begin + s.delay(longCut, "mended", n)})
	}
	if s.chance(.4, "an old backup") {
		// One of those that are only members.
		c := s.councils[1+s.number("whose backup", 0)%2]
		at := s.delay(troubled/2, "backup")
		s.steps = append(s.steps, step{n: howMany + 12, at: at, c: c, do: "back up"})
		s.steps = append(s.steps, step{n: howMany + 13, at: at + time.Hour + s.delay(troubled/3, "restore"), c: c, do: "put back"})
	}
	for n := range 8 {
		s.steps = append(s.steps, step{n: howMany + 4 + n, at: troubled * time.Duration(n+1) / 9, do: "check"})
	}
	slices.SortStableFunc(s.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
}

// play lets everything happen in its time.
func (s *sim) play() {
	for len(s.steps) > 0 {
		st := s.steps[0]
		s.steps = s.steps[1:]
		time.Sleep(st.at - s.now())
		switch {
		case s.leftOut[st.n]:
			continue
		case st.do == "check":
			s.check()
			continue
		case st.c.Server == nil:
			continue // nobody can do anything there, and it does not crash twice
		case st.do == "crash":
			s.down(st)
			continue
		case st.do == "back up":
			synctest.Wait() // files are not copied while they are written
			st.c.backup = st.c.copied("backup")
			continue
		case st.do == "put back":
			if st.c.backup != "" {
				s.putBack(st)
			}
			continue
		}
		if what := s.act(st); what != "" {
			s.told = append(s.told, fmt.Sprintf("%3d %v %s %s", st.n, st.at.Round(time.Second), st.who.Name, what))
		}
	}
	time.Sleep(troubled - s.now())
}

// down has a council crash and come back some hours later.
func (s *sim) down(st step) {
	restart := st.c.crash()
	away := time.Minute + s.delay(longDown, "down", st.n)
	s.told = append(s.told, fmt.Sprintf("%3d %v %s crashes and is down for %v", st.n, st.at.Round(time.Second), st.c.host, away.Round(time.Second)))
	s.busy.Go(func() {
		time.Sleep(away)
		restart()
	})
}

// putBack has a council come back with the files of some hours ago. What its people
// said since and did not get out is lost.
func (s *sim) putBack(st step) {
	c := st.c
	was := c.Server.Config.Server.Data
	c.stop()
	s.must(os.RemoveAll(was))
	c.buried, c.lost = make(map[string]bool), true
	c.start(c.backup)
	s.told = append(s.told, fmt.Sprintf("%3d %v %s is put back to an old backup", st.n, st.at.Round(time.Second), c.host))
}

// heal ends what goes wrong, but for copies that are under way, and waits. On
// their way to it people look at the community, which is when a council reads
// again who looks after it.
func (s *sim) heal() {
	time.Sleep(time.Until(s.began.Add(troubled + longDown + time.Hour))) // nobody is down for longer
	s.faulty.Store(false)
	time.Sleep(healthy / 2)
	for _, c := range s.councils[1:] {
		c.Fed.Freshen(&c.trees.Actor)
	}
	time.Sleep(healthy / 2)
}

// truth is what people did, as far as nobody can deny it.
type truth struct {
	things []*thing
	byURI  map[string]*thing
	issued map[string]int // how often somebody did the same to the same
	joined time.Time      // when the late council did
	banned map[string]bool
}

// A thing is a post or a reply.
type thing struct {
	name    string
	uri     string
	author  *copse.Actor
	host    string
	parent  *thing
	made    time.Time
	words   map[string]bool // what its author ever wrote
	deleted bool            // somebody has deleted it
	back    bool            // a facilitator has put it back
	refused bool            // the home will not have it
	taken   bool            // the home has said that it has it
}

func newTruth() truth {
	return truth{byURI: make(map[string]*thing), issued: make(map[string]int), banned: make(map[string]bool)}
}

func (t *truth) did(who *copse.Actor, typ, object string) {
	t.issued[typ+" "+who.URI+" "+object]++
}

// pick returns one of the things that a council shows and that fit, nil if none
// does.
func (s *sim) pick(st step, fits func(*thing, *copse.Object) bool) (picked *thing, o *copse.Object) {
	return s.pickAny(st, func(th *thing, o *copse.Object) bool { return o.Deleted.IsZero() && fits(th, o) })
}

// pickAny also returns what is deleted.
func (s *sim) pickAny(st step, fits func(*thing, *copse.Object) bool) (picked *thing, o *copse.Object) {
	s.must(st.c.view(func(tx *store.Tx) error {
		var all []*thing
		for _, th := range s.truth.things {
			o, err := tx.ObjectByURI(th.uri)
			if copse.CodeOf(err) == copse.CodeNotFound {
				continue
			}
			if err != nil {
				return err
			}
			if fits(th, o) {
				all = append(all, th)
			}
		}
		if len(all) == 0 {
			return nil
		}
		picked = all[s.number("pick", st.n)%uint64(len(all))]
		var err error
		o, err = tx.ObjectByURI(picked.uri)
		return err
	}))
	return picked, o
}

// act has somebody do something, and returns what, or "" if they may not.
func (s *sim) act(st step) string {
	anything := func(*thing, *copse.Object) bool { return true }
	own := func(th *thing, _ *copse.Object) bool { return th.author.URI == st.who.URI }
	hub := st.c.Hub
	words := fmt.Sprintf("canary of step %d", st.n)
	switch st.do {
	case "post":
		return s.post(st, nil, &copse.Object{
			Kind: forum.Topic, Community: st.c.trees.ID, Title: words, Source: words, HTML: markup.HTML(words), Question: st.n%2 == 0,
		})
	case "reply":
		th, o := s.pick(st, anything)
		if th == nil {
			return ""
		}
		return s.post(st, th, &copse.Object{Kind: forum.Reply, Parent: o.ID, Source: words, HTML: markup.HTML(words)})
	case "edit":
		th, o := s.pick(st, own)
		if th == nil {
			return ""
		}
		if o.TopLevel() {
			o.Title = words
		}
		o.Source, o.HTML = words, markup.HTML(words)
		th.words[words] = true
		return s.done(hub.Edit(s.ctx, st.who, o), st, "Update", th)
	case "delete":
		th, o := s.pick(st, own)
		if th == nil {
			return ""
		}
		th.deleted = true
		return s.done(hub.Remove(s.ctx, st.who, o, ""), st, "Delete", th)
	case "remove":
		th, o := s.pick(st, func(th *thing, o *copse.Object) bool { return !own(th, o) })
		if th == nil {
			return ""
		}
		was := th.deleted
		th.deleted = true
		what := s.done(hub.Remove(s.ctx, st.who, o, "off the point"), st, "Delete", th)
		th.deleted = was || what != ""
		return what
	case "restore":
		th, o := s.pickAny(st, func(_ *thing, o *copse.Object) bool { return o.Removed })
		if th == nil {
			return ""
		}
		th.back = true // whoever did it, the home may come to know of it
		return s.done(hub.Restore(s.ctx, st.who, o), st, "Undo", th)
	case "lock", "unlock":
		th, o := s.pick(st, func(_ *thing, o *copse.Object) bool { return o.TopLevel() })
		if th == nil {
			return ""
		}
		typ := map[bool]string{true: "Lock", false: "Undo"}[st.do == "lock"]
		return s.done(hub.Lock(s.ctx, st.who, o, st.do == "lock", "enough"), st, typ, th)
	case "pin", "unpin":
		th, o := s.pick(st, func(_ *thing, o *copse.Object) bool { return o.TopLevel() })
		if th == nil {
			return ""
		}
		typ := map[bool]string{true: "Add", false: "Remove"}[st.do == "pin"]
		return s.done(hub.Pin(s.ctx, st.who, o, st.do == "pin"), st, typ, th)
	case "ban", "unban":
		return s.ban(st)
	case "like":
		th, o := s.pick(st, anything)
		if th == nil {
			return ""
		}
		return s.done(hub.Like(s.ctx, st.who, o, true), st, "Like", th)
	case "unlike":
		th, o := s.pick(st, func(_ *thing, o *copse.Object) bool { return s.liked(st.c, st.who, o) })
		if th == nil {
			return ""
		}
		return s.done(hub.Like(s.ctx, st.who, o, false), st, "Undo", th)
	case "accept", "withdraw":
		return s.answer(st, own)
	case "appoint", "dismiss":
		return s.appoint(st)
	case "join":
		return s.join(st.c, st.who)
	case "leave":
		s.truth.did(st.who, "Undo", "")
		if err := hub.Leave(s.ctx, st.who, &st.c.trees.Actor); s.refused(err, st) {
			return ""
		}
		return "leaves"
	}
	return ""
}

// post has somebody write something. Nothing leaves before it has its name.
func (s *sim) post(st step, parent *thing, o *copse.Object) string {
	th := &thing{
		name: fmt.Sprintf("o%d", st.n), author: st.who, host: st.c.host, parent: parent, made: time.Now(), words: map[string]bool{o.Source: true},
	}
	s.mu.Lock()
	err := st.c.Hub.Post(s.ctx, st.who, o)
	if err == nil {
		s.names[o.URI] = th.name
	}
	s.mu.Unlock()
	if s.refused(err, st) {
		return ""
	}
	th.uri = o.URI
	if s.truth.byURI[th.uri] != nil {
		s.wrong("I13: %s is where %s was", th.name, s.truth.byURI[th.uri].name)
	}
	s.truth.things = append(s.truth.things, th)
	s.truth.byURI[th.uri] = th
	s.truth.did(st.who, "Create", th.uri)
	if parent != nil {
		return "writes " + th.name + ", which answers " + parent.name
	}
	return "writes " + th.name
}

// done returns what was done, "" if it was not allowed.
func (s *sim) done(err error, st step, typ string, th *thing) string {
	if s.refused(err, st) {
		return ""
	}
	if typ == "Undo" {
		s.truth.did(st.who, typ, "")
	} else {
		s.truth.did(st.who, typ, th.uri)
	}
	return st.do + "s " + th.name
}

func (s *sim) refused(err error, st step) bool {
	if err != nil && copse.CodeOf(err) == copse.CodeInternal {
		s.wrong("%s at %s ends in %v", st.do, st.c.host, err)
	}
	return err != nil
}

func (s *sim) liked(c *council, who *copse.Actor, o *copse.Object) (liked bool) {
	s.must(c.view(func(tx *store.Tx) error {
		uri, err := tx.Response(o.ID, who.ID, "Like")
		liked = uri != ""
		return err
	}))
	return liked
}

// answer has somebody take a reply as the answer to what they asked, or no longer.
func (s *sim) answer(st step, own func(*thing, *copse.Object) bool) string {
	th, o := s.pick(st, func(th *thing, o *copse.Object) bool {
		return own(th, o) && o.Question && (st.do == "accept" || o.Answer != 0)
	})
	if th == nil {
		return ""
	}
	o.Answer = 0
	if st.do == "accept" {
		reply, r := s.pick(st, func(_ *thing, r *copse.Object) bool { return r.Root == o.ID })
		if reply == nil {
			return ""
		}
		o.Answer = r.ID
	}
	return s.done(st.c.Hub.Edit(s.ctx, st.who, o), st, "Update", th)
}

// appoint has the owner make somebody a facilitator, or an ordinary member again.
func (s *sim) appoint(st step) string {
	c := s.councils[s.number("whom", st.n)%uint64(len(s.councils)-1)]
	whom := s.people[c.host][0]
	known := s.known(st.c, whom)
	if known == nil {
		return ""
	}
	typ := "Remove"
	if st.do == "appoint" {
		typ = "Add"
	}
	if s.refused(st.c.Hub.Appoint(s.ctx, st.who, st.c.trees, known, st.do == "appoint"), st) {
		return ""
	}
	s.truth.did(st.who, typ, whom.URI)
	return st.do + "s " + whom.Name
}

// known returns somebody as a council knows them, nil if it does not.
func (s *sim) known(c *council, whom *copse.Actor) (known *copse.Actor) {
	err := c.view(func(tx *store.Tx) (err error) {
		known, err = tx.ActorByURI(whom.URI)
		return err
	})
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil
	}
	s.must(err)
	return known
}

// ban has a facilitator keep somebody out, at times with all they wrote, or let
// them in again. It is never the first of a council, who stays: see finally.
func (s *sim) ban(st step) string {
	c := s.councils[s.number("whom", st.n)%uint64(len(s.councils)-1)]
	whom := s.people[c.host][1]
	known := s.known(st.c, whom)
	if known == nil {
		return ""
	}
	typ, all := "Undo", false
	var err error
	if st.do == "ban" {
		typ, all = "Block", s.chance(.3, "and all they wrote", st.n)
		err = st.c.Hub.Ban(s.ctx, st.who, st.c.trees, known, time.Time{}, all, "enough")
	} else {
		err = st.c.Hub.Unban(s.ctx, st.who, st.c.trees, known)
	}
	if s.refused(err, st) {
		return ""
	}
	s.truth.did(st.who, typ, whom.URI)
	if typ == "Undo" {
		s.truth.did(st.who, typ, "")
		return "unbans " + whom.Name
	}
	s.truth.banned[whom.URI] = true
	for _, th := range s.truth.things {
		th.deleted = th.deleted || all && th.author == whom
	}
	if all {
		return "bans " + whom.Name + " and removes all they wrote"
	}
	return "bans " + whom.Name
}

// join has somebody ask to be let in.
func (s *sim) join(c *council, who *copse.Actor) string {
	if c.host == late && who == s.people[late][1] && s.truth.joined.IsZero() {
		return "" // the first there comes first: see finally
	}
	if c.host == late && s.truth.joined.IsZero() {
		s.truth.joined = time.Now()
	}
	s.truth.did(who, "Follow", c.trees.URI)
	if s.refused(c.Hub.Join(s.ctx, who, &c.trees.Actor, ""), step{c: c, do: "join"}) {
		return ""
	}
	return "asks to be let in"
}
