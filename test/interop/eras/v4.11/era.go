package main

import (
	"go-micro.dev/v4/broker"
	"go-micro.dev/v4/client"
	"go-micro.dev/v4/registry"
	"go-micro.dev/v4/selector"
	"go-micro.dev/v4/server"
	"go-micro.dev/v4/transport"
)

// The core of this era has no Consul; its default is mDNS, so this peer is run in a network namespace of its own.
func newRegistry(string) registry.Registry { return registry.NewRegistry() }
func newBroker(r registry.Registry) broker.Broker {
	return broker.NewBroker(broker.Registry(r), broker.Addrs("127.0.0.1:0"))
}
func newTransport() transport.Transport { return transport.NewHTTPTransport() }
func newSelector(r registry.Registry) selector.Selector {
	return selector.NewSelector(selector.Registry(r))
}
func newServer(opts ...server.Option) server.Server { return server.NewRPCServer(opts...) }
func newClient(opts ...client.Option) client.Client { return client.NewClient(opts...) }

func newRequest(c client.Client, service, endpoint string, req interface{}, contentType string) client.Request {
	return c.NewRequest(service, endpoint, req, client.WithContentType(contentType))
}
func newMessage(c client.Client, topic string, msg interface{}, contentType string) client.Message {
	return c.NewMessage(topic, msg, client.WithMessageContentType(contentType))
}

func noRetries() client.CallOption { return client.WithRetries(0) }
