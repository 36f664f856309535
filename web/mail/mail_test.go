package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"copse/copse"
	"copse/federation"
	"copse/hub"
	"copse/internal/words"
	"copse/store"
	"copse/store/storetest"
	"copse/web/mail"
)

// A postOffice is a mail server (RFC 5321) that keeps what it is given.
type postOffice struct {
	address string
	got     chan letter
	refuse  func(rcpt string) string // an answer to RCPT; "" accepts
}

type letter struct {
	from, to string
	*netmail.Message
	text string // of the body, decoded
}

func open(t *testing.T) *postOffice {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{address: l.Addr().String(), got: make(chan letter, 100)}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return p
}

func (p *postOffice) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 post office")
	var from, to string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250 hello")
		case "MAIL":
			from = rest
			say("250 ok")
		case "RCPT":
			answer := ""
			if p.refuse != nil {
				answer = p.refuse(rest)
			}
			if answer != "" {
				say(answer)
				continue
			}
			to = rest
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text bytes.Buffer
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			say("250 taken")
			m, err := netmail.ReadMessage(&text)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(quotedprintable.NewReader(m.Body))
			p.got <- letter{from, to, m, strings.ReplaceAll(string(body), "\r\n", "\n")}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// work runs a worker until the test ends.
func work(t *testing.T, c mail.Config) *mail.Worker {
	t.Helper()
	w, err := mail.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { w.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return w
}

func queue(t *testing.T, db *store.DB, bell *hub.Bell, m *store.Mail) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.QueueMail(m) }); err != nil {
		t.Fatal(err)
	}
	bell.Ring()
}

func english(base string) mail.Letterhead {
	return mail.Letterhead{W: words.In("en"), Server: "Stevenage Borough Council", Base: base}
}

func TestLettersArriveAsTheyWereWritten(t *testing.T) {
	office, db, bell := open(t), storetest.Open(t), new(hub.Bell)
	work(t, mail.Config{
		DB: db, Bell: bell, Base: "https://stevenage.gov.test", From: "Copse <copse@stevenage.gov.test>",
		SMTP: "smtp://" + office.address, Log: slog.New(slog.DiscardHandler),
	})
	queue(t, db, bell, english("https://stevenage.gov.test").Confirm("tess@stevenage.gov.test", "Siân Okafor", "ABC"))
	got := <-office.got
	if got.from != "FROM:<copse@stevenage.gov.test>" || got.to != "TO:<tess@stevenage.gov.test>" {
		t.Errorf("from %s to %s", got.from, got.to)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if want := "Confirm your email address for Stevenage Borough Council"; err != nil || subject != want {
		t.Errorf("the subject is %q, want %q", subject, want)
	}
	for name, want := range map[string]string{
		"From": `"Copse" <copse@stevenage.gov.test>`, "To": "<tess@stevenage.gov.test>",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Content-Type": "text/plain; charset=UTF-8",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if id := got.Header.Get("Message-ID"); !strings.HasSuffix(id, "@stevenage.gov.test>") {
		t.Errorf("Message-ID is %q", id)
	}
	for _, want := range []string{"Hello Siân Okafor,\n", "\nhttps://stevenage.gov.test/confirm?token=ABC\n", "within 24 hours", "\n-- \nYou get this because"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("the letter does not say %q:\n%s", want, got.text)
		}
	}
}

