import { createHash } from "node:crypto";
import type { Board, Card } from "../commands/board.ts";
import { deadline } from "../core/deadline.ts";
import { MicroError } from "../core/errors.ts";
import type { OutgoingMessage } from "../inputs/input.ts";
import { drawCard } from "./card.ts";
import { say } from "./context.ts";
import type { Link } from "./links.ts";
import { renderAnswer } from "./render.ts";

/** A card that waits to be said, as it is by now. */
interface Slot {
  card: Card;
  /** It is being said: who has a newer one waits for the end of that. */
  begun: boolean;
  /** Who waits for it; when nobody does any more, it is let go. */
  waiting: number;
  readonly over: AbortController;
  readonly said: Promise<string>;
}

/** What was said last of a card. */
interface Said {
  readonly at: string;
  /** A digest. */
  readonly all: string;
}

/** Cards whose last words are remembered; of one that is forgotten they are said once more. */
const KNOWN_AT_MOST = 5000;

/** How long a card waits for its turn. */
const PUT_MS = 600_000;

/** Before the digest of a head, as the place of what cannot be changed. */
const ONCE = "said:";

/** Cards on the networks that the bot is in. */
export function createBoard(linkNamed: (input: string) => Link | undefined): Board {
  const slots = new Map<string, Slot>();
  const known = new Map<string, Said>();

  const linkOf = (input: string): Link => {
    const link = linkNamed(input);
    if (link === undefined) throw new MicroError("invalid_argument", `I am not in ${input}`);
    if (!link.live) throw new MicroError("unavailable", `${input} is away`, { details: { unsaid: true } });
    return link;
  };

  /** Says what is newest of it, or nothing where that is said already. */
  const show = async (key: string, link: Link, slot: Slot): Promise<string> => {
    const { limits } = link.input;
    const { room } = slot.card.place;
    const before = known.get(key);
    const at = before?.at ?? slot.card.at;
    let stands = at ?? "";
    let all = "";
    /** What there is to say of it by now. */
    const draw = (): OutgoingMessage | undefined => {
      const { key, head, last = false } = slot.card;
      const drawn = drawCard(slot.card, limits);
      all = digest(drawn);
      if (!limits.edits) {
        stands = ONCE + digest(head);
        return stands === at ? undefined : drawn;
      }
      // The last one is told in any case: by that the network's side forgets the key.
      if (before?.all === all && !last) return undefined;
      const onSaid = (told: string) => {
        stands = told;
      };
      return { ...drawn, progress: { key, last, onSaid, ...(at && { at }) } };
    };
    if (draw() !== undefined) {
      const drawNow = () => {
        slot.begun = true;
        return draw();
      };
      const onWait = () => {
        slot.begun = false;
        letGo(slot);
      };
      await link.outbox.put(room, drawNow, { fresh: at === undefined, signal: slot.over.signal, onWait });
    }
    known.delete(key);
    if (!slot.card.last) known.set(key, { at: stands, all });
    if (known.size > KNOWN_AT_MOST) known.delete(known.keys().next().value as string);
    return stands;
  };

  const begin = (key: string, link: Link, card: Card): Slot => {
    const over = new AbortController();
    let start = () => {};
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const slot: Slot = {
      card,
      begun: false,
      waiting: 0,
      over,
      said: started.then(() => show(key, link, slot)).finally(() => slots.delete(key)),
    };
    slot.said.catch(() => {});
    slots.set(key, slot);
    start();
    return slot;
  };

  return {
    live: (input) => linkNamed(input)?.live ?? false,
    edits: (input) => linkNamed(input)?.input.limits.edits ?? false,
    put: async (card, options = {}) => {
      const key = `${card.input}\n${card.key}`;
      using limit = deadline(options, PUT_MS, `a card in ${card.input}`);
      const link = linkOf(card.input);
      for (let slot = slots.get(key); slot?.begun; slot = slots.get(key)) await limit.race(slot.said.catch(() => ""));
      const waiting = slots.get(key);
      const slot = waiting ?? begin(key, link, card);
      if (waiting) {
        const { at = card.at, last = card.last } = waiting.card;
        waiting.card = { ...card, ...(at !== undefined && { at }), ...((last || card.last) && { last: true }) };
      }
      slot.waiting += 1;
      try {
        return await limit.race(slot.said);
      } catch (thrown) {
        const error = MicroError.from(thrown);
        // Nobody knows that of what is being said just now.
        if (slot.begun || error.details["unsaid"] === true) throw error;
        throw new MicroError(error.code, error.message, { details: { ...error.details, unsaid: true }, cause: error });
      } finally {
        slot.waiting -= 1;
        letGo(slot);
      }
    },
    under: async (card, words, options = {}) => {
      using limit = deadline(options, PUT_MS, `what belongs to a card in ${card.input}`);
      const link = linkOf(card.input);
      const { input, outbox } = link;
      const at = card.at || known.get(`${card.input}\n${card.key}`)?.at;
      const thread = at && input.threadIn?.(card.place, at);
      const text = thread ? words : `${card.name ?? card.key}: ${words}`;
      const draw = () => renderAnswer(say(text), thread || card.place, input.limits);
      await limit.race(outbox.put(card.place.room, draw, { fresh: true, signal: limit.signal }));
    },
  };
}

/** What nobody waits for any more is not said, unless it is being said. */
function letGo({ waiting, begun, over }: Slot): void {
  if (waiting === 0 && !begun) over.abort(new MicroError("cancelled", "nobody waits for it"));
}

function digest(what: unknown): string {
  return createHash("sha256").update(JSON.stringify(what)).digest("base64url").slice(0, 16);
}
