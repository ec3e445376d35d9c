package main

import (
	"go-micro.dev/v5/broker"
	"go-micro.dev/v5/broker/http"
	"go-micro.dev/v5/client"
	"go-micro.dev/v5/registry"
	"go-micro.dev/v5/registry/consul"
	"go-micro.dev/v5/selector"
	"go-micro.dev/v5/server"
	"go-micro.dev/v5/transport"
)

func newRegistry(address string) registry.Registry {
	return consul.NewConsulRegistry(registry.Addrs(address))
}
func newBroker(r registry.Registry) broker.Broker {
	return http.NewHttpBroker(broker.Registry(r), broker.Addrs("127.0.0.1:0"))
}
func newTransport() transport.Transport { return transport.NewHTTPTransport() }
func newSelector(r registry.Registry) selector.Selector {
	return selector.NewSelector(selector.Registry(r))
}
func newServer(opts ...server.Option) server.Server { return server.NewServer(opts...) }
func newClient(opts ...client.Option) client.Client { return client.NewClient(opts...) }

func newRequest(c client.Client, service, endpoint string, req interface{}, contentType string) client.Request {
	return c.NewRequest(service, endpoint, req, client.WithContentType(contentType))
}
func newMessage(c client.Client, topic string, msg interface{}, contentType string) client.Message {
	return c.NewMessage(topic, msg, client.WithMessageContentType(contentType))
}

func noRetries() client.CallOption { return client.WithRetries(0) }
