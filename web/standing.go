package web

import (
	"slices"
	"strings"
	"time"

	"copse/copse"
	"copse/federation"
	"copse/internal/words"
	"copse/store"
	"copse/web/page"
)

// MostAwaited is how far what waits for a council is counted.
const MostAwaited = 1000

// A PeerStanding is what there is to know about a peer in general.
type PeerStanding struct {
	Peer     *copse.Peer
	Standing federation.Standing
	Off      time.Time // since when nothing is exchanged with anybody; zero if it is
	Mode     copse.Mode
	Wait     store.Wait
}

// Stands says how a peer stands: in a word or two, and in full.
func Stands(w *words.Words, s PeerStanding) (mark page.Mark, text string) {
	p := s.Peer
	last := p.LastOK
	if p.LastSeen.After(last) {
		last = p.LastSeen
	}
	var says []string
	say := func(kind, short string, sentences ...string) {
		mark, says = page.Mark{Kind: kind, Text: short}, sentences
	}
	switch {
	case s.Mode == copse.Closed:
		say("stop", w.T("stands.closed"), w.T("stands.closed_says"))
	case s.Standing.Policy == copse.Block:
		say("stop", w.T("stands.blocked"), w.T("stands.blocked_says"))
	case s.Standing.Stance == copse.Refusing:
		say("", w.T("stands.unlisted"), w.T("stands.unlisted_says"))
	case !p.Paused.IsZero():
		say("note", w.T("stands.paused"), w.T("stands.paused_says", "since", w.DateTime(p.Paused)))
	case !s.Off.IsZero():
		say("note", w.T("stands.off"), w.T("stands.off_says", "since", w.DateTime(s.Off)))
	case p.State == copse.PeerOK && last.IsZero():
		say("", w.T("stands.new"), w.T("stands.new_says"))
	case p.State == copse.PeerOK:
		say("good", w.T("stands.ok"), w.T("stands.ok_says"))
	default:
		kind, short := "wait", w.T("stands.failing")
		if p.State == copse.PeerDormant {
			kind, short = "stop", w.T("stands.dormant")
		}
		since := w.T("stands.never_answered")
		if !last.IsZero() {
			since = w.T("stands.silent_since", "since", w.DateTime(last))
		}
		say(kind, short, since)
		if p.Fails > 0 {
			says = append(says, w.N("stands.tried", p.Fails))
		}
		if !p.NotUntil.IsZero() {
			says = append(says, w.T("stands.next", "next", w.DateTime(p.NotUntil)))
		}
	}
	switch n := s.Wait.Activities; {
	case n >= MostAwaited:
		says = append(says, w.T("stands.many_wait", "n", n))
	case n > 0:
		says = append(says, w.N("stands.wait", n))
	}
	return mark, strings.Join(says, " ")
}

// WhyMissing says why a peer has not got something.
func WhyMissing(w *words.Words, s PeerStanding, m store.Missing) string {
	p := s.Peer
	switch {
	case !m.Stopped.IsZero() && m.Error != "":
		return w.T("missing.refused", "why", Fault(w, m.Error), "date", m.Stopped)
	case !m.Stopped.IsZero():
		return w.T("missing.stopped", "date", m.Stopped)
	case s.Mode == copse.Closed:
		return w.T("missing.closed")
	case s.Standing.Policy == copse.Block:
		return w.T("missing.blocked")
	case s.Standing.Stance == copse.Refusing:
		return w.T("missing.unlisted")
	case !p.Paused.IsZero():
		return w.T("missing.paused")
	case !s.Off.IsZero():
		return w.T("missing.off")
	case !m.Again.IsZero():
		return w.T("missing.later", "why", Fault(w, m.Error), "next", w.DateTime(m.Again))
	case p.State != copse.PeerOK && p.Error != "":
		text := w.T("missing.away", "why", Fault(w, p.Error))
		if !p.NotUntil.IsZero() {
			text += " " + w.T("stands.next", "next", w.DateTime(p.NotUntil))
		}
		return text
	case !p.NotUntil.IsZero() && p.Error != "": // it has asked us to wait
		return w.T("missing.soon", "why", Fault(w, p.Error), "next", w.DateTime(p.NotUntil))
	}
	return w.T("missing.coming")
}

// faults are what federation notes of a delivery that failed, by the text for it.
var faults = map[string]string{
	"its address cannot be used": "address", "it is not answering": "silent", "it did not answer in time": "slow",
	"something went wrong at our end": "ours",
}

// Fault is what went wrong with a delivery, in the reader's language.
func Fault(w *words.Words, said string) string {
	if name, ok := faults[said]; ok {
		return w.T("fault." + name)
	}
	if code, ok := strings.CutPrefix(said, "it answered "); ok {
		return w.T("missing.answered", "code", code)
	}
	return said
}

// Tested says what became of one step of a test of the connection.
func Tested(w *words.Words, s federation.Step) string {
	name := s.Name + "_" + s.Result
	if s.Result == "failed" && slices.Contains([]string{"401", "403", "503"}, s.Detail) {
		name += "_" + s.Detail
	}
	text := w.T("tested." + name)
	if s.Result == "untried" {
		text = w.T("tested.untried")
	}
	if s.Name == "clock" && s.Result == "failed" || s.Name == "answer" && s.Result == "ok" && s.Detail != "" {
		text += " (" + s.Detail + ")"
	}
	return text
}
