package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"copse/copse"
	"copse/federation/ap"
	"copse/internal/outbound"
)

const (
	// sendTimeout is how long a peer has to take one activity.
	sendTimeout = 10 * time.Second
	// longestAsked bounds what a peer may ask us to wait.
	longestAsked = 24 * time.Hour
)

// undelivered is why a peer did not take something.
type undelivered struct {
	words string // for an administrator
	final bool   // the same again would get the same answer
	slow  bool   // it takes others, later
	after time.Duration
	err   error
}

func (u *undelivered) Error() string { return u.words }
func (u *undelivered) Unwrap() error { return u.err }

func words(err error) string {
	var no *undelivered
	if errors.As(err, &no) {
		return no.words
	}
	return "something went wrong at our end"
}

// send posts one activity to one peer. The reaction is for whoever remembers what
// the peer takes: the lane's peer is shared by what is in flight, and not changed.
func (s *Server) send(ctx context.Context, peer *copse.Peer, p parcel) (reaction, error) {
	both, err := s.knocks(ctx, p.Signer, peer)
	if err != nil {
		return reaction{}, err
	}
	inbox := p.inbox
	if inbox == "" {
		inbox = peer.Inbox
	}
	if inbox == "" { // a host we have only been told to allow
		scheme := "https"
		if s.policy().Scheme == "http" {
			scheme = "http"
		}
		inbox = scheme + "://" + peer.Host + "/inbox"
	}
	var res *http.Response
	r, err := try(peer, both, func(k knock) (status int, err error) {
		if res, err = s.post(ctx, inbox, p, k); err != nil {
			return 0, err
		}
		return res.StatusCode, nil
	})
	if err != nil {
		return r, err
	}
	return r, judged(r.status, res.Header)
}

// post makes one request. Of the answer, the body has been read and closed.
func (s *Server) post(ctx context.Context, inbox string, p parcel, k knock) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(p.Body))
	if err != nil {
		return nil, &undelivered{words: unusable, err: err}
	}
	r.Header.Set("Content-Type", ap.ActivityJSON)
	if p.synchronisation != "" {
		r.Header.Set(synchronisation, p.synchronisation)
	}
	if err := k.sign(r, &p.Digest); err != nil {
		return nil, &undelivered{words: unusable, err: err}
	}
	res, err := s.Client.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	return res, nil
}

const (
	unusable     = "its address cannot be used"
	notAnswering = "it is not answering"
)

func unreachable(err error) error {
	switch {
	case outbound.Final(err):
		return &undelivered{words: unusable, err: err} // a name may lead elsewhere tomorrow
	case errors.Is(err, context.DeadlineExceeded):
		return &undelivered{words: "it did not answer in time", err: err}
	}
	return &undelivered{words: notAnswering, err: err}
}

// judged returns what an answer means, nil if the peer has it now. What it says
// about the activity is final; what may be the fault of its set-up or ours (a key
// or clock that is off, an inbox that is gone, a redirect, which is never followed
// with a signed body) concerns all of them, and is tried again.
func judged(code int, header http.Header) error {
	if code >= 200 && code < 300 {
		return nil
	}
	no := &undelivered{words: fmt.Sprintf("it answered %d", code)}
	switch {
	case code == http.StatusTooManyRequests:
		no.slow, no.after = true, retryAfter(header)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		no.after = retryAfter(header)
	case code == http.StatusUnauthorized, code == http.StatusNotFound, code == http.StatusGone:
	case code >= 400:
		no.final = true
	}
	return no
}

// retryAfter returns what a peer asks us to wait (RFC 9110, 10.2.3), 0 if it does
// not say.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(longestAsked/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
