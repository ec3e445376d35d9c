import type { RequestFacts, Requests } from "../../commands/requests.ts";
import type { Clock } from "../../core/clock.ts";
import { roomOf } from "../long.ts";
import { type Pending, shownLine } from "./pending.ts";
import { isOpen, type Pendings } from "./store.ts";
import { closing, expiredText, fateText, question, whoIs } from "./words.ts";

/** The store as the command `requests` sees it: each room its own. @param name what the bot is called */
export function requestsOf(pendings: Pendings, clock: Clock, name: string): Requests {
  const isOf = ({ input, place }: Pending, room: string | undefined) => roomOf(input, place.room) === room;
  const factsOf = (pending: Pending): RequestFacts => {
    const { id, asker, expiresAt } = pending;
    const open = isOpen(pending, clock.now());
    const fate = pending.fate ? fateText(pending.fate) : expiredText(pending);
    return {
      id,
      asker: whoIs(asker),
      line: shownLine(pending),
      waits: open ? waitsFor(pending) : fate,
      seconds: open ? Math.round((expiresAt - clock.now()) / 1000) : 0,
      text: open ? question(pending, name) : closing(pending, fate),
    };
  };
  return {
    open: async (room) => {
      const all = (await pendings.list()).map(({ pending }) => pending);
      const open = all.filter((pending) => isOpen(pending, clock.now()) && isOf(pending, room));
      return open.map(factsOf);
    },
    get: async (id, room) => {
      const pending = /^[0-9a-f]{6}$/.test(id) ? (await pendings.get(id))?.pending : undefined;
      return pending && isOf(pending, room) ? factsOf(pending) : undefined;
    },
  };
}

function waitsFor({ approvals, votes, asker }: Pending): string {
  if (approvals === undefined) return whoIs(asker);
  const missing = Math.max(0, approvals.count - votes.length);
  return `${missing} of ${approvals.count} of ${approvals.role}`;
}
