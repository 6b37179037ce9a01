// SPDX-License-Identifier: Apache-2.0

// The other end of interop-ttrpc, on containerd's own ttrpc.
//
//	ttrpc list                       prints what can be run: DIRECTION SCENARIO, one a line
//	ttrpc PROGRAM DIRECTION SCENARIO runs the C program on one end of a socket pair
//
// Direction c-client: it is the client of the scenario, and its exit status is the result.
// Direction c-server: it serves, and the scenario is ours.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/ttrpc"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

const (
	service     = "hull.interop.v1.Test"
	lifetime    = 50 * time.Second
	messages    = 1024
	messageSize = 64 << 10
	tooLong     = 5 << 20
	tooLongText = "message length 5242880 exceed maximum message size of 4194304"
)

var clientScenarios = []string{"concurrent", "metadata", "timeout", "cancel", "upload", "download",
	"exchange", "errors", "oversize", "oversize-in"}

type total struct {
	bytes, sum uint64
}

func (t *total) add(p []byte) {
	t.bytes += uint64(len(p))
	for _, b := range p {
		t.sum = t.sum*31 + uint64(b)
	}
}

func (t *total) String() string {
	return fmt.Sprintf("%d:%d", t.bytes, t.sum)
}

// The n-th of a stream's messages: no two are alike.
func message(n uint64) *anypb.Any {
	p := bytes.Repeat([]byte{byte(n)}, messageSize)
	binary.LittleEndian.PutUint64(p, n)
	return &anypb.Any{Value: p}
}

func number(m *anypb.Any) int {
	n, _ := strconv.Atoi(string(m.Value))
	return n
}

// ---- our server ----

func failAsAsked(text string, code int) error {
	return status.ErrorProto(&spb.Status{
		Code:    int32(code),
		Message: text,
		Details: []*anypb.Any{{
			TypeUrl: "hull.interop/Detail",
			Value:   []byte(fmt.Sprintf("code %d", code)),
		}},
	})
}

func meta(ctx context.Context) (*anypb.Any, error) {
	var ms int64

	get := func(key string) string {
		if v, ok := ttrpc.GetMetadataValue(ctx, key); ok {
			return v
		}
		return "-"
	}
	if at, ok := ctx.Deadline(); ok {
		ms = time.Until(at).Milliseconds()
	}
	return &anypb.Any{
		TypeUrl: get("containerd-namespace-ttrpc") + "," + get("k"),
		Value:   []byte(strconv.FormatInt(ms, 10)),
	}, nil
}

func unary(f func(ctx context.Context, m *anypb.Any) (*anypb.Any, error)) ttrpc.Method {
	return func(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
		var m anypb.Any

		if err := unmarshal(&m); err != nil {
			return nil, err
		}
		return f(ctx, &m)
	}
}

func download(_ context.Context, s ttrpc.StreamServer) (interface{}, error) {
	var m anypb.Any

	if err := s.RecvMsg(&m); err != nil {
		return nil, err
	}
	for n := number(&m); n > 0; n-- {
		if err := s.SendMsg(message(uint64(n))); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func broken(_ context.Context, s ttrpc.StreamServer) (interface{}, error) {
	for i := 0; i < 3; i++ {
		if err := s.SendMsg(&anypb.Any{}); err != nil {
			return nil, err
		}
	}
	return nil, failAsAsked("broke off", 10)
}

func receive(s ttrpc.StreamServer, echo bool) (*anypb.Any, error) {
	var t total

	for {
		var m anypb.Any

		err := s.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			return &anypb.Any{TypeUrl: "total", Value: []byte(t.String())}, nil
		}
		if err != nil {
			return nil, err
		}
		t.add(m.Value)
		if !echo {
			continue
		}
		if err := s.SendMsg(&m); err != nil {
			return nil, err
		}
	}
}

func upload(_ context.Context, s ttrpc.StreamServer) (interface{}, error) {
	return receive(s, false)
}

func exchange(_ context.Context, s ttrpc.StreamServer) (interface{}, error) {
	m, err := receive(s, true)
	if err != nil {
		return nil, err
	}
	return nil, s.SendMsg(m)
}

var testService = &ttrpc.ServiceDesc{
	Methods: map[string]ttrpc.Method{
		"Echo": unary(func(_ context.Context, m *anypb.Any) (*anypb.Any, error) {
			return m, nil
		}),
		"Meta": unary(func(ctx context.Context, _ *anypb.Any) (*anypb.Any, error) {
			return meta(ctx)
		}),
		"Late": unary(func(_ context.Context, m *anypb.Any) (*anypb.Any, error) {
			time.Sleep(time.Duration(number(m)) * time.Millisecond)
			return &anypb.Any{}, nil
		}),
		"Fail": unary(func(_ context.Context, m *anypb.Any) (*anypb.Any, error) {
			return nil, failAsAsked(m.TypeUrl, number(m))
		}),
	},
	Streams: map[string]ttrpc.Stream{
		"Download": {Handler: download, StreamingServer: true},
		"Broken":   {Handler: broken, StreamingServer: true},
		"Upload":   {Handler: upload, StreamingClient: true},
		"Exchange": {Handler: exchange, StreamingClient: true, StreamingServer: true},
	},
}

// A listener that yields one connection.
type once struct {
	conns chan net.Conn
	addr  net.Addr
}

func (l *once) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *once) Close() error   { return nil }
func (l *once) Addr() net.Addr { return l.addr }

