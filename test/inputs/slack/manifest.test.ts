import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../../..");
const read = (name: string) => readFile(join(root, name), "utf8");

interface Manifest {
  features: {
    app_home: Record<string, boolean>;
    slash_commands: { command: string; should_escape: boolean }[];
  };
  oauth_config: { scopes: { bot: string[] } };
  settings: {
    event_subscriptions: { bot_events: string[] };
    interactivity: { is_enabled: boolean };
    socket_mode_enabled: boolean;
  };
}

describe("the Slack app's manifest and its page", () => {
  it("asks for the events that are understood and the scopes that these and our calls want, and no more", async () => {
    const { oauth_config, settings } = parse(await read("slack-manifest.yaml")) as Manifest;
    const messages = ["message.channels", "message.groups", "message.im", "message.mpim"];
    expect(settings.event_subscriptions.bot_events).toEqual(["app_home_opened", "app_mention", ...messages]);
    expect(settings.socket_mode_enabled).toBe(true);
    const forEvents = ["app_mentions:read", "channels:history", "groups:history", "im:history", "mpim:history"];
    // Not chat:write.public: the bot speaks where it was invited, and elsewhere only to who asked.
    const forCalls = ["chat:write", "commands", "files:write", "reactions:write", "users:read"];
    expect([...oauth_config.scopes.bot].sort()).toEqual([...forEvents, ...forCalls].sort());
  });

  it("has the slash command, the presses and the home tab that are understood", async () => {
    const { features, settings } = parse(await read("slack-manifest.yaml")) as Manifest;
    expect(features.slash_commands).toMatchObject([{ command: "/micro", should_escape: true }]);
    expect(features.app_home).toMatchObject({ home_tab_enabled: true, messages_tab_enabled: true });
    expect(settings.interactivity.is_enabled).toBe(true);
  });

  it("serves sockets as it stands, and HTTP by the one line that its page tells", async () => {
    const text = await read("slack-manifest.yaml");
    const page = await read("docs/slack.md");
    expect(text).not.toMatch(/^ *(request_)?url:/m);
    const [, script = ""] = /`sed '([^']+)' slack-manifest\.yaml`/.exec(page) ?? [];
    const http = script.split("; ").reduce((before, step) => {
      const [, from = "", to = ""] = step.split("/");
      return before.replaceAll(new RegExp(`${from}`, "g"), to);
    }, text);
    const url = "https://YOUR.HOST/slack/events";
    const { features, settings } = parse(http) as Manifest;
    expect(features.slash_commands).toMatchObject([{ url }]);
    expect(settings).toMatchObject({
      event_subscriptions: { request_url: url },
      interactivity: { request_url: url, is_enabled: true },
      socket_mode_enabled: false,
    });
    expect(settings.event_subscriptions.bot_events.length).toBeGreaterThan(5);
  });

  it("explains each scope, and names only tests that exist", async () => {
    const page = await read("docs/slack.md");
    const { oauth_config } = parse(await read("slack-manifest.yaml")) as Manifest;
    for (const scope of oauth_config.scopes.bot) expect(page).toContain(`\`${scope}\``);

    const tests = (
      await Promise.all(
        ["hearing", "http", "links", "render", "workspaces"].map((name) => read(`test/inputs/slack/${name}.test.ts`)),
      )
    ).join();
    const named = [...page.split("## What it takes care of")[1]!.matchAll(/\("([^"]+)"\)/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(5);
    for (const name of named) expect(tests).toContain(name);
  });
});
