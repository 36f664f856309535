package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"copse/copse"
	"copse/internal/config"
)

// A running server listens on a Unix socket in its data directory for what
// administrators ask. Whoever can open that file, which is the server's own user
// alone, could as well read and write the database.
//
// What is asked is a POST to /NAME with the arguments as JSON; the answer is the
// result as JSON, or a fault with a status that is not 200.
const socketName = "copse.sock"

// socketMax is how long a socket's path may be: Linux has 108 bytes for it with
// a zero at the end, macOS 104.
const socketMax = 103

// askTime is how long one question may take.
const askTime = time.Minute

// A fault is an error on its way through the socket.
type fault struct {
	Code     copse.Code `json:"code"`
	Field    string     `json:"field,omitempty"`
	Sentence string     `json:"sentence"`
}

// A Socket answers what administrators ask of a running server, until it is
// closed.
type Socket struct {
	server   http.Server
	answered chan struct{}
}

// Socket opens the server's socket. One that a killed server left behind is
// replaced; one that answers belongs to another server.
func (s *Server) Socket() (*Socket, error) {
	path := filepath.Join(s.Config.Server.Data, socketName)
	if len(path) > socketMax {
		return nil, fmt.Errorf("server.data has a name that is too long for the socket in it: %s may have %d bytes and has %d", path, socketMax, len(path))
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("another copse server is running with the data in %s", s.Config.Server.Data)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the socket for administrators: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("close the socket to other users: %w", err), l.Close())
	}
	k := &Socket{answered: make(chan struct{})}
	k.server.Handler = http.HandlerFunc(Admin{s}.answer)
	k.server.ReadTimeout = askTime
	go func() {
		defer close(k.answered)
		_ = k.server.Serve(l) // Close ends it, and nothing else does
	}()
	return k, nil
}

// Close removes the socket, once what was asked is answered.
func (k *Socket) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	err := k.server.Shutdown(ctx)
	<-k.answered
	return err
}

func (a Admin) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	var (
		args   json.RawMessage
		result any
	)
	err := json.NewDecoder(r.Body).Decode(&args)
	if err == nil {
		result, err = a.call(ctx, strings.TrimPrefix(r.URL.Path, "/"), args)
	}
	if err != nil {
		f := fault{Code: copse.CodeOf(err), Sentence: err.Error()}
		if told := (*copse.Error)(nil); errors.As(err, &told) {
			f.Field, f.Sentence = told.Field, told.Error()
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		result = f
	}
	_ = json.NewEncoder(w).Encode(result) // it fails if whoever asked has gone
}

func (a Admin) call(ctx context.Context, name string, args json.RawMessage) (any, error) {
	do := a.method(name)
	if do == nil {
		return nil, fmt.Errorf("this server is of another version than the command: it knows no %q", name)
	}
	return do(ctx, args)
}

// Ask has the server that c describes do something: the one that is running, or,
// if none is, one that is made for it here. name and args are those of a method
// of Admin, R what it returns. An error for whoever asked is a *copse.Error.
func Ask[R any](ctx context.Context, c config.Config, o Options, name string, args any) (result R, err error) {
	text, err := json.Marshal(args)
	if err != nil {
		return result, err
	}
	answer, running, err := askSocket(ctx, filepath.Join(c.Server.Data, socketName), name, text)
	if err == nil && !running {
		answer, err = askHere(ctx, c, o, name, text)
	}
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal(answer, &result)
}

// askSocket asks a running server. It reports whether there is one.
func askSocket(ctx context.Context, path, name string, args []byte) (answer []byte, running bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, false, nil // not there, or left behind by a server that was killed
	}
	client := http.Client{Timeout: askTime, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://copse/"+name, bytes.NewReader(args))
	if err != nil {
		return nil, true, err
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, true, fmt.Errorf("ask the running server: %w", err)
	}
	defer res.Body.Close()
	var text json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&text); err != nil {
		return nil, true, fmt.Errorf("ask the running server: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return text, true, nil
	}
	var f fault
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, true, fmt.Errorf("ask the running server: %w", err)
	}
	if f.Code == copse.CodeInternal {
		return nil, true, errors.New(f.Sentence)
	}
	return nil, true, &copse.Error{Code: f.Code, Field: f.Field, Format: "%s", Args: []any{f.Sentence}}
}

// askHere opens the database itself. It does not make one only to say that there
// is nothing in it: who asks is in the wrong directory, or forgot --config.
func askHere(ctx context.Context, c config.Config, o Options, name string, args []byte) (answer []byte, err error) {
	if name != AskAddPerson && name != AskAddCommunity && name != AskDecide {
		if err := isThere(c); err != nil {
			return nil, err
		}
	}
	s, err := New(ctx, c, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	result, err := Admin{s}.call(ctx, name, args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

func isThere(c config.Config) error {
	if c.Database.URL != "" {
		return nil
	}
	_, err := os.Stat(filepath.Join(c.Server.Data, "copse.db"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no server's data in %s: name its configuration with --config, or start one with copse serve", c.Server.Data)
	}
	return err
}
