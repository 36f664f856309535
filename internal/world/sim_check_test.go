package world_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"copse/content/forum"
	"copse/copse"
	"copse/store"
)

// fair is how long what one council has for another may wait while nothing stands
// between the two and nothing gets lost: a council that was away for long is tried
// every four hours or so.
const fair = 10 * time.Hour

// check demands what has to be so at any time, whatever goes wrong.
func (s *sim) check() {
	for _, c := range s.councils {
		if c.Server == nil {
			continue
		}
		s.must(c.view(func(tx *store.Tx) error {
			for _, th := range s.truth.things {
				if err := s.checkThing(tx, c, th); err != nil {
					return err
				}
			}
			if err := s.checkLog(tx, c); err != nil {
				return err
			}
			return s.checkQueue(tx, c)
		}))
	}
}

// checkThing holds one thing at one council against what people did (I3), counts
// again (I4), and sees to it that what is deleted stays so (I5).
func (s *sim) checkThing(tx *store.Tx, c *council, th *thing) error {
	o, err := tx.ObjectByURI(th.uri)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if !o.Deleted.IsZero() {
		c.buried[th.uri] = true
		if !th.deleted {
			s.wrong("I3: %s has deleted %s, which nobody did", c.host, th.name)
		}
		if o.Title+o.Source+o.HTML != "" {
			s.wrong("I5: %s keeps what the deleted %s said", c.host, th.name)
		}
	} else if c.buried[th.uri] && !th.back {
		s.wrong("I5: %s shows %s again, which it had deleted", c.host, th.name)
	}
	author, err := tx.Actor(o.Author)
	if err != nil {
		return err
	}
	if author.URI != th.author.URI {
		s.wrong("I3: at %s %s is by %s", c.host, th.name, author.URI)
	}
	if o.Deleted.IsZero() && !th.words[o.Source] {
		s.wrong("I3: at %s %s says %q, which its author never wrote", c.host, th.name, o.Source)
	}
	likes, err := s.likes(tx, th)
	if err != nil {
		return err
	}
	for _, uri := range likes {
		if s.truth.issued["Like "+uri+" "+th.uri] == 0 {
			s.wrong("I3: at %s %s likes %s, and never said so", c.host, uri, th.name)
		}
	}
	if len(likes) != o.Likes {
		s.wrong("I4: %s counts %d likes of %s, and has %d", c.host, o.Likes, th.name, len(likes))
	}
	if !o.TopLevel() {
		return nil
	}
	replies, councils := 0, make(map[string]bool)
	for _, other := range s.truth.things {
		r, err := tx.ObjectByURI(other.uri)
		if err == nil && r.Root == o.ID && r.Deleted.IsZero() {
			replies++
			councils[other.host] = true
		}
	}
	if replies != o.Replies || len(councils) != o.Councils {
		s.wrong("I4: %s counts %d replies to %s from %d councils, and has %d from %d", c.host, o.Replies, th.name, o.Councils, replies, len(councils))
	}
	return nil
}

// likes returns who likes a thing, as far as a council knows.
func (s *sim) likes(tx *store.Tx, th *thing) (uris []string, err error) {
	o, err := tx.ObjectByURI(th.uri)
	if err != nil {
		return nil, err
	}
	for _, c := range s.councils {
		for _, p := range s.people[c.host] {
			a, err := tx.ActorByURI(p.URI)
			if copse.CodeOf(err) == copse.CodeNotFound {
				continue
			}
			if err != nil {
				return nil, err
			}
			uri, err := tx.Response(o.ID, a.ID, "Like")
			if err != nil {
				return nil, err
			}
			if uri != "" {
				uris = append(uris, p.URI)
			}
		}
	}
	return uris, nil
}

// checkLog sees to it that nobody has done more, as a council's log has it, than
// they did (I2, I3). The home has each thing once. Others may have read a thing
// where it is before they heard of it, which is a second line.
func (s *sim) checkLog(tx *store.Tx, c *council) error {
	log, err := tx.Log(c.trees.ID, 0, 10_000)
	if err != nil {
		return err
	}
	has, excused := make(map[string]int), make(map[string]bool)
	for _, r := range log {
		key := r.Type + " " + r.By.URI + " " + r.Object
		if r.Type == "Undo" {
			key = r.Type + " " + r.By.URI + " "
			// A server that has forgotten that somebody joined says that they have
			// not (FEP-8fcf).
			excused[key] = s.council(r.By.Host).lost
		}
		if r.By.Type == copse.Person {
			has[key]++
		}
	}
	for key, n := range has {
		most := s.truth.issued[key]
		if strings.HasPrefix(key, "Create ") && c.host != home && most > 0 {
			most++
		}
		if excused[key] {
			most++
		}
		if n > most && !strings.HasSuffix(key, " "+c.trees.URI) {
			s.wrong("I2: %s has %q %d times in its log, which was done %d times", c.host, key, n, most)
		}
	}
	return nil
}

