/**
 * What somebody said, as plain facts; `undefined` when nobody did, or it was no text, or it was the robot or another one.
 * Joins, topics and what no listener took are other classes of Hubot's; a topic is also a text.
 */
export function heardIn(message, robot, { TextMessage, TopicMessage }, kept) {
  if (!(message instanceof TextMessage) || message instanceof TopicMessage) return undefined;
  const { user } = message;
  if (typeof message.text !== "string" || Object(user) !== user) return undefined;
  const facts = { ...Object(user.slack), ...user };
  if (isRobot(user, robot) || isBot(facts, message) || isEdit(message)) return undefined;

  const room = text(message.room ?? user.room);
  const id = credible(message.id);
  // An adapter may change its one object for a person with each message of theirs.
  const speaker = Object.assign(Object.create(Object.getPrototypeOf(user)), user);
  const envelope = { room: message.room ?? user.room, user: speaker, message };
  const name = id === undefined ? `m${++made}` : `${room ?? text(user.id) ?? text(user.name)}/${id}`;
  const { key, at } = kept.keep(name, envelope);
  return {
    id: id === undefined ? key : name,
    key,
    sentAt: at,
    text: message.text.slice(0, MAX),
    raw: typeof message.rawMessage?.text === "string" ? message.rawMessage.text.slice(0, MAX) : undefined,
    room,
    user: text(user.id),
    name: text(user.name),
    guest: [facts.is_restricted, facts.is_ultra_restricted, facts.is_stranger, facts.deleted].includes(true),
    names: [robot.name, robot.alias].filter((known) => typeof known === "string" && known !== ""),
  };
}

let made = 0;

/** Characters; no command is as long. */
const MAX = 40_000;

/** Many adapters copied an id from the documentation (`messageId`, `MSG-001`); taken for one, everything were one message. */
function credible(id) {
  const found = text(id);
  return found !== undefined && (/^\d+$/.test(found) || (found.length >= 8 && /\d/.test(found))) ? found : undefined;
}

function isRobot(user, { name, self, adapter }) {
  const own = [self?.id, self?.user_id, adapter.self?.id, adapter.self?.user_id].filter((id) => id !== undefined);
  return own.includes(user.id) || text(user.name)?.toLowerCase() === text(name)?.toLowerCase();
}

/** In the words that adapters pass on. */
function isBot(facts, message) {
  const raw = Object(message.rawMessage);
  return [facts.is_bot, facts.isBot, facts.bot].includes(true) || (message.bot_id ?? raw.bot_id ?? null) !== null;
}

function isEdit({ rawMessage, edited }) {
  const raw = Object(rawMessage);
  return raw.hidden === true || Boolean(edited ?? raw.edited);
}

function text(value) {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint"
    ? String(value).slice(0, 1000) || undefined
    : undefined;
}
