import { describe, expect, it } from "vitest";
import { type Catalogs, createCatalogs } from "../../src/bot/catalogs.ts";
import type { AnyCommand } from "../../src/commands/command.ts";
import { chatLine } from "../../src/commands/line.ts";
import { silent } from "../../src/core/log.ts";
import type { CommandSource, Offer } from "../../src/plugins/plugins.ts";
import { contextFor } from "../commands/context.ts";
import { telling } from "./run-bot.ts";

/** A source that offers what the test says, each name from a place of its own unless `place:name` says which. */
function source(name: string, first: readonly string[] = []) {
  let give: Offer = () => {};
  const known = new Map<string, AnyCommand>();
  const commandOf = (command: string) => {
    const made = known.get(command) ?? telling(command).command;
    known.set(command, made);
    return made;
  };
  const offer = (...names: readonly string[]) =>
    give({
      commands: names.map((one) => {
        const [command = "", from = command] = one.split(":").reverse();
        return { command: commandOf(command), from: `${from}.ts` };
      }),
    });
  const made: CommandSource & { offer: typeof offer } = {
    name,
    offer,
    start: async (given) => {
      give = given;
      offer(...first);
    },
    stop: async () => {
      give = () => {};
    },
  };
  return made;
}

async function catalogsOf(...sources: CommandSource[]) {
  let plugins = telling("none").command;
  const own = ["call", "list services", "get service"].map((name) => telling(name).command);
  const catalogs = createCatalogs({
    own: (_current, given) => {
      plugins = given;
      return [...own, given];
    },
    sources,
    name: "micro",
    log: silent,
  });
  await catalogs.start();
  const names = ownless(catalogs);
  const broken = async () => {
    const { broken: all } = (await plugins.run({}, contextFor())) as { broken: { from: string; why: string }[] };
    return all.map(({ from, why }) => `${from}: ${why}`);
  };
  return { catalogs, names, broken };
}

const OWN = ["call", "get service", "list services", "plugins"];
const ownless = (catalogs: Catalogs) => () =>
  catalogs
    .current()
    .commands.map(({ name }) => name)
    .filter((name) => !OWN.includes(name));

describe("a catalog of many sources", () => {
  it("is swapped whole, and who began with one ends with it", async () => {
    const files = source("files", ["restart"]);
    const { catalogs, names } = await catalogsOf(files);
    const before = catalogs.current();
    files.offer("restart", "scale");
    expect(names()).toEqual(["restart", "scale"]);
    expect(before.match(chatLine("scale web"))).toBeUndefined();
    files.offer();
    expect(names()).toEqual([]);
    expect(before.match(chatLine("restart web"))).toBeDefined();
  });

  it.each([
    ["call", "is a name of the bot already"],
    ["call x", 'would take lines from "call"'],
    ["list", 'would take lines from "list services"'],
    ["yes", "is a name of the bot already"],
    ["no please", 'would take lines from "no"'],
    ["micro", "is a name of the bot already"],
    ["Restart", "no command can be called"],
    ["a b c d e", "no command can be called"],
    ["-rf", "no command can be called"],
    ["re|start", "no command can be called"],
    ["rest\u0430rt", "no command can be called"],
  ])("has no %s of somebody else's", async (name, why) => {
    const { names, broken } = await catalogsOf(source("files", [name, "fine"]));
    expect(names()).toEqual(["fine"]);
    expect(await broken()).toEqual([expect.stringContaining(why)]);
  });

  it("leaves a name to whoever had it first, whatever their source", async () => {
    const files = source("files");
    const services = source("services", ["deploy"]);
    const { names, broken } = await catalogsOf(files, services);
    files.offer("deploy", "deploy status");
    expect(names()).toEqual(["deploy"]);
    expect(await broken()).toEqual([
      expect.stringContaining('"deploy" is not taken as a command: it is a name of deploy.ts already'),
      expect.stringContaining('it would take lines from "deploy"'),
    ]);
    services.offer();
    expect(names()).toEqual(["deploy"]);
    expect(await broken()).toEqual([expect.stringContaining('"deploy status"')]);
  });

  it("has both of a name and a longer one that are one file's", async () => {
    const { names, broken } = await catalogsOf(source("files", ["env:env", "env:env set", "other:env get"]));
    expect(names()).toEqual(["env", "env set"]);
    expect(await broken()).toEqual([expect.stringContaining('"env get"')]);
  });

  it("ends all sources, though one of them cannot", async () => {
    const ended: string[] = [];
    const end = (name: string, fails: boolean): CommandSource => ({
      ...source(name),
      stop: async () => {
        if (fails) throw new Error("no end");
        ended.push(name);
      },
    });
    const { catalogs } = await catalogsOf(end("a", true), end("b", false));
    await catalogs.stop();
    expect(ended).toEqual(["b"]);
  });

  it("is rebuilt with a thousand commands as with ten", async () => {
    const many = Array.from({ length: 1000 }, (_, at) => `word${at} a`);
    const files = source("files", many);
    const { names } = await catalogsOf(files);
    for (let times = 0; times < 5; times++) files.offer(...many, "one more");
    expect(names()).toHaveLength(1001);
  });
});
