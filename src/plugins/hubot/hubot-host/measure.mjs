/** Things said to one message that was heard. */
const MOST_TO_ONE = 500;
/** Chat messages of a second, and characters, of all scripts together. */
const MOST_A_SECOND = 100;
const MOST_CHARACTERS = 1_000_000;
/** Messages of which it is known how much was said to them. */
const KNOWN = 2000;

/**
 * How much scripts may say: a loop around `messageRoom` would be a hundred thousand messages to chat, and hold the bot meanwhile.
 *
 * @returns `(token, apart, text)`: the text; instead of the first that is too much, a word about that; `undefined` for what
 * comes after it. `apart`: it is a chat message of its own
 */
export function createMeasure(now = () => performance.now()) {
  const toOne = new Map();
  let second = { since: Number.NEGATIVE_INFINITY, said: 0, characters: 0, told: false };

  return (token, apart, text) => {
    if (now() - second.since >= 1000) second = { since: now(), said: 0, characters: 0, told: false };
    if (token !== undefined) {
      const before = toOne.get(token) ?? 0;
      if (before > MOST_TO_ONE) return undefined;
      toOne.set(token, before + 1);
      if (toOne.size > KNOWN) toOne.delete(toOne.keys().next().value);
      if (before === MOST_TO_ONE) return `scripts have said ${MOST_TO_ONE} things to this; the rest is left out`;
    }
    const fits = second.characters + text.length <= MOST_CHARACTERS && (!apart || second.said < MOST_A_SECOND);
    if (!fits) {
      if (second.told) return undefined;
      second.told = true;
      return "scripts say more at once than anybody reads; the rest of it is left out";
    }
    second.characters += text.length;
    if (apart) second.said += 1;
    return text;
  };
}
