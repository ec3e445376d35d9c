// A member of a gossip cluster as Go Micro has it, for the tests: each line of input is a command, each answer a line of
// JSON. It ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"time"

	"github.com/micro/go-micro/registry"
	"github.com/micro/go-micro/registry/gossip"
)

type command struct {
	Do      string
	Name    string
	TTL     int64
	Service *registry.Service
}

type answer struct {
	Error    string              `json:"error,omitempty"`
	Names    []string            `json:"names,omitempty"`
	Services []*registry.Service `json:"services,omitempty"`
	Ready    bool                `json:"ready,omitempty"`
}

func main() {
	bind := flag.String("bind", "127.0.0.1:0", "host:port to listen on")
	join := flag.String("join", "", "members to join, by comma")
	key := flag.String("key", "", "secret key")
	flag.Parse()

	out := json.NewEncoder(os.Stdout)
	options := []registry.Option{gossip.Address(*bind), gossip.ConnectTimeout(10 * time.Second)}
	if *join != "" {
		options = append(options, registry.Addrs(strings.Split(*join, ",")...))
	}
	if *key != "" {
		options = append(options, registry.Secure(true), gossip.Secret([]byte(*key)))
	}
	peer := gossip.NewRegistry(options...)
	out.Encode(answer{Ready: true})

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked command
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			out.Encode(answer{Error: err.Error()})
			continue
		}
		out.Encode(obey(peer, asked))
	}
}

func obey(peer registry.Registry, asked command) answer {
	var said answer
	var err error
	switch asked.Do {
	case "register":
		err = peer.Register(asked.Service, registry.RegisterTTL(time.Duration(asked.TTL)*time.Millisecond))
	case "deregister":
		err = peer.Deregister(asked.Service)
	case "get":
		said.Services, err = peer.GetService(asked.Name)
	case "list":
		var services []*registry.Service
		services, err = peer.ListServices()
		for _, service := range services {
			said.Names = append(said.Names, service.Name)
		}
	}
	if err != nil {
		said.Error = err.Error()
	}
	return said
}
