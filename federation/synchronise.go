package federation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/hub"
	"copse/store"
)

// A Follow, an Accept or their end can get lost, and then two servers differ about who
// is in a community: one goes on showing what is said among members to somebody who
// was turned out, or to nobody who should see it. So a members-only community says with
// all that it announces to a server whom it takes to be in it there (FEP-8fcf), in a
// digest that tells no one else anything.

const (
	synchronisation = "Collection-Synchronization" // the header

	// maxSynchronised is how many members at one server may be compared so: as many as
	// a list can have that is read at once.
	maxSynchronised = 4000
	// compareEvery is how often the list of a community is asked for, at most, and
	// settleFor how long after a difference is seen: what is under way may mend it.
	compareEvery = time.Hour
	settleFor    = time.Minute
)

// digestOf returns the digest of a set of URIs: the SHA-256 of each, taken together by
// exclusive or.
func digestOf(uris []string) string {
	var all [sha256.Size]byte
	for _, uri := range uris {
		for i, b := range sha256.Sum256([]byte(uri)) {
			all[i] ^= b
		}
	}
	return hex.EncodeToString(all[:])
}

// synchronise adds to parcels for a peer whom their communities take to be in them
// there.
func synchronise(tx *store.Tx, peer *copse.Peer, all ...[]parcel) error {
	headers := map[copse.ID]string{0: ""}
	for _, parcels := range all {
		for i, p := range parcels {
			header, ok := headers[p.Community]
			if !ok {
				var err error
				if header, err = synchronisationOf(tx, p.Community, peer.Host); err != nil {
					return err
				}
				headers[p.Community] = header
			}
			parcels[i].synchronisation = header
		}
	}
	return nil
}

func synchronisationOf(tx *store.Tx, community copse.ID, host string) (string, error) {
	audience, err := tx.Audience(community) // of most deliveries that is all there is to it
	if err != nil || audience == copse.Public {
		return "", err
	}
	c, err := tx.Community(community)
	if err != nil {
		return "", err
	}
	members, err := tx.MembersFrom(c.ID, host, maxSynchronised+1)
	if err != nil || len(members) == 0 || len(members) > maxSynchronised {
		return "", err
	}
	return fmt.Sprintf(`collectionId="%s/followers", url="%s/followers_synchronization", digest="%s"`, c.URI, c.URI, digestOf(members)), nil
}

// membersThere lists the members of a community at the server that asks, to that
// server.
func (s *Server) membersThere(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Group)
	if err != nil {
		return nil, err
	}
	var members []string
	if q.signer != nil {
		err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
			members, err = tx.MembersFrom(a.ID, q.signer.Host, maxSynchronised)
			return err
		})
	}
	if err == nil && len(members) == 0 {
		err = copse.NotFound("there is nothing here")
	}
	if err != nil {
		return nil, err
	}
	d, err := listed(a.URI+"/followers_synchronization", ap.RefsTo(members...), len(members))
	if err == nil {
		d.private = true
	}
	return d, err
}

// A roll is whom the home of a community takes to be in it here, by a digest, and where
// it lists them.
type roll struct {
	collection, url, digest string
}

var rollParameter = regexp.MustCompile(`^\s*(\w+)="([^"]*)"\s*(?:,|$)`)

// parseRoll reads the header.
func parseRoll(header string) (r roll, ok bool) {
	said := make(map[string]string)
	for header != "" {
		m := rollParameter.FindStringSubmatch(header)
		if m == nil || said[m[1]] != "" {
			return r, false
		}
		said[m[1]], header = m[2], header[len(m[0]):]
	}
	r = roll{said["collectionId"], said["url"], strings.ToLower(said["digest"])}
	return r, r.collection != "" && r.url != "" && len(r.digest) == 2*sha256.Size
}

// rolls are those that differ from what is known here. The zero value is ready.
type rolls struct {
	mu      sync.Mutex
	differ  map[string]roll      // guarded by mu; by community
	due     map[string]time.Time // guarded by mu; when to ask about each of those
	settled map[string]time.Time // guarded by mu; by community: when it was last asked
	agreed  map[string]agreement // guarded by mu; by community
	bell    hub.Bell
}

// An agreement is that a digest was what is known here.
type agreement struct {
	digest string
	at     time.Time
}