// A mail server that is down gets the letter once it is up, later and later; one
// that knows no such recipient is not asked again.
func TestLettersAreTriedAgain(t *testing.T) {
	office, db := open(t), storetest.Open(t)
	office.refuse = func(rcpt string) string {
		switch {
		case strings.Contains(rcpt, "nobody@"):
			return "550 no such mailbox"
		case strings.Contains(rcpt, "busy@"):
			return "451 try again"
		}
		return ""
	}
	bell, log := new(hub.Bell), new(journal)
	for _, to := range []string{"busy@b.test", "nobody@a.test", "tess@c.test"} {
		queue(t, db, bell, english("https://a.test").Reset(to, "Tess", "T"))
	}
	work(t, mail.Config{DB: db, Bell: bell, Base: "https://a.test", From: "copse@a.test", SMTP: "smtp://" + office.address, Log: slog.New(slog.NewTextHandler(log, nil))})
	if got := <-office.got; got.to != "TO:<tess@c.test>" {
		t.Errorf("to %s", got.to)
	}
	log.wait(t, `msg="mail failed"`, "again_in=1m0s", "451")
	log.wait(t, `msg="mail given up"`, "tries=1", "550")
}

// The worker's waits double from a minute and end after a day.
func TestLettersAreGivenUpAfterADayOfWaiting(t *testing.T) {
	db, log := storetest.Open(t), new(journal)
	m := english("https://a.test").Reset("tess@c.test", "Tess", "T")
	queue(t, db, new(hub.Bell), m)
	// Nobody listens there any more.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	bell := new(hub.Bell)
	work(t, mail.Config{DB: db, Bell: bell, Base: "https://a.test", From: "copse@a.test", SMTP: "smtp://" + l.Addr().String(), Log: slog.New(slog.NewTextHandler(log, nil))})
	for _, wait := range []string{"1m0s", "2m0s", "4m0s", "8m0s", "16m0s", "32m0s", "1h4m0s", "2h8m0s", "4h16m0s", "8h32m0s", "17h4m0s"} {
		log.wait(t, "again_in="+wait)
		makeDue(t, db, m.ID)
		bell.Ring()
	}
	log.wait(t, `msg="mail given up"`, "tries=12")
}

// makeDue lets the time pass that a letter waits.
func makeDue(t *testing.T, db *store.DB, id copse.ID) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.RetryMail(id, "", tx.Now) }); err != nil {
		t.Fatal(err)
	}
}

// A journal is a log that can be waited for.
type journal struct {
	mu    sync.Mutex
	lines []string
	more  chan bool // guarded by mu; closed when a line comes
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(b))
	if j.more != nil {
		close(j.more)
		j.more = nil
	}
	return len(b), nil
}

// wait returns once a line holds all of the parts.
func (j *journal) wait(t *testing.T, parts ...string) {
	t.Helper()
	for {
		j.mu.Lock()
		for _, line := range j.lines {
			if holds(line, parts) {
				j.mu.Unlock()
				return
			}
		}
		if j.more == nil {
			j.more = make(chan bool)
		}
		more := j.more
		j.mu.Unlock()
		select {
		case <-more:
		case <-time.After(20 * time.Second):
			t.Fatalf("no line with %q in %q", parts, j.lines)
		}
	}
}

func holds(line string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(line, p) {
			return false
		}
	}
	return true
}