// checkQueue sees to it that nothing waits for long that could be sent (I9).
func (s *sim) checkQueue(tx *store.Tx, c *council) error {
	for _, to := range s.councils {
		peer, err := tx.Peer(to.host)
		if copse.CodeOf(err) == copse.CodeNotFound || to == c || !s.clear(c, to, fair) {
			continue
		}
		if err != nil {
			return err
		}
		waiting, err := tx.OutboxFor(peer.ID, peer.Cursor, 20)
		if err != nil {
			return err
		}
		extras, err := tx.Extras(peer.ID, 100)
		if err != nil {
			return err
		}
		for _, e := range extras {
			if e.Tries == 0 {
				waiting = append(waiting, e.ID)
			}
		}
		for _, id := range waiting {
			out, err := tx.Outgoing(id)
			if err != nil {
				return err
			}
			age := time.Since(id.Time())
			if age > fair && !s.poisons(to.host, s.named(out.Body)) {
				s.wrong("I9: at %v something has been waiting at %s for %s for %v", s.now(), c.host, to.host, age)
			}
		}
	}
	return nil
}

// watchPrivacy sees to it that what is written for members is sent to nobody else
// (I6). Whoever wrote it is one, and so is the home.
func (s *sim) watchPrivacy(from, to string, r *http.Request, body []byte) {
	if !bytes.Contains(body, []byte("canary")) && !strings.Contains(r.URL.String(), "canary") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isIn(to) {
		s.wrongs = append(s.wrongs, fmt.Sprintf("I6: %s sends %s to %s", from, body, to))
	}
}

// watchAnswer does so for what is answered. s.mu is held.
func (s *sim) watchAnswer(to, from string, body []byte) {
	if to != "" && bytes.Contains(body, []byte("canary")) && !s.isIn(to) {
		s.wrongs = append(s.wrongs, fmt.Sprintf("I6: %s shows %s to %s", from, body, to))
	}
}

// isIn reports whether a council has members. All but two have from the beginning,
// and one of those joins. s.mu is held.
func (s *sim) isIn(host string) bool {
	return host != outside && (host != late || !s.truth.joined.IsZero())
}

// took notes what a council has said that it has.
func (s *sim) took(from, to, id string, body []byte, status int) {
	if to != home || status >= 500 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, name, ok := strings.Cut(id, " Create ")
	for _, th := range s.truth.things {
		if ok && th.name == name && th.author.Name == who {
			th.taken = th.taken || status < 300
			th.refused = th.refused || status >= 400
		}
	}
}

// finally demands what has to be so once nothing has gone wrong for a while: every
// council has the same (I1), nothing is missing that the home said it had (I2),
// authors are told the truth (I10), and nothing waits (I8).
//
// In every council somebody stays a member: one that everybody has left is sent
// nothing. docs/simulator.md says what else is left out.
func (s *sim) finally() string {
	s.check()
	states := make(map[string]map[string]string)
	for _, c := range s.councils[:len(s.councils)-1] {
		if c.Server == nil {
			s.wrong("%s is still down", c.host)
			return ""
		}
		states[c.host] = make(map[string]string)
		s.must(c.view(func(tx *store.Tx) error {
			for _, th := range s.truth.things {
				text, err := s.stateOf(tx, c, th)
				if err != nil {
					return err
				}
				states[c.host][th.name] = text
			}
			var err error
			if states[c.host]["order"], err = s.order(tx, c); err != nil {
				return err
			}
			states[c.host]["facilitators"], err = s.facilitators(tx, c)
			return err
		}))
	}
	var all strings.Builder
	for _, c := range s.councils[:len(s.councils)-1] {
		for _, what := range append(s.thingNames(), "order", "facilitators") {
			want, got := states[home][what], states[c.host][what]
			fmt.Fprintln(&all, c.host, what, got)
			if c.host == late && s.truth.joined.IsZero() {
				continue
			}
			if c.lost {
				want, got = until(", closed: ", want), until(", closed: ", got)
			}
			if c.host == late {
				want, got = s.knownLate(what, want), s.knownLate(what, got)
			}
			if got != want {
				s.wrong("I1: %s of %s is\n\t%s\nand at home\n\t%s", what, c.host, got, want)
			}
		}
		s.checkMembers(c)
		s.checkQuiet(c)
	}
	for _, th := range s.truth.things {
		s.checkTaken(th)
	}
	s.checkBans()
	return all.String()
}

