import { createInbox } from "../../../src/alerts/inbox.ts";
import { createReceiver } from "../../../src/alerts/receive/receiver.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { sqliteKv } from "../../../src/platform/kv/sqlite.ts";

/* A receiver as a process of its own; bundled by the test that kills it, since Node 20 reads no TypeScript. */

const [path = "", token = ""] = process.argv.slice(2);
const kv = sqliteKv({ path });
await kv.start();
const inbox = createInbox({ kv, clock: systemClock });
await inbox.start();
const receiver = createReceiver({
  address: "127.0.0.1:0",
  sources: [
    { name: "am", kind: "alertmanager", authentication: { kind: "token", tokens: [token] }, perSecond: 100_000 },
  ],
  inbox,
  clock: systemClock,
});
await receiver.start();
process.stdout.write(`${receiver.address}\n`);
setInterval(() => {}, 1000);
