package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"copse/copse"
	"copse/internal/server"
)

type peerList struct {
	settings
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

// Run lists peers.
func (cmd peerList) Run(ctx context.Context, t terminal) error {
	peers, err := ask[[]server.Peer](ctx, cmd.settings, t, server.AskPeers, server.Nothing{})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, peers)
	}
	if len(peers) == 0 {
		_, err := fmt.Fprintln(t.out, "This server knows no other council yet; copse peer allow HOST lets one in.")
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tCOUNCIL\tEXCHANGED WITH\tLAST HEARD OF\tWAITING")
	for _, p := range peers {
		exchanged := "no: " + p.Why
		if p.Exchanges {
			exchanged = "yes: " + p.Why
		}
		heard := "never"
		if last := later(p.LastOK, p.LastSeen); !last.IsZero() {
			heard = last.Local().Format("2 January 2006, 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", p.Host, p.Title, exchanged, heard, p.Waiting)
		if p.Error != "" {
			fmt.Fprintf(w, "\t\t  %s\t\t\n", p.Error)
		}
	}
	return w.Flush()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// about is what the commands about one peer are given.
type about struct {
	settings
	Host string `arg:"" help:"The host name of the council's server, such as copse.harlow.gov.uk."`
	JSON bool   `name:"json" help:"Print JSON, for programs."`
}

func (cmd about) decide(ctx context.Context, t terminal, what copse.Decision) error {
	p, err := ask[server.Peer](ctx, cmd.settings, t, server.AskDecide, server.Decision{Host: cmd.Host, What: what})
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, p)
	}
	verb := "does not exchange anything"
	if p.Exchanges {
		verb = "exchanges communities"
	}
	_, err = fmt.Fprintf(t.out, "This server %s with %s: %s.\n", verb, p.Host, p.Why)
	return err
}

type peerAllow struct{ about }

// Run allows a peer.
func (cmd peerAllow) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecideAllow)
}

type peerBlock struct{ about }

// Run blocks a peer.
func (cmd peerBlock) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecideBlock)
}

type peerForget struct{ about }

// Run leaves a peer to the configuration.
func (cmd peerForget) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecideForget)
}

type peerPause struct{ about }

// Run pauses a peer.
func (cmd peerPause) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecidePause)
}

type peerResume struct{ about }

// Run ends the pause of a peer.
func (cmd peerResume) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecideResume)
}

type peerRetry struct{ about }

// Run has a peer tried now.
func (cmd peerRetry) Run(ctx context.Context, t terminal) error {
	return cmd.decide(ctx, t, copse.DecideTryAgain)
}

type peerShow struct{ about }

// Run prints what there is to know about a peer.
func (cmd peerShow) Run(ctx context.Context, t terminal) error {
	p, err := ask[server.Peer](ctx, cmd.settings, t, server.AskPeer, cmd.Host)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, p)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	line("Server", p.Host)
	line("Council", p.Title)
	line("Software", p.Software)
	line("Stands", p.Stands)
	line("Decided", p.Why)
	line("Last error", p.Error)
	line("Heard from", moment(p.LastSeen))
	line("Delivered to", moment(p.LastOK))
	if !p.Agreed.IsZero() {
		line("Agreement of", p.Agreed.Format("2 January 2006"))
	}
	line("Note", p.Note)
	for _, m := range p.Missing {
		line("Has not got", fmt.Sprintf("%s %s %s, of %s: %s", m.Type, m.Community, m.About, moment(m.Since), m.Why))
	}
	for _, d := range p.Decided {
		by := "on the command line"
		if d.By != "" {
			by = "by " + d.By
		}
		line("Decision", fmt.Sprintf("%s, %s, %s", d.What, moment(d.At), by))
	}
	return w.Flush()
}

// moment is a time as it is printed, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2 January 2006, 15:04")
}

type peerTest struct{ about }

// Run tests the connection with a peer. A failure is an error, for scripts.
func (cmd peerTest) Run(ctx context.Context, t terminal) error {
	steps, err := ask[[]server.TestStep](ctx, cmd.settings, t, server.AskTestPeer, cmd.Host)
	if err != nil {
		return err
	}
	failed := false
	for _, s := range steps {
		failed = failed || s.Result == "failed"
	}
	if cmd.JSON {
		err = printJSON(t.out, steps)
	} else {
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		for _, s := range steps {
			fmt.Fprintf(w, "%s\t%s\t%s.\n", s.Name, s.Result, s.Says)
		}
		err = w.Flush()
	}
	if err == nil && failed {
		return fmt.Errorf("the connection with %s does not work", cmd.Host)
	}
	return err
}

// exchange is what the commands about all peers are given.
type exchange struct {
	settings
	JSON bool `name:"json" help:"Print JSON, for programs."`
}

func (cmd exchange) say(ctx context.Context, t terminal, name string, args any) error {
	e, err := ask[server.Exchange](ctx, cmd.settings, t, name, args)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, e)
	}
	if e.On {
		_, err = fmt.Fprintln(t.out, "The exchange with other councils is on.")
	} else {
		_, err = fmt.Fprintf(t.out, "The exchange with other councils is off since %s. What is written is kept until it is on.\n", moment(e.Off))
	}
	return err
}

type federationOff struct{ exchange }

// Run switches the exchange off.
func (cmd federationOff) Run(ctx context.Context, t terminal) error {
	return cmd.say(ctx, t, server.AskSwitch, false)
}

type federationOn struct{ exchange }

// Run switches the exchange on.
func (cmd federationOn) Run(ctx context.Context, t terminal) error {
	return cmd.say(ctx, t, server.AskSwitch, true)
}

type federationStatus struct{ exchange }

// Run says whether the exchange is on.
func (cmd federationStatus) Run(ctx context.Context, t terminal) error {
	return cmd.say(ctx, t, server.AskExchange, server.Nothing{})
}

type discardVotes struct{ about }

// Help is the long text of copse peer discard-votes --help.
func (discardVotes) Help() string {
	return "A community's home says who marked something as helpful there, also for people of third councils, and is believed. If it turns out that it made them up, this takes them all back and counts again. What people did here, or sent here themselves, stays."
}

// Run takes back what was counted on a peer's word.
func (cmd discardVotes) Run(ctx context.Context, t terminal) error {
	gone, err := ask[server.Discarded](ctx, cmd.settings, t, server.AskDiscardVotes, cmd.Host)
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(t.out, gone)
	}
	_, err = fmt.Fprintf(t.out, "%d marks that counted on the word of %s were taken back.\n", gone.Votes, gone.Host)
	return err
}
