import { memoryAudit } from "../../../src/bot/audit/memory.ts";
import { auditContract } from "../../contract/audit.contract.ts";

auditContract("memory", async (init) => memoryAudit(init));
