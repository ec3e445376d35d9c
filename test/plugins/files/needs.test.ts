import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { CommandContext } from "../../../src/commands/command.ts";
import type { Given } from "../../../src/commands/needs.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { silent } from "../../../src/core/log.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { given } from "../../../src/plugins/files/give.ts";
import { httpOf } from "../../../src/plugins/files/http.ts";
import { ownKv } from "../../../src/plugins/files/kv.ts";
import { ownSecrets } from "../../../src/plugins/files/secrets.ts";
import { botOn, telling, textOf } from "../../bot/run-bot.ts";
import { contextFor } from "../../commands/context.ts";
import { folderOf, noted, supplies } from "./folder.ts";

type Own = CommandContext & Given;

/** What a command with these needs comes to. */
async function asking(needs: readonly string[], run: (context: Own) => unknown, init = {}): Promise<unknown> {
  const { command } = telling("tell", {
    needs,
    run: async (_input: unknown, context: CommandContext) => run(context as Own),
  } as never);
  return given(command, "commands/tell.ts", { ...supplies, ...init }, silent).run({}, contextFor());
}

describe("what a command of a file is given", () => {
  it.each(["client", "registry", "broker", "audit", "kv", "http"] as const)(
    "is %s only where it asks for it",
    async (need) => {
      await expect(asking([], (context) => context[need])).rejects.toThrow(
        `\`tell\` did not ask for \`${need}\`: its definition wants \`needs: ["${need}"]\``,
      );
      if (need !== "audit") expect(await asking([need], (context) => context[need])).toBeDefined();
    },
  );

  it("is who asked and when, without asking", async () => {
    expect(await asking([], ({ caller, clock }) => [caller, typeof clock.now()])).toEqual(["terminal:ann", "number"]);
  });

  it("is told in a sentence where it throws what is no error of ours, and logged", async () => {
    const log = noted();
    const { command } = telling("tell", {
      run: async () => {
        throw new TypeError("no such region\n  at x");
      },
    });
    await expect(given(command, "commands/tell.ts", supplies, log).run({}, contextFor())).rejects.toMatchObject({
      code: "internal",
      message: "`tell` failed: no such region",
    });
    expect(log.lines).toHaveLength(1);
    await expect(
      asking([], () => {
        throw new MicroError("not_found", "no such region");
      }),
    ).rejects.toThrow(/^no such region$/);
  });

  it("shows something, or says that it does not", () => {
    const { command } = telling("tell", { view: () => "text" as never });
    expect(() => given(command, "commands/tell.ts", supplies, silent).view({}, {})).toThrow(
      "`tell` was run, but its `view` in commands/tell.ts gives nothing to show",
    );
  });
});

