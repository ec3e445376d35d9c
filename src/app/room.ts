import { MicroError } from "../core/errors.ts";
import type { Input } from "../inputs/input.ts";

/**
 * The room that an option names, as input:room.
 * @param option as it is written, `--alerts_room`
 * @throws MicroError `invalid_argument` for a room in which nothing can be said
 */
export function roomOf(
  option: string,
  said: string,
  inputs: readonly Pick<Input, "name" | "placeIn">[],
): { readonly input: string; readonly room: string } {
  const wrong = (why: string) => new MicroError("invalid_argument", `${option}=${said}: ${why}`);
  const [, name, room] = /^([a-z][\w-]*):(.+)$/.exec(said) ?? [];
  if (name === undefined || room === undefined) throw wrong("it is input:room, of one of --inputs, as slack:C02");
  const input = inputs.find((one) => one.name === name);
  if (input === undefined) {
    throw wrong(`I am not in ${name}: --inputs is ${inputs.map((one) => one.name).join(",")}`);
  }
  if (input.placeIn === undefined) throw wrong(`${name} says nothing that it was not asked`);
  return { input: name, room };
}
