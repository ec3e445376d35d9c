package main

import (
	"github.com/micro/go-micro/broker"
	"github.com/micro/go-micro/client"
	"github.com/micro/go-micro/registry"
	"github.com/micro/go-micro/registry/consul"
	"github.com/micro/go-micro/client/selector"
	"github.com/micro/go-micro/server"
	"github.com/micro/go-micro/transport"
)

func newRegistry(address string) registry.Registry {
	return consul.NewRegistry(registry.Addrs(address))
}
func newBroker(r registry.Registry) broker.Broker {
	return broker.NewBroker(broker.Registry(r), broker.Addrs("127.0.0.1:0"))
}
func newTransport() transport.Transport { return transport.NewTransport() }
func newSelector(r registry.Registry) selector.Selector {
	return selector.NewSelector(selector.Registry(r))
}
func newServer(opts ...server.Option) server.Server { return server.NewServer(opts...) }
func newClient(opts ...client.Option) client.Client { return client.NewClient(opts...) }

func newRequest(c client.Client, service, endpoint string, req interface{}, contentType string) client.Request {
	return c.NewRequest(service, endpoint, req, client.WithContentType(contentType))
}
func newMessage(c client.Client, topic string, msg interface{}, contentType string) client.Message {
	_ = c.Init(client.ContentType(contentType))
	return c.NewMessage(topic, msg)
}

func noRetries() client.CallOption { return client.WithRetries(0) }
