package web

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"copse/copse"
	"copse/store"
)

// How long somebody stays signed in: from the last time they did anything, and
// at most.
const (
	sessionIdle = 12 * time.Hour
	sessionLife = 14 * 24 * time.Hour
	// sessionStep is how often it is written down that a session is in use: a
	// page read must not cost a write.
	sessionStep = 30 * time.Minute
)

// What a session holds.
const (
	keyActor  = "actor"  // int64, whose it is
	keySeen   = "seen"   // int64, Unix seconds when it was last used, to within sessionStep
	keyNotice = "notice" // string, what the next page tells
)

// newSessions keeps sessions in db. The cookie's name binds it to this host and
// to https (RFC 6265bis, section 4.1.3.2); a server tried out over plain http
// cannot have that.
func newSessions(db *store.DB, https bool) *scs.SessionManager {
	// Not scs.New, which starts a store in memory that nothing ends.
	m := &scs.SessionManager{
		Store: sessions{db}, HashTokenInStore: true, Codec: scs.GobCodec{}, Lifetime: sessionLife,
		Cookie: scs.SessionCookie{Name: "copse", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true},
	}
	if https {
		m.Cookie.Name = "__Host-copse"
		m.Cookie.Secure = true
	}
	m.ErrorFunc = func(_ http.ResponseWriter, _ *http.Request, err error) { panic(sessionFault{err}) }
	return m
}

// A sessionFault is a session that could not be read or saved.
type sessionFault struct{ err error }

// sessions is where scs keeps sessions. It is given hashed tokens only.
type sessions struct{ db *store.DB }

// found is the (hashed) token of the session that a request came with.
type found struct{ token string }

type foundKey struct{}

func (s sessions) FindCtx(ctx context.Context, token string) (content []byte, ok bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		content, err = tx.Session(token)
		return err
	})
	if f, _ := ctx.Value(foundKey{}).(*found); f != nil && content != nil {
		f.token = token
	}
	return content, content != nil, err
}

// CommitCtx keeps a session for as long as it may be idle. One that was ended
// elsewhere while the request ran stays ended.
func (s sessions) CommitCtx(ctx context.Context, token string, content []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(content)
	if err != nil {
		return err
	}
	actor, _ := values[keyActor].(int64)
	f, _ := ctx.Value(foundKey{}).(*found)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if f != nil && f.token == token {
			was, err := tx.Session(token)
			if err != nil || was == nil {
				return err
			}
		}
		if idle := tx.Now.Add(sessionIdle); idle.Before(expiry) {
			expiry = idle
		}
		return tx.SetSession(token, copse.ID(actor), content, expiry)
	})
}

func (s sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.DropSession(token) })
}

// scs asks for these too, and calls none of them where there are those above.

func (s sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessions) Commit(token string, content []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, content, expiry)
}

func (s sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// watched lets sessions tell one that a request came with from a new one.
func watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, new(found))))
	})
}

// signedIn returns whose session a request came with; zero if nobody's.
func (s *Site) signedIn(ctx context.Context, now time.Time) copse.ID {
	actor := s.sessions.GetInt64(ctx, keyActor)
	if actor == 0 {
		return 0
	}
	if seen := time.Unix(s.sessions.GetInt64(ctx, keySeen), 0); now.Sub(seen) >= sessionStep {
		s.sessions.Put(ctx, keySeen, now.Unix())
	}
	return copse.ID(actor)
}

// signIn makes the session actor's, under a new token: whoever knew the old one
// has nothing.
func (s *Site) signIn(ctx context.Context, actor copse.ID) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyActor, int64(actor))
	s.sessions.Put(ctx, keySeen, time.Now().Unix())
	return nil
}

// Tell has the next page that this reader sees say text at its head, once.
func (s *Site) Tell(r *http.Request, text string) { s.sessions.Put(r.Context(), keyNotice, text) }
