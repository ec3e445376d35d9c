// Description:
//   A command of Hubot 14's command bus: here it is a typed command, which the bot confirms
//
// Commands:
//   hubot deploy.start --service <name> - Deploy a service

/** @param {any} robot */
export default (robot) => {
  robot.commands.register({
    id: "deploy.start",
    description: "Deploy a service",
    args: {
      service: { type: "string", required: true },
      to: { type: "enum", values: ["staging", "production"], default: "staging" },
    },
    sideEffects: ["replaces what runs"],
    handler: async ({ args, context }) => `${context.user.name} deploys ${args.service} to ${args.to}`,
  });
};
