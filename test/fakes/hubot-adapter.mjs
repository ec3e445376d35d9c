import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { Adapter, CatchAllMessage, EnterMessage, LeaveMessage, TextMessage, TopicMessage } from "hubot";

/** A Hubot adapter for the chat of `hubot-chat.ts`: lines of JSON over TCP. It misbehaves when that says so. */
class ChatAdapter extends Adapter {
  #socket;
  #waiting = new Map();
  #posts = 0;

  async run() {
    const { HUBOT_CHAT_PORT, HUBOT_CHAT_TOKEN, HUBOT_CHAT_RUN } = process.env;
    if (HUBOT_CHAT_PORT === undefined) throw new Error("HUBOT_CHAT_PORT is not defined");
    misbehave(HUBOT_CHAT_RUN, this);
    this.robot.logger.debug("options", { token: HUBOT_CHAT_TOKEN });
    this.#socket = connect(Number(HUBOT_CHAT_PORT), "127.0.0.1");
    await once(this.#socket, "connect");
    this.#socket.on("close", () => this.emit("disconnected"));
    const lines = createInterface({ input: this.#socket });
    lines.on("error", (error) => this.robot.logger.warn(error));
    lines.on("line", (line) => this.#onLine(JSON.parse(line)));
    this.#tell({ token: HUBOT_CHAT_TOKEN });
  }

  async send(envelope, ...strings) {
    const { room, user, message } = envelope;
    const n = ++this.#posts;
    const answer = new Promise((resolve) => this.#waiting.set(n, resolve));
    // Where the person is, as many adapters have it, comes first.
    this.#tell({ n, room: user ? user.room : room, to: user?.name, thread: message?.thread, text: strings.join("\n") });
    const { error } = await answer;
    if (error?.quietly) this.robot.logger.error(new Error(error.message), "it was not sent");
    else if (error) throw Object.assign(new Error(error.message), error);
  }

  close() {
    super.close();
    this.#socket?.destroy();
  }

  #tell(what) {
    this.#socket.write(`${JSON.stringify(what)}\n`);
  }

  #onLine({ hello, refused, n, error, say, do: what }) {
    if (hello) {
      this.robot.self = { id: hello };
      this.emit("connected");
    }
    if (refused) this.emit("error", new Error(`invalid_auth: ${refused} is no good`));
    if (n) this.#waiting.get(n)?.({ error });
    if (what) misbehave(what, this);
    if (say) this.receive(this.#message(say));
  }

  #message({ kind = "text", id, text, room, thread, user }) {
    const person = this.robot.brain.userForId(user.id, user);
    // The one object for a person, as many adapters have it.
    Object.assign(person, user, { room });
    switch (kind) {
      case "enter":
        return new EnterMessage(person);
      case "leave":
        return new LeaveMessage(person);
      case "topic":
        return new TopicMessage(person, text, id);
      case "catchAll":
        return new CatchAllMessage(new TextMessage(person, text, id));
      default:
        return Object.assign(new TextMessage(person, text, id), { thread });
    }
  }
}

function misbehave(how, adapter) {
  switch (how) {
    case "exit":
      adapter.robot.logger.error("HUBOT_CHAT_SECRET_WORD is missing");
      return process.exit(1);
    case "throw":
      throw new Error("thrown where nobody catches");
    case "reject":
      return void Promise.reject(new Error("rejected where nobody looks"));
    case "error":
      return adapter.emit("error", new Error("an error event"));
    case "loop":
      for (;;);
    case "leak":
      return setInterval(() => {}, 1000);
    case "route":
      return adapter.robot.router.post("/hook", () => {});
    case "print":
      return console.log("printed by the adapter", process.env.HUBOT_CHAT_TOKEN);
    case "env":
      return adapter.robot.logger.warn(`seen: ${Object.keys(process.env).sort()}`);
  }
}

export default { use: (robot) => new ChatAdapter(robot) };
