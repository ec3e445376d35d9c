package main

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoimpl"
)

// From 2020 on a message has to describe itself; these let the library read it off the tags.

type plainRequest HelloRequest

func (m *plainRequest) Reset()         { *m = plainRequest{} }
func (m *plainRequest) String() string { return (*HelloRequest)(m).String() }
func (*plainRequest) ProtoMessage()    {}

func (m *HelloRequest) ProtoReflect() protoreflect.Message {
	return protoimpl.X.ProtoMessageV2Of((*plainRequest)(m)).ProtoReflect()
}

type plainResponse HelloResponse

func (m *plainResponse) Reset()         { *m = plainResponse{} }
func (m *plainResponse) String() string { return (*HelloResponse)(m).String() }
func (*plainResponse) ProtoMessage()    {}

func (m *HelloResponse) ProtoReflect() protoreflect.Message {
	return protoimpl.X.ProtoMessageV2Of((*plainResponse)(m)).ProtoReflect()
}