// Its calls get no deadline but their own.
func serve(conn net.Conn) error {
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	server.RegisterService(service, testService)
	l := &once{make(chan net.Conn, 1), conn.LocalAddr()}
	l.conns <- conn
	go server.Serve(context.Background(), l)
	return nil
}

// ---- bare frames, for what ttrpc's own client and server would not do ----

func writeFrame(conn net.Conn, id uint32, kind, flags byte, body []byte) error {
	var head [10]byte

	binary.BigEndian.PutUint32(head[0:], uint32(len(body)))
	binary.BigEndian.PutUint32(head[4:], id)
	head[8], head[9] = kind, flags
	_, err := conn.Write(append(head[:], body...))
	return err
}

func readFrame(conn net.Conn) (id uint32, kind byte, body []byte, err error) {
	var head [10]byte

	if _, err = io.ReadFull(conn, head[:]); err != nil {
		return
	}
	body = make([]byte, binary.BigEndian.Uint32(head[0:]))
	_, err = io.ReadFull(conn, body)
	return binary.BigEndian.Uint32(head[4:]), head[8], body, err
}

// Echoes, but answers the first call with a frame that is too long.
func serveTooLong(conn net.Conn) {
	for n := 0; ; n++ {
		var rq ttrpc.Request

		id, _, body, err := readFrame(conn)
		if err != nil || proto.Unmarshal(body, &rq) != nil {
			return
		}
		answer, _ := proto.Marshal(&ttrpc.Response{Payload: rq.Payload})
		if n == 0 {
			answer = make([]byte, tooLong)
		}
		if writeFrame(conn, id, 2, 0, answer) != nil {
			return
		}
	}
}

func expectStatus(conn net.Conn, id uint32, code codes.Code, text string) error {
	var rs ttrpc.Response

	got, kind, body, err := readFrame(conn)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(body, &rs); err != nil {
		return err
	}
	if got != id || kind != 2 || rs.Status.GetCode() != int32(code) ||
		!strings.Contains(rs.Status.GetMessage(), text) {
		return fmt.Errorf("stream %d type %d: %v", got, kind, &rs)
	}
	return nil
}

func bareOversize(conn net.Conn) error {
	payload, _ := proto.Marshal(&anypb.Any{TypeUrl: "still there?"})
	request, _ := proto.Marshal(&ttrpc.Request{Service: service, Method: "Echo", Payload: payload})
	stream, _ := proto.Marshal(&ttrpc.Request{Service: service, Method: "Upload"})
	answer, _ := proto.Marshal(&ttrpc.Response{Payload: payload})

	// A request, a message of a live stream, the probe, and a call that works.
	frames := []struct {
		id          uint32
		kind, flags byte
		body        []byte
		code        codes.Code
		text        string
	}{
		{1, 1, 0, make([]byte, tooLong), codes.ResourceExhausted, tooLongText},
		{1, 1, 2, stream, codes.OK, ""},
		{1, 3, 0, make([]byte, tooLong), codes.ResourceExhausted, tooLongText},
		{1, 3, 0, nil, codes.InvalidArgument, ""},
		{0, 0, 0, nil, codes.InvalidArgument, ""},
		{1, 1, 0, request, codes.InvalidArgument, ""},
	}
	for _, f := range frames {
		if err := writeFrame(conn, f.id, f.kind, f.flags, f.body); err != nil {
			return err
		}
		if f.code == codes.OK {
			continue
		}
		if err := expectStatus(conn, f.id, f.code, f.text); err != nil {
			return err
		}
	}
	if err := writeFrame(conn, 3, 1, 0, request); err != nil {
		return err
	}
	id, kind, body, err := readFrame(conn)
	if err == nil && (id != 3 || kind != 2 || !bytes.Equal(body, answer)) {
		err = fmt.Errorf("stream %d type %d: %q", id, kind, body)
	}
	return err
}

// ---- our client ----

