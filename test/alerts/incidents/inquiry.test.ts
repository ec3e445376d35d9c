import { expect, it } from "vitest";
import { type Incident, silenced } from "../../../src/alerts/incidents/incident.ts";
import { createInquiry } from "../../../src/alerts/incidents/inquiry.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON, notification } from "./notifications.ts";

const MINUTE = 60_000;
const open = merge(undefined, notification([alert()]), NOON, "a7f3");
const quiet = silenced(open, { id: "s1", until: NOON + 60 * MINUTE, by: "ann", why: "" }, NOON);
const ended = notification([alert({ status: "resolved", endsAt: NOON })], { receivedAt: NOON + 1000 });
const over = merge(open, ended, NOON + 1000, "a7f3");

function setUp(answer: (signal: AbortSignal | undefined) => Promise<ReadonlySet<string>>) {
  const clock = manualClock(NOON + 2000);
  const leaving = new AbortController();
  let asked = 0;
  const alertmanager = {
    active: (_labels: unknown, options: { readonly signal?: AbortSignal } = {}) => {
      asked += 1;
      return answer(options.signal);
    },
  };
  return { clock, leaving, inquiry: createInquiry(alertmanager, clock, leaving.signal), asked: () => asked };
}

it.each<[string, Incident]>([
  ["silenced", quiet],
  ["over", over],
])("an Alertmanager that is away is asked about one incident a minute, however many are %s", async (_how, incident) => {
  let away = true;
  const { clock, inquiry, asked } = setUp(async () => {
    if (away) throw new MicroError("timeout", "it hangs");
    return new Set();
  });
  const keys = ["a", "b", "c"];
  const askAll = () => Promise.allSettled(keys.map((key) => inquiry.said(key, incident)));
  const oneByOne = async () => {
    const came: string[] = [];
    for (const key of keys) {
      const told = inquiry.said(key, incident).then(
        () => "nothing",
        () => "away",
      );
      came.push(await told);
    }
    return came;
  };
  // What is over is asked about after a minute only.
  if (incident.status === "resolved") await askAll();
  await clock.advance(MINUTE);
  expect(await oneByOne()).toEqual(["away", "nothing", "nothing"]);
  expect(await oneByOne()).toEqual(["nothing", "nothing", "nothing"]);
  expect(asked()).toBe(1);
  away = false;
  await clock.advance(2 * MINUTE);
  expect(await oneByOne()).toEqual(["nothing", "nothing", "nothing"]);
  expect(asked()).toBe(4);
});

it("a question ends with who asks it", async () => {
  const { clock, leaving, inquiry } = setUp(
    (signal) => new Promise((_answered, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
  );
  await inquiry.said("a", over);
  await clock.advance(MINUTE);
  const asking = inquiry.said("a", over);
  leaving.abort(new MicroError("cancelled", "another leads"));
  await expect(asking).rejects.toThrow("another leads");
});

it("what fires in between is asked about as if it had just ended", async () => {
  const { clock, inquiry, asked } = setUp(async () => new Set());
  await inquiry.said("a", over);
  await clock.advance(MINUTE);
  inquiry.onChange("a", open);
  await inquiry.said("a", over);
  expect(asked()).toBe(0);
});
