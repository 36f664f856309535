package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/store"
)

// A community's log is what it has announced, as the ids of the announcements in
// their order. Servers with members there read on from where they were: whatever
// did not reach them, because a delivery was given up, a disk was lost or a backup
// put back, they find there and fetch.

const (
	// pullEvery is how often a log is read on, and pullAgain how soon after it
	// could not be read.
	pullEvery = time.Hour
	pullAgain = 10 * time.Minute
	// logPage is how many announcements a page of a log has, and maxPull how many
	// requests one reading may make before the next goes on, a while later: a log
	// need have no end.
	logPage  = 500
	maxPull  = 500
	pullMore = time.Minute
)

// log answers with a community's log, to servers that have members in it: without
// after, where it begins and ends; with it, a page of what came after that place.
// The page says where the next begins, which may not have anything yet.
func (s *Server) log(ctx context.Context, q *question) (*document, error) {
	a, err := s.named(ctx, q, copse.Group)
	if err != nil {
		return nil, err
	}
	if q.signer == nil {
		return nil, copse.NotFound("there is nothing here")
	}
	var (
		place = q.URL.Query().Get("after")
		after int64
		sent  []store.Announcement
		end   copse.ID
	)
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		member, err := tx.Reaches(a.ID, q.signer.Host)
		if err == nil && !member {
			err = copse.NotFound("there is nothing here")
		}
		if err != nil {
			return err
		}
		if place == "" {
			end, err = tx.EndOfOutbox()
			return err
		}
		if after, err = strconv.ParseInt(place, 10, 64); err != nil {
			return copse.Invalid("", "%q is not a place in a log", place)
		}
		sent, err = tx.AnnouncedAfter(a.ID, copse.ID(after), logPage)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := func(place copse.ID) string { return fmt.Sprintf("%s?after=%d", logOf(a.URI), place) }
	w := &ap.Object{ID: logOf(a.URI), Type: "OrderedCollection", First: ap.Ref(at(0)), Last: at(end)}
	if place != "" {
		end = copse.ID(after)
		w = &ap.Object{ID: at(end), Type: "OrderedCollectionPage", PartOf: logOf(a.URI), OrderedItems: []ap.Object{}}
		for _, one := range sent {
			end = one.Place
			w.OrderedItems = append(w.OrderedItems, *ap.Ref(one.URI))
		}
		w.Next = at(end)
	}
	d, err := written(w, nil)
	if err == nil {
		d.private = true
	}
	return d, err
}

// logOf is where a community here has its log.
func logOf(community string) string { return community + "/log" }

// keepUp has a community's log read from its beginning, now that somebody here is
// let into it, and read on from then.
func (s *Server) keepUp(ctx context.Context, community *copse.Actor) error {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		// What the outbox has is dealt with by then.
		return tx.SetPull(store.Pull{Community: community.ID, Due: tx.Now.Add(pullMore)})
	})
	s.pulls.Ring()
	return err
}

// beginning returns where a community's log begins, "" for software that has none.
func (s *Server) beginning(ctx context.Context, community *copse.Actor) (string, error) {
	w, err := s.fetch(ctx, community.URI)
	if err != nil || !ap.SameHost(w.Log, community.URI) {
		return "", err
	}
	log, err := s.fetch(ctx, w.Log)
	if err != nil || !ap.SameHost(log.First.URI(), community.URI) {
		return "", err
	}
	return log.First.URI(), nil
}

// repair reads on the logs of communities elsewhere that people here are in, until
// ctx ends.
func (s *Server) repair(ctx context.Context) {
	heard, stop := s.pulls.Listen()
	defer stop()
	for ctx.Err() == nil {
		if err := s.pullDue(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "repair", "err", err)
		}
		select {
		case <-heard:
		case <-time.After(s.untilPull(ctx)):
		case <-ctx.Done():
		}
	}
}

