/** What the command bus has (`hubot.md §6`), as plain data: the bot parses, confirms and permits, and the bus carries out. */
export function listed(robot, scripts) {
  return [...robot.commands.listCommands()].map((command) => ({
    id: command.id,
    description: String(command.description ?? ""),
    examples: command.examples.filter((example) => typeof example === "string"),
    writes: command.sideEffects.length > 0 || command.confirm === "always",
    confirm: robot.commands.needsConfirmation(command.id),
    script: owners.get(command) ?? scripts.current(),
    args: Object.entries(command.args).map(([name, arg]) => ({
      name,
      type: String(arg?.type ?? "string"),
      required: arg?.required === true,
      values: Array.isArray(arg?.values) ? arg.values.map(String) : [],
      ...(["string", "number", "boolean"].includes(typeof arg?.default) && { fallback: arg.default }),
    })),
  }));
}

const owners = new WeakMap();

/** Knows whose each command is, and when there are others. */
export function watchCommands(robot, scripts) {
  // Its own help would take the bot's.
  robot.commands.unregister("help");
  robot.commands.on("commands:registered", ({ commandId }) => {
    owners.set(robot.commands.getCommand(commandId), scripts.current());
    scripts.changed();
  });
  robot.commands.on("commands:updated", ({ commandId }) => {
    owners.set(robot.commands.getCommand(commandId), scripts.current());
    scripts.changed();
  });
}

/** @returns what its handler answers @throws Error that says which argument is wrong, or that it may not be done here */
export async function execute(robot, id, given, context) {
  const { commands } = robot;
  const command = commands.getCommand(id);
  if (command === undefined) throw new Error(`there is no command ${id} any more`);
  if (command.permissions?.roles?.length > 0 && typeof commands.permissionProvider?.hasRole !== "function") {
    throw new Error(`${id} is for ${command.permissions.roles.join(", ")}, and no script tells who has that role`);
  }
  const checked = await commands.validate(id, given, context);
  if (!checked.ok) {
    const missing = checked.missing?.length > 0 ? [`missing: ${checked.missing.join(", ")}`] : [];
    throw new Error([...missing, ...(checked.errors ?? [])].join("; "));
  }
  const answer = await commands.execute(id, checked.args, context);
  if (answer === undefined || answer === null) return undefined;
  return typeof answer === "object" ? JSON.stringify(answer, undefined, 2) : String(answer);
}