// checkBans sees to it that nobody did anything while they were kept out (I7).
// What the home took before it knew stays, as does what was said elsewhere before.
func (s *sim) checkBans() {
	h := s.councils[0]
	s.must(h.view(func(tx *store.Tx) error {
		log, err := tx.Log(h.trees.ID, 0, 10_000)
		out := make(map[string]bool)
		for _, r := range slices.Backward(log) { // the newest comes first
			switch {
			case r.Type == "Block":
				out[r.Object] = true
			case r.Type == "Undo" && out[r.Object]:
				out[r.Object] = false
			// A Follow is answered with a Reject, and what one wrote one may always delete.
			case out[r.By.URI] && r.Type != "Follow" && r.Type != "Delete":
				s.wrong("I7: the home has %s %s by %s, who was kept out", r.Type, s.describeLocked(r.Object), r.By.Name)
			}
		}
		return err
	}))
}

func (s *sim) describeLocked(uri string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.describe(uri)
}

// until leaves out of a state what begins with mark. Who closed what, and opened it
// again, carries no proof: it does not come back to a council that was put back to an
// old backup.
func until(mark, state string) string {
	before, _, _ := strings.Cut(state, mark)
	return before
}

// knownLate leaves out of a state what the late council cannot know: what answers
// something deleted, and who liked what while it was removed.
func (s *sim) knownLate(what, state string) string {
	if what == "order" {
		return strings.Join(slices.DeleteFunc(strings.Fields(state), func(name string) bool {
			th := s.thing(strings.TrimPrefix(name, "."))
			return th != nil && th.answersDeleted()
		}), " ")
	}
	switch th := s.thing(what); {
	case th == nil:
		return state
	case th.answersDeleted():
		return ""
	case th.back:
		return until(", answered by ", state)
	}
	return state
}

func (th *thing) answersDeleted() bool {
	for up := th.parent; up != nil; up = up.parent {
		if up.deleted {
			return true
		}
	}
	return false
}

func (s *sim) thing(name string) *thing {
	for _, th := range s.truth.things {
		if th.name == name {
			return th
		}
	}
	return nil
}

func (s *sim) thingNames() (all []string) {
	for _, th := range s.truth.things {
		all = append(all, th.name)
	}
	return all
}

// stateOf is all that everybody should agree on about a thing. What is deleted is
// as if it had never been: a council that heard of the end first has no use for
// the beginning. So is what the home has not taken.
func (s *sim) stateOf(tx *store.Tx, c *council, th *thing) (string, error) {
	o, err := tx.ObjectByURI(th.uri)
	if copse.CodeOf(err) == copse.CodeNotFound {
		return "", nil
	}
	if err != nil || !o.Deleted.IsZero() || o.Accepted.IsZero() {
		return "", err
	}
	likes, err := s.likes(tx, th)
	if err != nil {
		return "", err
	}
	uri := func(id copse.ID) string {
		if o, err := tx.Object(id); err == nil {
			return s.names[o.URI]
		}
		return ""
	}
	lock, err := tx.Lock(o.ID)
	if err != nil {
		return "", err
	}
	pinned, err := tx.IsPinned(o.ID)
	return fmt.Sprintf("%q %q %v answers %s, answered by %s, liked by %s, closed: %t, first: %t",
		o.Title, o.Source, o.Question, uri(o.Parent), uri(o.Answer), s.namesOf(likes), lock != nil, pinned), err
}

