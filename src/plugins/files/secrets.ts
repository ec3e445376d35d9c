import { MicroError } from "../../core/errors.ts";
import { type Redactor, SHORTEST_SECRET } from "../../core/redact.ts";

export interface OwnSecretsInit {
  /** By name: a value, or where it stands. */
  readonly references: Readonly<Record<string, string>>;
  /** What a reference leads to. @throws MicroError */
  readonly resolve: (reference: string) => Promise<string>;
  readonly redactor: Redactor;
}

/**
 * Secrets of commands, looked up when one is asked for, so that a new value needs no restart. A value is crossed out from then
 * on, and so is the one before it, which may still be on its way.
 */
export function ownSecrets({ references, resolve, redactor }: OwnSecretsInit): (name: string) => Promise<string> {
  const known = new Map<string, { readonly value: string; readonly forget: () => void }[]>();
  return async (name) => {
    const reference = Object.hasOwn(references, name) ? references[name] : undefined;
    if (reference === undefined || reference === "") {
      throw new MicroError(
        "not_found",
        `nobody has set the secret ${name}: start the bot with --command_secret=${name}=…`,
      );
    }
    const value = await resolve(reference);
    if (value.length < SHORTEST_SECRET) {
      const words = `the secret ${name} is too short to be kept out of what is said: it wants ${SHORTEST_SECRET} characters`;
      throw new MicroError("invalid_argument", words);
    }
    const before = known.get(name) ?? [];
    if (!before.some((one) => one.value === value)) {
      const now = [...before, { value, forget: redactor.add([value]) }];
      known.set(name, now.slice(-2));
      for (const old of now.slice(0, -2)) old.forget();
    }
    return value;
  };
}
