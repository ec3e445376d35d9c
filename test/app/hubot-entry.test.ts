import { createRequire } from "node:module";
import { expect, it, onTestFinished } from "vitest";
import micro, * as entry from "../../src/app/hubot-entry.ts";

/** Hubot has no types of its own, and those that there are fit older ones. */
// biome-ignore lint/suspicious/noExplicitAny: whatever it gives
const untyped = (name: string): Promise<any> => import(name);
const HOST = new URL("../../src/plugins/hubot/hubot-host/robot.mjs", import.meta.url).href;

/** A Hubot of its own, whose room is this test. */
async function hal(said: string[]) {
  const hubot = await untyped("hubot");
  const use = (owner: unknown) => {
    const adapter = new hubot.Adapter(owner);
    adapter.send = async (_envelope: unknown, ...texts: string[]) => void said.push(...texts);
    adapter.run = async () => void adapter.emit("connected");
    return adapter;
  };
  const robot = new hubot.Robot({ use }, false, "hal");
  robot.logger.level = "silent";
  await robot.loadAdapter();
  await robot.run();
  onTestFinished(() => robot.shutdown());
  const user = new hubot.User("U1", { name: "ann", room: "ops" });
  let id = 0;
  return { robot, hear: (text: string) => robot.receive(new hubot.TextMessage(user, text, String(++id))) };
}

it("is a script of somebody's Hubot", async () => {
  const said: string[] = [];
  const { robot, hear } = await hal(said);
  robot.respond(/ping$/i, (res: { send(text: string): void }) => res.send("the old one"));
  expect(micro(robot, { registry: "memory", trusted: true })).toBeUndefined();
  await hear("hal micro list services");
  await expect.poll(() => said, { timeout: 10_000 }).not.toEqual([]);
  await hear("hal ping");
  await hear("chatter about micro ping");
  await hear("hal micro no such thing");
  await expect.poll(() => said.join("\n"), { timeout: 5000 }).toMatch(/there is no command "no such thing"/);
  expect(said.filter((text) => text === "the old one")).toHaveLength(1);
  expect(said).toHaveLength(3);
});

it("takes everybody for a guest where nobody says that the adapter can be trusted", async () => {
  const said: string[] = [];
  const { robot, hear } = await hal(said);
  micro(robot, { registry: "memory" });
  await hear("hal micro list services");
  await expect.poll(() => said.join("\n"), { timeout: 10_000 }).toMatch(/guest|stranger/);
});

it("tells the log of wrong options, and leaves the Hubot alone", async () => {
  const said: string[] = [];
  const warned: unknown[] = [];
  const { robot, hear } = await hal(said);
  robot.logger = { warn: (words: unknown) => warned.push(words), info: () => {}, debug: () => {}, error: () => {} };
  micro(robot, { registry: "none-such" });
  await expect.poll(() => warned.join(), { timeout: 10_000 }).toMatch(/micro: .*none-such/);
  await hear("hal micro ping");
  expect(said).toEqual([]);
});

it("is what `require` gives, for a Hubot of before version 11", () => {
  expect(entry["module.exports"]).toBe(micro);
  expect(createRequire(import.meta.url)("../../package.json").exports["./hubot"].default).toBe(
    "./dist/src/app/hubot-entry.js",
  );
});

it("has a Robot that is Hubot's own where nothing is asked of it", async () => {
  const [hubot, { hostRobot }] = await Promise.all([untyped("hubot"), untyped(HOST)]);
  const Robot = hostRobot(hubot);
  const robot = new Robot(undefined, false, "hal");
  onTestFinished(() => robot.shutdown());
  expect(robot).toBeInstanceOf(hubot.Robot);
  expect(robot.commands).toBeInstanceOf(hubot.CommandBus);
  robot.commands.push("hal ping - Pong");
  expect([...robot.commands].at(-1)).toBe("hal ping - Pong");
});
