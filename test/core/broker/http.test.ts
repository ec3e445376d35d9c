import { afterAll, beforeAll } from "vitest";
import { httpBroker } from "../../../src/core/broker/http.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { brokerContract } from "../../contract/broker.contract.ts";

const registry = memoryRegistry()();
beforeAll(() => registry.start());
afterAll(() => registry.stop());

brokerContract("http", {
  create: async () => httpBroker({ address: "127.0.0.1:0" })({ registry }),
  settleMs: 5000,
});
