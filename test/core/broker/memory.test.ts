import { memoryBroker } from "../../../src/core/broker/memory.ts";
import { brokerContract } from "../../contract/broker.contract.ts";

const network = memoryBroker();

brokerContract("memory", { create: async () => network(), settleMs: 2000 });
