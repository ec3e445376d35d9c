// As adapters have it. The build puts the file itself here, and what it imports.
export { requireHubot } from "../../../inputs/hubot/hubot-worker/modules.mjs";
