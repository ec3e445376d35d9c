import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";

rpcContract("gRPC", { create: async () => ({ door: grpcDoor() }) });
