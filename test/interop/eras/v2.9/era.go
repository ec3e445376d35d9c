package main

import (
	"github.com/micro/go-micro/v2/broker"
	"github.com/micro/go-micro/v2/broker/http"
	"github.com/micro/go-micro/v2/client"
	grpcclient "github.com/micro/go-micro/v2/client/grpc"
	"github.com/micro/go-micro/v2/registry"
	"github.com/micro/go-plugins/registry/consul/v2"
	"github.com/micro/go-micro/v2/client/selector"
	"github.com/micro/go-micro/v2/server"
	grpcserver "github.com/micro/go-micro/v2/server/grpc"
	"github.com/micro/go-micro/v2/transport"
	grpctransport "github.com/micro/go-micro/v2/transport/grpc"
)

func newRegistry(address string) registry.Registry {
	return consul.NewRegistry(registry.Addrs(address))
}
func newBroker(r registry.Registry) broker.Broker {
	return http.NewBroker(broker.Registry(r), broker.Addrs("127.0.0.1:0"))
}
func newTransport() transport.Transport { return grpctransport.NewTransport() }
func newSelector(r registry.Registry) selector.Selector {
	return selector.NewSelector(selector.Registry(r))
}
func newServer(opts ...server.Option) server.Server { return grpcserver.NewServer(opts...) }
func newClient(opts ...client.Option) client.Client { return grpcclient.NewClient(opts...) }

func newRequest(c client.Client, service, endpoint string, req interface{}, contentType string) client.Request {
	return c.NewRequest(service, endpoint, req, client.WithContentType(contentType))
}
func newMessage(c client.Client, topic string, msg interface{}, contentType string) client.Message {
	return c.NewMessage(topic, msg, client.WithMessageContentType(contentType))
}

func noRetries() client.CallOption { return client.WithRetries(0) }
