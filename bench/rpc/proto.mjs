import protobuf from "protobufjs";

/** One message for both ways, as our codec is made for one type. */
export const greetingType = protobuf
  .parse('syntax = "proto3"; message Greeting { string name = 1; string msg = 2; }')
  .root.lookupType("Greeting");