func TestWithoutAMailServerLettersAreFilesForTheServerAlone(t *testing.T) {
	db, bell, dir, log := storetest.Open(t), new(hub.Bell), filepath.Join(t.TempDir(), "data", "mail"), new(journal)
	work(t, mail.Config{DB: db, Bell: bell, Base: "https://a.test", From: "copse@a.test", Dir: dir, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	log.wait(t, "mail is written to files", "dir="+dir)
	m := english("https://a.test").Reset("tess@c.test", "Tess", "TOKEN")
	queue(t, db, bell, m)
	name := filepath.Join(dir, fmt.Sprint(m.ID)+".eml")
	log.wait(t, `msg="mail written"`, name)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v", info.Mode())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "https://a.test/reset?token=3DTOKEN") {
		t.Errorf("the file is\n%s", text)
	}
	if strings.Contains(strings.Join(log.lines, ""), "TOKEN") {
		t.Error("the log holds the link")
	}
}

func TestBadConfigurationIsFoundAtTheStart(t *testing.T) {
	for _, c := range []mail.Config{
		{From: "not an address", Dir: t.TempDir()},
		{From: "copse@a.test", SMTP: "smtp://user:secret@bad host:25"},
		{From: "copse@a.test", Dir: "/dev/null/mail"},
	} {
		c.Base = "https://a.test"
		if _, err := mail.New(c); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A town is a server with its people, as far as letters go.
type town struct {
	*hub.Hub
	t *testing.T
}

func newTown(t *testing.T) *town {
	db := storetest.Open(t)
	h := &hub.Hub{DB: db, Base: "https://stevenage.gov.test"}
	h.Wire = &federation.Server{DB: db, Hub: h, Base: h.Base}
	w, err := mail.New(mail.Config{DB: db, Bell: &h.Mail, Base: h.Base, From: "copse@stevenage.gov.test", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h.Notify = w.Notify
	err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetSetting("title", "Stevenage Borough Council") })
	if err != nil {
		t.Fatal(err)
	}
	return &town{h, t}
}

func (h *town) person(name, lang string) *copse.Actor {
	a := &copse.Actor{Name: strings.ToLower(name), Title: name}
	n := &store.Account{Email: a.Name + "@stevenage.gov.test", Language: lang, Confirmed: time.Now()}
	if err := h.Register(h.t.Context(), a, n, nil); err != nil {
		h.t.Fatal(err)
	}
	return a
}

// stranger is somebody at York.
func (h *town) stranger(name string, typ copse.ActorType) *copse.Actor {
	uri := "https://york.example/" + strings.ToLower(name)
	a := &copse.Actor{Type: typ, URI: uri, Name: strings.ToLower(name), Host: "york.example", Title: name, Inbox: uri + "/inbox", Created: time.Now()}
	var c *copse.Community
	if typ == copse.Group {
		c = &copse.Community{Join: copse.JoinApproval, Audience: copse.Members, Posting: copse.Member}
	}
	if err := h.Learn(h.t.Context(), a, c); err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *town) letters() (all []*store.Mail) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.ClaimMails(100, time.Hour)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *town) try(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestFacilitatorsHearWhoAsksToJoinAndPeopleWhatCameOfIt(t *testing.T) {
	h := newTown(t)
	olga, tess, bryn := h.person("Olga", "cy"), h.person("Tess", ""), h.person("Bryn", "cy")
	c := &copse.Community{
		Actor: copse.Actor{Name: "equality", Title: "Equality\nand Diversity"}, Join: copse.JoinApproval, Audience: copse.Members,
		Posting: copse.Member, Welcome: "Say hello first.",
	}
	h.try(h.Found(t.Context(), olga, c))

	h.try(h.Join(t.Context(), tess, &c.Actor, "Writing our first EIA.\nIn a hurry."))
	asked := h.letters()
	if len(asked) != 1 || asked[0].To != "olga@stevenage.gov.test" {
		t.Fatalf("%d letters to facilitators: %+v", len(asked), asked)
	}
	if want := "Equality and Diversity: mae Tess yn gofyn am gael ymuno"; asked[0].Subject != want {
		t.Errorf("the subject is %q, want %q", asked[0].Subject, want)
	}
	for _, want := range []string{"Helo Olga,", "> Writing our first EIA.\n> In a hurry.", "https://stevenage.gov.test/c/equality/facilitate/requests"} {
		if !strings.Contains(asked[0].Body, want) {
			t.Errorf("the letter does not say %q:\n%s", want, asked[0].Body)
		}
	}

	h.try(h.Decide(t.Context(), olga, c, tess, true, "Glad you are here."))
	joined := h.letters()
	if len(joined) != 1 || joined[0].To != "tess@stevenage.gov.test" || joined[0].Subject != "Equality and Diversity: you have joined" ||
		!strings.Contains(joined[0].Body, "> Glad you are here.\n\n> Say hello first.") {
		t.Errorf("letters to who joined: %+v", joined)
	}

	h.try(h.Join(t.Context(), bryn, &c.Actor, ""))
	h.letters()
	h.try(h.Decide(t.Context(), olga, c, bryn, false, ""))
	declined := h.letters()
	if len(declined) != 1 || declined[0].To != "bryn@stevenage.gov.test" || !strings.Contains(declined[0].Body, "Nid yw Equality and Diversity") {
		t.Errorf("letters to who was turned down: %+v", declined)
	}
}

func TestAskingOverAndOverIsHeardThreeTimes(t *testing.T) {
	h := newTown(t)
	olga, mallory := h.person("Olga", ""), h.stranger("Mallory", copse.Person)
	c := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinApproval, Audience: copse.Members, Posting: copse.Member}
	h.try(h.Found(t.Context(), olga, c))
	for i := range 10 {
		h.try(h.Perform(t.Context(), &copse.Activity{
			URI: fmt.Sprint("https://york.example/follow/", i), Type: "Follow", Actor: mallory, Subject: &c.Actor, Reason: "let me in",
		}))
	}
	letters := h.letters()
	if len(letters) != 3 {
		t.Errorf("%d letters, want 3", len(letters))
	}
	if want := "Mallory, york.example, asks to join Trees."; !strings.Contains(letters[0].Body, want) {
		t.Errorf("the letter does not say %q:\n%s", want, letters[0].Body)
	}
}

func TestAnswerFromElsewhereIsToldOnce(t *testing.T) {
	h := newTown(t)
	tess, equality := h.person("Tess", ""), h.stranger("Equality", copse.Group)
	h.try(h.Join(t.Context(), tess, equality, ""))
	if letters := h.letters(); len(letters) != 0 {
		t.Errorf("letters to facilitators elsewhere: %+v", letters)
	}
	for i := range 2 {
		h.try(h.Perform(t.Context(), &copse.Activity{
			URI: fmt.Sprint("https://york.example/accept/", i), Type: "Accept", Actor: equality, Reason: "Welcome",
			Inner: &copse.Activity{Type: "Follow", Actor: tess, Subject: equality},
		}))
	}
	letters := h.letters()
	if len(letters) != 1 || !strings.Contains(letters[0].Body, "You are now a member of Equality, which is run by york.example.") ||
		!strings.Contains(letters[0].Body, "https://stevenage.gov.test/c/equality@york.example") {
		t.Errorf("letters: %+v", letters)
	}
}

// Facilitators of a community elsewhere hear who asks to join it if they can let them
// in from here, and whoever is let in from another council hears of it once.
func TestFacilitatorsElsewhereHearWhoAsksToJoin(t *testing.T) {
	h := newTown(t)
	tess, bryn, olga := h.person("Tess", ""), h.person("Bryn", ""), h.person("Olga", "")
	equality, ann := h.stranger("Equality", copse.Group), h.stranger("Ann", copse.Person)
	n := 0
	says := func(act *copse.Activity) {
		n++
		act.URI = fmt.Sprint("https://york.example/activities/", n)
		h.try(h.Perform(t.Context(), act))
	}
	runs := func(software string) {
		h.try(h.DB.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.PeerAt("york.example")
			if err != nil {
				return err
			}
			p.Software = software
			return tx.DescribePeer(p)
		}))
	}
	h.try(h.Join(t.Context(), tess, equality, ""))
	says(&copse.Activity{Type: "Accept", Actor: equality, Inner: &copse.Activity{Type: "Follow", Actor: tess, Subject: equality}})
	h.try(h.LearnFacilitators(t.Context(), equality.ID, []*copse.Actor{tess}))
	h.letters()
	asks := func() {
		says(&copse.Activity{Type: "Announce", Actor: equality, Inner: &copse.Activity{
			URI: "https://york.example/follow", Type: "Follow", Actor: ann, Subject: equality, Reason: "I screen policies",
		}})
		h.try(h.Join(t.Context(), bryn, equality, "So do I"))
	}
	runs("lemmy")
	asks()
	if letters := h.letters(); len(letters) != 0 {
		t.Errorf("letters about whom Tess cannot let in: %+v", letters)
	}
	runs("copse")
	asks()
	letters := h.letters()
	if len(letters) != 2 || letters[0].To != "tess@stevenage.gov.test" || letters[1].To != letters[0].To ||
		!strings.Contains(letters[0].Body, "> I screen policies") || !strings.Contains(letters[1].Body, "> So do I") ||
		!strings.Contains(letters[0].Body, "https://stevenage.gov.test/c/equality@york.example/facilitate/requests") {
		t.Errorf("letters about who asks: %+v", letters)
	}

	// Of a community here: Ann, at York, looks after it and lets Bryn in.
	c := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinApproval, Audience: copse.Members, Posting: copse.Member}
	h.try(h.Found(t.Context(), olga, c))
	h.try(h.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SetMembership(&copse.Membership{Community: c.ID, Actor: ann.ID, Role: copse.Moderator, State: copse.Active, Since: tx.Now})
	}))
	h.try(h.Join(t.Context(), bryn, &c.Actor, ""))
	h.letters()
	says(&copse.Activity{Type: "Accept", Actor: ann, Reason: "Glad", Inner: &copse.Activity{Type: "Follow", Actor: bryn, Subject: &c.Actor}})
	if letters := h.letters(); len(letters) != 1 || letters[0].To != "bryn@stevenage.gov.test" {
		t.Errorf("letters to who was let in: %+v", letters)
	}
}

