// A chat network without a network, and without a memory, as Hubot's adapter in hubot.mjs: what the bot says goes to
// `said` and nowhere else.

/** @param replays as an input whose messages may come again, so that the program gives it a journal in a file */
export function createChat({ name = "chat", replays = false } = {}) {
  const unread = [];
  let wake;
  let ids = 0;
  const next = () => {
    if (unread.length > 0) return Promise.resolve({ done: false, value: unread.shift() });
    return new Promise((resolve) => {
      wake = resolve;
    });
  };
  const connection = {
    [Symbol.asyncIterator]: () => ({ next }),
    send: async (message) => chat.said(message),
    close: async () => {},
  };
  const chat = {
    /** @type {(message: import("../dist/src/inputs/input.js").OutgoingMessage) => void} */
    said: () => {},
    say: (text, { room = "room", from = "ann" } = {}) => {
      const speaker = { id: from, name: from, guest: false };
      const value = { id: `m${++ids}`, from: speaker, place: { room }, text, addressed: false, sentAt: Date.now() };
      if (wake === undefined) {
        unread.push(value);
        return;
      }
      const resolve = wake;
      wake = undefined;
      resolve({ done: false, value });
    },
    input: { name, replays, limits: { textLength: 4000, files: true }, connect: async () => connection },
  };
  return chat;
}
