// Go's own HTTP and JSON on both ends: `main server <config>` or `main client <config>`. Speaks the JSON lines of ../child.mjs.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

type request struct {
	Name string `json:"name"`
}

type response struct {
	Msg string `json:"msg"`
}

type config struct {
	Size string `json:"size"`
	Port int    `json:"port"`
}

type order struct {
	CPU     bool    `json:"cpu"`
	Callers int     `json:"callers"`
	Ms      float64 `json:"ms"`
}

type measured struct {
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
}

func main() {
	var c config
	must(json.Unmarshal([]byte(os.Args[2]), &c))
	var call func()
	if os.Args[1] == "server" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		go http.Serve(listener, http.HandlerFunc(greet))
		say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	} else {
		call = caller(c)
		say("ready")
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var o order
		must(json.Unmarshal(lines.Bytes(), &o))
		if o.CPU {
			say(cpuMicros())
		} else {
			say(measure(call, o))
		}
	}
}

func greet(w http.ResponseWriter, r *http.Request) {
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	must(json.NewEncoder(w).Encode(response{Msg: "Hello " + in.Name}))
}

func caller(c config) func() {
	name := "John of the long and winding road"
	if c.Size == "large" {
		name = strings.Repeat("The quick brown fox jumps over the lazy dog; 0123456789. ", 200)[:10000]
	}
	transport := &http.Transport{MaxIdleConns: 1000, MaxIdleConnsPerHost: 1000}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	url := fmt.Sprintf("http://127.0.0.1:%d/", c.Port)
	wanted := len("Hello ") + len(name)
	return func() {
		body, err := json.Marshal(request{Name: name})
		must(err)
		answer, err := client.Post(url, "application/json", bytes.NewReader(body))
		must(err)
		var out response
		must(json.NewDecoder(answer.Body).Decode(&out))
		// Read to the end, or the connection is not used again.
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if len(out.Msg) != wanted {
			panic("another answer")
		}
	}
}

func measure(call func(), o order) measured {
	taken := make([][]float64, o.Callers)
	var callers sync.WaitGroup
	cpu := cpuMicros()
	began := time.Now()
	until := began.Add(time.Duration(o.Ms * float64(time.Millisecond)))
	for i := range taken {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for at := time.Now(); at.Before(until); {
				call()
				now := time.Now()
				taken[i] = append(taken[i], float64(now.Sub(at).Nanoseconds())/1e6)
				at = now
			}
		}()
	}
	callers.Wait()
	seconds := time.Since(began).Seconds()
	used := cpuMicros() - cpu
	var all []float64
	for _, some := range taken {
		all = append(all, some...)
	}
	sort.Float64s(all)
	return measured{len(all), seconds, used, all[len(all)/2], all[len(all)*99/100]}
}

func cpuMicros() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1000
}

func say(answer any) {
	line, err := json.Marshal(answer)
	must(err)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
