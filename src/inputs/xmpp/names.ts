/** Namespaces, by what we call them; each with the specification that defines it. */
export const NS = {
  /** RFC 6120. */
  client: "jabber:client",
  streams: "http://etherx.jabber.org/streams",
  streamErrors: "urn:ietf:params:xml:ns:xmpp-streams",
  stanzaErrors: "urn:ietf:params:xml:ns:xmpp-stanzas",
  tls: "urn:ietf:params:xml:ns:xmpp-tls",
  sasl: "urn:ietf:params:xml:ns:xmpp-sasl",
  bind: "urn:ietf:params:xml:ns:xmpp-bind",
  /** XEP-0030. */
  discoInfo: "http://jabber.org/protocol/disco#info",
  /** XEP-0045. */
  muc: "http://jabber.org/protocol/muc",
  mucUser: "http://jabber.org/protocol/muc#user",
  mucOwner: "http://jabber.org/protocol/muc#owner",
  /** XEP-0199. */
  ping: "urn:xmpp:ping",
  /** XEP-0203, and XEP-0091 before it. */
  delay: "urn:xmpp:delay",
  oldDelay: "jabber:x:delay",
  /** XEP-0308. */
  correct: "urn:xmpp:message-correct:0",
  /** XEP-0359. */
  sid: "urn:xmpp:sid:0",
  /** XEP-0372. */
  reference: "urn:xmpp:reference:0",
  /** XEP-0393. */
  styling: "urn:xmpp:styling:0",
  /** XEP-0444. */
  reactions: "urn:xmpp:reactions:0",
  /** XEP-0421. */
  occupant: "urn:xmpp:occupant-id:0",
} as const;
