// Command copse runs a server, and is how its operator talks to it.
//
// serve.go runs one server, demo.go four that know each other, admin.go has the
// rest: each of those asks the running server, or opens the database itself where
// none is running.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"copse/copse"
	"copse/internal/config"
	"copse/internal/server"
)

// version is set by whoever packages copse where Git cannot be asked:
// -ldflags '-X main.version=1.2'. Nothing else changes it.
var version string

// program is the command line. The texts in its tags are what --help shows.
type program struct {
	Serve  serve  `cmd:"" help:"Run a server. It needs no configuration to be tried out."`
	Demo   demo   `cmd:"" help:"Run four councils on this machine, with people and conversations, to look around in."`
	Status status `cmd:"" help:"Say how the server is doing."`
	User   struct {
		Add userAdd `cmd:"" help:"Add somebody who can sign in."`
	} `cmd:"" help:"The people who sign in here."`
	Community struct {
		Add communityAdd `cmd:"" help:"Start a community."`
	} `cmd:"" help:"The communities run here."`
	Peer struct {
		List   peerList   `cmd:"" help:"List the councils this server knows."`
		Show   peerShow   `cmd:"" help:"Say all there is to say about a council, and what it has not got."`
		Test   peerTest   `cmd:"" help:"Find out, step by step, whether a council's server can be reached and takes what is sent."`
		Pause  peerPause  `cmd:"" help:"Exchange nothing with a council for now, in either direction. Nothing is lost."`
		Resume peerResume `cmd:"" help:"End that."`
		Retry  peerRetry  `cmd:"" help:"Forget that a council did not answer, and try now."`
		Allow  peerAllow  `cmd:"" help:"Exchange communities with a council."`
		Block  peerBlock  `cmd:"" help:"Exchange nothing with a council, whatever the configuration says."`
		Forget peerForget `cmd:"" help:"Take back what was decided about a council: the configuration decides again."`

		DiscardVotes discardVotes `cmd:"" help:"Take back every mark of \"helpful\" that counts on a council's word alone."`
	} `cmd:"" help:"The other councils' servers."`
	Federation struct {
		Off    federationOff    `cmd:"" help:"Exchange nothing with anybody, from now until it is on again. Nothing is lost."`
		On     federationOn     `cmd:"" help:"End that."`
		Status federationStatus `cmd:"" help:"Say whether it is on."`
	} `cmd:"" help:"The exchange with all councils at once."`
	Keys struct {
		Renew keysRenew `cmd:"" help:"Have everybody here sign with new keys, at once."`
	} `cmd:"" help:"What this server and everybody on it sign with."`
	Version showVersion `cmd:"" help:"Say which version this is."`
}

// settings is the flag that every command about one server has.
type settings struct {
	Config string `placeholder:"FILE" help:"Read the settings in this TOML file; config.example.toml shows all there are. Without it, and without COPSE_ variables in the environment, everything has its default."`
}

func (s settings) load() (config.Config, error) { return config.Load(s.Config, os.Environ()) }

// A terminal is what a command reads from and writes to.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	server.TuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr}))
}

// run does what args ask for and returns the exit code: 0, 1 for a failure and 2
// for a command line that makes no sense. A failure is a line on t.err, or one for
// each fault of the configuration.
func run(ctx context.Context, args []string, t terminal) int {
	parser := kong.Must(new(program),
		kong.Name("copse"),
		kong.Description("Communities of practice for councils: each runs its own server, and the servers share their conversations."),
		kong.Writers(t.out, t.err),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(t.err, "copse: %s; copse --help shows what there is\n", err)
		return 2
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(t.err, "copse:", told(err))
		return 1
	}
	return 0
}

// told is what an error says to whoever typed the command. What is wrong with one
// value begins with its name.
func told(err error) string {
	text := err.Error()
	if e := (*copse.Error)(nil); errors.As(err, &e) {
		if text = e.Error(); e.Field != "" {
			text = e.Field + ": " + text
		}
	}
	text = strings.ReplaceAll(text, "\n\t", " ") // PostgreSQL's driver lists its attempts
	return strings.ReplaceAll(text, "\n", "\ncopse: ")
}

type showVersion struct{}

// Run prints the version.
func (showVersion) Run(t terminal) error {
	_, err := fmt.Fprintln(t.out, "copse", versionText())
	return err
}

// versionText is the version as packaged, or as Git and the Go tool know it.
func versionText() string {
	if version != "" {
		return version
	}
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" && build.Main.Version != "(devel)" {
		return build.Main.Version
	}
	return "development"
}
