// Messages of Slack's Block Kit as a page, for pictures of them in the docs: what people see, drawn from the blocks that were sent.

/**
 * @param {readonly { who: string, time: string, blocks?: readonly any[], text?: string, thread?: boolean }[]} messages
 * @param {"light" | "dark"} scheme
 */
export function slackPage(messages, scheme) {
  const colours =
    scheme === "light"
      ? "--back:#fff;--text:#1d1c1d;--soft:#616061;--line:#ddd;--code:#f6f6f6;--button:#fff"
      : "--back:#1a1d21;--text:#d1d2d3;--soft:#9a9b9d;--line:#3c3f44;--code:#222529;--button:#1a1d21";
  return `<!doctype html><meta charset="utf-8"><style>
:root{${colours}}
body{margin:0;padding:16px 20px;width:720px;background:var(--back);color:var(--text);font:15px/1.46 "DejaVu Sans",sans-serif}
.message{display:grid;grid-template-columns:36px 1fr;gap:0 10px;margin-bottom:14px}
.thread{margin-left:46px;padding-left:12px;border-left:3px solid var(--line)}
.face{width:36px;height:36px;border-radius:6px;background:#3e7bd6;color:#fff;font-weight:bold;display:grid;place-items:center}
.who{font-weight:bold}.time{color:var(--soft);font-size:12px;margin-left:8px}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:4px;padding:8px;margin:4px 0;font:12px/1.5 "DejaVu Sans Mono",monospace;white-space:pre-wrap}
.buttons{margin-top:6px;display:flex;flex-wrap:wrap;gap:8px}
button{font:bold 13px "DejaVu Sans",sans-serif;padding:5px 12px;border:1px solid var(--line);border-radius:4px;background:var(--button);color:var(--text)}
button.primary{background:#007a5a;border-color:#007a5a;color:#fff}button.danger{color:#fff;background:#c01343;border-color:#c01343}
</style>${messages.map(message).join("")}`;
}

function message({ who, time, blocks, text = "", thread }) {
  const inside = blocks === undefined || blocks.length === 0 ? words(text) : blocks.map(block).join("");
  return `<div class="message${thread ? " thread" : ""}"><div class="face">${who[0].toUpperCase()}</div><div>
<span class="who">${who}</span><span class="time">${time}</span>${inside}</div></div>`;
}

function block({ type, text, elements = [] }) {
  if (type === "section") return words(text.text);
  if (type !== "actions") throw new Error(`a block of the type ${type} is not drawn here`);
  const buttons = elements.map((each) => `<button class="${each.style ?? ""}">${escaped(each.text.text)}</button>`);
  return `<div class="buttons">${buttons.join("")}</div>`;
}

/** Slack's markup: fences, and `&amp;`, `&lt;`, `&gt;`, which are the same in HTML. */
function words(markup) {
  return markup
    .split("```")
    .map((part, index) => (index % 2 === 1 ? `<pre>${part.replace(/^\n|\n$/g, "")}</pre>` : line(part)))
    .join("");
}

function line(part) {
  const text = part.replace(/^\n|\n$/g, "");
  return text === ""
    ? ""
    : `<div class="text">${text.replace(/<(https?:[^|>]+)\|([^>]+)>/g, '<u title="$1">$2</u>')}</div>`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
