// Package main is a service and a client written with go-micro, the same text for every era: the build puts it beside the
// era's own era.go and writes the era's import path where this one has "github.com/micro/go-micro".
//
//	peer serve  --name greeter --version 1 --registry 127.0.0.1:8500 [--topic t] [--queue q]
//	peer call   --registry … --service greeter WHAT   (see calls)
//	peer bench  --registry … --service greeter --callers 16 --seconds 3
//
// It says what it sees as one JSON object a line on stdout.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	micro "github.com/micro/go-micro"
	"github.com/micro/go-micro/client"
	"github.com/micro/go-micro/errors"
	"github.com/micro/go-micro/metadata"
	"github.com/micro/go-micro/server"
)

var (
	out  sync.Mutex
	name = flag.String("name", "greeter", "")
	vers = flag.String("version", "1", "")
	regi = flag.String("registry", "127.0.0.1:8500", "")
	serv = flag.String("service", "greeter", "")
	topi = flag.String("topic", "", "")
	queu = flag.String("queue", "", "")
	addr = flag.String("address", "127.0.0.1:0", "")
	ctyp = flag.String("content-type", "application/json", "")
	coun = flag.Int("count", 1, "")
	atOn = flag.Int("callers", 16, "")
	secs = flag.Float64("seconds", 3, "")
)

func say(fields map[string]interface{}) {
	text, _ := json.Marshal(fields)
	out.Lock()
	defer out.Unlock()
	fmt.Println(string(text))
}

type Greeter struct{}

func (*Greeter) Hello(ctx context.Context, req *HelloRequest, rsp *HelloResponse) error {
	rsp.Msg = "Hello " + req.Name
	rsp.Count = req.UserId
	return nil
}

// Meta answers the caller's metadata as text, and how long the caller waits, in ms.
func (*Greeter) Meta(ctx context.Context, req *HelloRequest, rsp *HelloResponse) error {
	md, _ := metadata.FromContext(ctx)
	lower := map[string]string{}
	for k, v := range md {
		lower[strings.ToLower(k)] = v
	}
	text, _ := json.Marshal(lower)
	rsp.Msg = string(text)
	if at, ok := ctx.Deadline(); ok {
		rsp.Count = int64(time.Until(at) / time.Millisecond)
	}
	return nil
}

func (*Greeter) Fail(ctx context.Context, req *HelloRequest, rsp *HelloResponse) error {
	switch req.UserId {
	case 0:
		return fmt.Errorf("boom: plain text")
	case 400:
		return errors.BadRequest("greeter", req.Name)
	case 401:
		return errors.Unauthorized("greeter", req.Name)
	case 403:
		return errors.Forbidden("greeter", req.Name)
	case 404:
		return errors.NotFound("greeter", req.Name)
	case 500:
		return errors.InternalServerError("greeter", req.Name)
	}
	return errors.New("greeter", req.Name, int32(req.UserId))
}

func (*Greeter) Slow(ctx context.Context, req *HelloRequest, rsp *HelloResponse) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(req.UserId) * time.Millisecond):
	}
	rsp.Msg = "slow"
	return nil
}

// Stream reads one request and answers user_id times; then it ends, with an error if the name is "fail". "step" waits for
// another message after each answer, "forever" takes its time.
func (*Greeter) Stream(ctx context.Context, stream server.Stream) error {
	req := &HelloRequest{}
	if err := stream.Recv(req); err != nil {
		return err
	}
	say(map[string]interface{}{"event": "stream", "name": req.Name, "count": req.UserId})
	for i := int64(0); i < req.UserId; i++ {
		if err := stream.Send(&HelloResponse{Msg: req.Name, Count: i}); err != nil {
			say(map[string]interface{}{"event": "stream-broke"})
			return err
		}
		switch req.Name {
		case "forever":
			time.Sleep(5 * time.Millisecond)
		case "step":
			if err := stream.Recv(&HelloRequest{}); err != nil {
				return err
			}
		}
	}
	if req.Name == "fail" {
		return errors.NotFound("greeter", "nothing more")
	}
	return nil
}

// Chat answers each message until there is none.
func (*Greeter) Chat(ctx context.Context, stream server.Stream) error {
	for {
		req := &HelloRequest{}
		if err := stream.Recv(req); err != nil {
			say(map[string]interface{}{"event": "chat-over"})
			return nil
		}
		if err := stream.Send(&HelloResponse{Msg: strings.ToUpper(req.Name), Count: req.UserId}); err != nil {
			return err
		}
	}
}

