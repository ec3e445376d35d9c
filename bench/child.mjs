// A contestant in a process of its own: see `inProcess` in rounds.mjs.
const [module, name, config] = process.argv.slice(2);
// A bot whose chat carries nothing keeps no process alive while it waits for a thread.
setInterval(() => {}, 60_000);
const contestant = await import(module);
const measure = await contestant[name](JSON.parse(config));
process.on("message", async () => process.send(await measure()));
process.on("disconnect", () => process.exit());
process.send("ready");
