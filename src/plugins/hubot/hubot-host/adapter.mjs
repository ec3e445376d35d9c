/** Which message an answer belongs to. */
export const TOKEN = Symbol("micro.token");

/**
 * What scripts say goes to the bot: with the token of the message that it answers, or to a room. Hubot knows of no failure
 * here: the bot's outbox tries again by itself.
 *
 * @param say `({ token, room, user, text })`
 */
export function bridgeAdapter({ Adapter }, say) {
  return class Bridge extends Adapter {
    async send(envelope, ...strings) {
      const text = strings
        .map(worded)
        .filter((one) => one !== "")
        .join("\n");
      if (text !== "") say({ ...whereTo(envelope), text });
    }

    async reply(envelope, ...strings) {
      const name = envelope?.user?.name;
      const [first, ...rest] = strings.map(worded);
      return this.send(envelope, name === undefined ? first : `${name}: ${first}`, ...rest);
    }

    async emote(envelope, ...strings) {
      return this.send(envelope, ...strings);
    }

    async topic(envelope, ...strings) {
      return this.send(envelope, ...strings);
    }

    async play(envelope, ...strings) {
      return this.send(envelope, ...strings);
    }

    async locked(envelope, ...strings) {
      return this.send(envelope, ...strings);
    }

    async run() {
      this.emit("connected");
    }
  };
}

/** An envelope whose room was changed by the script goes there. */
function whereTo(envelope) {
  const message = envelope?.message?.message ?? envelope?.message;
  const token = message?.[TOKEN];
  const room = envelope?.room;
  if (token !== undefined && (room === undefined || room === message.room)) return { token };
  const user = envelope?.user?.id ?? envelope?.id;
  return { room: room ?? envelope?.user?.room ?? undefined, user: user === undefined ? undefined : String(user) };
}

/** Attachments of the networks of others come down to the text in them. */
function worded(said) {
  if (typeof said === "string") return said;
  if (said === null || said === undefined) return "";
  if (typeof said !== "object") return String(said);
  const texts = [
    said.text,
    ...(Array.isArray(said.attachments) ? said.attachments.map((one) => one?.text ?? one?.fallback) : []),
  ];
  const found = texts.filter((text) => typeof text === "string" && text !== "");
  if (found.length > 0) return found.join("\n");
  try {
    return JSON.stringify(said);
  } catch {
    return String(said);
  }
}