func heard(ctx context.Context, msg *HelloRequest) error {
	md, _ := metadata.FromContext(ctx)
	user := ""
	for k, v := range md {
		if strings.ToLower(k) == "x-user-id" {
			user = v
		}
	}
	say(map[string]interface{}{"event": "heard", "name": msg.Name, "user": user})
	return nil
}

func service() micro.Service {
	reg := newRegistry(*regi)
	bro := newBroker(reg)
	tra := newTransport()
	s := newServer(server.Name(*name), server.Version(*vers), server.Address(*addr), server.Registry(reg), server.Transport(tra), server.Broker(bro))
	c := newClient(client.Registry(reg), client.Transport(tra), client.Broker(bro), client.Selector(newSelector(reg)))
	return micro.NewService(
		micro.Server(s), micro.Client(c), micro.Registry(reg), micro.Broker(bro), micro.Transport(tra),
		micro.RegisterTTL(60*time.Second), micro.RegisterInterval(5*time.Second),
	)
}

func serve() {
	svc := service()
	s := svc.Server()
	if err := s.Init(server.Name(*name), server.Version(*vers)); err != nil {
		fail(err)
	}
	if err := s.Handle(s.NewHandler(&Greeter{})); err != nil {
		fail(err)
	}
	if *topi != "" {
		opts := []server.SubscriberOption{}
		if *queu != "" {
			opts = append(opts, server.SubscriberQueue(*queu))
		}
		if err := s.Subscribe(s.NewSubscriber(*topi, heard, opts...)); err != nil {
			fail(err)
		}
	}
	go func() {
		// Run gives no word when it is ready: the address is set once it listens.
		for i := 0; i < 500; i++ {
			if a := s.Options().Address; a != "" && !strings.HasSuffix(a, ":0") {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(100 * time.Millisecond)
		say(map[string]interface{}{"event": "ready", "address": s.Options().Address})
	}()
	if err := svc.Run(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	say(map[string]interface{}{"event": "failed", "error": err.Error()})
	os.Exit(1)
}

func request(c client.Client, endpoint string, req interface{}) client.Request {
	return newRequest(c, *serv, endpoint, req, *ctyp)
}

func result(what string, rsp *HelloResponse, err error) {
	fields := map[string]interface{}{"event": "result", "what": what}
	if err != nil {
		e := errors.Parse(err.Error())
		fields["error"] = map[string]interface{}{"id": e.Id, "code": e.Code, "detail": e.Detail, "status": e.Status, "text": err.Error()}
	} else {
		fields["msg"], fields["count"] = rsp.Msg, rsp.Count
	}
	say(fields)
}

func call() {
	svc := service()
	c := svc.Client()
	ctx := metadata.NewContext(context.Background(), map[string]string{"X-User-Id": "u1"})
	unary := func(what, endpoint string, req *HelloRequest, opts ...client.CallOption) {
		rsp := &HelloResponse{}
		err := c.Call(ctx, request(c, endpoint, req), rsp, opts...)
		result(what, rsp, err)
	}
	for _, what := range flag.Args() {
		switch what {
		case "hello":
			unary(what, "Greeter.Hello", &HelloRequest{Name: "John", UserId: 9007199254740993})
		case "meta":
			timed, cancel := context.WithTimeout(ctx, 3*time.Second)
			rsp := &HelloResponse{}
			err := c.Call(timed, request(c, "Greeter.Meta", &HelloRequest{}), rsp)
			cancel()
			result(what, rsp, err)
		case "errors":
			for _, code := range []int64{0, 400, 401, 403, 404, 500, 418} {
				unary(fmt.Sprintf("error %d", code), "Greeter.Fail", &HelloRequest{Name: "user jo not found", UserId: code}, noRetries())
			}
			unary("no method", "Greeter.Nothing", &HelloRequest{}, noRetries())
			unary("no handler", "Nobody.Hello", &HelloRequest{}, noRetries())
		case "slow":
			unary(what, "Greeter.Slow", &HelloRequest{UserId: 5000}, client.WithRequestTimeout(300*time.Millisecond), noRetries())
		case "health":
			rsp := map[string]interface{}{}
			err := c.Call(ctx, newRequest(c, *serv, "Debug.Health", map[string]string{}, "application/json"), &rsp)
			say(map[string]interface{}{"event": "result", "what": what, "answer": rsp, "error": text(err)})
		case "stats":
			rsp := map[string]interface{}{}
			err := c.Call(ctx, newRequest(c, *serv, "Debug.Stats", map[string]string{}, "application/json"), &rsp)
			say(map[string]interface{}{"event": "result", "what": what, "answer": rsp, "error": text(err)})
		case "stream", "stream-fail":
			stream, err := c.Stream(ctx, request(c, "Greeter.Stream", &HelloRequest{}))
			if err != nil {
				result(what, nil, err)
				continue
			}
			word := strings.TrimPrefix(strings.TrimPrefix(what, "stream"), "-")
			err = stream.Send(&HelloRequest{Name: word, UserId: int64(*coun)})
			seen := 0
			for err == nil {
				rsp := &HelloResponse{}
				if err = stream.Recv(rsp); err == nil {
					if rsp.Count != int64(seen) {
						err = fmt.Errorf("out of order: %d", rsp.Count)
					}
					seen++
				}
			}
			ended := err == io.EOF || err.Error() == "EOF" || strings.Contains(err.Error(), "EOF")
			stream.Close()
			say(map[string]interface{}{"event": "result", "what": what, "seen": seen, "ended": ended, "error": err.Error()})
		case "chat":
			stream, err := c.Stream(ctx, request(c, "Greeter.Chat", &HelloRequest{}))
			if err != nil {
				result(what, nil, err)
				continue
			}
			said := []string{}
			for _, word := range []string{"one", "two", "three"} {
				rsp := &HelloResponse{}
				if err = stream.Send(&HelloRequest{Name: word}); err == nil {
					err = stream.Recv(rsp)
				}
				if err != nil {
					break
				}
				said = append(said, rsp.Msg)
			}
			stream.Close()
			say(map[string]interface{}{"event": "result", "what": what, "said": said, "error": text(err)})
		case "cancel":
			over, cancel := context.WithCancel(ctx)
			stream, err := c.Stream(over, request(c, "Greeter.Stream", &HelloRequest{}))
			if err == nil {
				err = stream.Send(&HelloRequest{Name: "forever", UserId: 1000000})
			}
			seen := 0
			for err == nil && seen < 3 {
				if err = stream.Recv(&HelloResponse{}); err == nil {
					seen++
				}
			}
			if stream != nil {
				stream.Close()
			}
			cancel()
			// The process stays, so that it is not its end that closes the connection.
			time.Sleep(3 * time.Second)
			say(map[string]interface{}{"event": "result", "what": what, "seen": seen, "error": text(err)})
		case "publish":
			var err error
			for i := 0; i < *coun && err == nil; i++ {
				err = c.Publish(ctx, newMessage(c, *topi, &HelloRequest{Name: fmt.Sprintf("n%d", i)}, *ctyp))
			}
			// The http broker sends what was published a little later.
			time.Sleep(1500 * time.Millisecond)
			say(map[string]interface{}{"event": "result", "what": what, "error": text(err)})
		case "many":
			failed := int64(0)
			first := atomic.Value{}
			one := func(i int) {
				rsp := &HelloResponse{}
				err := c.Call(ctx, request(c, "Greeter.Hello", &HelloRequest{Name: "x", UserId: int64(i)}), rsp, client.WithRequestTimeout(30*time.Second))
				if err == nil && rsp.Count != int64(i) {
					err = fmt.Errorf("answer %d for question %d", rsp.Count, i)
				}
				if err != nil {
					atomic.AddInt64(&failed, 1)
					first.Store(err.Error())
				}
			}
			for i := 0; i < *coun; i++ {
				one(i + 1)
			}
			var wg sync.WaitGroup
			for i := 0; i < *coun/10; i++ {
				wg.Add(1)
				go func(i int) { defer wg.Done(); one(i + 1) }(i)
			}
			wg.Wait()
			say(map[string]interface{}{"event": "result", "what": what, "failed": failed, "first": first.Load()})
		case "services":
			found, err := newRegistry(*regi).GetService(*serv)
			say(map[string]interface{}{"event": "result", "what": what, "services": found, "error": text(err)})
		}
	}
}

func bench() {
	c := service().Client()
	ctx := context.Background()
	var done int64
	one := func() bool {
		return c.Call(ctx, request(c, "Greeter.Hello", &HelloRequest{Name: "John"}), &HelloResponse{}) == nil
	}
	for i := 0; i < 200; i++ {
		one()
	}
	end := time.Now().Add(time.Duration(*secs * float64(time.Second)))
	begun := time.Now()
	var wg sync.WaitGroup
	for i := 0; i < *atOn; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				if one() {
					atomic.AddInt64(&done, 1)
				}
			}
		}()
	}
	wg.Wait()
	say(map[string]interface{}{"event": "bench", "calls": done, "perSecond": float64(done) / time.Since(begun).Seconds()})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func main() {
	what := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	flag.Parse()
	go func() {
		leave := make(chan os.Signal, 1)
		signal.Notify(leave, syscall.SIGHUP)
		<-leave
		os.Exit(0)
	}()
	switch what {
	case "serve":
		serve()
	case "call":
		call()
	case "bench":
		bench()
	}
}
