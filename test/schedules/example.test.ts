import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import type { Service } from "../../src/core/service.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { schedules } from "../../src/schedules/schedules.ts";
import { botOn, textOf } from "../bot/run-bot.ts";

/* `examples/aliases-pipes-schedules.txt`, said to a bot beside a real greeter on a real socket. */

let registry: Registry;
let service: Service;

beforeAll(async () => {
  registry = memoryRegistry()();
  await registry.start();
  const shared = { ...registry, start: async () => {}, stop: async () => {} };
  service = greeter({ registry: shared, address: "127.0.0.1:0", drainMs: 200 });
  await service.start();
});

afterAll(async () => {
  await service.stop();
  await registry.stop();
});

describe("the example of aliases, pipes and schedules", () => {
  it("is answered, line by line", async () => {
    const text = await readFile(join(import.meta.dirname, "../../examples/aliases-pipes-schedules.txt"), "utf8");
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
    const input = memoryInput();
    await botOn([input], {
      commands: builtin,
      registry,
      client,
      policy: readPolicy("members: ['*:*']", "test"),
      limit: "none",
      extensions: [schedules()],
    }).start();
    const answers = new Map<string, string>();
    for (const line of lines) {
      const before = input.sent.length;
      input.say(line);
      await expect.poll(() => input.sent.length, { timeout: 5000 }).toBeGreaterThan(before);
      const answer = input.sent.at(-1);
      expect(answer?.failed, `${line}: ${textOf(answer)}`).toBeUndefined();
      answers.set(line, textOf(answer));
    }
    const answer = (begins: string) => answers.get(lines.find((line) => line.startsWith(begins)) ?? "");
    expect(answer("list services")).toMatch(/^Service\ngo\.micro\.srv\.greeter/);
    expect(answer("stats")).toMatch(/^Node +Uptime +Memory\n.+ +\d+.*s +\d+\.\d\dmb/);
    expect(answer("| count")).toMatch(/Status +Count\nok +1/);
    expect(answer("nodes")).toMatch(/^Node +Memory\n/);
    expect(answer("yes")).toContain("every weekday at 09:00 (Europe/Berlin)");
    expect(answer("schedule list | where")).toContain("health go.micro.srv.greeter | where status != ok");
  });
});
