import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPrometheus } from "../../../src/history/prometheus/prometheus.ts";
import { DEFAULT_QUERIES, queryFor } from "../../../src/history/prometheus/queries.ts";
import { hasPrometheus, type PrometheusServer, startPrometheus } from "../../fakes/prometheus-server.ts";

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server of plain HTTP that says what it is told to. */
async function saying(
  answer: (request: { readonly path: string; readonly authorization: string; readonly body: string }) => {
    readonly status: number;
    readonly text: string;
  },
) {
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const { status, text } = answer({
        path: request.url ?? "",
        authorization: request.headers.authorization ?? "",
        body,
      });
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const opened = (address: string, secret?: string) => {
  const made = createPrometheus({ address, ...(secret !== undefined && { secret }) });
  closing.push(() => made.close());
  return made;
};
const RANGE = { query: "up", from: 0, to: 300_000, stepMs: 60_000 };
const matrix = (...result: object[]) => JSON.stringify({ status: "success", data: { resultType: "matrix", result } });

describe("a Prometheus", () => {
  it("is asked with a form, under its path, with its secret", async () => {
    const heard: string[] = [];
    const address = await saying(({ path, authorization, body }) => {
      heard.push(path, authorization, body);
      return { status: 200, text: matrix() };
    });
    expect((await opened(`http://${address}/prom/`, "t0ken").range(RANGE)).size).toBe(0);
    expect(heard).toEqual(["/prom/api/v1/query_range", "Bearer t0ken", "query=up&start=0&end=300&step=60"]);
    await opened(address, "ann:pass").range(RANGE);
    expect(heard[4]).toBe(`Basic ${Buffer.from("ann:pass").toString("base64")}`);
  });

  it("names lines by what tells them apart, and leaves gaps", async () => {
    const text = matrix(
      {
        metric: { __name__: "up", job: "a", instance: "i1" },
        values: [
          [60, "1"],
          [120, "2.5"],
          [240, "NaN"],
        ],
      },
      { metric: { __name__: "up", job: "a", instance: "i2" }, values: [[60, "3"]] },
    );
    const lines = await opened(await saying(() => ({ status: 200, text }))).range(RANGE);
    expect([...lines]).toEqual([
      [
        "i1",
        [
          [60_000, 1],
          [120_000, 2.5],
          [180_000, null],
          [240_000, null],
        ],
      ],
      ["i2", [[60_000, 3]]],
    ]);
  });

  it("names one line by its labels, or its name, or not at all", async () => {
    const metrics = [{ __name__: "up", job: "a" }, { __name__: "up" }, {}];
    const names = [];
    for (const metric of metrics) {
      const address = await saying(() => ({ status: 200, text: matrix({ metric, values: [[1, "1"]] }) }));
      names.push(...(await opened(address).range(RANGE)).keys());
    }
    expect(names).toEqual(["a", "up", "value"]);
  });

  it.each([
    [
      400,
      '{"status":"error","error":"1:5: parse error: unexpected end"}',
      "invalid_argument",
      "does not take that query: 1:5: parse error",
    ],
    [422, '{"status":"error","error":"query too long"}', "invalid_argument", "query too long"],
    [503, '{"status":"error","error":"query timed out"}', "unavailable", "gave up: query timed out"],
    [401, "Unauthorized", "unauthenticated", "does not know the secret"],
    [200, "<html>", "unavailable", "is it a Prometheus?"],
    [200, "[]", "unavailable", "is it a Prometheus?"],
    [200, matrix(...Array.from({ length: 501 }, () => ({}))), "exhausted", "topk"],
    [200, `"${"x".repeat(9 << 20)}"`, "exhausted", "topk"],
  ])("says what is wrong with %i %.30s", async (status, text, code, words) => {
    const address = await saying(() => ({ status, text }));
    await expect(opened(address, "t0ken").range(RANGE)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });

  it("is away, or says nothing", async () => {
    await expect(opened("127.0.0.1:1").range(RANGE)).rejects.toMatchObject({ code: "unavailable" });
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      silent.closeAllConnections();
      return new Promise((resolve) => silent.close(resolve));
    });
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(opened(address).range(RANGE, { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
  });

  it.each(["", "http://", "user:pass@host:1", "http://a:b@host", "host:1/?x=1"])("has no address %j", (address) => {
    expect(() => createPrometheus({ address })).toThrow("the address of the Prometheus");
  });
});

describe.skipIf(!hasPrometheus)("the real Prometheus (wants prometheus)", () => {
  let server: PrometheusServer;
  let metrics: Server;
  beforeAll(async () => {
    const began = Date.now();
    metrics = createServer((_request, response) => {
      const seconds = (Date.now() - began) / 1000;
      const of = '{micro_name="go.micro.srv.payments",micro_id="p-1"}';
      const lines = [
        `micro_request_duration_seconds_sum${of} ${seconds * 0.25}`,
        `micro_request_duration_seconds_count${of} ${seconds * 5}`,
        ...["success", "fail"].map(
          (status) =>
            `micro_request_total{micro_name="go.micro.srv.payments",micro_id="p-1",micro_status="${status}"} ${seconds * 5}`,
        ),
      ];
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(`${lines.join("\n")}\n`);
    });
    await new Promise<void>((resolve) => metrics.listen(0, "127.0.0.1", resolve));
    server = await startPrometheus({ jobs: { payments: [`127.0.0.1:${(metrics.address() as AddressInfo).port}`] } });
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    metrics?.closeAllConnections();
    await new Promise((resolve) => metrics.close(resolve));
  });

  it("answers the queries for what go-micro's wrapper exports", { timeout: 60_000 }, async () => {
    const prometheus = opened(server.address);
    const ask = async (measure: "latency" | "requests" | "errors") => {
      const query = queryFor(DEFAULT_QUERIES[measure] ?? "", "go.micro.srv.payments", 30_000);
      const to = Date.now();
      const lines = await prometheus.range({ query, from: to - 60_000, to, stepMs: 1000 });
      return [...lines].map(([name, points]) => [name, points.at(-1)?.[1] ?? Number.NaN] as const)[0];
    };
    await expect.poll(() => ask("latency"), { timeout: 40_000, interval: 500 }).toBeDefined();
    const [, latency = 0] = (await ask("latency")) ?? [];
    expect(latency).toBeCloseTo(50, 0);
    const [name, requests = 0] = (await ask("requests")) ?? [];
    expect(name).toBe("p-1");
    const [, errors = 0] = (await ask("errors")) ?? [];
    expect(errors).toBeCloseTo(requests / 2, 1);
    await expect(prometheus.range({ ...RANGE, query: "rate(" })).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("does not take that query"),
    });
  });
});