// maxRolls is how many communities are remembered as asked. Those that nobody here
// knows cost their inventor nothing.
const maxRolls = 10_000

// recent reports whether a community was asked for its list, or had the same as is
// known here, a while ago only: to look at all who are in it for each thing that it
// says would cost more than the rest.
func (l *rolls) recent(community string, r roll, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.agreed[community]
	return now.Sub(l.settled[community]) < compareEvery || was.digest == r.digest && now.Sub(was.at) < compareEvery
}

// note remembers how a community's roll compares with what is known here.
func (l *rolls) note(community string, r roll, same bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if same {
		delete(l.differ, community)
		delete(l.due, community)
		if l.agreed == nil || len(l.agreed) >= maxRolls {
			l.agreed = make(map[string]agreement)
		}
		l.agreed[community] = agreement{r.digest, now}
		return
	}
	delete(l.agreed, community)
	if l.differ == nil {
		l.differ, l.due = make(map[string]roll), make(map[string]time.Time)
	}
	if _, waits := l.differ[community]; !waits {
		if len(l.differ) >= maxStale {
			return
		}
		l.due[community] = now.Add(settleFor)
		l.bell.Ring()
	}
	l.differ[community] = r
}

// next returns a community whose list is to be asked for now, with its roll, or how
// long nothing is to be done.
func (l *rolls) next(now time.Time) (community string, r roll, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait = time.Hour
	for uri, due := range l.due {
		if due.After(now) {
			wait = min(wait, due.Sub(now))
			continue
		}
		if l.settled == nil || len(l.settled) >= maxRolls {
			l.settled = make(map[string]time.Time)
		}
		r, l.settled[uri] = l.differ[uri], now
		delete(l.differ, uri)
		delete(l.due, uri)
		return uri, r, 0
	}
	return "", r, wait
}

// compare looks at what a community that has just said something says of who is in it
// here.
func (s *Server) compare(ctx context.Context, signer *copse.Actor, header string) {
	r, ok := parseRoll(header)
	if !ok || signer.Type != copse.Group || r.collection != signer.URI+"/followers" || !ap.SameHost(r.url, signer.URI) ||
		s.rolls.recent(signer.URI, r, time.Now()) {
		return // the followers of people are nobody here
	}
	members, err := s.membersHere(ctx, signer.ID)
	if err != nil {
		slog.ErrorContext(ctx, "compare members", "community", signer.URI, "err", err)
		return
	}
	s.rolls.note(signer.URI, r, digestOf(members) == r.digest, time.Now())
}

// membersHere returns the URIs of the people here who are in a community.
func (s *Server) membersHere(ctx context.Context, community copse.ID) (members []string, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		all, err := tx.MembersHere(community)
		for _, p := range all {
			members = append(members, p.Actor.URI)
		}
		return err
	})
	return members, err
}

// reconcile settles differences about who is in communities elsewhere, until ctx ends.
func (s *Server) reconcile(ctx context.Context) {
	heard, stop := s.rolls.bell.Listen()
	defer stop()
	for ctx.Err() == nil {
		community, r, wait := s.rolls.next(time.Now())
		if community != "" {
			err := s.settle(withBudget(ctx), community, r)
			if err != nil && ctx.Err() == nil {
				slog.InfoContext(ctx, "reconcile", "community", community, "err", err)
			}
			continue
		}
		select {
		case <-heard:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// settle asks for the list of those who are in a community here, as its home has it,
// and does what follows. A list that does not have the digest that came with what the
// community said is not all of it, or not of that moment: the next will be.
func (s *Server) settle(ctx context.Context, uri string, r roll) error {
	community, err := (&look{s: s}).actor(ctx, uri)
	if err != nil {
		return err
	}
	members, err := s.membersHere(ctx, community.ID)
	if err != nil || digestOf(members) == r.digest {
		return err
	}
	l, err := s.list(ctx, r.url, "")
	if err != nil {
		return err
	}
	var uris []string
	for _, item := range l.items {
		uris = append(uris, item.ID)
	}
	if digestOf(uris) != r.digest {
		return errors.New("the list is not the one that was meant")
	}
	slog.InfoContext(ctx, "reconcile", "community", uri, "here", len(members), "there", len(uris))
	return s.Hub.Reconcile(ctx, community.ID, members, uris)
}
