/** Characters of it all as JSON: a script that only ever adds would fill the store, which others need, too. */
const MOST = 10_000_000;

/**
 * Keeps the brain in the bot's store, each of its keys apart: only what has changed is handed over. `_private` is what
 * `brain.set` keeps; other members of `data` are older scripts' own.
 *
 * @param write `(entries)`, of `[name, json]`, without json for what is gone
 */
export function keepBrain(robot, stored, write) {
  const { brain } = robot;
  const last = new Map(stored);
  let full = false;
  const data = { _private: {} };
  for (const [name, json] of stored) {
    const value = parsed(json);
    if (value === undefined) continue;
    if (name.startsWith("_private/")) data._private[name.slice("_private/".length)] = value;
    else data[name] = value;
  }
  brain.mergeData({ ...data, users: { ...data.users } });

  const save = () => {
    const now = new Map();
    for (const [name, value] of Object.entries(brain.data)) {
      if (name !== "_private") keep(now, name, value);
    }
    for (const [name, value] of Object.entries(brain.data._private ?? {})) keep(now, `_private/${name}`, value);
    const changed = [];
    for (const [name, json] of now) if (last.get(name) !== json) changed.push([name, json]);
    for (const name of last.keys()) if (!now.has(name)) changed.push([name]);
    if (changed.length === 0) return;
    const size = [...now.values()].reduce((sum, json) => sum + json.length, 0);
    if (size > MOST) {
      const words = `robot.brain has ${size} characters, more than the ${MOST} that are kept, so it stays in the store as it was`;
      if (!full) robot.logger.warn(`${words}: take something out of it`);
      full = true;
      return;
    }
    full = false;
    last.clear();
    for (const [name, json] of now) last.set(name, json);
    write(changed);
  };
  brain.on("save", save);
  return { save };

  /** What is no JSON (a function, a circle) is left out, as every store of Hubot's leaves it out. */
  function keep(now, name, value) {
    try {
      const json = JSON.stringify(value);
      if (json !== undefined) now.set(name, json);
    } catch (error) {
      robot.logger.warn(`robot.brain: ${name} cannot be kept: ${error.message}`);
    }
  }
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
