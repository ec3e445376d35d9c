package main

import (
	"github.com/micro/go-micro/broker"
	"github.com/micro/go-micro/client"
	"github.com/micro/go-micro/registry"
	"github.com/micro/go-micro/registry/consul"
	"github.com/micro/go-micro/selector"
	"github.com/micro/go-micro/selector/cache"
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

// The default selector of 2018 asks Consul at each call, and Consul refuses a thousand such questions at once.
func newSelector(r registry.Registry) selector.Selector {
	return cache.NewSelector(selector.Registry(r))
}
func newServer(opts ...server.Option) server.Server { return server.NewServer(opts...) }
func newClient(opts ...client.Option) client.Client { return client.NewClient(opts...) }

// In 2018 the content type belonged to the client.
func newRequest(c client.Client, service, endpoint string, req interface{}, contentType string) client.Request {
	_ = c.Init(client.ContentType(contentType))
	return c.NewRequest(service, endpoint, req)
}
func newMessage(c client.Client, topic string, msg interface{}, contentType string) client.Message {
	_ = c.Init(client.ContentType(contentType))
	return c.NewMessage(topic, msg)
}

// In 2018 a client with no retries did not even try.
func noRetries() client.CallOption { return client.WithRetries(1) }
