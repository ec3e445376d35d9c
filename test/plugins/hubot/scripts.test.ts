import { describe, expect, it } from "vitest";
import { host, scriptFolder, withCoffee } from "./script-folder.ts";

const PING = `
# Description:
#   Answers
#
# Commands:
#   hubot pang - Reply with pong
module.exports = (robot) ->
  robot.respond /pang$/i, (msg) ->
    msg.send "PONG"
`;

const EARS = `
// Commands:
//   ship it - A squirrel
module.exports = (robot) => {
  robot.hear(/ship ?it/i, (res) => res.send("a squirrel"));
  robot.respond(/tell ops (.*)/i, async (res) => { await robot.messageRoom("ops", res.match[1]); });
  robot.respond(/later/i, (res) => { setTimeout(() => res.send("later it is"), 30); });
  robot.respond(/slowly/i, async (res) => {
    res.send("it began");
    await new Promise((done) => setTimeout(done, 300));
    res.send("it ended");
  });
  robot.respond(/twice/i, (res) => res.send("first"));
  robot.respond(/twice/i, (res) => { res.reply("second"); res.finish(); });
  robot.respond(/twice/i, (res) => res.send("never"));
  robot.respond(/fail now/i, () => { throw new Error("it broke"); });
  robot.respond(/environment/i, (res) => res.send(Object.keys(process.env).join(" ") || "nothing"));
  robot.respond(/who am i/i, (res) => res.send([res.message.user.id, res.message.user.name, res.message.room].join(" ")));
  robot.respond(/nothing/i, () => {});
};
`;

const BUS = `
import { TextMessage } from "hubot";
export default (robot) => {
  robot.commands.register({
    id: "tickets.create",
    description: "Create a ticket",
    args: { title: { type: "string", required: true }, level: { type: "enum", values: ["low", "high"], default: "low" } },
    sideEffects: ["creates a ticket"],
    handler: async ({ args, context }) => [args.title, args.level, context.user.name, context.message instanceof TextMessage].join(" "),
  });
  robot.commands.register({ id: "jobs", description: "mine", handler: () => "mine" });
};
`;

