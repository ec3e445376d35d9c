/**
 * What runs in the thread of one command. It is handed over as text (`thread.ts`), so that no file has to be found beside a
 * bundled program: nothing from outside the function may be named in it, but for types.
 */
export function threadMain(require: NodeJS.Require): void {
  const { parentPort, workerData } = require("node:worker_threads") as typeof import("node:worker_threads");
  const { createRequire } = require("node:module") as typeof import("node:module");
  const { Script } = require("node:vm") as typeof import("node:vm");
  const { code, path, name, input, facts, zod } = workerData as import("./thread.ts").ThreadData;
  const port = parentPort as import("node:worker_threads").MessagePort;

  class MicroError extends Error {
    readonly code: string;
    readonly details: unknown;
    constructor(code: string, message: string, options: { details?: unknown; cause?: unknown } = {}) {
      super(message, options);
      this.name = "MicroError";
      this.code = code;
      this.details = options.details ?? {};
    }
  }

  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let calls = 0;
  /** Has the bot do something, and gives what comes of it. */
  const ask = (what: string, args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      calls += 1;
      waiting.set(calls, { resolve, reject });
      // A signal ends with the command, and cannot be sent.
      const plain = args.map((arg) =>
        typeof arg === "object" && arg !== null && !Array.isArray(arg) && "signal" in arg
          ? { ...arg, signal: undefined }
          : arg,
      );
      port.postMessage({ call: calls, what, args: plain });
    });
  port.on("message", ({ call, value, error }) => {
    const { resolve, reject } = waiting.get(call) ?? {};
    waiting.delete(call);
    if (error === undefined) resolve?.(value);
    else reject?.(new MicroError(error.code, error.message, { details: error.details }));
  });

  const forwarded = (part: string, names: readonly string[]) =>
    Object.fromEntries(names.map((one) => [one, (...args: unknown[]) => ask(`${part}.${one}`, args)]));
  const client = forwarded("client", ["request"]) as { request: (...args: unknown[]) => Promise<unknown> };
  const context = {
    ...facts,
    signal: new AbortController().signal,
    clock: {
      now: () => Date.now(),
      sleep: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    client: {
      ...client,
      call: async (
        to: { service: string; name: string; output: { parse(v: unknown): unknown } },
        given: unknown,
        options?: object,
      ) => to.output.parse(await client.request(to.service, to.name, given, options)),
    },
    registry: forwarded("registry", ["get", "list"]),
    broker: forwarded("broker", ["publish"]),
    kv: forwarded("kv", ["get", "list", "put", "create", "update", "delete"]),
    secrets: forwarded("secrets", ["get"]),
    http: async (...args: unknown[]) => {
      const answer = (await ask("http", [String(args[0]), ...args.slice(1)])) as { text: string };
      return { ...answer, json: () => JSON.parse(answer.text) };
    },
    emit: (...args: unknown[]) => ask("emit", args),
    ask: (...args: unknown[]) => ask("ask", args),
  };

  const near = createRequire(path);
  const house: Readonly<Record<string, unknown>> = {
    "micro-chatops": { defineCommand: (one: unknown) => one, MicroError },
  };
  const module = { exports: {} as Record<string, unknown> };
  const own = (id: string) => house[id] ?? (id === "zod" ? near(zod) : near(id));
  const told = (thrown: unknown) => {
    const { code, message, details, stack } = (thrown ?? {}) as Readonly<Record<string, unknown>>;
    const ours = thrown instanceof MicroError;
    const at = typeof stack === "string" ? { stack } : {};
    return {
      ...{ ours, code: ours ? code : "internal", message: String(message ?? thrown), details: ours ? details : {} },
      ...at,
    };
  };
  const begin = async () => {
    const load = new Script(`(function (exports, require, module, __filename) {${code}\n})`, { filename: path });
    load.runInThisContext()(module.exports, own, module, path);
    const all = Object.values(module.exports).flatMap((one) => (Array.isArray(one) ? one : [one]));
    const command = all.find(
      (one) => typeof one === "object" && one !== null && (one as { name?: unknown }).name === name,
    );
    return (command as { run(input: unknown, context: unknown): unknown }).run(input, context);
  };
  begin().then(
    (value) => {
      try {
        port.postMessage({ done: true, value });
      } catch {
        port.postMessage({
          failed: { ours: false, code: "internal", message: "its result cannot be sent: it survives no JSON" },
        });
      }
    },
    (thrown) => port.postMessage({ failed: told(thrown) }),
  );
}
