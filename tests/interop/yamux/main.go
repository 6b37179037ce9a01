// SPDX-License-Identifier: Apache-2.0

// The other end of interop-yamux, on hashicorp's own yamux.  The kinds of streams are described
// there.
//
//	yamux list                    prints what can be run: ROLE SCENARIO, one a line
//	yamux PROGRAM ROLE SCENARIO   runs the C program in that role on one end of a socket pair
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	lifetime   = 50 * time.Second
	headLen    = 9
	window     = 256 << 10
	many       = 64
	large      = 64 << 20
	part       = 1 << 20
	pings      = 100
	closeAfter = time.Second // of scenario reset
)

var scenarios = map[string]func(*peer) error{
	"many":  runMany,
	"large": runLarge,
	"reset": runReset,
	"ping":  runPing,
	"slow":  runSlow,
	"away":  runAway,
}

var order = []string{"many", "large", "reset", "ping", "slow", "away"}

type peer struct {
	session *yamux.Session
	resets  atomic.Int32  // streams the C side has reset
	awake   chan struct{} // closed by a stream w
	done    chan struct{} // closed by a stream d
	errs    chan error
}

func content(seed, at uint32) byte {
	return byte((at*2654435761 + seed*40503) >> 15)
}

func head(kind byte, seed, length uint32) []byte {
	h := []byte{kind}
	h = binary.BigEndian.AppendUint32(h, seed)
	return binary.BigEndian.AppendUint32(h, length)
}

func send(s *yamux.Stream, seed, length uint32, progress *atomic.Int64) error {
	buf := make([]byte, 100000)
	for at := uint32(0); at < length; {
		n := min(uint32(len(buf)), length-at)
		for i := range buf[:n] {
			buf[i] = content(seed, at+uint32(i))
		}
		if _, err := s.Write(buf[:n]); err != nil {
			return fmt.Errorf("stream %d, seed %d: write at %d: %w", s.StreamID(), seed, at, err)
		}
		at += n
		if progress != nil {
			progress.Store(int64(at))
		}
	}
	return s.Close()
}

func receive(s *yamux.Stream, seed, length uint32) error {
	buf := make([]byte, 100000)
	for at := uint32(0); ; {
		n, err := s.Read(buf)
		for i, b := range buf[:n] {
			if b != content(seed, at+uint32(i)) {
				return fmt.Errorf("stream %d, seed %d: differs at %d", s.StreamID(), seed, at)
			}
		}
		at += uint32(n)
		if err == io.EOF && at == length {
			return nil
		}
		if err != nil {
			return fmt.Errorf("stream %d, seed %d: read at %d of %d: %w", s.StreamID(), seed, at, length, err)
		}
	}
}

// Both ways at once.
func exchange(s *yamux.Stream, out, in, length uint32, progress *atomic.Int64) error {
	sent := make(chan error, 1)
	go func() { sent <- send(s, out, length, progress) }()
	return errors.Join(receive(s, in, length), <-sent)
}

func (p *peer) open(kind byte, seed, length uint32) (*yamux.Stream, error) {
	s, err := p.session.OpenStream()
	if err != nil {
		return nil, err
	}
	_, err = s.Write(head(kind, seed, length))
	return s, err
}

func (p *peer) exchange(kind byte, seed, length uint32, progress *atomic.Int64) error {
	s, err := p.open(kind, seed, length)
	if err != nil {
		return err
	}
	return exchange(s, seed, seed+1, length, progress)
}

func (p *peer) exchanges(first, n uint32, length func(uint32) uint32) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			errs[i] = p.exchange('x', first+uint32(i), length(uint32(i)), nil)
		}(i)
	}
	wg.Wait()
	return errors.Join(errs...)
}

// ---- streams that the C side opens ----

func (p *peer) serve(s *yamux.Stream) error {
	h := make([]byte, headLen)
	if _, err := io.ReadFull(s, h); err != nil {
		return err
	}
	seed, length := binary.BigEndian.Uint32(h[1:]), binary.BigEndian.Uint32(h[5:])
	switch h[0] {
	case 'z':
		<-p.awake
		fallthrough
	case 'x':
		err := exchange(s, seed+1, seed, length, nil)
		if errors.Is(err, yamux.ErrConnectionReset) {
			p.resets.Add(1)
			return nil
		}
		return err
	case 'w':
		close(p.awake)
	case 'd':
		close(p.done)
	case 'q':
		for end := time.Now().Add(5 * time.Second); p.resets.Load() == 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		if _, err := s.Write([]byte{byte(p.resets.Load())}); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown kind of stream %q", h[0])
	}
	return exchange(s, 0, 0, 0, nil)
}

