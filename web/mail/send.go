package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-chi/httprate"
	gomail "github.com/wneessen/go-mail"

	"copse/hub"
	"copse/store"
)

// Config is how letters leave.
type Config struct {
	DB   *store.DB
	Bell *hub.Bell // rings when something may have been queued
	Base string    // "https://stevenage.gov.uk"
	From string    // "Copse <copse@stevenage.gov.uk>"
	SMTP string    // "smtp://user:password@host:587" or "smtps://…"; "" for files
	Dir  string    // where the files go; made if missing
	Log  *slog.Logger
}

// A Worker sends what is queued: by SMTP, or into files where no mail server is
// set. Its Notify is a Hub's, and queues letters about what has happened.
type Worker struct {
	Config
	host  string                // "stevenage.gov.uk", for the ids of letters
	smtp  *gomail.Client        // nil for files
	asked httprate.LimitCounter // how often facilitators heard of somebody today
}

// New returns a Worker, or an error for whoever wrote the configuration.
func New(c Config) (*Worker, error) {
	base, err := url.Parse(c.Base)
	if err != nil {
		return nil, err
	}
	w := &Worker{Config: c, host: base.Hostname(), asked: httprate.NewLocalLimitCounter(day)}
	if err := gomail.NewMsg().From(c.From); err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	if c.SMTP != "" {
		w.smtp, err = client(c.SMTP)
		return w, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for mail: %w", err)
	}
	return w, nil
}

const (
	batch     = 20
	lease     = 5 * time.Minute // longer than a batch takes
	sendTime  = 10 * time.Second
	look      = time.Minute    // how often to look without being rung for
	firstWait = time.Minute    // after the first failure; doubles with each
	lastWait  = 24 * time.Hour // a wait longer than this is giving up
)

// Run sends until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	if w.smtp == nil {
		w.Log.Info("no mail server is set; mail is written to files", "dir", w.Dir)
	}
	heard, stop := w.Bell.Listen()
	defer stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := w.sendAll(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("mail waits", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-heard:
		case <-tick.C:
		}
	}
}

// sendAll sends everything that is due.
func (w *Worker) sendAll(ctx context.Context) error {
	for ctx.Err() == nil {
		var due []*store.Mail
		err := w.DB.Update(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.ClaimMails(batch, lease)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		for _, m := range due {
			if err := w.settle(ctx, m, w.send(ctx, m)); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle records what came of sending m. What went out is recorded even if ctx
// has ended meanwhile.
func (w *Worker) settle(ctx context.Context, m *store.Mail, failure error) error {
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // the lease runs out, and somebody sends it then
	}
	wait := firstWait << min(m.Tries-1, 20)
	giveUp := wait > lastWait || isRefused(failure)
	err := w.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		switch {
		case failure == nil:
			return tx.SentMail(m.ID)
		case giveUp:
			return tx.RetryMail(m.ID, failure.Error(), time.Time{})
		}
		return tx.RetryMail(m.ID, failure.Error(), tx.Now.Add(wait))
	})
	switch {
	case err != nil, failure == nil:
	case giveUp:
		w.Log.Error("mail given up", "mail", m.ID, "tries", m.Tries, "err", failure)
	default:
		w.Log.Warn("mail failed", "mail", m.ID, "tries", m.Tries, "again_in", wait, "err", failure)
	}
	return err
}

// isRefused reports whether the mail server said for good that it knows no such
// recipient. Other refusals may be mended by whoever runs it.
func isRefused(err error) bool {
	var refused *gomail.SendError
	return errors.As(err, &refused) && refused.Reason == gomail.ErrSMTPRcptTo && !refused.IsTemp()
}

func (w *Worker) send(ctx context.Context, m *store.Mail) error {
	msg, err := w.message(m)
	if err != nil {
		return err
	}
	if w.smtp == nil {
		return w.file(m, msg)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return w.smtp.DialAndSendWithContext(ctx, msg)
}

func (w *Worker) message(m *store.Mail) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(w.From); err != nil {
		return nil, fmt.Errorf("from %s: %w", w.From, err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("to %s: %w", m.To, err)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	// The same each time it is tried, so that a mailbox can drop the second copy.
	msg.SetMessageIDWithValue(strconv.FormatInt(int64(m.ID), 10) + "@" + w.host)
	// No answers from those on holiday (RFC 3834; the second is Exchange's).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, m.Body)
	return msg, nil
}

// file writes a letter where only the server's own user can read it: it may hold
// a link that signs somebody in.
func (w *Worker) file(m *store.Mail, msg *gomail.Msg) error {
	name := filepath.Join(w.Dir, strconv.FormatInt(int64(m.ID), 10)+".eml")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := msg.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	w.Log.Debug("mail written", "file", name)
	return f.Close()
}

// client is for the mail server at address. Without TLS nothing leaves this
// machine.
func client(address string) (*gomail.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("mail.smtp is not an address") // url's error shows the password
	}
	options := []gomail.Option{gomail.WithTimeout(sendTime)}
	switch {
	case u.Scheme == "smtps":
		options = append(options, gomail.WithSSLPort(false))
	case isThisMachine(u.Hostname()):
		options = append(options, gomail.WithTLSPortPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPortPolicy(gomail.TLSMandatory))
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, fmt.Errorf("mail.smtp has the port %s: %w", u.Port(), err)
		}
		options = append(options, gomail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return gomail.NewClient(u.Hostname(), options...)
}

func isThisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
