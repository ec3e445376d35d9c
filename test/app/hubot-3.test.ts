import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

/** A folder where `npm install hubot@3.5.0` was done: it is too old to be a dependency of anything. */
const folder = process.env["MICRO_TEST_HUBOT_3"] ?? "";
const there = folder !== "" && existsSync(join(folder, "node_modules", "hubot"));
const ENTRY = resolve(import.meta.dirname, "../../dist/src/app/hubot-entry.js");

const PROGRAM = `
const { Robot, Adapter, TextMessage, User } = require("hubot");
const Module = require("module");
const load = Module._load;
Module._load = (name, ...rest) => name !== "hubot-here" ? load(name, ...rest) : {
  use: (robot) => Object.assign(new Adapter(robot), {
    send: (_envelope, text) => { console.log("said: " + text); robot.shutdown(); setTimeout(() => process.exit(0), 200); },
    run() { this.emit("connected"); },
    close() {},
  }),
};
const robot = new Robot(undefined, "here", false, "hal");
robot.loadExternalScripts({ [process.argv[1]]: { registry: "memory", trusted: true } });
robot.run();
robot.receive(new TextMessage(new User("U1", { name: "ann", room: "ops" }), "hal micro ping", "1"));
setTimeout(() => process.exit(1), 20000);
`;

const missing = there ? "" : " (not run: MICRO_TEST_HUBOT_3 names no folder with hubot 3.5.0 installed)";
it.skipIf(!there)(
  `is a script of Hubot 3.5, which requires it${missing}`,
  () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", PROGRAM, ENTRY], {
      cwd: folder,
      encoding: "utf8",
      timeout: 25_000,
    });
    expect(`${stdout}${stderr}`).toContain("said: pong");
  },
  30_000,
);
