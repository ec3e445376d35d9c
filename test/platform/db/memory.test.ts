import { memoryDb } from "../../../src/platform/db/memory.ts";
import { dbContract } from "../../contract/db.contract.ts";

dbContract("memory", { create: memoryDb });