func (p *peer) accept() {
	for {
		s, err := p.session.AcceptStream()
		if err != nil {
			return
		}
		go func() {
			if err := p.serve(s); err != nil {
				p.errs <- err
			}
		}()
	}
}

// ---- scenarios ----

func runMany(p *peer) error {
	return p.exchanges(1000, many, func(i uint32) uint32 { return i * i * 77 })
}

func runLarge(p *peer) error {
	return p.exchange('x', 5, large, nil)
}

// We have no call for a reset: yamux sends one when the other side does not end its half in time.
func runReset(p *peer) error {
	s, err := p.open('h', 0, 0)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		q, err := p.open('q', 0, 0)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(q)
		if err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
		if bytes.Equal(answer, []byte{1}) {
			return p.exchange('x', 5, 1000, nil)
		}
	}
	return errors.New("our reset was not seen")
}

func runPing(p *peer) error {
	bulk := make(chan error, 1)
	go func() { bulk <- p.exchange('x', 5, large/4, nil) }()
	for i := 0; i < pings; i++ {
		if _, err := p.session.Ping(); err != nil {
			return err
		}
	}
	return <-bulk
}

// One stream is not read: it stops at its window, while others go on.
func runSlow(p *peer) error {
	var progress atomic.Int64
	asleep := make(chan error, 1)
	go func() { asleep <- p.exchange('z', 5, part, &progress) }()
	for progress.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := p.exchanges(100, 8, func(uint32) uint32 { return part }); err != nil {
		return err
	}
	if at := progress.Load(); at > window {
		return fmt.Errorf("%d bytes went to a reader that sleeps", at)
	}
	if err := p.exchange('w', 0, 0, nil); err != nil {
		return err
	}
	return <-asleep
}

// The C side finds that it can open nothing, and goes away itself; the open stream lives.
func runAway(p *peer) error {
	early, err := p.open('x', 5, part)
	if err != nil {
		return err
	}
	late, err := p.session.OpenStream()
	if err != nil {
		return err
	}
	if err := p.session.GoAway(); err != nil {
		return err
	}
	if _, err := late.Write(head('a', 0, 0)); err != nil {
		return err
	}
	if err := exchange(late, 0, 0, 0, nil); err != nil {
		return err
	}
	if _, err := p.session.OpenStream(); !errors.Is(err, yamux.ErrRemoteGoAway) {
		return fmt.Errorf("open after the peer's go away: %v", err)
	}
	close(p.done)
	return exchange(early, 5, 6, part, nil)
}

func newSession(conn net.Conn, client, impatient bool) (*yamux.Session, error) {
	config := yamux.DefaultConfig()
	if impatient {
		config.StreamCloseTimeout = closeAfter
	}
	if client {
		return yamux.Client(conn, config)
	}
	return yamux.Server(conn, config)
}

func start(program, role, scenario string) (*exec.Cmd, net.Conn, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(program, "3", role, scenario)
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, conn, cmd.Start()
}

func run(program, role, scenario string) error {
	f, ok := scenarios[scenario]
	if !ok {
		return errors.New("no such scenario")
	}
	cmd, conn, err := start(program, role, scenario)
	if err != nil {
		return err
	}
	session, err := newSession(conn, role == "server", scenario == "reset")
	if err != nil {
		return err
	}
	p := &peer{session: session, awake: make(chan struct{}), done: make(chan struct{}),
		errs: make(chan error, 1000)}
	go p.accept()
	go func() {
		if err := f(p); err != nil {
			p.errs <- err
			return
		}
		<-p.done
		for session.NumStreams() != 0 {
			time.Sleep(time.Millisecond)
		}
		p.errs <- nil
	}()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case err = <-p.errs:
	case <-session.CloseChan():
		err = errors.New("the session ended early")
	case <-time.After(lifetime):
		err = errors.New("timed out")
	}
	if err != nil {
		cmd.Process.Kill()
		<-exited
		return err
	}
	session.Close()
	return <-exited
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, role := range []string{"client", "server"} {
			for _, scenario := range order {
				fmt.Println(role, scenario)
			}
		}
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: yamux list | yamux PROGRAM client|server SCENARIO")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "yamux:", err)
		os.Exit(1)
	}
}
