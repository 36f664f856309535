package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"copse/copse"
	"copse/internal/server"
	"copse/store"
)

// ask has the server that the settings describe do something: see server.Ask.
func ask[R any](ctx context.Context, s settings, t terminal, name string, args any) (R, error) {
	c, err := s.load()
	if err != nil {
		return *new(R), err
	}
	log := logger(t.err, false, slog.LevelWarn)
	result, err := server.Ask[R](ctx, c, server.Options{Version: versionText(), Log: log}, name, args)
	return result, opening(c, err)
}

type userAdd struct {
	settings
	Name          string `required:"" help:"What stands before the @ in their address on copse: 2 to 30 small letters, digits or underscores, such as tess. It cannot be changed."`
	Email         string `required:"" help:"Their work e-mail address. They sign in with it."`
	DisplayName   string `required:"" help:"Their own name, such as \"Tess Okafor\"."`
	JobTitle      string `help:"What they do, such as \"Project support officer\"."`
	PasswordStdin bool   `required:"" help:"Read their password from the standard input: 12 characters or more, on one line."`
	Role          string `enum:"member,admin,owner" default:"member" help:"What they may do on the server as a whole: ${enum}."`
	Confirmed     bool   `help:"The e-mail address is known to be theirs. Otherwise a letter asks them to confirm it first."`
}

// Help is the long text of copse user add --help.
func (userAdd) Help() string {
	return "For example:\n\n  printf '%s' \"$PASSWORD\" | copse user add --name tess --email tess@example.gov.uk --display-name \"Tess Okafor\" --password-stdin --confirmed"
}

// Run adds somebody.
func (cmd userAdd) Run(ctx context.Context, t terminal) error {
	password, err := line(t)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	added, err := ask[server.Added](ctx, cmd.settings, t, server.AskAddPerson, server.NewPerson{
		Name: cmd.Name, Title: cmd.DisplayName, JobTitle: cmd.JobTitle, Email: cmd.Email, Password: password,
		Role: store.AccountRole(cmd.Role), Confirmed: cmd.Confirmed,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s is now %s: %s\n", cmd.DisplayName, added.Handle, added.URL)
	if !cmd.Confirmed {
		fmt.Fprintf(t.out, "A letter asks %s to confirm the address. Until then they cannot sign in.\n", cmd.Email)
	}
	return nil
}

// line reads a line of the standard input, asking for it if somebody types there.
func line(t terminal) (string, error) {
	if f, ok := t.in.(*os.File); ok {
		if about, err := f.Stat(); err == nil && about.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintln(t.err, "Type the password and press Enter; it is shown.")
		}
	}
	text, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

type communityAdd struct {
	settings
	Name     string `required:"" help:"What stands in its address: 2 to 30 small letters, digits or underscores, such as equality. It cannot be changed."`
	Title    string `required:"" help:"What it is called, such as \"Equality and Diversity\"."`
	Purpose  string `help:"What it is for, in a sentence or two of Markdown."`
	Join     string `enum:"open,approval,invitation" default:"open" help:"How people become members: anybody at once (open), after a facilitator lets them in (approval), or only when asked (invitation)."`
	Audience string `enum:"public,members" default:"public" help:"Who can read it: everybody (public) or its members. What was written for members stays with them."`
	Councils string `default:"all" help:"Which councils it is for: any that this one exchanges with (all), this one only (here, which cannot be changed later), or those named, such as harlow.gov.uk,wigan.gov.uk."`
	Owner    string `help:"The name of the person here who looks after it, such as tess. Without it, nobody does yet."`
}

// Run starts a community.
func (cmd communityAdd) Run(ctx context.Context, t terminal) error {
	added, err := ask[server.Added](ctx, cmd.settings, t, server.AskAddCommunity, server.NewCommunity{
		Name: cmd.Name, Title: cmd.Title, Purpose: cmd.Purpose, Owner: cmd.Owner,
		Join: copse.Join(cmd.Join), Audience: copse.Audience(cmd.Audience), Councils: cmd.Councils,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is at %s; people at other councils look for !%s\n", cmd.Title, added.URL, added.Handle)
	return err
}

type status struct {
	settings
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Run prints how the server is doing.
func (cmd status) Run(ctx context.Context, t terminal) error {
	st, err := ask[server.Status](ctx, cmd.settings, t, server.AskStatus, server.Nothing{})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, st)
	}
	var peers []string
	for _, state := range slices.Sorted(maps.Keys(st.Peers)) {
		peers = append(peers, fmt.Sprint(st.Peers[state], " ", state))
	}
	if len(peers) == 0 {
		peers = []string{"none"}
	}
	outbox := fmt.Sprint(st.Outbox)
	if !st.Oldest.IsZero() {
		outbox += ", the oldest since " + st.Oldest.Local().Format("2 January 2006, 15:04")
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Version\t%s\n", st.Version)
	fmt.Fprintf(w, "Address\t%s\n", st.URL)
	fmt.Fprintf(w, "Database\t%s, %.1f MB\n", st.Database, float64(st.Size)/1e6)
	fmt.Fprintf(w, "People\t%d\n", st.People)
	fmt.Fprintf(w, "Communities\t%d here, %d known elsewhere\n", st.Communities, st.Elsewhere)
	fmt.Fprintf(w, "Councils\t%s\n", strings.Join(peers, ", "))
	if !st.ExchangeOff.IsZero() {
		fmt.Fprintf(w, "Exchange\toff since %s\n", moment(st.ExchangeOff))
	}
	fmt.Fprintf(w, "To deliver\t%s\n", outbox)
	fmt.Fprintf(w, "Received\t%d waiting, %d given up\n", st.Received, st.SetAside)
	fmt.Fprintf(w, "Letters\t%d waiting\n", st.Mails)
	return w.Flush()
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

type keysRenew struct {
	settings
	Name string `arg:"" optional:"" help:"The one person or community whose keys to renew."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long text of copse keys renew --help.
func (keysRenew) Help() string {
	return "The old private keys are deleted, and nothing that is signed with one is taken any more once the other councils have asked for the new ones, which they do when a signature does not fit. For when a copy of the database, or a backup, has got into other hands. Nothing is lost; deliveries may take some minutes longer this once."
}

// Run renews keys.
func (cmd keysRenew) Run(ctx context.Context, t terminal) error {
	done, err := ask[server.Renewed](ctx, cmd.settings, t, server.AskRenewKeys, cmd.Name)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, done)
	}
	_, err = fmt.Fprintf(t.out, "%d had keys; they get new ones as they need them.\n", done.Actors)
	return err
}
