/** Addresses of actors as subjects of the node. */
import type { AddressSubjects } from "@castellan/actor/nats";
import type { Subjects } from "@castellan/protocol";

export function actorSubjects(subjects: Subjects): AddressSubjects {
  return {
    of: ({ host, actor, key }, verb) => subjects.build({ kind: "request", server: host, actor, key, verb }),
    pattern: ({ host, actor, key }) => subjects.requestsOf({ server: host, actor, key }),
    verbOf: (subject) => subject.slice(subject.lastIndexOf(".") + 1),
  };
}
