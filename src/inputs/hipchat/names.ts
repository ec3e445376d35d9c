/** Namespaces of HipChat's own (`chat.md §5`), and of old XEPs that only HipChat needs here. */
export const HC = {
  /** Its login, and in messages who has sent them. */
  own: "http://hipchat.com",
  /** What rooms have beside XEP-0045: in lists, in invitations, in what integrations say. */
  room: "http://hipchat.com/protocol/muc#room",
  /** Who the account is, in one question. */
  startup: "http://hipchat.com/protocol/startup",
  /** What a client is, in its presence; this one says that it is a bot. */
  bot: "http://hipchat.com/client/bot",
  /** XEP-0078, and how a server offers it. */
  iqAuth: "jabber:iq:auth",
  iqAuthFeature: "http://jabber.org/features/iq-auth",
  /** RFC 6121 §2. */
  roster: "jabber:iq:roster",
  /** XEP-0054. */
  vcard: "vcard-temp",
  /** XEP-0030. */
  discoItems: "http://jabber.org/protocol/disco#items",
  /** XEP-0115. */
  caps: "http://jabber.org/protocol/caps",
} as const;
