/** Lets an administrator look at the actors of this server. */
import { type ActorNode, type ActorSystem, type CommandOf, receive, resume, supervise } from "@castellan/actor";
import { type ActorReport, Actors, type ActorsReport } from "@castellan/protocol";

/** More would not fit into one message. */
const MOST_ACTORS = 2000;
const RECENT = 20;
/** Paths and types come from strangers too, when nobody was there for a message. */
const LONGEST = 200;

export function openActorsWindow(system: ActorSystem): void {
  const window = receive<CommandOf<typeof Actors>>({
    Inspect: (_message, replyTo) => replyTo.success(reportActors(system)),
  });
  system.expose(Actors, "-", system.spawn(supervise(window, resume()), "actors", { kind: "window" }));
}

export function reportActors(system: ActorSystem): ActorsReport {
  const { host, actors, deadLetters } = system.inspect();
  const flat = actors.flatMap(flatten);
  const recent = system.deadLetters.recent.slice(-RECENT).map(({ path, type, reason, at }) => ({
    path: path.slice(0, LONGEST),
    type: type.slice(0, LONGEST),
    reason,
    at: at.toISOString(),
  }));
  return {
    server: host,
    actors: flat.slice(0, MOST_ACTORS),
    omitted: Math.max(0, flat.length - MOST_ACTORS),
    deadLetters: { ...deadLetters, recent },
  };
}

function flatten({ children, ...actor }: ActorNode): ActorReport[] {
  return [actor, ...children.flatMap(flatten)];
}
