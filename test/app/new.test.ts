import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newService } from "../../src/app/new.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createService, type Service } from "../../src/core/service.ts";
import { memoryTransport } from "../../src/core/transport/memory.ts";

const ROOT = join(import.meta.dirname, "../..");
const built = existsSync(join(ROOT, "dist/src/index.js"));

describe("micro new", () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "micro-new-"));
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  it("says what it makes, named after the folder", async () => {
    const said = await newService(["services/greeter"], cwd);
    expect(said.split("\n")).toEqual([
      "creating service go.micro.srv.greeter",
      ...[
        "package.json",
        "tsconfig.json",
        "proto/greeter.proto",
        "src/main.ts",
        "src/handler.ts",
        "src/subscriber.ts",
        "Dockerfile",
        ".gitignore",
        "README.md",
        "src/greeter.proto.ts",
      ].map((name) => `creating services/greeter/${name}`),
      "",
      "start it with",
      "",
      "cd services/greeter",
      "npm install && npm start",
    ]);
  });

  it.each([
    [["--namespace=com.example", "orders-service"], "com.example.srv.orders"],
    [["orders", "--alias", "shop"], "go.micro.srv.shop"],
    [["--fqdn=org.shop", "orders"], "org.shop"],
  ])("%j is %s", async (args, fqdn) => {
    expect((await newService(args, cwd)).split("\n")[0]).toBe(`creating service ${fqdn}`);
  });

  it.each([
    [[], "specify service name"],
    [["/tmp/greeter"], "must be a relative path"],
    [["--type=api", "greeter"], 'no type of service is called "api"; there are srv'],
    [["--namespace=", "greeter"], "namespace not defined"],
    [["Greeter!"], "cannot name a service"],
    [["--fqdn=a b", "greeter"], "cannot name a service"],
    [["greeter", "again"], 'does not know what to do with "again"'],
  ])("refuses %j and makes nothing", async (args, words) => {
    await expect(newService(args, cwd)).rejects.toMatchObject({ message: expect.stringContaining(words) });
    expect(existsSync(join(cwd, "greeter"))).toBe(false);
  });

  it("leaves a folder alone that is there already", async () => {
    await newService(["greeter"], cwd);
    const before = await readFile(join(cwd, "greeter/src/main.ts"), "utf8");
    await expect(newService(["--fqdn=other", "greeter"], cwd)).rejects.toMatchObject({
      code: "conflict",
      message: "greeter already exists",
    });
    expect(await readFile(join(cwd, "greeter/src/main.ts"), "utf8")).toBe(before);
  });

  it.skipIf(!built)("makes what compiles and answers (wants npm run build)", { timeout: 60_000 }, async () => {
    await newService(["greeter"], cwd);
    const folder = join(cwd, "greeter");
    await mkdir(join(folder, "node_modules"));
    await symlink(ROOT, join(folder, "node_modules/micro-chatops"));
    await symlink(join(ROOT, "node_modules/@types"), join(folder, "node_modules/@types"));
    await promisify(execFile)(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc")], { cwd: folder });
    const { serve } = (await import(pathToFileURL(join(folder, "dist/handler.js")).href)) as {
      serve(service: Service, name: string): void;
    };
    const parts = { registry: memoryRegistry()(), transport: memoryTransport(), broker: memoryBroker()() };
    const service = createService({ name: "go.micro.srv.greeter", ...parts });
    serve(service, "go.micro.srv.greeter");
    await service.start();
    const answer = await service.client.request("go.micro.srv.greeter", "Greeter.Call", { name: "John" });
    expect(answer).toEqual({ msg: "Hello John" });
    await service.stop();
  });
});
