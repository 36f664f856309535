package federation

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

const (
	// gather is how long votes wait for others to go with: they come in swarms, and
	// each request costs a signature. Nothing else ever waits for them.
	gather = time.Second
	// looking is how often a lane that waits for votes sees whether anything else
	// has come.
	looking = 50 * time.Millisecond
	// maxBundle is how many bytes of votes go in one request.
	maxBundle = 256 << 10
)

// vote returns the announcement that a parcel is, if it announces a vote.
func (p parcel) vote() *ap.Object {
	switch p.Type {
	case "Like", "Dislike", "Undo": // of what is only said inside
	default:
		return nil
	}
	if p.extra || p.Community == 0 {
		return nil
	}
	w, err := ap.Parse(p.Body)
	if err != nil || w.Object == nil || !isVote(w.Object) {
		return nil
	}
	return w
}

// takesTogether reports whether a peer is sent votes together. If it has failed for
// a while it is not: then it shows which of them it cannot take.
func takesTogether(peer *copse.Peer) bool {
	return peer.Profile.TakesBatches() && peer.Fails < suspicious
}

// bundled puts votes of one community that follow each other into one parcel, for
// a peer that takes them so. The order stays.
func bundled(peer *copse.Peer, parcels []parcel) []parcel {
	if !takesTogether(peer) {
		return parcels
	}
	var (
		all   []parcel
		run   []parcel // votes that go together
		said  []*ap.Object
		bytes int
	)
	flush := func() {
		if len(run) > 1 {
			if p, err := bundle(peer.Profile, run, said); err == nil {
				run = []parcel{p}
			}
		}
		all, run, said, bytes = append(all, run...), nil, nil, 0
	}
	for _, p := range parcels {
		w := p.vote()
		if len(run) > 0 && (w == nil || p.Community != run[0].Community || p.Signer != run[0].Signer ||
			!slices.Equal(w.To, said[0].To) || bytes+len(p.Body) > maxBundle) {
			flush()
		}
		if w == nil {
			all = append(all, p)
			continue
		}
		run, said, bytes = append(run, p), append(said, w), bytes+len(p.Body)
	}
	flush()
	return all
}

// bundle makes one parcel of votes, whose announcements are said. Its id says from
// which to which: the same ones sent again are the same bundle, and it leads to the
// first of them.
func bundle(profile copse.Profile, votes []parcel, said []*ap.Object) (parcel, error) {
	first, last := votes[0], votes[len(votes)-1]
	w := *said[0]
	w.ID = first.URI + "#" + last.URI[strings.LastIndexByte(last.URI, '/')+1:]
	items := make([]ap.Object, len(said))
	for i, one := range said {
		items[i] = *one.Object
	}
	w.Object = &ap.Object{Type: "OrderedCollection", TotalItems: new(int), OrderedItems: items}
	*w.Object.TotalItems = len(items)
	if profile == copse.Arrays {
		w.Object, w.Objects = nil, items
	}
	body, err := ap.Marshal(&w)
	if err != nil {
		return parcel{}, fmt.Errorf("bundle %s: %w", w.ID, err)
	}
	return parcel{members: votes, synchronisation: first.synchronisation, Outgoing: &store.Outgoing{
		ID: last.ID, URI: w.ID, Type: "Announce", Community: last.Community, Signer: last.Signer,
		Body: body, Digest: sha256.Sum256(body),
	}}, nil
}

// gathers returns for how long what its peer has not got should wait: if there is
// nothing but votes, which a lane leaves alone for a while when it first sees them.
func (l *lane) gathers(b *backlog, peer *copse.Peer, now time.Time) time.Duration {
	if takesTogether(peer) && !b.more && len(b.fresh) > 0 && len(b.late)+len(b.void) == 0 &&
		!slices.ContainsFunc(b.fresh, func(p parcel) bool { return p.vote() == nil }) {
		if l.gathering.IsZero() {
			l.gathering = now
		}
		if pause := gather - now.Sub(l.gathering); pause > 0 {
			return pause
		}
	}
	l.gathering = time.Time{}
	return 0
}