func ask(ctx context.Context, c *ttrpc.Client, method string, rq *anypb.Any) (*anypb.Any, error) {
	var rs anypb.Any

	err := c.Call(ctx, service, method, rq, &rs)
	return &rs, err
}

func checkAlive(ctx context.Context, c *ttrpc.Client) error {
	want := &anypb.Any{TypeUrl: "still there?"}
	got, err := ask(ctx, c, "Echo", want)
	if err == nil && !proto.Equal(got, want) {
		err = fmt.Errorf("echoed %v", got)
	}
	return err
}

func concurrent(ctx context.Context, c *ttrpc.Client) error {
	var wg sync.WaitGroup

	failed := make(chan error, 64)
	for i := 0; i < 64; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for n := 0; n < 100; n++ {
				want := &anypb.Any{Value: bytes.Repeat([]byte{byte(n)}, (i*131+n*1717)%16384)}
				got, err := ask(ctx, c, "Echo", want)
				if err == nil && !proto.Equal(got, want) {
					err = fmt.Errorf("caller %d, turn %d: wrong answer", i, n)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		}(i)
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func metadata(ctx context.Context, c *ttrpc.Client) error {
	plain, err := ask(context.Background(), c, "Meta", &anypb.Any{})
	if err != nil {
		return err
	}
	if plain.TypeUrl != "-,-" || string(plain.Value) != "0" {
		return fmt.Errorf("without metadata: %v", plain)
	}
	ctx, cancel := context.WithTimeout(ttrpc.WithMetadata(ctx, ttrpc.MD{
		"containerd-namespace-ttrpc": {"interop"},
		"k":                          {"first", "second"},
	}), 5*time.Second)
	defer cancel()
	m, err := ask(ctx, c, "Meta", &anypb.Any{})
	if err != nil {
		return err
	}
	if ms := number(m); m.TypeUrl != "interop,first" || ms <= 1000 || ms > 5000 {
		return fmt.Errorf("with metadata: %v", m)
	}
	return nil
}

func late(ctx context.Context, c *ttrpc.Client, give func() (context.Context, context.CancelFunc),
	want error) error {
	failed := make(chan error, 32)
	for i := 0; i < 32; i++ {
		go func() {
			short, cancel := give()
			defer cancel()
			_, err := ask(short, c, "Late", &anypb.Any{Value: []byte("200")})
			if errors.Is(err, want) {
				err = nil
			} else if err == nil {
				err = errors.New("answered in spite of all")
			}
			failed <- err
		}()
	}
	for i := 0; i < 32; i++ {
		if err := <-failed; err != nil {
			return err
		}
	}
	if _, err := ask(ctx, c, "Late", &anypb.Any{Value: []byte("400")}); err != nil {
		return err
	}
	return checkAlive(ctx, c)
}

func timeout(ctx context.Context, c *ttrpc.Client) error {
	return late(ctx, c, func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 50*time.Millisecond)
	}, context.DeadlineExceeded)
}

func cancelled(ctx context.Context, c *ttrpc.Client) error {
	return late(ctx, c, func() (context.Context, context.CancelFunc) {
		short, cancel := context.WithCancel(ctx)
		time.AfterFunc(50*time.Millisecond, cancel)
		return short, cancel
	}, context.Canceled)
}

func clientUpload(ctx context.Context, c *ttrpc.Client, method string, both bool) error {
	var want, echoed total
	var last anypb.Any

	s, err := c.NewStream(ctx, &ttrpc.StreamDesc{StreamingClient: true, StreamingServer: both},
		service, method, nil)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		for n := uint64(0); n < messages; n++ {
			m := message(n)
			want.add(m.Value)
			if err := s.SendMsg(m); err != nil {
				sent <- err
				return
			}
		}
		sent <- s.CloseSend()
	}()
	for n := 0; both && n < messages; n++ {
		var m anypb.Any

		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		echoed.add(m.Value)
	}
	if err := s.RecvMsg(&last); err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	if last.TypeUrl != "total" || string(last.Value) != want.String() || (both && echoed != want) {
		return fmt.Errorf("sent %v, echoed %v, counted %s", &want, &echoed, last.Value)
	}
	if both {
		if err := s.RecvMsg(&last); !errors.Is(err, io.EOF) {
			return fmt.Errorf("not the end: %v", err)
		}
	}
	return checkAlive(ctx, c)
}

