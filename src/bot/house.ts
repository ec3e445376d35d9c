import type { Catalog } from "../commands/catalog.ts";
import type { House } from "../commands/house.ts";
import { chatLine, type Line } from "../commands/line.ts";
import type { KnownAliases } from "./aliases.ts";
import { isSame, speakerOf } from "./approvals/pending.ts";
import { seesAllBy } from "./audit/reader.ts";
import { createBoard } from "./board.ts";
import type { Networks } from "./networks.ts";
import type { Accounts } from "./policy/accounts.ts";
import type { Policy } from "./policy.ts";
import type { Rights } from "./rights.ts";

export interface HouseInit extends Pick<House, "performer" | "kv" | "clock" | "log" | "redactor"> {
  readonly catalog: () => Catalog;
  readonly networks: Pick<Networks, "named">;
  readonly policy: Policy;
  readonly rights: Pick<Rights, "mayStill">;
  readonly accounts: Pick<Accounts, "refresh">;
  readonly aliases: Pick<KnownAliases, "expand">;
  readonly holdsSecret: (line: Line) => boolean;
}

/** What the bot gives to its extensions. */
export function createHouse(init: HouseInit): House {
  const { performer, kv, clock, log, redactor, catalog, networks, policy, rights, accounts } = init;
  return {
    ...{ performer, kv, clock, log, redactor, catalog },
    board: createBoard(networks.named),
    meaning: async (text) => {
      const said = chatLine(text);
      const { line } = (await init.aliases.expand(said)) ?? { line: said };
      return { line: line.text, secret: init.holdsSecret(line) };
    },
    may: (asker, what) => seesAllBy(policy, what)(asker),
    mayStill: rights.mayStill,
    hears: (input) => networks.named(input) !== undefined,
    hasRole: (caller, guest, role) => policy.hasRole?.(caller, guest, role) ?? false,
    speaker: ({ caller, person = caller, behalf }) => speakerOf({ id: behalf?.from.id, caller, person }, policy),
    samePerson: async () => {
      await accounts.refresh();
      return (one, other) => isSame(policy, one, other);
    },
    placeIn: (input, room) => networks.named(input)?.input.placeIn?.(room),
    placeTo: (input, id) => networks.named(input)?.input.placeTo?.(id),
  };
}