describe("Hubot's scripts", () => {
  it("answer what is no command of the bot, from message to answer", async () => {
    const cwd = scriptFolder({ "scripts/ping.coffee": PING, "scripts/ears.js": EARS });
    withCoffee(cwd);
    const { ask, next } = await host(cwd, { env: { HUBOT_X: "1" }, quietMs: 200 });
    expect(await ask("pang")).toBe("PONG");
    expect(await ask("PANG")).toBe("PONG");
    expect(await ask("twice")).toBe("first\nann: second");
    expect(await ask("later")).toBe("later it is");
    expect(await ask("slowly")).toBe("it began");
    expect(await next()).toBe("it ended");
    expect(await ask("environment")).toBe("HUBOT_X");
    expect(await ask("who am i")).toBe("memory:ann ann memory:room");
    expect(await ask("fail now")).toMatch(/^the script ears failed: it broke/);
    expect(await ask("nothing")).toMatch(/`hubot\.ears\.\d+` has said nothing until now/);
    expect(await ask("no such thing")).toMatch(/^there is no command "no such thing"/);
  });

  it("hear what is not said to the bot, and nothing of a command", async () => {
    const cwd = scriptFolder({
      "scripts/ears.js": EARS,
      "scripts/all.js": `module.exports = (robot) => {
        const all = [];
        robot.hear(/(.*)/, { id: "all" }, (res) => { all.push(res.message.text); });
        robot.respond(/what was said/i, (res) => res.send(all.join("; ")));
      };`,
    });
    const { input, ask, next } = await host(cwd);
    input.say("we ship it now", { addressed: false });
    expect(await next()).toBe("a squirrel");
    input.say("chatter", { addressed: false });
    expect(await ask("echo secret")).toBe("secret");
    expect(await ask("what was said")).toBe("we ship it now; chatter; micro what was said");
  });

  it("speak to other rooms, by the names that the network has for them", async () => {
    const cwd = scriptFolder({ "scripts/ears.js": EARS });
    const { input, next } = await host(cwd, { quietMs: 0 });
    input.say("tell ops it is done");
    expect(await next()).toBe("it is done");
    expect(input.sent.at(-1)?.place.room).toBe("ops");
  });

  it("stand in help by their own words, and in `plugins` with what did not load", async () => {
    const cwd = scriptFolder({
      "scripts/ping.coffee": PING,
      "scripts/ears.js": EARS,
      "scripts/wont.js": `require("no-such-package");`,
    });
    const { ask } = await host(cwd);
    withCoffee(cwd);
    expect(await ask("plugins")).toContain(
      "scripts/ping.coffee: it is written in CoffeeScript: npm install coffeescript",
    );
    expect(await ask("plugins")).toContain(
      "scripts/wont.js: it wants the package no-such-package: npm install no-such-package",
    );
    expect(await ask("plugins")).toMatch(/^hubot\.ears\.1 +hubot +scripts\/ears\.js +said (anywhere|to micro): \//m);
    const help = await ask("help");
    expect(help).toMatch(/^ship it {2,}A squirrel$/m);
    expect(help).not.toContain("hubot.ears");
    expect(await ask("help ship")).toContain("permission hubot:ears, changes nothing");
  });

  it("are commands with names, for policy and audit, and can be called by them", async () => {
    const cwd = scriptFolder({ "scripts/ears.js": EARS });
    const policy = `
members: ['bot:*']
rules: ["deny guests *", "deny members hubot.ears.5", "allow members hubot:ears"]`;
    const { bot, ask, input, next } = await host(cwd, { policy });
    expect(bot.catalog.commands.map(({ name }) => name)).toContain("hubot.ears.5");
    // Of those that would act, only who may does.
    expect(await ask("twice")).toBe("ann: second");
    expect(await ask("hubot.ears.6 twice")).toBe("ann: second");
    expect(await ask("hubot.ears.6 something")).toMatch(/does not act on that: it wants \/twice\/i/);
    input.say("twice", { from: { id: "eve", name: "eve", guest: true } });
    expect(await next()).toMatch(/guest|not do|may not|deny/);
  });

  it("ask before they act, and stop with writes, where the configuration says that they change things", async () => {
    const cwd = scriptFolder({
      "scripts/ears.js": EARS,
      "scripts/deploy.js": `module.exports = (robot) => robot.respond(/ship to (\\w+)/i, (res) => res.send("shipped to " + res.match[1]));`,
    });
    const { until } = await host(cwd, { writes: ["deploy"] });
    await until("ship to production", /this changes things: ship to production/);
    await until("yes", /^shipped to production$/m);
    await until("pause writes", /paused/);
    await until("ship to production", /nothing was done.*paused|writes are paused/);
    await until("twice", /first\nann: second/);
  });

  it("bring the command bus's commands as typed ones, and take no name of the bot's", async () => {
    const cwd = scriptFolder({ "scripts/bus.mjs": BUS });
    const { ask, until } = await host(cwd);
    expect(await ask("tickets.create --title 'it burns' --level urgent")).toMatch(
      /--level wants <low\|high>, not "urgent"/,
    );
    expect(await ask("tickets.create")).toMatch(/title/);
    await until("tickets.create --title 'it burns'", /this changes things: tickets.create/);
    await until("yes", /^it burns low ann true$/m);
    await until("plugins", /"jobs" is not taken as a command/);
  });

  it("keep what their middleware forbids from being done, also when it fails, and know the one of old", async () => {
    const cwd = scriptFolder({
      "scripts/a-guard.js": `module.exports = (robot) => {
        robot.receiveMiddleware(async (context) => {
          const { text } = context.response.message;
          if (/forbidden/.test(text)) return false;
          if (/broken/.test(text)) throw new Error("the guard is broken");
          return true;
        });
        robot.listenerMiddleware((context, next, done) => {
          if (context.listener.options.id === "guarded") return done();
          return next();
        });
        robot.responseMiddleware((context, next, done) => {
          context.strings = context.strings.map((one) => one.toUpperCase());
          next();
        });
      };`,
      "scripts/b-acts.js": `module.exports = (robot) => {
        robot.respond(/act/, (res) => res.send("acted"));
        robot.respond(/guarded/, { id: "guarded" }, (res) => res.send("never"));
        robot.catchAll((res) => res.send("caught " + res.message.message.text));
      };`,
    });
    const { ask } = await host(cwd, { quietMs: 50 });
    expect(await ask("act")).toBe("ACTED");
    expect(await ask("act forbidden")).toMatch(
      /nothing was done: a script that checks every message has stopped this one/,
    );
    expect(await ask("act broken")).toMatch(/nothing was done: a script that checks/);
    expect(await ask("guarded")).toMatch(/has said nothing/);
    expect(await ask("what is that")).toBe("CAUGHT MICRO WHAT IS THAT");
  });

  it("load from packages, with an index that loads its parts, in the ways of all versions", async () => {
    const cwd = scriptFolder({
      "external-scripts.json": '["hubot-old", "hubot-new", "hubot-none"]',
      "node_modules/hubot-old/package.json": '{"name":"hubot-old","main":"index.coffee"}',
      "node_modules/hubot-old/index.coffee": `
fs = require 'fs'
path = require 'path'
module.exports = (robot, scripts) ->
  folder = path.resolve __dirname, 'src'
  robot.loadFile folder, file for file in fs.readdirSync folder
  robot.parts = robot.listeners.length
`,
      "node_modules/hubot-old/src/part.coffee": `
# Commands:
#   hubot old - From a package
{TextMessage} = require 'hubot'
Other = require('hubot/src/user')
main = require.main.require 'hubot'
module.exports = (robot) ->
  robot.commands.push 'hubot older - Pushed'
  robot.respond /old$/i, (msg) ->
    msg.send "#{msg.message instanceof TextMessage} #{msg.message.user instanceof Other} #{main.TextMessage is TextMessage} #{robot.parts} #{robot.commands.length}"
    robot.logger.warning "as it was"
`,
      "node_modules/hubot-new/package.json": '{"name":"hubot-new","type":"module","exports":{"import":"./index.mjs"}}',
      "node_modules/hubot-new/index.mjs": `
await 1;
export default async (robot) => { robot.respond(/new$/i, (res) => res.send("new it is")); };`,
    });
    withCoffee(cwd);
    const { ask } = await host(cwd);
    expect(await ask("old")).toBe("true true true 1 2");
    expect(await ask("new")).toBe("new it is");
    expect(await ask("hubot.old.1 old")).toMatch(/^true/);
    expect(await ask("plugins")).toMatch(/hubot-none: it wants the package hubot-none/);
  });
});
