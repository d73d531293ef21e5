export { connectLink, type Link, type LinkOptions } from "./link.ts";
export { type AddressSubjects, createNatsTransport, type NatsTransportOptions } from "./nats-transport.ts";
export { mayAnswer } from "./reply-subject.ts";
