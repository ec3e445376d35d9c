// A Hubot 14 as its users have it, except that what it says goes nowhere.
import { Adapter, Robot, TextMessage, User } from "hubot";

/** @param {(text: string) => void} said */
export async function createRobot(said = () => {}) {
  class Nowhere extends Adapter {
    async send(_envelope, ...strings) {
      said(strings.join("\n"));
    }
    async reply(envelope, ...strings) {
      return this.send(envelope, ...strings);
    }
    async run() {
      this.emit("connected");
    }
  }
  const robot = new Robot({ use: (owner) => new Nowhere(owner) }, false, "micro");
  robot.logger.level = "silent";
  await robot.loadAdapter();
  await robot.run();
  const user = new User("ann", { name: "ann", room: "room" });
  let id = 0;
  return { robot, message: (text) => new TextMessage(user, text, String(++id)) };
}