func (s *sim) namesOf(uris []string) string {
	var all []string
	for _, u := range uris {
		all = append(all, s.names[u])
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// order is what is there in the order it is shown in.
func (s *sim) order(tx *store.Tx, c *council) (string, error) {
	var all []string
	viewer := copse.Viewer{Actor: s.people[c.host][0].ID}
	topics, err := tx.Newest(viewer, c.trees.ID, forum.Topic, 0, 100)
	if err != nil {
		return "", err
	}
	for _, p := range topics {
		if p.Accepted.IsZero() {
			continue
		}
		all = append(all, s.names[p.URI])
		replies, err := tx.ThreadURIs(viewer, p.ID)
		if err != nil {
			return "", err
		}
		for _, uri := range replies {
			o, err := tx.ObjectByURI(uri)
			if err != nil {
				return "", err
			}
			if o.Deleted.IsZero() && !o.Accepted.IsZero() {
				all = append(all, "."+s.names[uri])
			}
		}
	}
	return strings.Join(all, " "), nil
}

func (s *sim) facilitators(tx *store.Tx, c *council) (string, error) {
	all, err := tx.MembersOf(c.trees.ID, copse.Moderator, 0, 100)
	var uris []string
	for _, p := range all {
		uris = append(uris, p.Actor.URI)
	}
	return s.namesOf(uris), err
}

// checkMembers sees to it that the people of a council and the home agree whether
// they are in.
func (s *sim) checkMembers(c *council) {
	if c.lost {
		return // who of its people joined or left since the backup, a community does not announce
	}
	for _, p := range s.people[c.host] {
		here, there := s.standing(c, p), s.standing(s.councils[0], p)
		if here != there && (in(here) || in(there)) {
			s.wrong("I1: %s is told that they are %s, and is %s", p.Name, here, there)
		}
	}
}

// in reports whether somebody is a member, or waits to be one. How they are not may
// differ: a council does not note of its own that they are kept out of where they
// never were, and who is kept out and asks is turned down.
func in(standing string) bool {
	return standing == string(copse.Active) || standing == string(copse.Pending)
}

func (s *sim) standing(c *council, p *copse.Actor) (in string) {
	s.must(c.view(func(tx *store.Tx) error {
		a, err := tx.ActorByURI(p.URI)
		if copse.CodeOf(err) == copse.CodeNotFound {
			in = "out"
			return nil
		}
		if err != nil {
			return err
		}
		m, err := tx.Membership(c.trees.ID, a.ID)
		if in = string(m.State); m.State == "" || m.State == copse.Left {
			in = "out"
		}
		return err
	}))
	return in
}

// checkQuiet sees to it that nothing waits.
func (s *sim) checkQuiet(c *council) {
	s.must(c.view(func(tx *store.Tx) error {
		next, err := tx.NextReceived()
		if err != nil {
			return err
		}
		// For fourteen days the home waits for what it has refused, if somebody likes that
		// at their own council, and the late council for what was deleted before, if
		// somebody has answered it.
		excused := slices.ContainsFunc(s.truth.things, func(th *thing) bool {
			return c.host == home && th.refused || c.host == late && th.deleted
		})
		if !next.IsZero() && !excused {
			s.wrong("I8: %s has not dealt with everything it was sent", c.host)
		}
		peers, err := tx.Peers()
		if err != nil {
			return err
		}
		for _, p := range peers {
			waiting, err := tx.OutboxFor(p.ID, p.Cursor, 1)
			if err != nil {
				return err
			}
			extras, err := tx.Extras(p.ID, 1)
			if err != nil {
				return err
			}
			if len(waiting)+len(extras) > 0 {
				s.wrong("I8: %s has still something for %s", c.host, p.Host)
			}
		}
		if next, err = tx.NextTry(); err == nil && !next.IsZero() {
			s.wrong("I8: %s still wants to try something again at %v", c.host, next)
		}
		return err
	}))
}

// checkTaken sees to it that the home has what it said it had, once (I2), and
// that its author is told so, and only then (I10).
func (s *sim) checkTaken(th *thing) {
	h := s.councils[0]
	there, lines := false, 0
	s.must(h.view(func(tx *store.Tx) error {
		_, err := tx.ObjectByURI(th.uri)
		if there = err == nil; err != nil && copse.CodeOf(err) != copse.CodeNotFound {
			return err
		}
		log, err := tx.Log(h.trees.ID, 0, 10_000)
		for _, r := range log {
			if r.Type == "Create" && r.Object == th.uri {
				lines++
			}
		}
		return err
	}))
	s.mu.Lock()
	taken, refused := th.taken, th.refused
	s.mu.Unlock()
	switch {
	case there || th.deleted || s.truth.banned[th.author.URI] || s.council(th.host).lost:
	case !taken && !refused:
		s.wrong("I10: %s has not got to the home, which never refused it", th.name)
	case taken && !refused:
		s.wrong("I2: the home took %s, and has not got it", th.name)
	}
	if there && lines != 1 {
		s.wrong("I2: the home has %s %d times in its log", th.name, lines)
	}
	by := s.council(th.host)
	s.must(by.view(func(tx *store.Tx) error {
		o, err := tx.ObjectByURI(th.uri)
		if by.lost && !there && copse.CodeOf(err) == copse.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if told := !o.Accepted.IsZero(); told != there && o.Deleted.IsZero() {
			s.wrong("I10: the author of %s is told that it is accepted: %t, and that is %t", th.name, told, there)
		}
		return nil
	}))
}
