import { beforeEach, describe, expect, it } from "vitest";
import { complete } from "../../src/app/complete.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { createCatalog } from "../../src/commands/catalog.ts";
import type { CommandContext } from "../../src/commands/command.ts";
import { contextFor } from "../commands/context.ts";

describe("completion", () => {
  const catalog = createCatalog(builtin);
  let context: CommandContext;
  beforeEach(() => {
    context = contextFor();
  });
  const offers = (line: string) => complete(catalog, line, context);

  it.each([
    ["l", ["list", "logs"]],
    ["micro l", ["list", "logs"]],
    ["re", expect.arrayContaining(["register", "replay"])],
    ["list ", ["services"]],
    ["list se", ["services"]],
    ["get ", ["service"]],
    ["get service go.micro.srv.gr", ["go.micro.srv.greeter"]],
    ["get service ", ["go.micro.srv.geo", "go.micro.srv.greeter", "topic:geo.location"]],
    ["micro call go.micro.srv.ge", ["go.micro.srv.geo"]],
    ["call go.micro.srv.greeter ", ["Say.Goodbye", "Say.Hello"]],
    ["call --address 10.0.0.5:1 go.micro.srv.greeter Say.H", ["Say.Hello"]],
    ["call go.micro.srv.nope ", []],
    ["call go.micro.srv.greeter Say.Hello ", []],
    ["frobnicate ", []],
    ["list services ", []],
  ])("%j", async (line, words) => {
    expect(await offers(line)).toEqual(words);
  });

  it("offers every command at the beginning", async () => {
    expect(await offers("")).toEqual(expect.arrayContaining(["list", "get", "call", "query", "health", "stats"]));
  });

  it("offers aliases where a command may stand, and nowhere else", async () => {
    const aliased = (line: string) => complete(catalog, line, context, "micro", ["latest", "top5"]);
    expect(await aliased("l")).toEqual(["list", "logs", "latest"]);
    expect(await aliased("micro t")).toEqual(["top5"]);
    expect(await aliased("get t")).toEqual([]);
    expect(await aliased("get service t")).not.toContain("top5");
  });

  it("offers options", async () => {
    expect(await offers("get service x --")).toEqual(["--version", "--output"]);
    expect(await offers("get service x --output ")).toEqual(["text", "json", "raw"]);
  });

  it("offers nothing when the registry is away", async () => {
    context = {
      ...context,
      registry: { ...context.registry, list: () => Promise.reject(new Error("away")) },
    };
    expect(await offers("get service ")).toEqual([]);
  });
});
