package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"copse/internal/outbound"
	"copse/internal/server"
	"copse/store"
)

// program measures the program as it is installed: its size, how soon it answers,
// how much memory it has.
func program(ctx context.Context, b *bench) error {
	binary := filepath.Join(b.towns.dir, "copse")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "copse/cmd/copse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		why := "cmd/copse does not build"
		b.detail("%s", out)
		b.notYet(21, "memory of a server nobody talks to", why)
		b.notYet(22, "from start to the first page", why)
		b.notYet(23, "the program, stripped", why)
	} else if err := b.installed(ctx, binary); err != nil {
		return err
	}
	if !b.wants(21) {
		return nil
	}
	busy, err := b.busyMemory(ctx)
	if err != nil {
		return err
	}
	b.result(bar{n: 21, name: "… taking in and delivering", unit: "MB", must: 200, aim: 120}, busy)
	idle, err := b.idlePeers()
	if err != nil {
		return err
	}
	b.result(bar{n: 21, name: "… added by connections to 3,000 idle peers", unit: "MB", must: 110, aim: 40}, idle)
	return nil
}

func (b *bench) installed(ctx context.Context, binary string) error {
	kept, err := b.towns.filled(ctx, b.posts)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.towns.dir, "installed")
	if _, err := kept.copyTo(dir); err != nil {
		return err
	}
	var starts, sizes []float64
	for range rounds {
		start, size, err := started(ctx, binary, dir)
		if err != nil {
			return err
		}
		starts, sizes = append(starts, start), append(sizes, size)
	}
	b.result(bar{n: 21, name: "memory of a server nobody talks to", unit: "MB", must: 60, aim: 30}, median(sizes))
	b.result(bar{n: 22, name: "from start to the first page", unit: "ms", must: 250, aim: 50}, median(starts))
	file, err := os.Stat(binary)
	if err != nil {
		return err
	}
	b.result(bar{n: 23, name: "the program, stripped", unit: "MB", must: 40, aim: 25}, float64(file.Size())/1e6)
	return nil
}

// started starts the program on a server's data and returns how many
// milliseconds later it answers with a page, and how many MB it then has.
func started(ctx context.Context, binary, dir string) (after, size float64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	addr := l.Addr().String()
	l.Close() // it is free now, and stays so for long enough
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Env = append(os.Environ(), "COPSE_SERVER__URL="+here, "COPSE_SERVER__LISTEN="+addr, "COPSE_SERVER__DATA="+dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, cmd.Wait())
	}()
	status := 0
	for status != http.StatusOK {
		if time.Since(start) > 10*time.Second {
			return 0, 0, fmt.Errorf("no page after ten seconds, but %d: %s", status, said.String())
		}
		if status, err = ask(addr, "/communities"); err != nil {
			time.Sleep(time.Millisecond)
		}
	}
	after = float64(time.Since(start)) / 1e6
	size, err = memory(cmd.Process.Pid)
	return after, size, err
}

// ask returns the status of a page.
func ask(addr, path string) (int, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.Write(get(path, "Connection: close")); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// memory returns how much of a process is resident, in MB. What is mapped of the
// database is left out: it is the system's cache of a file, and goes when memory
// is short.
func memory(pid int) (float64, error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	kilobytes, database := 0, false
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case strings.Contains(fields[0], "-"):
			database = strings.HasSuffix(fields[len(fields)-1], "copse.db")
		case fields[0] == "Rss:" && !database:
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				return 0, err
			}
			kilobytes += n
		}
	}
	return float64(kilobytes) / 1000, lines.Err()
}

