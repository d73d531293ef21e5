/** From what was typed to the instances meant, or a refusal that names what is known. Pure. */
import { CastellanError } from "@castellan/kernel";
import { nearest, processLabel, type Target } from "@castellan/protocol";
import { listOf, type PlannedInstance, type PlannerView } from "./plan.ts";

export type Selection =
  | { readonly kind: "selected"; readonly instances: readonly PlannedInstance[] }
  | { readonly kind: "refused"; readonly refusal: CastellanError };

const refuse = (code: string, message: string, details: Record<string, unknown>): Selection => ({
  kind: "refused",
  refusal: new CastellanError(code, message, { details }),
});

function unknown(code: string, what: string, typed: string, known: readonly string[]): CastellanError {
  const near = nearest(typed, known);
  const hint = near === null ? "" : ` - did you mean ${near}?`;
  const message = `there is no ${what} "${typed}"${hint} (known: ${listOf(known)})`;
  return new CastellanError(code, message, {
    details: { name: typed, known: known.slice(0, 50), nearest: near },
  });
}

/** The server that was typed, by name or number, or the refusal. */
export function selectServer(typed: string, view: PlannerView): PlannerView["servers"][number] | CastellanError {
  const name = typed.toLowerCase();
  const server =
    view.servers.find((known) => known.name.toLowerCase() === name) ??
    view.servers.find(({ id }) => String(id) === name);
  if (server !== undefined) return server;
  const type = typed.toUpperCase();
  if (!isKnown(type, view)) {
    return unknown(
      "UNKNOWN_SERVER",
      "server",
      typed,
      view.servers.map((known) => known.name),
    );
  }
  const example = `${view.servers[0]?.name ?? "SERVER"} ${type}`;
  return new CastellanError(
    "UNKNOWN_SERVER",
    `${type} is a process type: the server comes before it, for example ${example}`,
    { details: { name: typed } },
  );
}

/** All instances of the target, enabled or not, in the order of the view. */
export function selectInstances(target: Target, view: PlannerView): Selection {
  let instances = view.instances;
  if (target.server !== undefined) {
    const server = selectServer(target.server, view);
    if (server instanceof CastellanError) return { kind: "refused", refusal: server };
    instances = instances.filter(({ serverId }) => serverId === server.id);
  }
  const where = target.server === undefined ? "in this node" : `on ${target.server}`;
  if (target.type === undefined) {
    if (target.instance === undefined) return { kind: "selected", instances };
    return refuse("BAD_TARGET", "an instance number means nothing without the process type before it", { target });
  }
  const type = target.type;
  const ofType = instances.filter((instance) => instance.type === type);
  if (ofType.length === 0 && !isKnown(type, view)) {
    const known = new Set([...view.types.keys(), ...view.instances.map((instance) => instance.type)]);
    return { kind: "refused", refusal: unknownType(type, known) };
  }
  if (ofType.length === 0) {
    return refuse("NO_INSTANCES", `no instance of ${type} is defined ${where}`, {
      type,
      server: target.server ?? null,
    });
  }
  if (target.instance === undefined) return { kind: "selected", instances: ofType };
  const one = ofType.filter(({ instance }) => instance === target.instance);
  if (one.length > 0) return { kind: "selected", instances: one };
  const numbers = [...new Set(ofType.map(({ instance }) => instance))].sort((a, b) => a - b).map(String);
  const label = processLabel({ type, instance: target.instance });
  return refuse("UNKNOWN_INSTANCE", `there is no ${label} ${where}; defined: ${listOf(numbers)}`, {
    type,
    known: numbers,
  });
}

/** `known`: every type that the node has heard of. */
export function unknownType(type: string, known: Iterable<string>): CastellanError {
  return unknown("UNKNOWN_TYPE", "process type", type, [...known].sort());
}

function isKnown(type: string, view: PlannerView): boolean {
  return view.types.has(type) || view.instances.some((instance) => instance.type === type);
}
