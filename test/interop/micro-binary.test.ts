import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter.ts";
import { consulRegistry } from "../../src/core/registry/consul.ts";
import type { Service } from "../../src/core/service.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { programOf, reasonOf } from "./build.mjs";

const OURS = join(import.meta.dirname, "../../dist/bin/micro.js");
const NAME = "go.micro.srv.greeter";
const missing = hasConsul ? reasonOf("micro") : "Consul is not installed";

/* The official `micro` of July 2019 asks our service what ours asks it, and the two say the same. */

describe.skipIf(missing !== undefined)(
  `the official micro v1.8${missing === undefined ? "" : ` (not run: ${missing})`}`,
  () => {
    let consul: ConsulAgent;
    let service: Service;

    beforeAll(async () => {
      consul = await startConsul();
      service = greeter({ registry: consulRegistry({ addresses: [consul.address] })(), address: "127.0.0.1:0" });
      await service.start();
    });
    afterAll(async () => {
      await service?.stop();
      await consul?.stop();
    });

    const run = (program: string, args: readonly string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 });
        let out = "";
        for (const stream of [child.stdout, child.stderr]) {
          stream.on("data", (data) => {
            out += data;
          });
        }
        child.on("error", reject);
        child.on("close", () => resolve(out));
      });
    const both = async (...line: string[]) => {
      const options = ["--registry=consul", `--registry_address=${consul.address}`];
      const [theirs, ours] = await Promise.all([
        run(programOf("micro"), [...options, ...line]),
        run(process.execPath, [OURS, ...options, ...line]),
      ]);
      return { theirs, ours };
    };
    /** Go prints metadata in the order of the day. */
    const ordered = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => line.trimEnd().replace(/\S+=\S+$/, (pairs) => pairs.split(",").sort().join(",")));

    it("lists", async () => {
      const { theirs, ours } = await both("list", "services");
      expect(theirs.trim().split("\n")).toEqual(ours.trim().split("\n"));
      expect(ours).toContain(NAME);
    });

    it("describes", async () => {
      const { theirs, ours } = await both("get", "service", NAME);
      // The one thing that had changed since the layout that ours prints: address and port in one column.
      const asIn2016 = theirs
        .replace("ID\tAddress\tMetadata", "Id\tAddress\tPort\tMetadata")
        .replace(/\t([\d.]+):(\d+)\t/g, "\t$1\t$2\t");
      expect(ordered(asIn2016)).toEqual(ordered(ours));
    });

    it("calls", async () => {
      const { theirs, ours } = await both("call", NAME, "Say.Hello", '{"name":"John"}');
      expect(theirs).toBe(ours);
      expect(JSON.parse(theirs)).toEqual({ msg: "Hello John" });
    });

    it("is told an error in the same words", async () => {
      const { theirs, ours } = await both("call", NAME, "Say.Nothing", "{}");
      expect(theirs).toContain("can't find method Nothing");
      expect(ours).toContain("can't find method Nothing");
    });

    it("checks health", async () => {
      const { theirs, ours } = await both("health", NAME);
      expect(ordered(theirs)).toEqual(ordered(ours));
      expect(theirs).toMatch(/\tok\n/);
    });

    it("reads statistics", async () => {
      const { theirs } = await both("stats", NAME);
      expect(theirs).toMatch(/started\tuptime\tmemory\tthreads\tgc\n.*\t[A-Z][a-z]{2} \d+ [\d:]{8}\t\d+s\t/);
    });
  },
);
