import { expect, it, vi } from "vitest";
import { createPool } from "../../../src/core/client/pool.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import type { Connection, Transport } from "../../../src/core/transport/transport.ts";

it("closes a connection that grew old while nobody called", async () => {
  const memory = memoryTransport();
  const closed: Connection[] = [];
  const listener = await memory.listen("127.0.0.1:0", async (connection) => {
    for await (const _ of connection);
  });
  const transport: Transport = {
    ...memory,
    dial: async (address, options) => {
      const connection = await memory.dial(address, options);
      const close = connection.close.bind(connection);
      return Object.assign(connection, {
        close: async () => {
          closed.push(connection);
          await close();
        },
      }) as Connection;
    },
  };
  const pool = createPool(transport, { poolTtlMs: 50 });
  const busy = await pool.take(listener.address, false);
  const idle = await pool.take(listener.address, true);
  idle.done(true);
  await vi.waitFor(() => expect(closed).not.toEqual([]), 5000);
  expect(new Set(closed).size).toBe(1);
  busy.done(true);
  await pool.close();
  await listener.close();
});
