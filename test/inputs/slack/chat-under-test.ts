import type { ChatUnderTest } from "../../contract/input/suite.ts";
import type { FakeSlack, Said } from "../../fakes/slack.ts";
import { buttons, labelOf } from "../../fakes/slack-blocks.ts";
import { shown } from "../../fakes/slack-markup.ts";

/** What people see and do in Slack, however it is connected. */
export function slackPeople(slack: FakeSlack, said: Said[]) {
  const { people } = slack;
  const seen = () =>
    [...slack.posts, ...people.whispers]
      .filter(({ ts }) => !slack.removed.has(ts))
      .sort((a, b) => (a.ts < b.ts ? -1 : 1))
      .map((post) => ({
        text: post.text,
        where: `${post.channel}/${post.thread}`,
        thread: post.thread,
        file: "file" in post ? post.file : undefined,
        live: post.live,
        choices: buttons(post.blocks).map(labelOf),
      }));
  const label = (index: number) => seen().findLast(({ choices }) => choices.length > 0)?.choices[index] ?? "";
  return {
    say: (text: string) => void said.push(slack.say(`@micro ${text}`)),
    heard: seen,
    alive: (raw: string) => shown(raw).live,
    sayElsewhere: (text: string) => void said.push(slack.say(text, { channel: "D1" })),
    sayDirect: (text: string) => void said.push(slack.say(text, { channel: "D1" })),
    overhear: (text: string) => void said.push(slack.say(text)),
    sayAsStranger: (text: string) => void said.push(slack.say(`@micro ${text}`, { user: "U9", team: "T9" })),
    spoof: (text: string) => {
      slack.user("U8", { name: "ann", profile: { display_name: "Ann" } });
      said.push(slack.say(`@micro ${text}`, { user: "U8" }));
    },
    // As Slack would bring it: what a client does with a megabyte is not ours to find out.
    flood: (length: number) => void said.push(slack.say(`<@UBOT> ${"x ".repeat(length / 2)}`, { raw: true })),
    noise: () => {
      const first = said[0] as Said;
      slack.edit(first, "@micro list services, please");
      slack.remove(first);
      slack.botSays("@micro list services");
      slack.botSays("@micro list services", "bot_message");
      for (const subtype of ["channel_join", "channel_topic", "me_message", "message_replied"]) {
        slack.say("@micro list services", { event: { subtype } });
      }
      slack.say("@micro list services", { event: { hidden: true } });
      slack.say("@micro list services", { user: slack.botUser });
    },
    taken: () => said.filter(slack.acked).length,
    refuse: slack.revoke,
    failSend: (code) => {
      const faults = {
        invalid_argument: { error: "is_archived" },
        exhausted: { retryAfter: 7 },
        unavailable: { reset: true },
      } as const;
      slack.fault("chat.postMessage", faults[code]);
    },
    hold: () => {
      let release = () => {};
      const until = new Promise<void>((resolve) => {
        release = resolve;
      });
      slack.fault("chat.postMessage", { times: 10, until });
      return release;
    },
    press: (index: number) => void people.press(label(index)),
    pressAsStranger: (index: number) => {
      slack.user("U9", { team_id: "T9", is_stranger: true });
      people.press(label(index), { user: "U9", team: "T9" });
    },
    sayForForm: (text: string) => void people.slash(text),
    fill: (values: Readonly<Record<string, string>>) =>
      void people.submit(
        Object.fromEntries(Object.entries(values).map(([at, value]) => [at, value === "true" || value])),
      ),
    failForm: people.late,
    marks: () => people.reactions(said.at(-1) as Said),
    failMark: () => slack.fault("reactions.add", { error: "too_many_reactions", times: 10 }),
    remove: () => {
      const last = slack.posts.at(-1);
      if (last) slack.remove(last);
    },
    under: () => seen().map(({ thread }) => slack.posts.find(({ ts }) => ts === thread)?.text),
    alone: () => slack.posts.filter(({ channel }) => channel === "DU1").map(({ text }) => text),
    whispered: () => people.whispers.map(({ text }) => text),
    close: slack.close,
    [Symbol.asyncDispose]: slack.close,
  } satisfies Omit<ChatUnderTest, "input">;
}
