import { TOKEN } from "./adapter.mjs";

/**
 * Takes messages in Hubot's order, in two steps: what would act on one (`hear`), and then those that the bot lets act (`act`).
 * Receive middleware runs once, before the first. A message that nobody acts on goes by once more as a `CatchAllMessage`.
 *
 * @param busy told which listener's code runs: `busy(index)`, and `busy(-1)` when it has returned
 */
export function createHearing({ robot, hubot, busy }) {
  const { TextMessage, CatchAllMessage, User } = hubot;
  /** Heard, and not yet acted on. */
  const waiting = new Map();

  const speaker = ({ id, name, guest, room }) => {
    // Strangers share one id, so nothing is remembered of them.
    if (guest) return new User(id, { name, room, guest: true });
    const user = robot.brain.data.users[id] ?? robot.brain.userForId(id, { name, room });
    user.name = name;
    user.room = room;
    return user;
  };

  /** Sentences of a room come by here: what is for the robot alone is not even looked at. */
  const matching = (message, addressed) => {
    const found = [];
    const { listeners } = robot;
    for (let at = 0; at < listeners.length; at++) {
      const listener = listeners[at];
      if (!addressed && listener.kind === "respond") continue;
      busy(at);
      try {
        if (listener.matcher(message)) found.push(at);
      } catch (error) {
        robot.emit("error", error);
      }
    }
    busy(-1);
    return found;
  };

  const received = async (message) => {
    const { stack } = robot.middleware.receive;
    const context = { response: stack.length === 0 ? undefined : new robot.Response(robot, message) };
    if (stack.length === 0) return message;
    if ((await robot.middleware.receive.execute(context)) === false) return undefined;
    return context.response.message;
  };

  /** @returns indexes of the listeners that would act, in their order; `undefined`: a script's middleware has stopped it */
  const take = async (token, said, addressed) => {
    let message = await received(said);
    if (message === undefined) return undefined;
    let found = message.done ? [] : matching(message, addressed);
    if (
      found.length === 0 &&
      !message.done &&
      robot.listeners.some(({ kind }) => kind === "catchAll" || kind === "listen")
    ) {
      message = await received(new CatchAllMessage(message));
      if (message === undefined) return undefined;
      found = message.done ? [] : matching(message, addressed);
    }
    if (found.length === 0) return found;
    waiting.set(token, { message, found });
    // What the bot did not want to be acted on.
    if (waiting.size > WAITING) waiting.delete(waiting.keys().next().value);
    return found;
  };

  return {
    /** `take` of what the bot was told. */
    hear: async (token, { id, text, from, room, addressed, name }) => {
      const said = new TextMessage(speaker({ ...from, room }), addressed ? `${name} ${text}` : text, id);
      said[TOKEN] = token;
      return take(token, said, addressed);
    },
    take,
    /** Lets those act that may, until one says `finish()`. @throws what the last that failed has thrown */
    act: async (token, allowed) => {
      const heard = waiting.get(token);
      if (heard === undefined) throw new Error("the message is not known any more");
      waiting.delete(token);
      const { message, found } = heard;
      let failure;
      for (const at of found) {
        if (message.done) break;
        if (!allowed.includes(at)) continue;
        const error = await called(at, message);
        failure ??= error;
      }
      if (failure !== undefined) throw failure.error;
    },
    forget: (token) => waiting.delete(token),
  };

  /**
   * As `Listener.call` of Hubot, which lays every pattern out for a log that nobody reads, and keeps to itself what was thrown.
   * @returns what it threw; the robot's error handlers are told of it, too
   */
  async function called(at, message) {
    const listener = robot.listeners[at];
    const match = listener?.matcher(message);
    if (!match) return undefined;
    const response = new robot.Response(robot, message, match);
    const { listener: middleware } = robot.middleware;
    if (middleware.stack.length > 0 && (await middleware.execute({ listener, response })) === false) return undefined;
    try {
      busy(at);
      const result = listener.callback(response);
      busy(-1);
      await result;
      return undefined;
    } catch (error) {
      busy(-1);
      robot.emit("error", error, response);
      return { error };
    }
  }
}

/** Messages that are matched and not acted on. */
const WAITING = 2000;
