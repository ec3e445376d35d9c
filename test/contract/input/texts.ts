/** Texts that mean something to some chat network, some terminal or some browser. */
export const HOSTILE: readonly string[] = [
  "<!channel> <!here> <!everyone> <!subteam^S1|@ops>",
  "<@U1> <@U1|ann> <#C1|general>",
  "<https://evil.example/?q=secret|your balance> <mailto:a@b.c|mail>",
  "<!date^1392734382^{date}|<!channel>>",
  "&lt;!channel&gt; &amp;lt;!here&amp;gt; &",
  "``` <!channel> ``` then ```` and `<@U1>`",
  "<script>alert(1)</script> <a href='x'>y</a> </body><message/>",
  "</body></message><message to='all@x'><body>]]><![CDATA[&#0;",
  "*bold* _it_ ~no~ ||hidden|| [your balance](https://evil.example) > quote",
  '{"json": "<!channel>", "n": [1, 2]}',
  "@channel @here @everyone",
];

/** What would call people, or everybody, on one network or another; an alert may be named so by whoever can reach its source. */
export const CALLING: readonly string[] = [
  "@here @everyone @channel @all",
  "<!here> <!channel|channel> <!everyone> <!subteam^S1>",
  "<@U1> <@U1|ann> <@UBOT> @Ann",
  "<@100000000000000001> <@!100000000000000001> <@&300000000000000001> <#200000000000000001>",
  "@ann @micro_test_bot /list@micro_test_bot /stop",
  "<a href='tg://user?id=101'>Ann</a> [Ann](tg://user?id=101) tg://user?id=101",
  "xmpp:ann@chat.example.org?message ann@chat.example.org/laptop ops@conference.chat.example.org",
  "@AnnSmith @all (allthethings) /code",
];

/** What moves a cursor, names a window or ends a text too early. */
export const CONTROLS = "one\u0000two \u0007\u0008\u001b[2Jthree \u001b]0;title\u0007 \u009b31mfour \ufffe\ud800";

/** What any person may write in any language, which is nobody's markup. */
export const SCRIPTS: readonly string[] = [
  "Jörg said “one”, «two» and ‘three’ — it’s four…",
  "👩‍👩‍👧 🇩🇪 👍🏽 \u{1f980} e\u0301",
  "שלום עולם, مرحبا بالعالم",
  "日本語のテキスト 한국어 ไทย",
];

/** What a person types, which is to arrive as it was typed. */
export const TYPED: readonly string[] = [
  ...SCRIPTS.map((text) => `echo ${text}`),
  "call a.b C.D {“name”: “Jörg”}",
  "echo a &lt; b &amp;&amp; c <d> & e",
  "echo https://example.com/A?b=c&d=%20#e and example.com, ann@example.com",
  "echo `code` in ``` a fence ``` and *stars* _lines_ ~waves~",
  'call a.b C.D {"a":[1,{"b":"\\u00e9\\n"}],"c":"<@U1>"}',
];
