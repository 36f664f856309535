// Command bench measures this server against its bars: what each thing may cost,
// as a multiple of what the machine needs for the bare work in it. Ratios, unlike
// microseconds, can be taken to another machine.
//
// It prints a line for each bar and fails if one is missed. docs/performance.md
// says what the lines mean. yardstick.go has the bare work; inbound.go, announced.go,
// outbound.go, reading.go, pages.go, writing.go and program.go have the bars; peer.go is the
// other end of the line, in a process of its own, so that its work is not counted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"copse/internal/server"
)

func main() {
	posts := flag.Int("posts", 100_000, "how many posts the database has")
	only := flag.String("only", "", "measure these bars alone, as in 11,13")
	verbose := flag.Bool("v", false, "show what the ratios are made of")
	profile := flag.String("profile", "", "write where the CPU time goes to this file, for go tool pprof")
	flag.Parse()
	server.TuneMemory()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var err error
	switch flag.Arg(0) {
	case "":
		err = profiled(*profile, func() error { return measure(ctx, *posts, *only, *verbose) })
	case rolePeer:
		err = bePeer()
	case roleServer:
		err = beServer(ctx, flag.Arg(1), flag.Arg(2))
	case roleIdle:
		err = beIdle(ctx, flag.Arg(1))
	default:
		err = fmt.Errorf("there is no part called %q to play", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// profiled runs fn, and notes in a file, if one is named, where it spends its time.
func profiled(name string, fn func() error) error {
	if name == "" {
		return fn()
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = fn()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

// A group measures some bars that need the same things.
type group struct {
	bars []int
	run  func(context.Context, *bench) error
}

var groups = []group{
	{[]int{1}, verified},
	{[]int{2, 3, 4}, ingest},
	{[]int{5, 6}, delivery},
	{[]int{7}, queue},
	{[]int{8}, unhealthy},
	{[]int{9}, crash},
	{[]int{10}, fanOut},
	{[]int{11, 12}, home},
	{[]int{13}, lists},
	{[]int{14}, growth},
	{[]int{15}, threads},
	{[]int{16}, search},
	{[]int{17, 18}, pages},
	{[]int{19}, readersBesideWriter},
	{[]int{20}, writers},
	{[]int{21, 22, 23}, program},
	{[]int{24}, weight},
	{[]int{25}, disk},
	{[]int{26}, announced},
	{[]int{27, 28, 29}, votes},
}

// A bench is what the groups share.
type bench struct {
	*report
	posts int
	yard  *yardsticks
	towns *towns
	peer  *peer
}

func measure(ctx context.Context, posts int, only string, verbose bool) (err error) {
	wanted, err := chosen(only)
	if err != nil {
		return err
	}
	b := &bench{report: &report{out: os.Stdout, only: wanted, verbose: verbose}, posts: posts}
	if b.towns, err = newTowns(); err != nil {
		return err
	}
	defer b.towns.close()
	if b.peer, err = startPeer(); err != nil {
		return err
	}
	defer b.peer.stop()
	if b.yard, err = b.newYardsticks(ctx); err != nil {
		return fmt.Errorf("the bare work: %w", err)
	}
	defer b.yard.close() // what is in it is thrown away
	if err := b.yard.print(b.out); err != nil {
		return err
	}
	b.heading()
	for _, g := range groups {
		if !slices.ContainsFunc(g.bars, b.wants) {
			continue
		}
		if err := g.run(ctx, b); err != nil {
			return fmt.Errorf("bars %v: %w", g.bars, err)
		}
	}
	return b.close()
}

// chosen reads the list of bars given to -only.
func chosen(only string) (all []int, err error) {
	if only == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(only, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("-only %s: %q is not the number of a bar", only, text)
		}
		all = append(all, n)
	}
	return all, nil
}

var errShort = errors.New("a bar that must be met is missed")
