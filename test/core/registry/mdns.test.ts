import { setTimeout as sleep } from "node:timers/promises";
import { cached } from "../../../src/core/registry/cache.ts";
import { mdnsRegistry } from "../../../src/core/registry/mdns.ts";
import { registryContract } from "../../contract/registry.contract.ts";

const loopback = { addresses: ["127.0.0.1"], domain: `t${process.pid}` };
const without = { ttl: "a node lives as long as its process answers for it, which is mDNS" };

registryContract("mdns", {
  create: async () => mdnsRegistry(loopback)(),
  advance: (ms) => sleep(ms),
  settleMs: 2000,
  without,
});

registryContract("cached(mdns)", {
  create: async () => cached(mdnsRegistry(loopback)()),
  advance: (ms) => sleep(ms),
  settleMs: 2000,
  without,
});
