import type { CommandContext } from "../../src/commands/command.ts";
import { sharedAbort } from "../../src/core/abort.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { systemClock } from "../../src/core/clock.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { SERVICES } from "../golden/records.ts";

/** What a command is given, with the golden services registered, a client that knows nobody, and somebody who may do all. */
export function contextFor(init: Partial<CommandContext> = {}): CommandContext {
  return {
    registry: memoryRegistry({ services: SERVICES })(),
    client: cannedClient({}),
    broker: memoryBroker()(),
    clock: systemClock,
    signal: sharedAbort().signal,
    caller: "terminal:ann",
    mayRun: () => true,
    oneShot: false,
    emit: async () => {},
    ...init,
  };
}
