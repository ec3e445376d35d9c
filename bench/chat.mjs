// A chat network without a network, and without a memory, as Hubot's adapter in hubot.mjs: what the bot says goes to
// `said` and nowhere else.

/** @param replays as an input whose messages may come again, so that the program gives it a journal in a file */
export function createChat({ name = "chat", replays = false } = {}) {
  let waiting = [];
  let wake = () => {};
  let ids = 0;
  const chat = {
    /** @type {(message: import("../dist/src/inputs/input.js").OutgoingMessage) => void} */
    said: () => {},
    say: (text, { room = "room", from = "ann" } = {}) => {
      waiting.push({ text, room, from });
      wake();
    },
    input: { name, replays, limits: { textLength: 4000, files: true }, connect: async () => connection },
  };
  async function* messages() {
    for (;;) {
      if (waiting.length === 0) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      const batch = waiting;
      waiting = [];
      for (const { text, room, from } of batch) {
        const id = `m${++ids}`;
        yield {
          id,
          from: { id: from, name: from, guest: false },
          place: { room },
          text,
          addressed: false,
          sentAt: Date.now(),
        };
      }
    }
  }
  const connection = {
    [Symbol.asyncIterator]: messages,
    send: async (message) => chat.said(message),
    close: async () => {},
  };
  return chat;
}
