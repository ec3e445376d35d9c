/**
 * Hubot's Robot as scripts of all its versions know it (`hubot.md §4`): `load` and `loadFile` that have loaded when they return,
 * middleware with three arguments, `robot.commands` also as the list of help it once was, and a note at every listener of the
 * script that it belongs to. A middleware that throws stops the message: a check that fails must not let it pass.
 *
 * @param hubot the package
 * @param scripts what loads and names scripts; without it Hubot's own loading stays
 */
export function hostRobot(hubot, scripts) {
  class HostRobot extends hubot.Robot {
    constructor(adapter, httpd, name, alias) {
      super(adapter, httpd, name, alias);
      this.commands = asList(this.commands, this);
    }

    listen(matcher, options, callback) {
      super.listen(matcher, options, callback);
      this.#note("listen");
    }

    hear(regex, options, callback) {
      super.hear(regex, options, callback);
      this.#note("hear");
    }

    respond(regex, options, callback) {
      super.respond(regex, options, callback);
      const last = this.listeners.at(-1);
      if (last === undefined) return;
      last.kind = "respond";
      last.pattern = String(regex);
    }

    catchAll(options, callback) {
      super.catchAll(options, callback);
      const last = this.listeners.at(-1);
      if (last !== undefined) last.kind = "catchAll";
    }

    enter(options, callback) {
      super.enter(options, callback);
      this.#deaf("enter");
    }

    leave(options, callback) {
      super.leave(options, callback);
      this.#deaf("leave");
    }

    topic(options, callback) {
      super.topic(options, callback);
      this.#deaf("topic");
    }

    /** It loads, and nothing ever calls it. */
    #deaf(kind) {
      const last = this.listeners.at(-1);
      if (last !== undefined) last.kind = kind;
      scripts?.deaf(this, kind);
    }

    #note(kind) {
      const last = this.listeners.at(-1);
      if (last === undefined) return;
      last.kind = kind;
      if (last.regex !== undefined) last.pattern = String(last.regex);
      last.script = scripts?.current();
      scripts?.changed();
    }

    receiveMiddleware(middleware) {
      super.receiveMiddleware(careful(middleware, this));
      scripts?.changed();
    }

    listenerMiddleware(middleware) {
      super.listenerMiddleware(careful(middleware, this));
    }

    responseMiddleware(middleware) {
      super.responseMiddleware(careful(middleware, this));
    }

    /** What old scripts ask for, of the versions that had it. */
    parseVersion() {
      super.parseVersion();
      this.version ??= VERSION;
      return this.version;
    }
  }
  if (scripts !== undefined) {
    HostRobot.prototype.load = function (folder) {
      return scripts.loadFolder(this, folder);
    };
    HostRobot.prototype.loadFile = function (folder, file) {
      return scripts.loadFile(this, folder, file);
    };
  }
  return HostRobot;
}

/** Of the Hubot that this is written against: the package does not tell its own. */
const VERSION = "14.1.0";

/**
 * One argument as now, or three as before version 8; that called `next` to go on and `done` to stop. What throws stops.
 * @throws Error as Hubot does, for any other number
 */
function careful(middleware, robot) {
  if (typeof middleware !== "function" || (middleware.length !== 1 && middleware.length !== 3)) return middleware;
  const work = middleware.length === 3 ? withThree(middleware) : middleware;
  return async (context) => {
    try {
      return await work(context);
    } catch (error) {
      robot.emit("error", error, context.response);
      return false;
    }
  };
}

function withThree(middleware) {
  return (context) =>
    new Promise((resolve, reject) => {
      const done = () => resolve(false);
      const result = middleware(context, () => resolve(true), done);
      if (result === false) resolve(false);
      // One that is asynchronous may fail before it has called either.
      if (typeof result?.then === "function") result.then((said) => said === false && resolve(false), reject);
    });
}

/** The command bus, which is also the array of help that `robot.commands` was before version 14. */
export function asList(bus, robot) {
  return new Proxy(bus, {
    get: (target, name) => {
      if (name in target) {
        const found = Reflect.get(target, name, target);
        return typeof found === "function" ? found.bind(target) : found;
      }
      const found = robot.helpStrings?.[name];
      return typeof found === "function" ? found.bind(robot.helpStrings) : found;
    },
    set: (target, name, value) => {
      if (/^\d+$|^length$/.test(String(name))) robot.helpStrings[name] = value;
      else target[name] = value;
      return true;
    },
  });
}
