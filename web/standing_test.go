package web_test

import (
	"strings"
	"testing"
	"time"

	"copse/copse"
	"copse/federation"
	"copse/internal/words"
	"copse/store"
	"copse/web"
)

// Administrators are told in plain words, in both languages, why a council has not
// got something, whatever the reason is.
func TestEveryReasonWhyACouncilMissesSomethingIsPlain(t *testing.T) {
	at := time.Date(2026, 11, 3, 14, 20, 0, 0, time.UTC)
	exchanging := federation.Standing{Stance: copse.Exchanging, Policy: copse.Allow}
	with := func(change func(*copse.Peer)) web.PeerStanding {
		p := &copse.Peer{Host: "york.example", State: copse.PeerOK, LastOK: at}
		if change != nil {
			change(p)
		}
		return web.PeerStanding{Peer: p, Standing: exchanging, Mode: copse.AllowList, Wait: store.Wait{Activities: 1}}
	}
	failing := func(state copse.PeerState, why string) web.PeerStanding {
		return with(func(p *copse.Peer) { p.State, p.Fails, p.Error, p.NotUntil = state, 3, why, at.Add(time.Hour) })
	}
	closed, blocked, unlisted, off := with(nil), with(nil), with(nil), with(nil)
	closed.Mode = copse.Closed
	blocked.Standing = federation.Standing{Stance: copse.Refusing, Policy: copse.Block}
	unlisted.Standing = federation.Standing{Stance: copse.Refusing}
	off.Off = at
	for _, c := range []struct {
		name   string
		st     web.PeerStanding
		m      store.Missing
		en, cy string // why it has not got one thing
		all    string // how it stands
	}{
		{"down", failing(copse.PeerFailing, "it is not answering"), store.Missing{},
			"The council takes nothing: it is not answering. The next try is at 3 November 2026, 3.20pm.",
			"Nid yw’r cyngor yn derbyn dim: nid yw’n ateb. Bydd y cynnig nesaf am 3 Tachwedd 2026, 3.20yh.",
			"It has not answered since 3 November 2026, 2.20pm. It was tried 3 times. The next try is at 3 November 2026, 3.20pm."},
		{"down for a week", failing(copse.PeerDormant, "it did not answer in time"), store.Missing{},
			"The council takes nothing: it did not answer in time. The next try is at 3 November 2026, 3.20pm.",
			"Nid yw’r cyngor yn derbyn dim: nid atebodd mewn pryd. Bydd y cynnig nesaf am 3 Tachwedd 2026, 3.20yh.",
			"It has not answered since"},
		{"refusing everything", failing(copse.PeerFailing, "it answered 401"), store.Missing{},
			"The council takes nothing: it answered 401. The next try is at 3 November 2026, 3.20pm.",
			"Nid yw’r cyngor yn derbyn dim: atebodd 401. Bydd y cynnig nesaf am 3 Tachwedd 2026, 3.20yh.",
			"The next try is at 3 November 2026, 3.20pm."},
		{"asking us to wait", with(func(p *copse.Peer) { p.Error, p.NotUntil = "it answered 429", at.Add(time.Hour) }), store.Missing{},
			"It has asked us to wait: it answered 429. The next try is at 3 November 2026, 3.20pm.",
			"Mae wedi gofyn inni aros: atebodd 429. Bydd y cynnig nesaf am 3 Tachwedd 2026, 3.20yh.",
			"It takes what is sent."},
		{"refusing this", with(nil), store.Missing{Stopped: at, Error: "it answered 422"},
			"It did not take this: it answered 422. We stopped trying on 3 November 2026.",
			"Ni dderbyniodd hwn: atebodd 422. Rhoesom y gorau iddi ar 3 Tachwedd 2026.",
			"It takes what is sent."},
		{"given up", with(nil), store.Missing{Stopped: at},
			"It did not take this. We stopped trying on 3 November 2026.",
			"Ni dderbyniodd hwn. Rhoesom y gorau iddi ar 3 Tachwedd 2026.",
			"It takes what is sent."},
		{"stepped over", with(nil), store.Missing{Again: at.Add(2 * time.Hour), Error: "it answered 500"},
			"It did not take this while it took other things: it answered 500. The next try is at 3 November 2026, 4.20pm.",
			"Ni dderbyniodd hwn er iddo dderbyn pethau eraill: atebodd 500. Bydd y cynnig nesaf am 3 Tachwedd 2026, 4.20yh.",
			"It takes what is sent."},
		{"paused", with(func(p *copse.Peer) { p.Paused = at }), store.Missing{}, "You have paused it.", "Rydych wedi’i oedi.",
			"It has been paused since 3 November 2026, 2.20pm."},
		{"switched off", off, store.Missing{}, "The exchange with all councils is off.", "Mae’r cyfnewid â phob cyngor wedi’i ddiffodd.",
			"The exchange with all councils has been off since 3 November 2026, 2.20pm."},
		{"blocked", blocked, store.Missing{}, "You have blocked it.", "Rydych wedi’i rwystro.", "Nothing is exchanged: it is blocked."},
		{"not on the list", unlisted, store.Missing{}, "You do not exchange anything with it: nobody has allowed it.",
			"Nid ydych yn cyfnewid dim ag ef: nid oes neb wedi’i ganiatáu.", "Nothing is exchanged: nobody has allowed it."},
		{"closed", closed, store.Missing{}, "This server exchanges nothing with anybody.", "Nid yw’r gweinydd hwn yn cyfnewid dim â neb.",
			"Nothing is exchanged: this server exchanges nothing with anybody."},
		{"on its way", with(nil), store.Missing{}, "It is on its way.", "Mae ar ei ffordd.", "It takes what is sent. 1 thing is waiting for it."},
	} {
		if got := web.WhyMissing(words.In("en"), c.st, c.m); got != c.en {
			t.Errorf("%s: %q, want %q", c.name, got, c.en)
		}
		if got := web.WhyMissing(words.In("cy"), c.st, c.m); got != c.cy {
			t.Errorf("%s, in Welsh: %q, want %q", c.name, got, c.cy)
		}
		_, all := web.Stands(words.In("en"), c.st)
		if !strings.Contains(all, c.all) {
			t.Errorf("%s: it is said that %q, want %q", c.name, all, c.all)
		}
		if _, welsh := web.Stands(words.In("cy"), c.st); welsh == "" || welsh == all {
			t.Errorf("%s: in Welsh it is said that %q", c.name, welsh)
		}
	}
}
