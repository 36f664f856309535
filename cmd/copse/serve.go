package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"copse/internal/config"
	"copse/internal/server"
	"copse/store"
)

// Limits on connections. How long an answer may take is for the site to say.
const (
	headerTime = 5 * time.Second
	readTime   = 30 * time.Second
	idleTime   = 60 * time.Second
	headerSize = 32 << 10
	drainTime  = 20 * time.Second // for requests that are being answered when the server is told to stop
)

type serve struct {
	settings
	Verbose bool `help:"Log what is of interest only when something is being looked into."`
}

// Help is the long text of copse serve --help.
func (serve) Help() string {
	return "Without --config it keeps everything in ./copse-data, in an SQLite database, and is reached from this " +
		"machine alone, at http://localhost:8080. The first time it prints a link by which you become its owner.\n\n" +
		"It stops when it gets SIGTERM or Ctrl+C, after it has answered what it was asked."
}

// Run serves until ctx ends.
func (cmd serve) Run(ctx context.Context, t terminal) (err error) {
	c, err := cmd.load()
	if err != nil {
		return err
	}
	log := logger(t.err, cmd.Verbose, slog.LevelInfo)
	s, err := server.New(ctx, c, server.Options{Version: versionText(), Log: log})
	if err != nil {
		return opening(c, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := listen(c.Server.Listen)
	if err != nil {
		return err
	}
	socket, err := s.Socket()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, socket.Close()) }()
	link, err := s.Site.SetupLink(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("make the link that sets the server up: %w", err), l.Close())
	}
	if err := greet(t.out, c, l.Addr(), link); err != nil {
		return errors.Join(err, l.Close())
	}
	return answer(ctx, s, l, log)
}

// logger writes what happens to w, down to least, or to everything if verbose. It
// is also where code logs that is not told where to.
func logger(w io.Writer, verbose bool, least slog.Level) *slog.Logger {
	if verbose {
		least = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least}))
	slog.SetDefault(log)
	return log
}

// opening puts what went wrong on opening a server into words for its operator.
func opening(c config.Config, err error) error {
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("another copse server is running with the data in %s: stop that one first, or set server.data", c.Server.Data)
	}
	return err
}

// listen opens the port of a server.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("another program is listening on %s: stop it, or choose another port with server.listen", address)
	}
	if err != nil {
		return nil, fmt.Errorf("server.listen: %w", err)
	}
	return l, nil
}

// greet says where everything is. link is how to set the server up; "" once
// somebody has.
func greet(w io.Writer, c config.Config, at net.Addr, link string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "copse %s is running at %s\n\n", versionText(), c.Server.URL)
	fmt.Fprintf(&b, "  Listening  on %s\n", at)
	fmt.Fprintf(&b, "  Database   %s\n", database(c))
	fmt.Fprintf(&b, "  Mail       %s\n", letters(c))
	fmt.Fprintf(&b, "  Councils   %s\n\n", councils(c))
	if link != "" {
		fmt.Fprintf(&b, "Nobody owns this server yet. Open this link to set it up; it works once, for a day:\n\n  %s\n\n", link)
	}
	b.WriteString("Ctrl+C stops it.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func database(c config.Config) string {
	if u, err := url.Parse(c.Database.URL); err == nil && c.Database.URL != "" {
		u.RawQuery = ""
		return u.Redacted()
	}
	return filepath.Join(c.Server.Data, "copse.db")
}

func letters(c config.Config) string {
	if u, err := url.Parse(c.Mail.SMTP); err == nil && c.Mail.SMTP != "" {
		return "by " + u.Host
	}
	return "no mail server is set; letters are files in " + filepath.Join(c.Server.Data, "mail")
}

func councils(c config.Config) string {
	switch c.Federation.Mode {
	case config.Closed:
		return "none: federation.mode is closed"
	case config.Open:
		return "any that is not blocked: federation.mode is open"
	}
	return "those on the list; copse peer list shows them"
}

// answer runs s behind l until ctx ends. Then it takes no more connections,
// answers what it was asked, and puts down what else it was doing.
func answer(ctx context.Context, s *server.Server, l net.Listener, log *slog.Logger) error {
	site := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerSize,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // broken connections, mostly
	}
	after := context.WithoutCancel(ctx)
	working, stopWorking := context.WithCancel(after)
	var work sync.WaitGroup
	work.Go(func() { s.Run(working) })
	defer work.Wait()
	defer stopWorking()

	failed := make(chan error, 1)
	go func() { failed <- site.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("listen: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping")
	draining, stopDraining := context.WithTimeout(after, drainTime)
	defer stopDraining()
	if err := site.Shutdown(draining); err != nil {
		log.Warn("some requests were not answered", "err", err)
		return site.Close()
	}
	return nil
}
