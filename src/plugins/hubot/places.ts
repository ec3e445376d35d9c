import type { House } from "../../commands/house.ts";
import type { Behalf } from "../../commands/perform.ts";

/** Where scripts speak: to the message that they answer, a room, a person. Bounded; what is old is forgotten. */
export interface Places {
  remember(token: number, behalf: Behalf | undefined, room: string | undefined, caller: string): void;
  find(said: Spoken, placeIn: House["placeIn"]): Behalf | undefined;
}

/** As a script addresses it. */
export interface Spoken {
  readonly token?: number | undefined;
  /** `slack:C02`, as scripts are told of it; `C02` of the default network. */
  readonly room?: string | undefined;
  /** `slack:T01/U02`. */
  readonly user?: string | undefined;
}

const KEPT = 2000;

export function createPlaces(defaultInput: string | undefined): Places {
  const byToken = new Map<number, Behalf>();
  const byRoom = new Map<string, Behalf>();
  const byCaller = new Map<string, Behalf>();
  return {
    remember: (token, behalf, room, caller) => {
      if (behalf === undefined) return;
      keep(byToken, token, behalf);
      if (room !== undefined) keep(byRoom, room, behalf);
      if (behalf.from.id !== undefined) keep(byCaller, caller, behalf);
    },
    find: ({ token, room, user }, placeIn) => {
      const answer = token === undefined ? undefined : byToken.get(token);
      if (answer) return answer;
      if (room === undefined) return user === undefined ? undefined : byCaller.get(user);
      const [, input = defaultInput, name = room] = /^([a-z][\w-]*):(.+)$/s.exec(room) ?? [];
      const place = input === undefined ? undefined : placeIn(input, name);
      if (input !== undefined && place !== undefined) {
        return { input, place, from: { id: undefined, name: "a script", guest: true } };
      }
      return byRoom.get(room) ?? (defaultInput === undefined ? undefined : byRoom.get(`${defaultInput}:${room}`));
    },
  };
}

function keep<K>(map: Map<K, Behalf>, key: K, behalf: Behalf): void {
  map.delete(key);
  map.set(key, behalf);
  if (map.size > KEPT) map.delete(map.keys().next().value as K);
}
