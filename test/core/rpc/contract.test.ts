import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { selfSigned } from "../../../src/core/transport/certificate.ts";
import { grpcTransport } from "../../../src/core/transport/grpc.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";

rpcContract("http", { create: async () => ({ transport: httpTransport() }) });
rpcContract("memory", { create: async () => ({ transport: memoryTransport(), address: "memory:ticker" }) });
rpcContract("http with TLS", {
  create: async () => {
    const { cert, key } = selfSigned(["127.0.0.1"]);
    return { transport: httpTransport({ tls: { cert, key, ca: cert } }) };
  },
});
rpcContract("the grpc transport", { create: async () => ({ transport: grpcTransport() }) });
rpcContract("gRPC", { create: async () => ({ door: grpcDoor() }) });