// untilPull returns how long to wait until the next log is to be read on.
func (s *Server) untilPull(ctx context.Context) time.Duration {
	var next time.Time
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		next, err = tx.NextPull()
		return err
	})
	if err != nil {
		return time.Minute
	}
	return s.until(next, time.Second)
}

func (s *Server) pullDue(ctx context.Context) error {
	var due []store.Pull
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DuePulls(100)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range due {
		place, err := s.pull(ctx, p)
		wait := pullEvery
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errSpent):
			wait = pullMore
		case err != nil:
			slog.InfoContext(ctx, "repair", "place", place, "err", err)
			wait = pullAgain
		}
		err = s.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.SetPull(store.Pull{Community: p.Community, Place: place, Due: tx.Now.Add(wait)})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pull reads a log from p's place to its end, and has what is missing here dealt
// with as if it had been delivered. It returns from where to read on: what cannot
// be had just now holds up nothing that comes after it, and is looked for again.
func (s *Server) pull(ctx context.Context, p store.Pull) (place string, err error) {
	var community *copse.Actor
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		community, err = tx.Actor(p.Community)
		return err
	})
	ctx = withBudgetOf(ctx, maxPull)
	if err == nil && p.Place == "" {
		err = s.learnPins(ctx, community)
	}
	if place = p.Place; err == nil && place == "" {
		if place, err = s.beginning(ctx, community); place == "" {
			if err == nil {
				err = s.readConversations(ctx, community)
			}
			return "", err
		}
	}
	var (
		gap   string // the first page with something on it that could not be had
		gapOf error
	)
	for err == nil {
		var page *ap.Object
		if page, err = s.fetch(ctx, place); err != nil {
			break
		}
		var missed error
		if missed, err = s.catchUp(ctx, community, page.OrderedItems); err != nil {
			break
		}
		if missed != nil && gap == "" {
			gap, gapOf = place, missed
		}
		if len(page.OrderedItems) == 0 || page.Next == place {
			break
		}
		if !ap.SameHost(page.Next, community.URI) {
			err = copse.Forbidden("the log at %s leads elsewhere", place)
			break
		}
		place = page.Next
	}
	if gap != "" {
		return gap, cmp.Or(err, gapOf)
	}
	return place, err
}

// catchUp fetches the announcements that have not been seen here, and lays them
// before those who work off what came in. missed is why one of them could not be
// had, err why it is no use to go on.
func (s *Server) catchUp(ctx context.Context, community *copse.Actor, items []ap.Object) (missed, err error) {
	var missing []string
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		for _, item := range items {
			seen, err := tx.Seen(item.ID)
			if err != nil {
				return err
			}
			if !seen && ap.SameHost(item.ID, community.URI) {
				missing = append(missing, item.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	fails := 0
	for _, uri := range missing {
		w, err := s.fetch(ctx, uri)
		switch {
		case err == nil:
			fails = 0
		case temporary(err) && !gone(err):
			if fails++; fails == suspicious || errors.Is(err, errSpent) {
				return missed, err // it is not this one
			}
			missed = err
			select { // nothing is asked of a server that has just not answered
			case <-time.After(firstRetry):
			case <-ctx.Done():
			}
			continue
		default: // what it was about has gone, or it cannot be read: so it will be next time
			slog.InfoContext(ctx, "repair", "uri", uri, "err", err)
			continue
		}
		if err := s.takeAnnouncement(ctx, community, w); err != nil {
			return missed, err
		}
	}
	return missed, nil
}

// takeAnnouncement parks what a community's home has shown us, if it is an
// announcement by the community.
func (s *Server) takeAnnouncement(ctx context.Context, community *copse.Actor, w *ap.Object) error {
	if w.IsRef() || w.Type != "Announce" {
		return nil
	}
	if actor, err := wellFormed(w); err != nil || actor != community.URI {
		return nil
	}
	return s.park(ctx, community.URI, &store.Received{Host: community.Host, Signer: community.URI, Body: w.Raw})
}
