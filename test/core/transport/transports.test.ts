import { httpTransport } from "../../../src/core/transport/http.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import { transportContract } from "../../contract/transport.contract.ts";

transportContract("http", { create: () => httpTransport(), any: "127.0.0.1:0", nobody: "127.0.0.1:1" });
transportContract("memory", { create: () => memoryTransport(), any: ":0", nobody: "memory:404" });
