import { httpTransport } from "../../../src/core/transport/http.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";

rpcContract("http", { create: async () => ({ transport: httpTransport() }) });
rpcContract("memory", { create: async () => ({ transport: memoryTransport(), address: "memory:ticker" }) });
