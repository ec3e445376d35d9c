package main

import "fmt"

// What protoc-gen-go wrote for greeter.proto until 2020, by hand.

type HelloRequest struct {
	Name   string `protobuf:"bytes,1,opt,name=name,proto3" json:"name,omitempty"`
	UserId int64  `protobuf:"varint,2,opt,name=user_id,json=userId,proto3" json:"user_id,omitempty"`
}

func (m *HelloRequest) Reset()         { *m = HelloRequest{} }
func (m *HelloRequest) String() string { return fmt.Sprintf("%+v", *m) }
func (*HelloRequest) ProtoMessage()    {}

type HelloResponse struct {
	Msg   string `protobuf:"bytes,1,opt,name=msg,proto3" json:"msg,omitempty"`
	Count int64  `protobuf:"varint,2,opt,name=count,proto3" json:"count,omitempty"`
}

func (m *HelloResponse) Reset()         { *m = HelloResponse{} }
func (m *HelloResponse) String() string { return fmt.Sprintf("%+v", *m) }
func (*HelloResponse) ProtoMessage()    {}
