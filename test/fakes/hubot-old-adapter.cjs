/* An adapter as they were before classes: functions, `require.main`, `Parent.call(this)`, the levels of an older logger. */
const { inherits } = require("node:util");
const hubot = require.main.require("hubot");
const Adapter = require("hubot/src/adapter");
const { TextMessage } = require("hubot/es2015");

function OldMessage(user, text, id) {
  TextMessage.call(this, user, text, id);
}
inherits(OldMessage, TextMessage);

function OldAdapter(robot) {
  Adapter.call(this, robot);
  robot.logger.warning("an old level");
}
inherits(OldAdapter, Adapter);

OldAdapter.prototype.run = function () {
  this.emit("connected");
  const user = new hubot.User("U1", { name: "ann", room: "lobby" });
  this.receive(new OldMessage(user, "micro: ping", "1700000001"));
};

OldAdapter.prototype.send = function (envelope, text) {
  this.receive(new hubot.TextMessage(new hubot.User("U2", { name: "echo", room: envelope.room }), text, "1700000002"));
};

exports.use = (robot) => new OldAdapter(robot);
