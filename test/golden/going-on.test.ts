import { beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../src/core/broker/broker.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { collector, type Run, runProgram } from "../fakes/run-program.ts";
import { STREAMING } from "./records.ts";

/* Commands that go on, on the command line: a line of stdout for each thing that comes, nothing else on it. */

const GREETER = "go.micro.srv.greeter";
const failing = new MicroError("internal", "no", {
  details: { record: { id: GREETER, code: 500, detail: "the greeter is ill", status: "Internal Server Error" } },
});
const ANSWERS = {
  "Say.Count": ['{"n": 1, "big": 9223372036854775807}', '{\n  "n": 2,\n  "list": [ ]\n}', '{"n":1.0}'],
  "Say.Break": ['{"n":1}', failing],
  "Say.Refuse": failing,
  "Say.Watch": ['{"n":1}', '{"n":2}', undefined],
  "10.0.0.5:57067 Debug.Log": [
    '{"timestamp":"1795235173","value":"started","metadata":{"level":"info"}}',
    '{"timestamp":1795235180,"message":"said hello\\n"}',
  ],
  "10.0.0.6:40000 Debug.Log": ['{"timestamp":1795235175,"message":"beside"}', undefined],
  "[fd00::7]:8080 Debug.Log": new MicroError("internal", "rpc: can't find method Debug.Log"),
};

let client: ReturnType<typeof cannedClient>;
let network: ReturnType<typeof memoryBroker>;
let broker: Broker;
let stopped: number;

beforeEach(async () => {
  client = cannedClient(ANSWERS);
  network = memoryBroker();
  broker = network();
  stopped = 0;
  await broker.start();
});

const makers = {
  registry: async () => memoryRegistry({ services: STREAMING })(),
  client: async () => client,
  broker: async () => {
    const made = network();
    return { ...made, stop: () => made.stop().then(() => void stopped++) };
  },
};
const micro = (...args: readonly string[]): Promise<Run> => runProgram(args, { makers });
const good = (stdout: string): Run => ({ code: 0, stdout, stderr: "" });

/** Runs until stdout has these, then presses Ctrl-C. */
async function untilShown(args: readonly string[], shown: string, meanwhile = async () => {}): Promise<Run> {
  const [stdout, stderr, leaving] = [collector(), collector(), new AbortController()];
  const running = runProgram(args, { makers, stdout, stderr, signal: leaving.signal });
  await expect
    .poll(async () => {
      await meanwhile();
      return stdout.text();
    })
    .toContain(shown);
  leaving.abort();
  const { code } = await running;
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

describe("stream", () => {
  it("prints one answer a line, key order and digits untouched, and sends its request once", async () => {
    expect(await micro("stream", GREETER, "Say.Count", '{"to":', "3}")).toEqual(
      good('{"n":1,"big":9223372036854775807}\n{"n":2,"list":[]}\n{"n":1.0}\n'),
    );
    expect(client.asked).toMatchObject([{ endpoint: "Say.Count", body: '{"to": 3}' }]);
    expect(client.opened).toBe(0);
  });

  it("prints answers as they came with --output raw", async () => {
    const { stdout } = await micro("stream", GREETER, "Say.Count", "-o", "raw", "--metadata", "a=b", "--address=h:1");
    expect(stdout).toBe('{"n": 1, "big": 9223372036854775807}\n{\n  "n": 2,\n  "list": [ ]\n}\n{"n":1.0}\n');
    expect(client.asked).toMatchObject([{ body: "{}", metadata: { a: "b" }, address: "h:1" }]);
  });

  it("shows each at once, goes on without a bound, and leaves on Ctrl-C with 1", async () => {
    const { code, stdout, stderr } = await untilShown(["stream", GREETER, "Say.Watch"], '{"n":2}\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '{"n":1}\n{"n":2}\n' });
    expect(stderr).toBe("cancelled\n");
    expect(client.opened).toBe(0);
  });

  it("ends well at a bound that was asked for", async () => {
    expect(await micro("stream", GREETER, "Say.Watch", "{}", "--limit", "1")).toEqual(good('{"n":1}\n'));
    expect(await micro("stream", GREETER, "Say.Watch", "--for=50ms")).toEqual(good('{"n":1}\n{"n":2}\n'));
    expect(client.opened).toBe(0);
  });

  it("prints what came before an error, then the error in the reference's words", async () => {
    const record = `{"id":"${GREETER}","code":500,"detail":"the greeter is ill","status":"Internal Server Error"}`;
    expect(await micro("stream", GREETER, "Say.Break")).toEqual({
      code: 1,
      stdout: '{"n":1}\n',
      stderr: `error receiving from ${GREETER}.Say.Break: ${record}\n`,
    });
    expect((await micro("stream", GREETER, "Say.Refuse")).stderr).toBe(
      `error calling ${GREETER}.Say.Refuse: ${record}\n`,
    );
  });

  it("says what is missing or wrong", async () => {
    expect((await micro("stream", GREETER)).stderr).toMatch(/^require service and method\nusage: micro stream </);
    expect((await micro("stream", GREETER, "Say.Count", "[1]")).stderr).toMatch(/^the request must be a JSON object/);
    expect((await micro("stream", GREETER, "Say.Watch", "--for", "5")).stderr).toMatch(/^"5" is no duration/);
    expect((await micro("stream", GREETER, "Say.Watch", "--limit", "0")).code).toBe(1);
    expect((await micro("stream", GREETER, "Say.Hello")).stderr).toBe(
      `Say.Hello of ${GREETER} is no stream; \`call ${GREETER} Say.Hello\` asks it\n`,
    );
    expect(client.asked).toEqual([]);
  });
});

describe("logs", () => {
  it("prints what all nodes logged in the order of time, of both generations, and who has no log", async () => {
    const { code, stdout } = await micro("logs", GREETER, "--count", "2", "--for", "300ms", "--follow");
    expect(code).toBe(0);
    expect(stdout.split("\n").sort()).toEqual([
      "",
      `-  ${GREETER}-aa01  has no Debug.Log`,
      `2026-11-21T04:26:13Z  ${GREETER}-154a6487  started`,
      `2026-11-21T04:26:15Z  ${GREETER}-99110f5e  beside`,
      `2026-11-21T04:26:20Z  ${GREETER}-154a6487  said hello`,
    ]);
    expect(client.asked.map(({ body, address }) => [address, JSON.parse(body)])).toEqual([
      ["10.0.0.5:57067", { service: GREETER, stream: true, count: 2 }],
      ["10.0.0.6:40000", { service: GREETER, stream: true, count: 2 }],
    ]);
    expect(client.opened).toBe(0);
  });

  it("puts them in order when nothing is followed", async () => {
    client = cannedClient({ ...ANSWERS, "10.0.0.6:40000 Debug.Log": ['{"timestamp":1795235175,"message":"beside"}'] });
    expect(await micro("logs", GREETER)).toEqual(
      good(
        [
          `2026-11-21T04:26:13Z  ${GREETER}-154a6487  started`,
          `2026-11-21T04:26:15Z  ${GREETER}-99110f5e  beside`,
          `2026-11-21T04:26:20Z  ${GREETER}-154a6487  said hello`,
          `-  ${GREETER}-aa01  has no Debug.Log`,
          "",
        ].join("\n"),
      ),
    );
    const asked = () => client.asked.map(({ body }) => JSON.parse(body));
    expect(asked()).toEqual(Array(2).fill({ service: GREETER, count: 100 }));
    // By the end of its name, and each node is asked by the whole one.
    expect((await micro("logs", "greeter")).stdout).toContain("said hello");
    expect(asked()).toEqual(Array(4).fill({ service: GREETER, count: 100 }));
  });

  it("asks for what is not older than --since, in unix seconds", async () => {
    const before = Math.floor(Date.now() / 1000) - 3600;
    await micro("logs", GREETER, "--since", "1h", "--for=100ms");
    const { since, count } = JSON.parse(client.asked[0]?.body ?? "{}");
    expect(since - before).toBeGreaterThanOrEqual(0);
    expect(since - before).toBeLessThan(30);
    expect(count).toBeUndefined();
  });

  it("gives each record as one line of JSON", async () => {
    const { stdout } = await micro("logs", GREETER, "-o", "json", "--for=300ms", "--follow");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toContainEqual({
      time: "2026-11-21T04:26:13Z",
      node: `${GREETER}-154a6487`,
      text: "started",
      metadata: { level: "info" },
    });
    expect(lines).toHaveLength(4);
  });

  it("fails when no node tells its log", async () => {
    client = cannedClient({});
    const { code, stdout, stderr } = await micro("logs", GREETER);
    expect([code, stdout.split("\n").length]).toEqual([1, 4]);
    expect(stderr).toBe(`no node of ${GREETER} tells its log; \`health ${GREETER}\` asks how they are\n`);
    expect((await micro("logs", "go.micro.srv.nope")).stderr).toBe("Service not found\n");
  });
});

describe("publish", () => {
  it("prints ok, and sends what Go's subscribers need", async () => {
    const events: object[] = [];
    await broker.subscribe(
      "greetings",
      ({ header, body }) => void events.push([header, new TextDecoder().decode(body)]),
    );
    expect(await micro("publish", "greetings", '{"hello":', '"world"}', "--metadata", "From=John")).toEqual(
      good("ok\n"),
    );
    const header = {
      from: "John",
      "content-type": "application/json",
      "micro-topic": "greetings",
      "micro-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    };
    await expect.poll(() => events).toEqual([[header, '{"hello": "world"}']]);
    expect(stopped).toBe(1);
  });

  it("says what is missing or wrong", async () => {
    expect((await micro("publish", "greetings")).stderr).toMatch(
      /^require topic and message e\.g micro publish event '\{"hello": "world"\}'\nusage: micro publish /,
    );
    expect(await micro("publish", "greetings", "nonsense")).toMatchObject({ code: 1, stdout: "" });
    expect(stopped).toBe(0);
  });
});

describe("subscribe", () => {
  const say = (body: string | Uint8Array) =>
    broker.publish("greetings", { header: { "content-type": "any" }, body: Buffer.from(body as string) });

  it("prints JSON on a line, and of other bodies how long they are and how they begin", async () => {
    let told = false;
    const { code, stdout } = await untilShown(["subscribe", "greetings"], "4 bytes: 00ff10ab\n", async () => {
      // Nobody knows when it listens, so it is told until it has heard.
      await say('{ "hello": "world" }');
      await say(new Uint8Array([0, 255, 16, 171]));
      told = true;
    });
    expect([code, told]).toEqual([1, true]);
    expect(stdout.startsWith('{"hello":"world"}\n4 bytes: 00ff10ab\n')).toBe(true);
    expect(stopped).toBe(1);
  });

  it("ends at a bound; --output json has topic and headers", async () => {
    const running = micro("subscribe", "greetings", "--queue", "q", "--limit", "2", "-o", "json");
    let over = false;
    void running.finally(() => {
      over = true;
    });
    while (!over) {
      await say('{"big":9223372036854775807}');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const line =
      '{"topic":"greetings","header":{"content-type":"any","micro-topic":"greetings"},"body":{"big":9223372036854775807}}\n';
    expect(await running).toEqual(good(line + line));
    expect(await micro("subscribe", "greetings", "--for", "50ms")).toEqual(good(""));
  });
});
