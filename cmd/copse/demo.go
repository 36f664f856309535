package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"copse/copse"
	"copse/internal/config"
	"copse/internal/seed"
	"copse/internal/server"
	"copse/store"
)

const (
	// demoPassword is everybody's: the demonstration is on this machine alone.
	demoPassword = "an oak and three ferns"
	// demoSeed draws when things were said and who liked them.
	demoSeed = 1

	// filledSetting is there once a council has begun to be filled.
	filledSetting = "demo"
	begun, filled = "begun", "filled"
)

type demo struct {
	Data    string `placeholder:"DIR" help:"Keep the councils' data in this directory, and go on with what is there. Without it they are gone when the demonstration ends."`
	Port    int    `default:"8801" help:"The port of the first council. The other three have the ones after it."`
	Verbose bool   `help:"Log what the four servers do."`
}

// Help is the long text of copse demo --help.
func (demo) Help() string {
	return "Four servers run in one process, each with a database of its own, and exchange signed messages as servers " +
		"of real councils do. The people and what they say are invented. The first start takes about ten seconds. " +
		"Ctrl+C ends it."
}

// A stall is one council of the demonstration: its server and its port.
type stall struct {
	*server.Server
	council *seed.Council
	port    net.Listener
}

// Run runs the demonstration until ctx ends.
func (cmd demo) Run(ctx context.Context, t terminal) (err error) {
	profile, err := seed.Unit()
	if err != nil {
		return err
	}
	dir := cmd.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "copse-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	log := logger(t.err, cmd.Verbose, slog.LevelWarn)

	var stalls []*stall
	defer func() {
		for _, s := range stalls {
			err = errors.Join(err, s.Close())
		}
	}()
	for i, council := range profile.Councils {
		s, err := pitch(ctx, council, dir, cmd.Port+i, log)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", council.Title, err), closePorts(stalls))
		}
		stalls = append(stalls, s)
	}

	state, err := stateOf(ctx, stalls)
	if err != nil {
		return errors.Join(err, closePorts(stalls))
	}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	failed := make(chan error, len(stalls))
	for _, s := range stalls {
		running.Go(func() { failed <- answer(ctx, s.Server, s.port, log) })
	}
	if state != filled {
		err := fill(ctx, t, profile, stalls)
		if ctx.Err() != nil {
			return nil // told to stop meanwhile
		}
		if err != nil {
			return err
		}
	}
	if err := invite(ctx, t.out, profile, stalls, cmd.Data); err != nil {
		return err
	}
	return <-failed // nil once ctx has ended
}

// pitch opens one council.
func pitch(ctx context.Context, council *seed.Council, dir string, port int, log *slog.Logger) (*stall, error) {
	host := fmt.Sprintf("%s.localhost:%d", council.Name, port)
	c := config.Default()
	c.Server.URL, c.Server.Listen = "http://"+host, fmt.Sprintf("localhost:%d", port)
	c.Server.Data = filepath.Join(dir, council.Name)
	c.Federation.PrivateNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	s, err := server.New(ctx, c, server.Options{Version: versionText(), Log: log.With("council", council.Name)})
	if err != nil {
		return nil, opening(c, err)
	}
	l, err := net.Listen("tcp", c.Server.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on port %d, or choose others with --port: %w", port, err), s.Close())
	}
	return &stall{s, council, l}, nil
}

func closePorts(stalls []*stall) (err error) {
	for _, s := range stalls {
		err = errors.Join(err, s.port.Close())
	}
	return err
}

// stateOf returns how far the filling of the councils has come: "" or filled.
func stateOf(ctx context.Context, stalls []*stall) (state string, err error) {
	states := make(map[string]int)
	for _, s := range stalls {
		err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
			state, err = tx.Setting(filledSetting)
			return err
		})
		if err != nil {
			return "", err
		}
		states[state]++
	}
	if len(states) > 1 || state == begun {
		return "", errors.New("an earlier demonstration was ended before it was ready; delete its directory and start again")
	}
	return state, nil
}

func fill(ctx context.Context, t terminal, profile *seed.Profile, stalls []*stall) error {
	fmt.Fprintln(t.out, "Filling four councils with people and conversations. This takes some seconds.")
	if err := mark(ctx, stalls, begun); err != nil {
		return err
	}
	servers := make(map[string]*server.Server)
	for _, s := range stalls {
		servers[s.council.Name] = s.Server
	}
	err := seed.Fill(ctx, profile, servers, seed.Options{Seed: demoSeed, Now: time.Now(), Password: demoPassword})
	if err != nil {
		return err
	}
	return mark(ctx, stalls, filled)
}

func mark(ctx context.Context, stalls []*stall, state string) error {
	for _, s := range stalls {
		err := s.DB.Update(ctx, func(tx *store.Tx) error { return tx.SetSetting(filledSetting, state) })
		if err != nil {
			return err
		}
	}
	return nil
}

// invite says where to go and as whom.
func invite(ctx context.Context, out io.Writer, profile *seed.Profile, stalls []*stall, kept string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nReady. Four councils are running on this machine; the password of everybody is\n\n  %s\n\n", demoPassword)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range stalls {
		fmt.Fprintf(w, "%s\t%s\n", s.council.Title, s.Config.Server.URL)
		var others []string
		for i, p := range s.council.People {
			does := duties(profile, s.council, p)
			if i > 1 && does == "" {
				others = append(others, p.Name)
				continue
			}
			fmt.Fprintf(w, "  %s@%s\t%s, %s%s\n", p.Name, s.council.Domain, p.Title, p.Job, does)
		}
		fmt.Fprintf(w, "  and %s\n\n", strings.Join(others, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range profile.Communities {
		if c.Name == "equality" {
			if err := everywhere(ctx, &b, c, stalls); err != nil {
				return err
			}
		}
	}
	if kept != "" {
		fmt.Fprintf(&b, "The data stay in %s. ", kept)
	}
	b.WriteString("Ctrl+C ends the demonstration.\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// duties says what somebody looks after, to follow their job.
func duties(profile *seed.Profile, council *seed.Council, p *seed.Person) (does string) {
	if p == council.People[0] {
		does = "; owns the server"
	}
	for _, c := range profile.Communities {
		if c.Owner == p.Name+"@"+council.Name {
			does += "; facilitates " + c.Title
		}
	}
	return does
}

// everywhere lists one community, and a conversation in it, at each council.
func everywhere(ctx context.Context, b *strings.Builder, c *seed.Community, stalls []*stall) error {
	var community string
	for _, s := range stalls {
		if s.council.Name == c.At {
			community = s.Config.Server.URL + "/c/" + c.Name
		}
	}
	fmt.Fprintf(b, "The same community, and the same conversation in it, at four councils:\n\n")
	for _, s := range stalls {
		err := s.DB.View(ctx, func(tx *store.Tx) error {
			here, err := tx.CommunityByURI(community)
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "  %s%s\n", s.Config.Server.URL, here.Path())
			topics, err := tx.Newest(copse.Viewer{}, here.ID, "topic", 0, len(c.Topic))
			for _, topic := range topics {
				if topic.Title == c.Topic[1].Title {
					fmt.Fprintf(b, "  %s/post/%d\n", s.Config.Server.URL, topic.ID)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	b.WriteString("\n")
	return nil
}
