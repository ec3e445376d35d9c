import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { kvContract } from "../../contract/kv.contract.ts";

const shelf = memoryShelf();

kvContract("memory", { create: () => memoryKv({ shelf }), settleMs: 1000 });
