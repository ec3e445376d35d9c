import assert from "node:assert/strict";
import { test } from "node:test";
import { kit } from "micro-chatops/kit";
import deploy from "./deploy.ts";

const policy = `
roles: { dev: { members: ["chat:ann", "chat:bob"] }, lead: { members: ["chat:cid"] } }
rules: ["allow role:dev deploy approve 1 of role:lead"]`;
const secrets = { CI_TOKEN: "a-token-of-the-ci" };

test("waits for a lead", async () => {
  await using bot = kit({
    commands: [deploy],
    policy,
    secrets,
    http: { "POST https://ci.example/api/deployments": { body: { id: 7 } } },
  });
  const asked = bot.says("deploy orders 1.4.2", { by: "ann" });
  await asked.expect(/approve/);
  const [question = ""] = await asked.answers();
  const id = /approve (\w+)/.exec(question)?.[1];
  await bot.says(`approve ${id}`, { by: "bob" }).expect(/lead/);
  assert.deepEqual(bot.requests, []);
  await bot.says(`approve ${id}`, { by: "cid" }).expect("orders 1.4.2 is on its way: deployment 7");
});

test("never says the token, whatever the CI answers", async () => {
  await using bot = kit({
    commands: [deploy],
    secrets,
    http: { "POST https://ci.example/api/deployments": { status: 401, body: `bad token ${secrets.CI_TOKEN}` } },
  });
  await bot.says("deploy orders 1.4.2").expect(/orders/);
  await bot.says("yes").expect("the CI did not take it (401): bad token [secret]");
});

test("says what a version is", async () => {
  await using bot = kit({ commands: [deploy] });
  await bot.says("deploy orders latest").expect("a version is three numbers: 1.4.2");
});
