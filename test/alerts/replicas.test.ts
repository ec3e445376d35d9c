import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Alert } from "../../src/alerts/alert.ts";
import type { Asked } from "../fakes/mortal-kv.ts";
import { type Point as Moment, pointsFor } from "../fakes/replicas.ts";
import { type RunningStore, STORE_KINDS } from "../fakes/stores.ts";
import { alert, NOON, notification } from "./incidents/notifications.ts";
import { replicas } from "./replicas.ts";

/* Alerts that several replicas take in over every kind of store, and processes that end without a good-bye. */

/** Under load a sync of the disk takes its time. */
const LONG = { timeout: 60_000 };
const FIRING: Partial<Alert> = {};
const RESOLVED: Partial<Alert> = { status: "resolved", endsAt: NOON + 1000 };

const named = (group: string, how: Partial<Alert>) =>
  notification([alert({ name: group, fingerprint: group, ...how })], {
    id: `${group}/${how.status ?? "firing"}`,
    group,
  });

const keeps =
  (what: Asked["what"], words: string) =>
  ({ what: asked, key, value = "" }: Asked) =>
    asked === what && key.startsWith("alerts.inbox.") && value.includes(words);
const writes =
  (what: Asked["what"], ...words: readonly (string | RegExp)[]) =>
  ({ what: asked, key, value = "" }: Asked) =>
    asked === what &&
    key.startsWith("incident.") &&
    words.every((word) => (typeof word === "string" ? value.includes(word) : !word.test(value)));

interface Point extends Moment {
  readonly so?: (asked: Asked) => boolean;
  /** It dies of what it says, and not of what it writes. */
  readonly says?: RegExp;
  /** How many cards stand there in the end; more than one says so. @default 1 */
  readonly cards?: number;
  /** Its card says that it may stand there twice. `chance`: it is begun to be said at that moment, or was, or is not yet. */
  readonly unsure?: true | "chance";
}

const BEGAN = writes("update", '"begunAt"', /"saidAt"/);
const NOTED = writes("update", '"saidAt"', '"status":"firing"');
const POINTS: readonly Point[] = [
  { where: "before it keeps the alert", when: "before", so: keeps("create", '"firing"') },
  { where: "after it kept the alert", when: "after", so: keeps("create", '"firing"') },
  { where: "before it makes the incident", when: "before", so: writes("create") },
  { where: "after it made the incident", when: "after", so: writes("create"), unsure: "chance" },
  { where: "before it is done with the alert", when: "before", so: keeps("update", '"done"'), unsure: "chance" },
  { where: "after it was done with the alert", when: "after", so: keeps("update", '"done"'), unsure: "chance" },
  { where: "before it begins to say it", when: "before", so: BEGAN },
  { where: "after it began to say it", when: "after", so: BEGAN, unsure: true, everywhere: true },
  { where: "before it says it", when: "before", says: /^FIRING/, unsure: true },
  { where: "after it said it", when: "after", says: /^FIRING/, unsure: true, cards: 2, everywhere: true },
  { where: "before it notes that it said it", when: "before", so: NOTED, unsure: true, cards: 2 },
  { where: "after it noted that it said it", when: "after", so: NOTED },
  { where: "before it keeps the end", when: "before", so: keeps("create", '"resolved"') },
  { where: "before it writes the end down", when: "before", so: writes("update", '"resolvedAt"'), everywhere: true },
  { where: "after it wrote the end down", when: "after", so: writes("update", '"resolvedAt"') },
  { where: "before it changes the card", when: "before", says: /^RESOLVED/ },
  { where: "after it changed the card", when: "after", says: /^RESOLVED/ },
];

describe.each(STORE_KINDS)("alerts of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it.each(kind === "memory" ? [2, 3] : [3])(
      "are one incident and one card each, whoever of %i takes them in, and how often",
      async (count) => {
        const { all, chat, incidents, until, workedOff, pass } = await replicas(await store.space(), count);
        const groups = Array.from({ length: 5 }, (_, n) => `Group${n}`);
        const tell = async (how: Partial<Alert>) => {
          // Alertmanagers that are replicas of each other all send.
          const answers = await Promise.all(
            groups.flatMap((group, n) => [n, n + 1].map((at) => all[at % count]?.inbox.put(named(group, how)))),
          );
          expect(answers.filter((answer) => answer === "taken")).toHaveLength(groups.length);
        };
        await tell(FIRING);
        await until("all are shown", () => chat.texts("ops").length >= groups.length);
        await tell(RESOLVED);
        await until("all are over", () => chat.texts("ops").every((text) => text.startsWith("RESOLVED")));
        await until("nothing waits", workedOff);
        await pass(5000);
        expect(
          chat
            .texts("ops")
            .map((text) => /Group\d/.exec(text)?.[0])
            .toSorted(),
        ).toEqual(groups);
        expect(chat.texts("ops").join("\n")).not.toContain("twice");
        expect((await incidents()).map(({ group, status, fires }) => [group, status, fires]).toSorted()).toEqual(
          groups.map((group) => [group, "resolved", 1]),
        );
        for (const { inbox } of all) expect(inbox.waiting).toBe(0);
      },
    );

    // Most are over the one that is recommended.
    it.each(kind === "nats" ? POINTS : pointsFor(kind, POINTS))(
      "go on at the others when one dies $where",
      async (point) => {
        const { when, so, says, cards = 1, unsure } = point;
        const { all, alive, chat, incidents, until, workedOff } = await replicas(await store.space(), 3);
        for (const { kv } of all) if (so) kv.dieAt(when, (asked) => alive().length === 3 && so(asked));
        if (says) chat.dieAt(when, (text) => alive().length === 3 && says.test(text));
        /** A source that is not answered sends again, to another. */
        const tell = async (how: Partial<Alert>) => {
          for (const { kv, inbox } of alive().toReversed()) {
            const answer = await Promise.race([
              inbox.put(named("Down", how)),
              new Promise<undefined>((resolve) => {
                const look = setInterval(() => {
                  if (!kv.dead) return;
                  clearInterval(look);
                  resolve(undefined);
                }, 1);
              }),
            ]);
            if (answer) return;
          }
          expect.unreachable("nobody has taken it");
        };
        await tell(FIRING);
        await until("it is shown", () => chat.texts("ops").length >= cards);
        await until("what fires was worked on", workedOff);
        await until("that is written down", async () => (await incidents())[0]?.cards[0]?.saidAt !== undefined);
        await tell(RESOLVED);
        await until("it is over", () => chat.texts("ops").at(-1)?.startsWith("RESOLVED") ?? false);
        await until("nothing waits", workedOff);
        await until("that is written down", async () => (await incidents())[0]?.cards[0]?.status === "resolved");
        expect(alive()).toHaveLength(2);
        expect(await incidents()).toMatchObject([{ group: "Down", status: "resolved", fires: 1 }]);
        const marked = chat.texts("ops").at(-1)?.includes("may stand here twice");
        if (unsure !== "chance") {
          expect(chat.texts("ops")).toHaveLength(cards);
          expect(marked).toBe(unsure ?? false);
        } else expect(chat.texts("ops").length).toBeLessThanOrEqual(marked ? 2 : 1);
      },
    );
  });
});
