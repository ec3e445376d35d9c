import { expect, it } from "vitest";
import { host, scriptFolder } from "./script-folder.ts";

it("a script that waits for what no input tells is shown so in `plugins`, and does the rest", async () => {
  const cwd = scriptFolder({
    "scripts/greet.js": `module.exports = (robot) => {
      robot.enter((res) => res.send("welcome"));
      robot.enter((res) => res.send("and well met"));
      robot.topic({ id: "topic" }, (res) => res.send("a topic"));
      robot.respond(/who comes/i, (res) => res.send("nobody that I know of"));
    };`,
  });
  const { ask, input } = await host(cwd);
  expect(await ask("who comes")).toBe("nobody that I know of");
  const plugins = await ask("plugins");
  expect(plugins).toMatch(
    /^hubot\.greet\.1 .*scripts\/greet\.js +never: no input tells that somebody comes into a room$/m,
  );
  expect(plugins).toMatch(/^hubot\.greet\.topic .*never: no input tells that somebody sets a room's topic$/m);
  expect(plugins).toMatch(/^hubot\.greet\.4 .*said to micro: /m);
  expect(await ask("hubot.greet.1 ann")).toContain(
    "`hubot.greet.1` does not act on that: it wants that somebody comes into a room, which no input tells",
  );
  const before = input.sent.length;
  input.say("ann is here", { addressed: false });
  expect(await ask("echo still here")).toBe("still here");
  expect(input.sent).toHaveLength(before + 1);
});
