import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { silent } from "../../../src/core/log.ts";
import type { IncomingMessage, Input, InputConnection } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { openWorkspaces } from "../../../src/inputs/slack/workspaces.ts";
import { manualClock } from "../../fakes/clock.ts";
import { freePort } from "../../fakes/free-port.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { type SlackRequests, slackRequests } from "../../fakes/slack-http.ts";

const SECOND = { team: "T2", botUser: "UBOT2", token: "xoxb-2222-3333-planted-second-secret" };
const THIRD = { team: "T3", botUser: "UBOT3", token: "xoxb-3333-4444-planted-third-secret" };

describe("several workspaces of one Slack app", () => {
  const clock = manualClock();
  const links: InputConnection[] = [];
  let requests: SlackRequests;
  let slack: FakeSlack;
  let input: Input;

  beforeEach(async () => {
    const port = await freePort();
    requests = slackRequests({ port, now: () => Math.floor(clock.now() / 1000) });
    slack = await fakeSlack({ deliveries: requests });
    slack.install(SECOND);
    slack.user("U5", { team_id: "T2" });
    input = slackInput({
      token: `${slack.token}, ${SECOND.token}`,
      signingSecret: requests.signingSecret,
      address: `127.0.0.1:${port}`,
      apiUrl: slack.apiUrl,
    })({ clock });
  });

  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    requests.close();
    await slack.close();
  });

  const connect = async () => {
    const link = await input.connect();
    links.push(link);
    return link;
  };

  /** Everything the bot hears up to a last word said now, each id once. */
  const heard = async (link: InputConnection) => {
    const end = `the end ${Math.random()}`;
    slack.say(end);
    const messages = new Map<string, IncomingMessage>();
    const iterator = link[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the link ended");
      if (value.text === end) return [...messages.values()];
      messages.set(value.id, value);
    }
  };

  it("an envelope is heard as its workspace's, and the answer goes out with that one's token", async () => {
    const link = await connect();
    const one = slack.say("@micro ping");
    const two = slack.say("@ubot2 ping", { user: "U5", workspace: "T2", channel: "C2" });
    slack.say("@micro ping", { user: "U5", workspace: "T2", channel: "C2" });
    const said = await heard(link);
    expect(said).toMatchObject([
      { id: `T1/C1/${one.ts}`, addressed: true, from: { id: "T1/U1", guest: false }, place: { team: "T1" } },
      { id: `T2/C2/${two.ts}`, addressed: true, from: { id: "T2/U5", guest: false }, place: { team: "T2" } },
      // The first one's name is nobody's in the second.
      { text: "@UBOT ping", addressed: false },
    ]);
    for (const { place, text } of said) await link.send({ place, parts: [{ kind: "text", text }] });
    expect(slack.posts.map(({ team, channel }) => [team, channel])).toEqual([
      ["T1", "C1"],
      ["T2", "C2"],
      ["T2", "C2"],
    ]);
  });

  it("its own words in one are not heard in it, and those of its other self are a bot's", async () => {
    const link = await connect();
    await link.send({ place: { room: "C1", channel: "C1", team: "T1" }, parts: [{ kind: "text", text: "one" }] });
    await link.send({ place: { room: "C2", channel: "C2", team: "T2" }, parts: [{ kind: "text", text: "two" }] });
    expect(await heard(link)).toEqual([]);
  });

  it("Outsiders in the room (chat.md §6): what comes from a workspace without a token is refused", async () => {
    const link = await connect();
    slack.install(THIRD);
    const stranger = slack.say("@ubot3 deregister service x", { workspace: "T3" });
    slack.event(
      { type: "message", channel: "C1", user: "U1", ts: "1.1", text: "x" },
      { team_id: "", authorizations: [], context_team_id: null },
    );
    expect(await heard(link)).toEqual([]);
    await vi.waitFor(() => expect(slack.acked(stranger)).toBe(true));
  });

  it("Outsiders in the room (chat.md §6): who types a command there is told so", async () => {
    await connect();
    const got = await requests.command({ command: "/micro", text: "list services", team_id: "T3", user_id: "U1" });
    expect(got.status).toBe(200);
    expect(JSON.parse(got.body)).toMatchObject({
      response_type: "ephemeral",
      text: expect.stringContaining("does not serve this workspace"),
    });
    expect((await requests.press({ type: "block_actions", team: { id: "T3" }, user: { id: "U1" } })).status).toBe(200);
  });

  it("Outsiders in the room (chat.md §6): a member of one is a guest in another", async () => {
    const link = await connect();
    slack.say("@micro ping", { user: "U5", team: "T2" });
    expect(await heard(link)).toMatchObject([{ from: { id: "T2/U5", guest: true }, place: { team: "T1" } }]);
  });

  it.each([
    ["users.info names another workspace", { team_id: "T9" }],
    ["users.info names none", { team_id: undefined }],
    ["users.info fails", undefined],
  ])(
    "Outsiders in the room (chat.md §6): when nothing tells whether the channel is shared, and %s, a speaker is a guest",
    async (_how, facts) => {
      const link = await connect();
      if (facts !== undefined) slack.user("U6", facts);
      const unread = { is_ext_shared_channel: undefined };
      slack.event({ type: "message", channel: "C1", user: "U6", ts: "1.1", text: "<@UBOT> ping" }, unread);
      slack.event({ type: "message", channel: "C1", user: "U1", ts: "1.2", text: "<@UBOT> ping" }, unread);
      expect((await heard(link)).map(({ from }) => from.guest)).toEqual([true, false]);
    },
  );

  it("where two of them share a channel, who was mentioned hears it, whichever Slack names", async () => {
    const link = await connect();
    const text = "<@UBOT2> ping";
    const shared = { is_ext_shared_channel: true };
    const event = { channel: "C1", user: "U5", ts: "1.1", text, team: "T2", user_team: "T2" };
    slack.event({ type: "message", channel_type: "channel", ...event }, shared, "T1");
    slack.event({ type: "app_mention", ...event }, shared, "T2");
    expect(await heard(link)).toMatchObject([
      { id: "T2/C1/1.1", text: "ping", addressed: true, from: { id: "T2/U5", guest: false }, place: { team: "T2" } },
    ]);
  });

  describe("tokens", () => {
    it("one that is refused is named by its place, and not shown", async () => {
      slack.uninstall("T2");
      const refused = await connect().catch((error: Error) => error);
      expect(refused).toMatchObject({
        code: "unauthenticated",
        message: expect.stringContaining("slack token 2 of 2"),
      });
      expect(String(refused)).not.toContain("planted");
    });

    it("two for one workspace are refused", async () => {
      slack.uninstall("T2");
      slack.install({ ...SECOND, team: "T1" });
      await expect(connect()).rejects.toMatchObject({
        code: "unauthenticated",
        message: expect.stringContaining("both for the workspace T1"),
      });
    });

    it("Slack that is away for one of them is tried again", async () => {
      slack.fault("auth.test", { status: 503 });
      await expect(connect()).rejects.toMatchObject({ code: "unavailable" });
      await connect();
    });

    it("an app that was removed from one goes on in the others", async () => {
      await (await connect()).close();
      slack.uninstall("T2");
      const link = await connect();
      slack.say("@micro ping");
      expect(await heard(link)).toMatchObject([{ text: "ping" }]);
      const place = { room: "C2", channel: "C2", team: "T2" };
      await expect(link.send({ place, parts: [{ kind: "text", text: "x" }] })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("T2"),
      });
      await link.close();
      slack.revoke();
      await expect(connect()).rejects.toMatchObject({ code: "unauthenticated" });
    });
  });

  it("each kind of envelope says its workspace in its own way", async () => {
    const tokens = [slack.token, SECOND.token];
    const init = { tokens, secrets: tokens, apiUrl: slack.apiUrl };
    const stop = new AbortController();
    const parts = { clock, log: silent };
    await using workspaces = await openWorkspaces(init, new Set(), parts, { signal: stop.signal });
    const team = (type: string, body: object) => workspaces.of({ type, body, ack: async () => {} })?.self.team;
    expect(team("events_api", { team_id: "T9", authorizations: [{ team_id: "T2" }] })).toBe("T2");
    expect(team("events_api", { team_id: "T1", authorizations: [{ team_id: "T9" }] })).toBe(undefined);
    expect(team("events_api", { team_id: "T9", context_team_id: "T2", authorizations: [] })).toBe("T2");
    expect(team("events_api", { team_id: "T2" })).toBe("T2");
    expect(team("slash_commands", { team_id: "T2" })).toBe("T2");
    expect(team("interactive", { team: { id: "T2" }, user: { team_id: "T9" } })).toBe("T2");
    expect(team("interactive", { team: { id: "T9" }, view: { app_installed_team_id: "T1" } })).toBe("T1");
    expect(team("interactive", { team: null, user: { team_id: "T1" } })).toBe("T1");
    for (const odd of [{}, { team: null, user: null, view: null }, { authorizations: "T1" }, { team_id: ["T1"] }]) {
      for (const type of ["events_api", "slash_commands", "interactive", "other"])
        expect(team(type, odd)).toBe(undefined);
    }
  });
});
