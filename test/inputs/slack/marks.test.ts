import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection, Mark, Place } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { listener } from "./listener.ts";

describe("signs on messages in Slack", () => {
  const open: InputConnection[] = [];
  let slack: FakeSlack;
  let said: { channel: string; ts: string };
  let place: Place;

  const connect = async (): Promise<InputConnection> => {
    const link = await slackInput(slack)().connect();
    open.push(link);
    return link;
  };

  beforeEach(async () => {
    slack = await fakeSlack();
    const link = await connect();
    said = slack.say("@micro list services");
    place = (await listener(link)())[0]!.place;
  });

  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await slack.close();
  });

  const put = async (link: InputConnection | undefined, ...marks: Mark[]) => {
    for (const mark of marks) await link?.mark?.(place, mark);
  };
  const borne = () => slack.people.reactions(said);
  const calls = () => slack.calls.filter(({ method }) => method.startsWith("reactions.")).map(({ method }) => method);

  it.each<[Mark[], string]>([
    [["taken"], "eyes"],
    [["taken", "waiting"], "hourglass_flowing_sand"],
    [["taken", "done"], "white_check_mark"],
    [["taken", "waiting", "done"], "white_check_mark"],
    [["taken", "waiting", "failed"], "x"],
    [["failed"], "x"],
  ])("%j leaves one: %s", async (marks, sign) => {
    await put(open[0], ...marks);
    expect(borne()).toEqual([sign]);
  });

  it("put the new one before the old one goes, and ask for no more than that", async () => {
    await put(open[0], "taken", "taken", "waiting", "done");
    expect(calls()).toEqual(["add", "add", "remove", "add", "remove"].map((how) => `reactions.${how}`));
  });

  it("replace what was put before a restart", async () => {
    await put(open[0], "taken", "waiting");
    await put(await connect(), "done");
    expect(borne()).toEqual(["white_check_mark"]);
  });

  it("take what is there already, or gone already, for done", async () => {
    await put(open[0], "taken");
    slack.fault("reactions.add", { error: "already_reacted" });
    slack.fault("reactions.remove", { error: "no_reaction" });
    await put(open[0], "done");
    await put(open[0], "done");
  });

  it("are given up when the scope is missing: asked for once, and nothing else suffers", async () => {
    slack.fault("reactions.add", { error: "missing_scope", needed: "reactions:write", times: 10 });
    await put(open[0], "taken", "waiting", "done");
    expect(calls()).toHaveLength(1);
    await open[0]?.send({ place, parts: [{ kind: "text", text: "1 service" }] });
    expect(slack.posts).toMatchObject([{ text: "1 service" }]);
  });

  it("throw what else goes wrong, as sending does", async () => {
    slack.fault("reactions.add", { retryAfter: 7 });
    await expect(put(open[0], "taken")).rejects.toMatchObject({ code: "exhausted", details: { retryAfterMs: 7000 } });
    slack.fault("reactions.add", { reset: true });
    await expect(put(open[0], "taken")).rejects.toMatchObject({ code: "unavailable" });
    await put(open[0], "taken");
    expect(borne()).toEqual(["eyes"]);
  });

  it("are for messages only: a slash command, a whisper and a home tab take none", async () => {
    const { ts: _ts, ...there } = place;
    await open[0]?.mark?.(there as Place, "taken");
    await open[0]?.mark?.({ room: "home/U1", home: "U1", team: "T1" }, "taken");
    expect(calls()).toEqual([]);
  });
});
