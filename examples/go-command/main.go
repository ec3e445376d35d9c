// Package main is a command of the bot, in Go: a service called go.micro.bot.rota answers `rota <team>` in chat from the
// moment it registers until its last node goes. Nothing of the bot is imported; two methods make a command, a third one types it.
//
//	go run . --registry_address 127.0.0.1:8500
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"go-micro.dev/v5"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/registry/consul"
	"go-micro.dev/v5/server"
	"go-micro.dev/v5/transport"
)

type HelpRequest struct{}

type HelpResponse struct {
	Usage       string `json:"usage,omitempty"`
	Description string `json:"description,omitempty"`
}

// ExecRequest has the words as they were typed, the command's own first.
type ExecRequest struct {
	Args []string `json:"args,omitempty"`
	// Caller is who asks (`slack:T01/U02`), where the bot is Micro Bot and the service has a Spec.
	Caller string `json:"caller,omitempty"`
}

type ExecResponse struct {
	Result []byte `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type SpecRequest struct{}

type SpecResponse struct {
	Spec string `json:"spec,omitempty"`
}

// Command is what the bot looks for.
type Command struct{ teams map[string]string }

func (c *Command) Help(_ context.Context, _ *HelpRequest, rsp *HelpResponse) error {
	rsp.Usage = "rota [team]"
	rsp.Description = "Tells who is on call"
	return nil
}

// Spec tells the bot that this only reads, so nobody is asked to confirm it, and what may stand in its words.
func (c *Command) Spec(_ context.Context, _ *SpecRequest, rsp *SpecResponse) error {
	rsp.Spec = `{
		"summary": "Tells who is on call",
		"input": {
			"type": "object",
			"properties": {"team": {"type": "string", "description": "of which team"}},
			"required": ["team"]
		},
		"words": ["team"],
		"permission": "command:rota",
		"effect": "read",
		"examples": ["rota orders"]
	}`
	return nil
}

func (c *Command) Exec(_ context.Context, req *ExecRequest, rsp *ExecResponse) error {
	team := strings.Join(req.Args[min(1, len(req.Args)):], " ")
	if who, known := c.teams[team]; known {
		rsp.Result = []byte(fmt.Sprintf("%s is on call for %s", who, team))
		return nil
	}
	names := make([]string, 0, len(c.teams))
	for name := range c.teams {
		names = append(names, name)
	}
	sort.Strings(names)
	rsp.Error = fmt.Sprintf("there is no team %q; there are %s", team, strings.Join(names, ", "))
	return nil
}

func main() {
	address := flag.String("registry_address", "127.0.0.1:8500", "where Consul is")
	namespace := flag.String("namespace", "go.micro.bot", "what the bot is called in the registry")
	flag.Parse()

	service := micro.NewService(
		// First, because what follows is told to the server that is there by then.
		micro.Server(server.NewRPCServer()),
		micro.Name(*namespace+".rota"),
		micro.Registry(consul.NewConsulRegistry(registry.Addrs(*address))),
		micro.Transport(transport.NewHTTPTransport()),
		micro.Address("127.0.0.1:0"),
		// Killed without a goodbye, it is forgotten after this time.
		micro.RegisterTTL(10*time.Second),
		micro.RegisterInterval(5*time.Second),
	)
	command := &Command{teams: map[string]string{"orders": "Ann", "payments": "Bob"}}
	if err := micro.RegisterHandler(service.Server(), command); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := service.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
