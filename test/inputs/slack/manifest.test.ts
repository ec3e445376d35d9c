import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../../..");
const read = (name: string) => readFile(join(root, name), "utf8");

interface Manifest {
  oauth_config: { scopes: { bot: string[] } };
  settings: { event_subscriptions: { bot_events: string[] }; socket_mode_enabled: boolean };
}

describe("the Slack app's manifest and its page", () => {
  it("asks for the events that are understood and the scopes that these and our calls want, and no more", async () => {
    const { oauth_config, settings } = parse(await read("slack-manifest.yaml")) as Manifest;
    const events = ["app_mention", "message.channels", "message.groups", "message.im", "message.mpim"];
    expect(settings.event_subscriptions.bot_events).toEqual(events);
    expect(settings.socket_mode_enabled).toBe(true);
    const forEvents = ["app_mentions:read", "channels:history", "groups:history", "im:history", "mpim:history"];
    const forCalls = ["chat:write", "files:write", "users:read"];
    expect([...oauth_config.scopes.bot].sort()).toEqual([...forEvents, ...forCalls].sort());
  });

  it("explains each scope, and names only tests that exist", async () => {
    const page = await read("docs/slack.md");
    const { oauth_config } = parse(await read("slack-manifest.yaml")) as Manifest;
    for (const scope of oauth_config.scopes.bot) expect(page).toContain(`\`${scope}\``);

    const tests = (
      await Promise.all(["hearing", "links", "render"].map((name) => read(`test/inputs/slack/${name}.test.ts`)))
    ).join();
    const named = [...page.split("## What it takes care of")[1]!.matchAll(/\("([^"]+)"\)/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(tests).toContain(name);
  });
});
