/**
 * Hubot as adapters of the years before version 11 know it: CommonJS, with classes that CoffeeScript 1 calls as functions
 * (`hubot.md §4`). The classes are the same, so what is made with these is an instance of those.
 */
export function oldHubot(hubot) {
  const old = {};
  for (const [name, value] of Object.entries(hubot)) {
    if (name !== "default") old[name] = isClass(value) ? callable(value) : value;
  }
  Object.defineProperty(old, "__esModule", { value: true });
  old.default = old;
  return old;
}

/** What `require("hubot")` and its inner files gave; `undefined`: not Hubot's. */
export function oldModule(old, request) {
  const found = /^hubot(?:\/(?:src\/)?([a-z0-9]+)(?:\.m?js)?)?$/i.exec(request);
  if (found === null) return undefined;
  // Files of one class; `message` and `listener` had several.
  const name = ["Adapter", "Brain", "Response", "Robot", "User"].find((name) => name.toLowerCase() === found[1]);
  return name === undefined ? old : old[name];
}

function isClass(value) {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** A class that may be called without `new`, on an object that inherits from it. */
function callable(Class) {
  const both = new Proxy(Class, {
    apply: (_target, self, given) => {
      if (self instanceof Class) Object.assign(self, Reflect.construct(Class, given));
    },
  });
  // CoffeeScript 1 calls `Child.__super__.constructor`.
  Class.prototype.constructor = both;
  return both;
}
