import { expect, it } from "vitest";
import { comesFrom, identityOf, originOf } from "../../src/commands/identity.ts";
import { telling } from "../bot/run-bot.ts";

it("tells a command from another of its name, and knows the same again", () => {
  const made = (summary: string, digest = "1") => {
    const { command } = telling("deploy", { summary });
    comesFrom(command, { source: "files", from: "commands/deploy.ts", digest });
    return command;
  };
  expect(identityOf(made("Deploy"))).toBe(identityOf(made("Deploy")));
  expect(identityOf(made("Deploy"))).not.toBe(identityOf(made("Deploy it")));
  expect(identityOf(made("Deploy"))).not.toBe(identityOf(made("Deploy", "2")));
  expect(originOf(made("Deploy"))).toBe("commands/deploy.ts");
});

it("takes the bot's own for the same in every version", () => {
  const made = (summary: string) => {
    const { command } = telling("call", { summary });
    comesFrom(command, { from: "the bot" });
    return command;
  };
  expect(identityOf(made("Call"))).toBe(identityOf(made("Call an endpoint")));
});
