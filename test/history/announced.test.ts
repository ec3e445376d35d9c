import protobuf from "protobufjs";
import { expect, it } from "vitest";
import { publishEvent } from "../../src/core/broker/events.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { silent } from "../../src/core/log.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { announcedIn, EVENT_TOPIC, followAnnounced } from "../../src/history/announced.ts";
import { createChanges } from "../../src/history/changes.ts";
import { HISTORY_TABLES } from "../../src/history/tables.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { serviceOf } from "../core/health/fake-nodes.ts";
import { manualClock } from "../fakes/clock.ts";

const event = (body: unknown, type = "application/json") => ({
  topic: EVENT_TOPIC,
  header: { "content-type": type },
  body: body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body)),
});
/** As a service of go-platform published it. */
const RECORDED = {
  ...{ id: "e1-1795235032078", type: "deploy", origin: "ci", timestamp: 1795235032, root_id: "r1" },
  ...{ metadata: { sha: "abc" }, data: '{"svc":"greeter"}' },
};

it.each([
  [RECORDED, { service: "greeter", kind: "event", words: "deploy (abc) announced by ci" }],
  [
    { type: "deploy.done", metadata: { service: "p", version: "1.4.0" } },
    { service: "p", version: "1.4.0", words: "deploy.done of 1.4.0" },
  ],
  [
    { type: "deploy", data: "not json" },
    { service: "", words: "deploy" },
  ],
  [{ type: "deploy", origin: "a\u001b[2Jb\nc" }, { words: "deploy announced by ab c" }],
  [{ type: "lunch" }, undefined],
])("reads %j", (body, change) => {
  const found = announcedIn(event(body), 5);
  if (change === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject({ at: 5, ...change });
});

it("reads it as protobuf, which is what Go's clients publish unasked", () => {
  const { root } = protobuf.parse(
    'syntax="proto3"; message Record { string id=1; string type=2; string origin=3; int64 timestamp=4; string root_id=5; map<string,string> metadata=6; string data=7; }',
  );
  const body = root.lookupType("Record").encode(RECORDED).finish();
  expect(announcedIn(event(body, "application/octet-stream"), 5)).toMatchObject({ service: "greeter", kind: "event" });
});

it.each([[[1, 2]], [{ type: 5 }], [{ type: "deploy", metadata: { a: {} } }], [null]])("refuses %j", (body) => {
  expect(() => announcedIn(event(body), 5)).toThrow(/no record of an event/);
});

it("writes down what is announced once, by the whole name, and no flood", async () => {
  const clock = manualClock();
  const db = memoryDb(HISTORY_TABLES);
  await db.start();
  const broker = memoryBroker()();
  await broker.start();
  const changes = createChanges({ db });
  const registry = memoryRegistry({ services: serviceOf("go.micro.srv.greeter", { "1": ["x:1"] }) })();
  await using _following = await followAnnounced({ broker, registry, changes, clock, log: silent });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));
  await publishEvent(broker, EVENT_TOPIC, RECORDED);
  await publishEvent(broker, EVENT_TOPIC, RECORDED);
  await publishEvent(broker, EVENT_TOPIC, "nonsense");
  await settle();
  expect(await changes.lately({ since: 0, limit: 9 })).toMatchObject([{ service: "go.micro.srv.greeter" }]);
  for (let at = 0; at < 50; at++) await publishEvent(broker, EVENT_TOPIC, { ...RECORDED, id: `${at}` });
  await settle();
  expect(await changes.lately({ since: 0, limit: 99 })).toHaveLength(30);
  await broker.stop();
});