func clientDownload(ctx context.Context, c *ttrpc.Client) error {
	var want, got total

	s, err := c.NewStream(ctx, &ttrpc.StreamDesc{StreamingServer: true}, service, "Download",
		&anypb.Any{Value: []byte(strconv.Itoa(messages))})
	if err != nil {
		return err
	}
	for n := uint64(messages); n > 0; n-- {
		var m anypb.Any

		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		got.add(m.Value)
		want.add(message(n).Value)
	}
	if err := s.RecvMsg(&anypb.Any{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("not the end: %v", err)
	}
	if got != want {
		return fmt.Errorf("received %v, not %v", &got, &want)
	}
	return checkAlive(ctx, c)
}

func checkError(err error, code codes.Code, text string, detailed bool) error {
	st := status.Convert(err).Proto()
	if st.GetCode() != int32(code) || st.GetMessage() != text {
		return fmt.Errorf("not %v %q: %w", code, text, err)
	}
	if detailed && (len(st.Details) != 1 || st.Details[0].TypeUrl != "hull.interop/Detail" ||
		string(st.Details[0].Value) != fmt.Sprintf("code %d", code)) {
		return fmt.Errorf("details %v", st.Details)
	}
	return nil
}

func errorCodes(ctx context.Context, c *ttrpc.Client) error {
	const text = "grüß: not found"

	for i := 1; i <= 16; i++ {
		_, err := ask(ctx, c, "Fail", &anypb.Any{TypeUrl: text, Value: []byte(strconv.Itoa(i))})
		if err := checkError(err, codes.Code(i), text, true); err != nil {
			return err
		}
	}
	_, err := ask(ctx, c, "Nothing", &anypb.Any{})
	if err := checkError(err, codes.Unimplemented, "method Nothing", false); err != nil {
		return err
	}
	err = c.Call(ctx, "no.Service", "M", &anypb.Any{}, &anypb.Any{})
	if err := checkError(err, codes.Unimplemented, "service no.Service", false); err != nil {
		return err
	}
	// An answer that does not fit is replaced by an error.
	_, err = ask(ctx, c, "Huge", &anypb.Any{})
	if status.Code(err) != codes.ResourceExhausted {
		return fmt.Errorf("not exhausted: %w", err)
	}
	s, err := c.NewStream(ctx, &ttrpc.StreamDesc{StreamingServer: true}, service, "Broken",
		&anypb.Any{})
	for i := 0; err == nil && i < 3; i++ {
		err = s.RecvMsg(&anypb.Any{})
	}
	if err != nil {
		return err
	}
	err = s.RecvMsg(&anypb.Any{})
	if err := checkError(err, codes.Aborted, "broke off", true); err != nil {
		return err
	}
	return checkAlive(ctx, c)
}

var ours = []struct {
	name string
	run  func(ctx context.Context, c *ttrpc.Client) error
}{
	{"concurrent", concurrent},
	{"metadata", metadata},
	{"timeout", timeout},
	{"cancel", cancelled},
	{"upload", func(ctx context.Context, c *ttrpc.Client) error {
		return clientUpload(ctx, c, "Upload", false)
	}},
	{"download", clientDownload},
	{"exchange", func(ctx context.Context, c *ttrpc.Client) error {
		return clientUpload(ctx, c, "Exchange", true)
	}},
	{"errors", errorCodes},
}

func runOurs(ctx context.Context, conn net.Conn, scenario string) error {
	if scenario == "oversize" {
		return bareOversize(conn)
	}
	for _, s := range ours {
		if s.name != scenario {
			continue
		}
		c := ttrpc.NewClient(conn)
		defer c.Close()
		return s.run(ctx, c)
	}
	return fmt.Errorf("no scenario %q", scenario)
}

// ---- the program ----

// Our end of a socket pair, and the file of the other.
func pair() (net.Conn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	here, there := os.NewFile(uintptr(fds[0]), "here"), os.NewFile(uintptr(fds[1]), "there")
	defer here.Close()
	conn, err := net.FileConn(here)
	return conn, there, err
}

func run(program, direction, scenario string) error {
	ctx, cancel := context.WithTimeout(context.Background(), lifetime)
	defer cancel()
	conn, there, err := pair()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(lifetime))
	args := []string{"3"}
	if direction == "c-client" {
		args = append(args, scenario)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{there}
	if err := cmd.Start(); err != nil {
		return err
	}
	there.Close()
	if direction == "c-server" {
		err = runOurs(ctx, conn, scenario)
		conn.Close()
	} else if scenario == "oversize-in" {
		go serveTooLong(conn)
	} else {
		err = serve(conn)
	}
	return errors.Join(err, cmd.Wait())
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, s := range clientScenarios {
			fmt.Println("c-client", s)
		}
		for _, s := range ours {
			fmt.Println("c-server", s.name)
		}
		fmt.Println("c-server oversize")
		return
	}
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: ttrpc list | PROGRAM DIRECTION SCENARIO")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintf(os.Stderr, "%s %s: %v\n", os.Args[2], os.Args[3], err)
		os.Exit(1)
	}
}