// busyMemory returns the most memory that a server has while it takes in what 32
// connections bring and delivers what follows from it, in MB.
func (b *bench) busyMemory(ctx context.Context) (most float64, err error) {
	kept, err := b.towns.filled(ctx, b.posts)
	if err != nil {
		return 0, err
	}
	dir := filepath.Join(b.towns.dir, "busy")
	t := &town{posts: b.posts, dir: dir}
	if t.Town, err = kept.copyTo(dir); err != nil {
		return 0, err
	}
	requests, err := t.toBeTakenIn(ctx, 4000)
	if err != nil {
		return 0, err
	}
	if err := b.peer.load(requests...); err != nil {
		return 0, err
	}
	ports, _, err := b.listen(1)
	if err != nil {
		return 0, err
	}
	cmd, err := again(roleServer, dir, fmt.Sprintf("127.0.0.1:%d", ports[0]))
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cmd.Process.Kill() // what it has is thrown away
		cmd.Wait()
	}()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, err
	}
	fired := make(chan error, 1)
	go func() {
		r, err := b.peer.ask(order{Send: &volley{strings.TrimSpace(addr), 32, len(requests), 6 * time.Second}})
		if err == nil && r.Statuses[http.StatusAccepted] == 0 {
			err = fmt.Errorf("answered %v", r.Statuses)
		}
		fired <- err
	}()
	for end := time.After(8 * time.Second); ; {
		size, err := memory(cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		most = max(most, size)
		select {
		case <-end:
			return most, <-fired
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// toBeTakenIn prepares the data of a server that is started on them later, and
// returns what it will be sent.
func (t *town) toBeTakenIn(ctx context.Context, n int) (requests [][]byte, err error) {
	if t.Server, err = newServer(ctx, t.dir, server.Options{}); err != nil {
		return nil, err
	}
	w, err := correspondents(ctx, t)
	if err == nil {
		requests, err = w.write(n)
	}
	if err == nil {
		// Nobody waits for what the town was filled with.
		err = t.DB.Update(ctx, func(tx *store.Tx) error {
			_, end, err := tx.Lanes()
			for _, p := range t.Peers {
				if err == nil {
					err = tx.SetCursor(p, end)
				}
			}
			return err
		})
	}
	return requests, errors.Join(err, t.Close())
}

// beServer runs a whole server on the data in dir, for which all others are at
// one address.
func beServer(ctx context.Context, dir, others string) error {
	s, err := newServer(ctx, dir, server.Options{Transport: &http.Transport{
		MaxIdleConns: 1000, MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, others)
		},
	}})
	if err != nil {
		return err
	}
	addr, _, err := serving(s)
	if err != nil {
		return err
	}
	fmt.Println(addr)
	s.Run(ctx)
	return s.Close()
}

// connections is what beIdle is told: whom to connect to.
type connections struct {
	Names []string
	Cert  []byte
}

// idlePeers returns how much memory connections to 3,000 peers take that were
// used once, in MB, in a process that has nothing else.
func (b *bench) idlePeers() (float64, error) {
	r, err := b.peer.ask(order{Listen: 3000, TLS: true})
	if err != nil {
		return 0, err
	}
	to := connections{Cert: r.Cert}
	for _, port := range r.Ports {
		to.Names = append(to.Names, fmt.Sprintf("127.0.0.1:%d", port))
	}
	text, err := json.Marshal(to)
	if err != nil {
		return 0, err
	}
	file := filepath.Join(b.towns.dir, "idle.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return 0, err
	}
	cmd, err := again(roleIdle, file)
	if err != nil {
		return 0, err
	}
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// beIdle posts to every peer in the file once, and prints what its memory has
// grown by.
func beIdle(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var to connections
	if err := json.Unmarshal(text, &to); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(to.Cert)
	client := outbound.New(outbound.Config{Private: thisMachine, RootCAs: roots})
	debug.FreeOSMemory()
	before, err := memory(os.Getpid())
	if err != nil {
		return err
	}
	err = inParallel(16, len(to.Names), func(i int) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+to.Names[i]+"/inbox", strings.NewReader("{}"))
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		io.Copy(io.Discard, res.Body)
		return res.Body.Close()
	})
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	after, err := memory(os.Getpid())
	if err != nil {
		return err
	}
	fmt.Println(after - before)
	return nil
}