func TestJoiningAnOpenCommunityHereNeedsNoLetter(t *testing.T) {
	h := newTown(t)
	olga, tess := h.person("Olga", ""), h.person("Tess", "")
	c := &copse.Community{Actor: copse.Actor{Name: "trees", Title: "Trees"}, Join: copse.JoinOpen, Audience: copse.Public, Posting: copse.Member}
	h.try(h.Found(t.Context(), olga, c))
	h.try(h.Join(t.Context(), tess, &c.Actor, ""))
	h.try(h.Leave(t.Context(), tess, &c.Actor))
	if letters := h.letters(); len(letters) != 0 {
		t.Errorf("letters: %+v", letters)
	}
}

// That a community's home ends what somebody had who has moved is no news to them.
func TestWhoHasMovedIsNotToldThatTheyAreTurnedOut(t *testing.T) {
	h := newTown(t)
	tess, trees, now := h.person("Tess", ""), h.stranger("Trees", copse.Group), h.stranger("Tess", copse.Person)
	h.try(h.Join(t.Context(), tess, trees, ""))
	follow := &copse.Activity{Type: "Follow", Actor: tess, Subject: trees}
	h.try(h.Perform(t.Context(), &copse.Activity{URI: trees.URI + "#1", Type: "Accept", Actor: trees, Inner: follow}))
	if got := h.letters(); len(got) != 1 {
		t.Fatalf("%d letters to who joined", len(got))
	}
	now.AlsoKnownAs = []string{tess.URI}
	h.try(h.Learn(t.Context(), now, nil))
	h.try(h.DB.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.PeerAt("york.example")
		if err != nil {
			return err
		}
		p.Software = "copse"
		return tx.DescribePeer(p)
	}))
	h.try(h.Move(t.Context(), tess, now))
	h.try(h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		follow.Actor, err = tx.Actor(tess.ID)
		return err
	}))
	h.try(h.Perform(t.Context(), &copse.Activity{URI: trees.URI + "#2", Type: "Reject", Actor: trees, Inner: follow}))
	h.try(h.DB.View(t.Context(), func(tx *store.Tx) error {
		m, err := tx.Membership(trees.ID, tess.ID)
		if m.State != copse.Left {
			t.Errorf("Tess is %q", m.State)
		}
		return err
	}))
	if got := h.letters(); len(got) != 0 {
		t.Errorf("Tess is told %q", got[0].Subject)
	}
}
