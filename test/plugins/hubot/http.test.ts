import { describe, expect, it } from "vitest";
import { silent } from "../../../src/core/log.ts";
import { createHttpDoor } from "../../../src/plugins/hubot/http-door.ts";
import { freePort } from "../../fakes/free-port.ts";
import { host, scriptFolder } from "./script-folder.ts";

const ROUTES = `module.exports = (robot) => {
  robot.router.get("/hubot/version", (req, res) => res.end("mine"));
  robot.router.post("/hubot/tell/:room", (req, res) => {
    robot.messageRoom(req.params.room, req.body.words || req.body.payload);
    res.status(201).json({ told: req.params.room });
  });
  robot.router.get("/hubot/exit", () => process.exit(1));
  robot.respond(/anybody there/i, (res) => res.send("hi"));
};`;

describe("robot.router", () => {
  it("is asked over the bot's HTTP server, also after its thread has ended", async () => {
    const cwd = scriptFolder({ "scripts/routes.js": ROUTES });
    const http = `127.0.0.1:${await freePort()}`;
    const { next, ask } = await host(cwd, { http, env: { EXPRESS_LIMIT: "1kb" } });
    expect(await (await fetch(`http://${http}/hubot/version`)).text()).toBe("mine");
    const told = await fetch(`http://${http}/hubot/tell/ops`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ words: "it burns" }),
    });
    expect([told.status, await told.json()]).toEqual([201, { told: "ops" }]);
    expect(await next()).toBe("it burns");
    const form = await fetch(`http://${http}/hubot/tell/ops`, {
      method: "POST",
      body: new URLSearchParams({ payload: "form" }),
    });
    expect(form.status).toBe(201);
    expect(await next()).toBe("form");
    const large = await fetch(`http://${http}/hubot/tell/ops`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ words: "x".repeat(2000) }),
    });
    expect(large.status).toBe(413);
    expect((await fetch(`http://${http}/none`)).status).toBe(404);
    expect((await fetch(`http://${http}/hubot/exit`)).status).toBe(503);
    await expect.poll(async () => (await fetch(`http://${http}/hubot/version`)).status, { timeout: 10_000 }).toBe(200);
    expect(await ask("anybody there")).toBe("hi");
  });

  it("takes routes and is never asked where there is no HTTP", async () => {
    const { ask } = await host(scriptFolder({ "scripts/routes.js": ROUTES }));
    expect(await ask("anybody there")).toBe("hi");
  });

  it("refuses an address that is none, and one that is taken", async () => {
    await expect(createHttpDoor("nowhere", silent)).rejects.toThrow(/it is host:port, as 127\.0\.0\.1:8080/);
    const door = await createHttpDoor("127.0.0.1:0", silent);
    await expect(createHttpDoor(door.address, silent)).rejects.toThrow(/cannot be had/);
    await door.close();
  });
});
