package attack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	// What is attacked is built from this and cmd/copse, so that a test that passed is
	// run again once any of it has changed.
	_ "copse/internal/server"
)

// attacked names the variable that has the path of the program, and by that says that
// this process is in a network of its own.
const attacked = "COPSE_TEST_ATTACKED"

// etc is what the program finds in /etc: a machine's own hosts and name servers would
// answer for the rig.
var etc = map[string]string{
	"resolv.conf":   "nameserver " + resolver + "\noptions timeout:1 attempts:1\n",
	"hosts":         "127.0.0.1 localhost\n",
	"nsswitch.conf": "hosts: files dns\n",
}

func TestMain(m *testing.M) {
	if os.Getenv(attacked) == "" {
		os.Exit(outside())
	}
	if err := ownNetwork(); err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// outside builds the program as it is released, runs these tests again in namespaces of
// their own, and returns their exit code.
func outside() int {
	dir, err := os.MkdirTemp("", "copse-attack-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "copse")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "copse/cmd/copse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "attack: build the program: %v\n%s", err, out)
		return 1
	}
	runtime.LockOSThread() // the kernel ends the child with the thread that made it
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Env = append(os.Environ(), attacked+"="+program)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	if uid := os.Geteuid(); uid != 0 {
		again.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		again.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	err = again.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(1, exit.ExitCode()) // -1 if it was killed
	case err != nil:
		fmt.Fprintf(os.Stderr, "attack: %v\n%s\n", err, needs)
		return 1
	}
	return 0
}

const needs = "These tests need a network of their own: run them as root, or on a machine whose kernel lets others make user namespaces (sysctl kernel.unprivileged_userns_clone=1), with the package iproute2."

// ownNetwork makes every address there is one of this machine's, and the rig's files
// those in /etc.
func ownNetwork() error {
	fail := func(what string, err error) error { return fmt.Errorf("%s: %w\n%s", what, err, needs) }
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fail("keep mounts to ourselves", err)
	}
	dir := filepath.Join(filepath.Dir(os.Getenv(attacked)), "etc")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range etc {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, command := range []string{
		"link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo",
	} {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fail("ip "+command, fmt.Errorf("%w %s", err, out))
		}
	}
	if err := syscall.Mount(dir, "/etc", "", syscall.MS_BIND, ""); err != nil {
		return fail("mount /etc", err)
	}
	return nil
}
