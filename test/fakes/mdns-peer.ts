// A program for tests that takes part in mDNS on whatever interfaces there are. It prints one JSON value a line.
//   hold <json>    registers the service and says up; says goodbye when its input is closed
//   look <name>    tells what it finds, then the events that it hears
//   start          tells how starting went
import { mdnsRegistry } from "../../src/core/registry/mdns.ts";
import { readService } from "../../src/core/wire/record.ts";

const [verb, argument = ""] = process.argv.slice(2);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const registry = mdnsRegistry()();

if (verb === "start") {
  await registry.start().then(
    () => say("started"),
    (error: Error & { code: string }) => say({ code: error.code, message: error.message }),
  );
  await registry.stop();
} else if (verb === "hold") {
  await registry.start();
  await registry.register(readService(JSON.parse(argument)));
  say("up");
  for await (const _ of process.stdin);
  await registry.stop();
} else if (verb === "look") {
  await registry.start();
  const watcher = await registry.watch({ service: argument });
  for (let tries = 0; tries < 50; tries += 1) {
    const found = await registry.get(argument).catch(() => undefined);
    if (found === undefined) continue;
    say({ list: await registry.list(), get: found });
    break;
  }
  for await (const { action, service } of watcher) {
    say({ action, nodes: service.nodes.map(({ id }) => id) });
    if (action === "delete") break;
  }
  await registry.stop();
}