describe("keys of its own", () => {
  it("are nobody else's", async () => {
    const kv = memoryKv();
    await kv.start();
    const [a, b] = [ownKv(kv, "on call"), ownKv(kv, "restart")];
    await a.put("turn.1", "ann");
    expect(await b.get("turn.1")).toBeUndefined();
    expect(await a.list("turn.")).toMatchObject([{ key: "turn.1", value: "ann" }]);
    expect((await kv.list("")).map(({ key }) => key)).toEqual(["own.on=20call.turn.1"]);
    const entry = await a.get("turn.1");
    expect(await a.update("turn.1", "bob", entry?.revision ?? 0)).toBeGreaterThan(0);
    expect(await a.create("turn.1", "x")).toBeUndefined();
    expect(await b.delete("turn.1")).toBe(false);
    expect(await a.delete("turn.1")).toBe(true);
  });

  it.each(["", "..x", "a b", "../x"])("are never outside (%j)", async (key) => {
    await expect(ownKv(memoryKv(), "a").put(key, "x")).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("are watched by their own names", async () => {
    const all = memoryKv();
    await all.start();
    const kv = ownKv(all, "a");
    await using watcher = await kv.watch("");
    await kv.put("x", "1");
    for await (const change of watcher) {
      expect(change).toMatchObject({ key: "x", entry: { key: "x", value: "1" } });
      break;
    }
  });
});

describe("http", () => {
  const servers: { close(): void; closeAllConnections(): void }[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });
  const serve = async (answer: Parameters<typeof createServer>[1]): Promise<string> => {
    const server = createServer(answer as never);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it("asks and answers, whatever the status", async () => {
    const url = await serve((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => {
        response.writeHead(404, { "x-way": request.method });
        response.end(JSON.stringify({ body, type: request.headers["content-type"] }));
      });
    });
    const answer = await httpOf()(url, { body: { a: 1 } });
    expect(answer).toMatchObject({ status: 404, ok: false, headers: { "x-way": "POST" } });
    expect(answer.json()).toEqual({ body: '{"a":1}', type: "application/json" });
  });

  it("ends in time, in bytes and with its command, and names no path", async () => {
    const url = await serve((request, response) => {
      if (request.url === "/long") response.end("x".repeat(2000));
    });
    const host = new URL(url).host;
    await expect(httpOf()(`${url}/secret`, { timeoutMs: 30 })).rejects.toMatchObject({
      code: "timeout",
      message: `${host} did not answer within 30 ms`,
    });
    await expect(httpOf()(`${url}/long`, { maxBytes: 1000 })).rejects.toMatchObject({
      code: "exhausted",
      message: `${host} answers with more than 1000 bytes`,
    });
    await expect(httpOf()(`${url}/secret`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
    const gone = new AbortController();
    const asked = asking(["http"], ({ http }) => http(`${url}/secret`, { signal: gone.signal }));
    gone.abort();
    await expect(asked).rejects.toMatchObject({ code: "cancelled" });
    await expect(httpOf()("http://127.0.0.1:1/secret")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/^127\.0\.0\.1:1 cannot be reached/),
    });
    await expect(httpOf()("file:///etc/passwd")).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("secrets", () => {
  const references = { KEY: "env:KEY", SHORT: "env:SHORT" };

  it("are those that it names, that somebody has set, and long enough to be crossed out", async () => {
    const secret = ownSecrets({
      references,
      resolve: async (name) => (name === "env:KEY" ? "k3y-of-pager" : "abc"),
      redactor: createRedactor(),
    });
    expect(await asking(["secrets:KEY"], ({ secrets }) => secrets.get("KEY"), { secret })).toBe("k3y-of-pager");
    await expect(asking(["secrets:KEY"], ({ secrets }) => secrets.get("SHORT"), { secret })).rejects.toThrow(
      '`tell` did not ask for the secret SHORT: its definition wants `needs: ["secrets:SHORT"]`',
    );
    await expect(secret("NONE")).rejects.toThrow("start the bot with --command_secret=NONE=…");
    await expect(secret("constructor")).rejects.toThrow("nobody has set the secret constructor");
    await expect(secret("SHORT")).rejects.toThrow(/too short/);
  });

  it("are crossed out in answers, errors, the audit and the log, the one before a new one, too", async () => {
    const values = ["first-value-of-it", "second-value-of-it"];
    let turn = 0;
    const redactor = createRedactor();
    const secret = ownSecrets({ references, resolve: async () => values[turn] ?? "", redactor });
    const folder = await folderOf({
      "leak.ts": `import { defineCommand } from "micro-chatops";
import { z } from "zod";
export default defineCommand({
  name: "leak", summary: "Say a secret", input: z.object({ how: z.string() }), words: ["how"], permission: "test:leak",
  effect: "read", needs: ["secrets:KEY"],
  run: async ({ how }, { secrets, emit }) => {
    const key = await secrets.get("KEY");
    await emit({ kind: "text", text: "on the way: " + key });
    if (how === "throw") throw new Error("refused: " + key);
    return { key };
  },
  view: ({ key }) => ({ kind: "text", text: key + " ${values[0]}" }),
});`,
    });
    const input = memoryInput();
    const written: unknown[] = [];
    const bot = botOn([input], {
      redactor,
      sources: [folder.source({ supplies: { ...supplies, secret } })],
      audit: (record) => void written.push(record),
    });
    await bot.start();
    const all: string[] = [];
    for (const how of ["say", "throw", "say", "throw"]) {
      input.say(`leak ${how}`);
      all.push(textOf(await input.next()));
      if (how === "throw") turn += 1;
    }
    expect(all[0]).toContain("[secret]");
    expect(all[1]).toContain("refused: [secret]");
    const everything = JSON.stringify([input.sent, written]);
    for (const value of values) expect(everything).not.toContain(value);
  });
});
