import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { grpcTransport } from "../../../src/core/transport/grpc.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";

rpcContract("gRPC", { create: async () => ({ door: grpcDoor() }) });
rpcContract("go-micro's gRPC transport", { create: async () => ({ transport: grpcTransport() }) });
