import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { freePort } from "../../fakes/free-port.ts";
import { host, scriptFolder, withCoffee } from "./script-folder.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../../examples/hubot-scripts/scripts");

it("the example's scripts do what its page says", async () => {
  const cwd = scriptFolder({});
  withCoffee(cwd);
  cpSync(EXAMPLE, join(cwd, "scripts"), { recursive: true });
  const http = `127.0.0.1:${await freePort()}`;
  const { input, ask, next, until } = await host(cwd, { http });
  expect(await ask("who is on call?")).toBe("nobody is on call");
  expect(await ask("ann is on call")).toBe("ann: ann is on call");
  expect(await ask("who is on call")).toBe("ann");
  expect(await ask("help")).toMatch(/^<name> is on call {2,}Say who is$/m);
  input.say("we are shipping it today", { addressed: false });
  expect(await next()).toBe("ship it!");
  const told = await fetch(`http://${http}/hubot/build/ops`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ number: 7, state: "ok" }),
  });
  expect(await told.json()).toEqual({ told: "ops" });
  expect(await next()).toBe("build 7: ok");
  await until("deploy.start --service orders --to production", /this changes things: deploy\.start --service orders/);
  await until("yes", /^ann deploys orders to production$/m);
});
